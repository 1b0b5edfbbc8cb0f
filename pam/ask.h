/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the answer comes from, by the policy's `password`: a question of our own, what an
 * earlier module left in PAM_AUTHTOK, or one answer that holds password and code.
 */
#ifndef PAM_ASK_H
#define PAM_ASK_H

#include "login/answer.h"
#include "pam/login.h"

/* Ask for a code. The caller wipes *ret_answer, here and below. */
void ask_code(const struct login *login, struct answer *ret_answer);

/* What PAM_AUTHTOK holds. */
void ask_first_pass(const struct login *login, struct answer *ret_answer);

/*
 * Take the combined answer, PAM_AUTHTOK where there is one or else a question's, and pass the
 * password in it on as PAM_AUTHTOK. Users without a record, or with one that waits for its first
 * code and is not asked for, type no code: the whole answer is the password. An answer without a
 * code is accepted only where no code is required (asked false); otherwise it is denied, and
 * nothing is passed on.
 */
void ask_combined(const struct login *login, bool asked, struct answer *ret_answer);

#endif
