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

/*
 * Compute one HOTP value (RFC 4226 section 5.3).
 *
 * key:     1 to SECRET_MAX bytes. RFC 4226 R6 asks for 16 and recommends 20; that is
 *          enforced when a key is made, not here, so old tokens can be imported.
 * counter: the moving factor; a TOTP caller passes the step number.
 * digits:  6, 7 or 8.
 *
 * TOTP_ERR_RANGE: digits or key length out of range. TOTP_ERR_CRYPTO: libcrypto lacks
 * the digest. *ret_code is unchanged then. Example: the ASCII key
 * "12345678901234567890", SHA-1, counter 0, 6 digits gives "755224" (RFC 4226
 * appendix D).
 */
MUST_CHECK enum totp_err hotp_code(enum hmac_alg alg, const struct secret *key, uint64_t counter,
				   unsigned digits, struct code *ret_code);

/* Are two codes equal? In constant time, over the whole struct. */
bool code_equal(const struct code *a, const struct code *b);

#endif
