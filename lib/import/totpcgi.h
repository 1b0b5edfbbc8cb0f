/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What totp-cgi notes about a user's logins, USER.json: a JSON object of four members, of which
 * success_timestamps, used_scratch_tokens and counter say what must not be accepted again. The
 * secret beside it is import_google's.
 */
#ifndef IMPORT_TOTPCGI_H
#define IMPORT_TOTPCGI_H

#include "base/text.h"
#include "otp/hotp.h"

#define TOTPCGI_STATE_MAX 65536 /* bytes */
#define TOTPCGI_USED_MAX  64

struct totpcgi_state {
	int64_t last_success; /* seconds since 1970 UTC, of the code's step; 0 for none */
	int64_t counter;      /* HOTP: the next one; -1: not said */
	unsigned used_count;
	struct code used[TOTPCGI_USED_MAX]; /* scratch codes, each of eight digits */
};

/*
 * Decode a whole file. Strict: members that totp-cgi does not write, escapes in strings and
 * anything after the object are TOTP_ERR_FORMAT; more used codes than there is room for, or a
 * number out of range, TOTP_ERR_RANGE. *why says what was expected, never what it held;
 * *ret_state is zeros then.
 */
MUST_CHECK enum totp_err totpcgi_decode(struct text text, struct totpcgi_state *ret_state,
					struct reason *why);

#endif
