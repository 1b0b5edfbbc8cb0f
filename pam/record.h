/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The module's access to a user's record: by a store of its own, or by totpd, as pam/place.h
 * decides. A store is open for one step at a time: no key of the host, and nothing of a record,
 * is in memory while a person is asked.
 */
#ifndef PAM_RECORD_H
#define PAM_RECORD_H

#include "login/attempt.h"
#include "otp/uri.h"
#include "pam/login.h"

/*
 * Decide where the record is to be looked at, and find out what the gate needs to know:
 * login->facts.enrolled, pending and invited, login->remembered. typed: the user's name as it
 * was given. Where totpd is asked and a code is needed in any case, login->unlooked: only that
 * totpd is there is found out.
 *
 * Errors are those of files_open, store_look, attempt_look and ask_totpd; TOTP_ERR_PEER: totpd is
 * needed and no process is listening; TOTP_ERR_OTHER_STORE: it is needed and serves another
 * store. None is ever an absence. *why says what to do.
 */
MUST_CHECK enum totp_err record_look(struct login *login, const char *typed, struct reason *why);

/* Try the answer. Errors as attempt; TOTP_ERR_NOT_FOUND: not enrolled. */
MUST_CHECK enum totp_err record_try(struct login *login, const struct answer *answer,
				    struct outcome *ret_outcome, struct reason *why);

/* A first enrollment that a person has confirmed. */
struct record_first {
	const struct otp_uri *uri;
	const char *label;
	const struct answer *typed; /* the code that confirmed it… */
	uint64_t moving;            /* …and the step it is of */
};

/*
 * Store it. The caller wipes the recovery codes. TOTP_ERR_EXISTS: enrolled already.
 * TOTP_ERR_NOT_FOUND: the invitation is no longer valid. Others as enroll_store and ask_totpd.
 */
MUST_CHECK enum totp_err record_enroll(struct login *login, const struct record_first *first,
				       struct recovery_code ret_codes[RECOVERY_MAX],
				       uint8_t *ret_count, struct reason *why);

#endif
