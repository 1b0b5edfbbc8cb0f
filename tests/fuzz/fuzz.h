/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each target tests one decoder. libFuzzer calls it with any bytes; replay.c calls it with those of
 * the corpus, in every build. REQUIRE states what must always be true.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

static inline struct text fuzz_text(const uint8_t *data, size_t size)
{
	return (struct text){(const char *)data, size};
}

/* Take a C string of at most cap - 1 bytes from the input: up to its first NUL, or all of it. */
static inline void fuzz_string(struct text *input, char *ret_string, size_t cap)
{
	struct text field = {"", 0};

	text_field(input, '\0', &field);
	if (field.len > cap - 1)
		field.len = cap - 1;
	memcpy(ret_string, field.at, field.len);
	ret_string[field.len] = '\0';
}

#endif
