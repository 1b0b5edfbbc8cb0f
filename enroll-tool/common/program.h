/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another program, run to its end: without a shell, in an environment of its own, for a limited
 * time.
 */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define PROGRAM_INPUT_MAX 16384 /* what a pipe holds */

struct program {
	const char *const *argv; /* argv[0]: an absolute path; ends with NULL */
	const void *input;       /* for its standard input; NULL: /dev/null */
	size_t input_len;        /* up to PROGRAM_INPUT_MAX */
	bool errors;             /* standard error is part of its output */
	unsigned seconds;        /* after which it is killed */
};

/*
 * Run it, and put its output, with a NUL after it, into ret_text, which has room for cap bytes.
 * Returns the exit status, or -1 if it could not be run, was killed, or prints more than there is
 * room for; ret_text then holds the output so far.
 */
int program_run(const struct program *program, char *ret_text, size_t cap, size_t *ret_len);

/* The output of a program that runs. */
struct program_output {
	FILE *stream;
	pid_t pid;
};

/* Start it, for output of any length and duration; `seconds` does not count. False: errno. */
bool program_open(const struct program *program, struct program_output *ret_output);

/* Read no more, and wait for its end. Returns its exit status; -1: a signal ended it. */
int program_close(struct program_output *output);

#endif
