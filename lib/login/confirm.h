/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code that somebody types back before anything is stored: the only check that shows
 * that the phone has the secret, honours its settings and agrees about the time. Pure.
 */
#ifndef LOGIN_CONFIRM_H
#define LOGIN_CONFIRM_H

#include "otp/uri.h"

#define CONFIRM_HINT_MAX 256

/* The same windows as at a login. */
struct confirm_window {
	uint32_t steps; /* each side */
	uint32_t codes; /* of a counter, after uri->counter */
};

struct confirmation {
	bool right;
	uint64_t moving; /* right: the step, or the counter after it: what the state becomes */
	const char *id;  /* else: a word for what is wrong with it… */
	char hint[CONFIRM_HINT_MAX]; /* …and what to try, a sentence or two with line ends */
};

/*
 * Is what was typed a code of this secret, now (seconds since 1970 UTC)? A code outside the
 * window is never accepted; if it is that of a step up to an hour away, the hint says that
 * a clock is wrong. The right code is never told. TOTP_ERR_RANGE: a time before 1970.
 * TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err confirm_typed(const struct otp_uri *uri,
				       const struct confirm_window *window, const char *typed,
				       int64_t now, struct confirmation *ret_confirmation);

#endif
