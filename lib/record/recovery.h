/*
 * Recovery codes: for the day when the phone is gone. Twelve characters of Crockford's
 * base32 are 60 random bits; the credential keeps a salted hash of each, the login state a
 * bit for each that was spent. A bypass has the same shape: an administrator gives it out,
 * over the phone perhaps, for a time and so many uses.
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
 * Give a credential `count` new recovery codes, 0 to RECOVERY_MAX, and a new salt; the old
 * ones are void. The codes are told here once, and are the caller's to wipe.
 * TOTP_ERR_RANGE, TOTP_ERR_SYSTEM (no random bytes), TOTP_ERR_CRYPTO: *cred is unchanged.
 */
MUST_CHECK enum totp_err recovery_make(struct cred *cred, unsigned count,
				       struct recovery_code ret_codes[RECOVERY_MAX]);

/*
 * Which of the credential's codes is this? *ret_index is -1 for none. All are compared,
 * each in constant time. TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err recovery_find(const struct cred *cred, const struct recovery_code *code,
				       int *ret_index);

#define SCRATCH_DIGITS 8

/*
 * Take over what google-authenticator and totp-cgi call scratch codes, of eight digits each,
 * as the recovery codes of a credential that has a token already; a code that is there twice
 * counts once. The salt comes of the first token's secret: the same list, brought over again,
 * gives the same hashes, and what was spent here can be told. At 10^8 such a code is more
 * easily guessed than one of ours, so an answer of eight digits is throttled and counted
 * whatever it is compared with.
 * TOTP_ERR_RANGE: more than RECOVERY_MAX, a code of another length, or no token;
 * TOTP_ERR_CRYPTO: *cred is unchanged.
 */
MUST_CHECK enum totp_err recovery_take_scratch(struct cred *cred, const struct code *codes,
					       unsigned count);

/* As recovery_find, for an answer of eight digits. */
MUST_CHECK enum totp_err recovery_find_scratch(const struct cred *cred, const struct code *code,
					       int *ret_index);

/* How many codes are not spent. */
unsigned recovery_left(const struct cred *cred, const struct login_state *state);

/*
 * Give a credential a bypass that lets in `uses` times from `now` on, for so many seconds; one
 * that it has is void. The code is told here once, and is the caller's to wipe. TOTP_ERR_RANGE:
 * uses is not 1 to BYPASS_USES_MAX, or the times are none; others as recovery_make. *cred is
 * then unchanged.
 */
MUST_CHECK enum totp_err bypass_make(struct cred *cred, int64_t now, uint32_t seconds,
				     unsigned uses, struct recovery_code *ret_code);

/* Is this code the credential's bypass, be it over or not? TOTP_ERR_CRYPTO. */
MUST_CHECK enum totp_err bypass_is(const struct cred *cred, const struct recovery_code *code,
				   bool *ret_same);

/*
 * How often the bypass still lets in at `now`: 0 if there is none, it has expired, or the
 * clock reads a time before it was made (by more than a minute), and nobody knows how long
 * it would last.
 */
unsigned bypass_left(const struct cred *cred, const struct login_state *state, int64_t now);

#endif
