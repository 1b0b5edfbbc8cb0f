/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recovery codes, for users who have lost their phone. Twelve characters of Crockford's base32
 * are 60 random bits; the credential keeps a salted hash of each, the login state a bit for each
 * that was spent. A bypass (a temporary code) has the same shape: an administrator gives it to a
 * user, for a limited time and number of uses.
 */
#ifndef RECORD_RECOVERY_H
#define RECORD_RECOVERY_H

#include "otp/hotp.h"
#include "record/state.h"

#define RECOVERY_CODE_LEN  12
#define RECOVERY_SHOWN_MAX 15 /* "XXXX-XXXX-XXXX" and NUL */

/* In the one spelling that is hashed: upper case, without dashes. */
struct recovery_code {
	char text[RECOVERY_CODE_LEN + 1];
};

/*
 * Read what a person typed: lower case, spaces and dashes are tolerated, O is 0, I and L
 * are 1 (U is no character of the alphabet). False, and zeros, if it is not twelve
 * characters of it.
 */
bool recovery_read(const char *typed, struct recovery_code *ret_code);

/* As it is shown: three groups of four. */
void recovery_show(const struct recovery_code *code, char ret_text[RECOVERY_SHOWN_MAX]);

/*
 * Give a credential `count` new recovery codes, 0 to RECOVERY_MAX, and a new salt; the old ones
 * are no longer valid. The codes are returned only here, and the caller wipes them.
 * TOTP_ERR_RANGE, TOTP_ERR_SYSTEM (no random bytes), TOTP_ERR_CRYPTO: *cred is unchanged.
 */
MUST_CHECK enum totp_err recovery_make(struct cred *cred, unsigned count,
				       struct recovery_code ret_codes[RECOVERY_MAX]);

/*
 * Which of the credential's codes is this, a recovery code's text or the digits of a scratch code?
 * *ret_index is -1 for none. All are compared, each in constant time. TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err recovery_find(const struct cred *cred, const char *code, int *ret_index);

/* The same by its hash under the credential's salt. */
int recovery_find_hash(const struct cred *cred, const uint8_t hash[SHA256_LEN]);

#define SCRATCH_DIGITS 8

/*
 * Import what google-authenticator and totp-cgi call scratch codes, of eight digits each, as the
 * recovery codes of a credential that has a token already; a code that is listed twice counts
 * once. The salt is derived from the first token's secret: the same list, imported again, gives
 * the same hashes, so the codes that were spent here are recognized. Of 10^8 possible codes one
 * is easier to guess than one of ours, so an answer of eight digits is always throttled and
 * counted.
 * TOTP_ERR_RANGE: more than RECOVERY_MAX, a code of another length, or no token;
 * TOTP_ERR_CRYPTO: *cred is unchanged.
 */
MUST_CHECK enum totp_err recovery_take_scratch(struct cred *cred, const struct code *codes,
					       unsigned count);

/* How many codes are not spent. */
unsigned recovery_left(const struct cred *cred, const struct login_state *state);

/*
 * Give a credential a bypass that works for `uses` logins from `now` on, for so many seconds,
 * instead of any that it has. The code is returned only here, and the caller wipes it.
 * TOTP_ERR_RANGE: uses is not 1 to BYPASS_USES_MAX, or the times are none; others as
 * recovery_make. *cred is then unchanged.
 */
MUST_CHECK enum totp_err bypass_make(struct cred *cred, int64_t now, uint32_t seconds,
				     unsigned uses, struct recovery_code *ret_code);

/* Is this code the credential's bypass, expired or not? TOTP_ERR_CRYPTO. */
MUST_CHECK enum totp_err bypass_is(const struct cred *cred, const struct recovery_code *code,
				   bool *ret_same);

/*
 * For how many logins the bypass still works at `now`: 0 if there is none, it has expired, or the
 * clock reads a time more than a minute before it was made, so that its remaining time is not
 * known.
 */
unsigned bypass_left(const struct cred *cred, const struct login_state *state, int64_t now);

#endif
