/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that a person types, or that a script writes to standard input. Secrets and codes are
 * read this way only, never from arguments, which every user of the host can read.
 */
#ifndef COMMON_PROMPT_H
#define COMMON_PROMPT_H

#include "base/err.h"
#include "base/secret.h"
#include "login/answer.h"

#define PROMPT_MAX 256 /* bytes of a line with its NUL; the rest of a longer line is dropped */

struct prompt {
	const char *question; /* NULL: read without a question */
	int in, out;          /* descriptors; in = 0 is standard input */
	bool hidden;          /* a terminal does not show what is typed */
};

/*
 * Ask, and read one line without its end. A signal that interrupt_hold holds back ends the
 * question. *ret_got is false at the end of input and after a signal. The caller wipes the line.
 * TOTP_ERR_SYSTEM: the question cannot be written or the line not be read; errno.
 */
MUST_CHECK enum totp_err prompt_line(const struct prompt *prompt, char ret_line[PROMPT_MAX],
				     bool *ret_got);

/* Ask for a code on standard input. The caller wipes the answer. The rest is as above. */
MUST_CHECK enum totp_err prompt_code(const char *question, struct answer *ret_answer,
				     bool *ret_got);

#endif
