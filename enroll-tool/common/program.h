/* Another program, run to its end: without a shell, with an environment of its own, in bounded
 * time. */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_INPUT_MAX 16384 /* what a pipe holds */

struct program {
	const char *const *argv; /* argv[0]: an absolute path; ends with NULL */
	const void *input;       /* for its standard input; NULL: /dev/null */
	size_t input_len;        /* up to PROGRAM_INPUT_MAX */
	bool errors;             /* what it says on standard error is part of its output */
	unsigned seconds;        /* after which it is ended */
};

/*
 * Run it, and put what it prints, with a NUL after it, into ret_text, which has room for cap
 * bytes. Its exit status, or -1: it could not be run, was ended, or prints more than there is
 * room for; ret_text then holds what there is.
 */
int program_run(const struct program *program, char *ret_text, size_t cap, size_t *ret_len);

#endif
