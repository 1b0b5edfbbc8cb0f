/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JSON document (RFC 8259) on standard output. Commas are put where they belong, and each
 * element of the outermost array is on a line of its own. Nothing gets lost: an error of writing
 * is kept, and json_end reports it. The document may hold secrets, so json_end wipes the buffer:
 * every json_begin needs a json_end.
 *
 * `name` is that of a member, or NULL in an array.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct json {
	char text[4096]; /* not written yet */
	size_t len;
	unsigned depth;
	bool array;  /* the outermost value is one */
	bool comma;  /* something stands before the next value */
	bool failed; /* a write failed: the rest is not written */
};

/* Begin an array or an object. bracket: '[' or '{'; the closing one is ']' or '}'. */
void json_begin(struct json *json, char bracket);

void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);

/* NULL becomes null. In text that is not clean UTF-8, bytes beyond ASCII become U+FFFD. */
void json_text(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, uint64_t number);
void json_bool(struct json *json, const char *name, bool value);

/* Close it, end the line and write the rest. False: not all of it was written. */
MUST_CHECK bool json_end(struct json *json);

#endif
