/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Talking to the person through the program that called PAM. That program is not
 * trusted to follow the protocol: no array, no answer and an empty one are all denied.
 */
#ifndef PAM_CONV_H
#define PAM_CONV_H

#include <security/pam_modules.h>
#include <stdbool.h>

#include "login/answer.h"

/* What was typed; a secret. */
struct conv_answer {
	bool given; /* there was a string, be it empty or too long */
	char text[ANSWER_MAX + 1];
};

#define OWN_CONV_ANSWER OWN(conv_answer_wipe)

void conv_answer_wipe(struct conv_answer *answer);

/*
 * Ask one question. An answer longer than ANSWER_MAX is given as "too long", which is no
 * code. False: the program did not, or could not, ask; *ret_answer is then not given.
 */
bool conv_ask(pam_handle_t *pamh, const char *prompt, bool echo, struct conv_answer *ret_answer);

/* Show one sentence as an error message; silently not where the program cannot. */
void conv_tell(pam_handle_t *pamh, const char *sentence);

/* The same as a piece of information. */
void conv_inform(pam_handle_t *pamh, const char *sentence);

#endif
