/*
 * Where the answer comes from, by the policy's `password`: a question of our own, what an
 * earlier module left in PAM_AUTHTOK, or one answer that holds password and code.
 */
#ifndef PAM_ASK_H
#define PAM_ASK_H

#include "login/answer.h"
#include "pam/login.h"

/* Ask for a code. *ret_answer is the caller's to wipe, here and below. */
void ask_code(const struct login *login, struct answer *ret_answer);

/* What PAM_AUTHTOK holds. */
void ask_first_pass(const struct login *login, struct answer *ret_answer);

/*
 * Take the combined answer, PAM_AUTHTOK where there is one or else a question's, and hand
 * the password in it on as PAM_AUTHTOK. Whoever has no record, or one that waits for its first
 * code and is not asked for it, types no code: the whole is the password. An answer in which no code is to be seen is one for somebody who need not
 * give any (asked false); for others it is refused, and nothing is handed on.
 */
void ask_combined(const struct login *login, bool asked, struct answer *ret_answer);

#endif
