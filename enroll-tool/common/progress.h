/* SPDX-License-Identifier: BSD-2-Clause */
/* The progress of long work: a line on a terminal, nothing in a pipe. */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool on; /* standard error is a terminal */
	bool drawn;
	uint64_t due; /* CLOCK_MONOTONIC, ns: when to draw it again */
};

struct progress progress_begin(void);

/* Draw it if it is due: "doing [#####     ] 50 %". total: 0 if it is not known. */
void progress_show(struct progress *progress, const char *doing, size_t done, size_t total);

/* Remove it from the terminal, before anything else is written there. */
void progress_clear(struct progress *progress);

#endif
