/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PBKDF2 and AES-CBC (RFC 8018), with which the files of other systems are encrypted. Neither says
 * whether the key is the right one, so the caller checks a MAC first. Only for totpctl.
 */
#ifndef BASE_PBES2_H
#define BASE_PBES2_H

#include "base/crypto.h"

#define AES_BLOCK_LEN         16
#define AES_KEY_MAX           32
#define PBKDF2_ITERATIONS_MAX 10000000 /* some seconds */

struct pbkdf2 {
	enum hmac_alg prf;
	struct piece salt;
	uint32_t iterations; /* 1 to PBKDF2_ITERATIONS_MAX */
};

/* A key of len bytes, 1 to AES_KEY_MAX. TOTP_ERR_RANGE: a value out of range; TOTP_ERR_CRYPTO. */
MUST_CHECK enum totp_err pbes2_derive(const struct pbkdf2 *params, struct piece phrase,
				      uint8_t *ret_key, size_t len);

/*
 * Decrypt: an initialization vector and one or more blocks after it. key: 16, 24 or 32 bytes.
 * ret_plain has room for all but the vector; the padding, whose last byte is its length, is not
 * counted in *ret_len.
 *
 * TOTP_ERR_RANGE: another length of the key. TOTP_ERR_FORMAT: not whole blocks, or no such padding;
 * ret_plain is then wiped. TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err pbes2_decrypt(struct piece key, struct piece box, uint8_t *ret_plain,
				       size_t *ret_len);

#endif
