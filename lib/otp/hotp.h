/* SPDX-License-Identifier: BSD-2-Clause */
/* HOTP, the counter-based code (RFC 4226), on which TOTP builds. */
#ifndef OTP_HOTP_H
#define OTP_HOTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/secret.h"

#define CODE_DIGITS_MIN 6
#define CODE_DIGITS_MAX 8

/* A code is text, not a number: "007081" is a code, 7081 is not. Zeros after it. */
struct code {
	char text[CODE_DIGITS_MAX + 1];
};

/* The function of a token from counters to codes. */
struct hotp {
	enum hmac_alg alg;
	unsigned digits;          /* 6, 7 or 8 */
	const struct secret *key; /* 1 to SECRET_MAX bytes */
};

/*
 * Compute one HOTP value (RFC 4226 section 5.3).
 *
 * counter: the moving factor; a TOTP caller passes the step number. RFC 4226 R6 asks for keys of
 * 16 bytes and recommends 20; that is enforced when a key is made, not here, so old tokens can be
 * imported.
 *
 * TOTP_ERR_RANGE: digits or key length out of range. TOTP_ERR_CRYPTO: libcrypto lacks
 * the digest. *ret_code is unchanged then. Example: the ASCII key
 * "12345678901234567890", SHA-1, counter 0, 6 digits gives "755224" (RFC 4226
 * appendix D).
 */
MUST_CHECK enum totp_err hotp_code(const struct hotp *hotp, uint64_t counter,
				   struct code *ret_code);

#define HOTP_AHEAD_MAX 1000 /* counters looked at after the next one */

/* Which counters from `next` to next + ahead have a code. */
struct counter_match {
	bool found;       /* one of them has it */
	bool used;        /* the one before `next` has it */
	uint64_t counter; /* the highest one found, or 0 */
};

/*
 * Find the counter whose code equals what was typed (RFC 4226 section 7.4). Each is
 * computed and compared in constant time, also after a match. Of several the highest
 * counts, so that no counter is left whose code was seen.
 *
 * TOTP_ERR_RANGE: ahead above HOTP_AHEAD_MAX, next too near to the last 64-bit counter.
 * Others as hotp_code. *ret_match is then unchanged.
 */
MUST_CHECK enum totp_err hotp_find(const struct hotp *hotp, const struct code *typed, uint64_t next,
				   uint64_t ahead, struct counter_match *ret_match);

/* Is what was typed the code of the counter? Errors as hotp_code. */
MUST_CHECK enum totp_err hotp_matches(const struct hotp *hotp, const struct code *typed,
				      uint64_t counter, bool *ret_same);

/* Are two codes equal? In constant time, over the whole struct. */
bool code_equal(const struct code *a, const struct code *b);

#endif
