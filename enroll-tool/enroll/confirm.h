/*
 * Asking for a code before anything is stored: the only check that shows that the phone
 * has the secret, honours its settings and agrees about the time.
 */
#ifndef ENROLL_CONFIRM_H
#define ENROLL_CONFIRM_H

#include <signal.h>

#include "login/answer.h"
#include "otp/uri.h"

#define CONFIRM_TRIES 5

struct confirm {
	const struct otp_uri *uri;
	const char *question;
	uint32_t window;        /* steps each side, as at a login */
	uint32_t hotp_window;   /* counters after uri->counter, as at a login */
	int fd;                 /* where to ask */
	const sigset_t *asking; /* signal mask while a person types; one that arrives gives up */
};

/*
 * Ask for a code on standard input, up to CONFIRM_TRIES times. A code outside the window is
 * never accepted; if it is that of a step up to an hour away, the person is told that a
 * clock is wrong. The right code is never told.
 *
 * *ret_confirmed: a code was right, *ret_typed is that code, the caller's to wipe, and
 * *ret_moving is its step, or the counter after it: what the token's state becomes. False after
 * the last try, at the end of input, or after a signal.
 * TOTP_ERR_SYSTEM: the question could not be written or the answer not be read; errno.
 * TOTP_ERR_RANGE: this host's clock is before 1970. TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err confirm_ask(const struct confirm *confirm, struct answer *ret_typed,
				     bool *ret_confirmed, uint64_t *ret_moving);

#endif
