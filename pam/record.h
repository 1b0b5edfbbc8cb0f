/*
 * Where the record of the user is looked at: in this process, which root's own programs do,
 * or by totpd, for all that may not open the store, and for set-uid programs, whose caller
 * could stop them while they hold somebody's lock.
 */
#ifndef PAM_RECORD_H
#define PAM_RECORD_H

#include "login/attempt.h"
#include "pam/login.h"

/*
 * Find out what the gate needs to know: login->facts.enrolled, pending and invited,
 * login->remembered. typed: the user's name as it was given. Where a set-uid program finds no totpd, or a store that it can
 * open is asked for, the store is opened here: login->store. Where totpd is asked and a code
 * is needed in any case, login->unlooked: only that totpd is there is found out.
 *
 * Errors are those of store_open, store_has, attempt_look and ask_totpd; none is ever
 * an absence. *why says what to do.
 */
MUST_CHECK enum totp_err record_look(struct login *login, const char *typed, struct reason *why);

/* Open the store in this process and look there, whatever else could be asked. */
MUST_CHECK enum totp_err record_look_here(struct login *login, const char *typed,
					  struct reason *why);

/* Try the answer. Errors as attempt; TOTP_ERR_NOT_FOUND: not enrolled. */
MUST_CHECK enum totp_err record_try(struct login *login, const struct answer *answer,
				    struct outcome *ret_outcome, struct reason *why);

#endif
