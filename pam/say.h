/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines and messages: for each decision one line in the log and one sentence to the user.
 * Neither holds a code, a password or a secret.
 */
#ifndef PAM_SAY_H
#define PAM_SAY_H

#include "host/log.h"
#include "login/attempt.h"
#include "pam/login.h"

#define SAY_NOT_ACCEPTED "That code was not accepted."
#define SAY_NOT_POSSIBLE "Verification is not possible right now. Please tell your administrator."

#define SAY_USED_MAX 80

/*
 * The message about a used code that a program which wants silence (sudo) did not show, once; the
 * seconds are counted from now. It goes before the next prompt. False, and "": there is none.
 */
bool say_take_note(const struct login *login, char ret_sentence[SAY_USED_MAX]);

/*
 * One line, unless totpd has written it: priority as syslog(3); of the event outcome, reason, token
 * and detail count.
 */
void say_report(const struct login *login, int priority, const struct log_event *event);

/* One line more where the policy wants it. */
void say_debug(const struct login *login, const char *reason);

/* One sentence for the person, unless the program wants silence. */
void say_tell(const struct login *login, const char *sentence);

/*
 * The same where the person can do nothing alone; the policy's `help` follows. It follows every
 * denial, whatever its reason: nobody can tell from it who is enrolled.
 */
void say_denied(const struct login *login, const char *sentence);

/*
 * Their enrollment waits for its first code, so they were not asked. Only once the first factor
 * has been proved: a stranger is not to learn for which account no code is needed yet.
 */
void say_unconfirmed(const struct login *login);

/* Both, of what came of an answer. */
void say_outcome(const struct login *login, const struct outcome *outcome);

#endif
