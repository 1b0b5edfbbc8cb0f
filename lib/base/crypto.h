/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that we use of libcrypto. Only crypto.c includes its headers, so that a change of
 * library is a change of one file. Nothing here keeps state, and no error is left behind in
 * libcrypto's queue for the program that loaded us.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The values are those of the record formats. */
enum hmac_alg { HMAC_SHA1 = 1, HMAC_SHA256 = 2, HMAC_SHA512 = 3 };

#define MAC_MAX       64 /* bytes of an HMAC-SHA-512 */
#define SHA256_LEN    32
#define GCM_KEY_LEN   32
#define GCM_NONCE_LEN 12
#define GCM_TAG_LEN   16

/* "SHA1", "SHA256" or "SHA512"; "?" for anything else. */
const char *crypto_alg_name(enum hmac_alg alg);

/* Bytes of a MAC by alg: 20, 32 or 64; 0 for anything else. */
size_t crypto_mac_len(enum hmac_alg alg);

/* Bytes that lie in one place: a message, a part of one, a key. */
struct piece {
	const void *at;
	size_t len;
};

#define HMAC_MESSAGE_MAX 4352 /* bytes in all: a slot of a login state and a user name */

/*
 * HMAC (RFC 2104) of the pieces, one after the other. key: 1 byte or more. ret_mac gets
 * crypto_mac_len(alg) bytes. TOTP_ERR_CRYPTO: libcrypto failed or lacks the digest.
 * TOTP_ERR_RANGE: more than HMAC_MESSAGE_MAX bytes.
 */
MUST_CHECK enum totp_err crypto_hmac(enum hmac_alg alg, struct piece key,
				     const struct piece *pieces, size_t count, uint8_t *ret_mac);

/* SHA-256 (FIPS 180-4). TOTP_ERR_CRYPTO. */
MUST_CHECK enum totp_err crypto_sha256(struct piece message, uint8_t ret_hash[SHA256_LEN]);

/* What AES-256-GCM (NIST SP 800-38D) needs beside the text. */
struct gcm {
	const uint8_t *key;   /* GCM_KEY_LEN bytes */
	const uint8_t *nonce; /* GCM_NONCE_LEN bytes; never used twice under one key */
	struct piece aad;     /* authenticated, not encrypted */
};

/* Encrypt len bytes to ret_ct (as many) and ret_tag. plain and ret_ct may be the same place. */
MUST_CHECK enum totp_err crypto_gcm_seal(const struct gcm *gcm, const uint8_t *plain, size_t len,
					 uint8_t *ret_ct, uint8_t ret_tag[GCM_TAG_LEN]);

/*
 * Decrypt and verify. TOTP_ERR_SEAL: the tag does not match; ret_plain is then wiped,
 * since GCM decrypts before it verifies. ct and ret_plain may be the same place.
 */
MUST_CHECK enum totp_err crypto_gcm_open(const struct gcm *gcm, const uint8_t *ct, size_t len,
					 const uint8_t tag[GCM_TAG_LEN], uint8_t *ret_plain);

/* What scrypt is to cost: 128 * r * 2^n_log2 bytes of memory, gone through p times. */
struct scrypt_cost {
	uint8_t n_log2;
	uint8_t r;
	uint8_t p;
};

#define SCRYPT_MEMORY_MAX (UINT64_C(1) << 30) /* bytes that one is allowed */

/*
 * A key from a passphrase, scrypt (RFC 7914). phrase, salt: any number of bytes.
 * TOTP_ERR_CRYPTO: libcrypto failed, or the cost is invalid by RFC 7914, or needs more than
 * SCRYPT_MEMORY_MAX or than the host has.
 */
MUST_CHECK enum totp_err crypto_scrypt(struct piece phrase, struct piece salt,
				       struct scrypt_cost cost, uint8_t ret_key[GCM_KEY_LEN]);

/* Bytes from the kernel's generator, getrandom(2). TOTP_ERR_SYSTEM: errno. */
MUST_CHECK enum totp_err crypto_random(void *ret_bytes, size_t len);

#define KEY_BASE64_LEN 44 /* characters of 32 bytes in base64 */

/* base64 (RFC 4648 section 4) of exactly 32 bytes, as a keyring line holds it. */
void crypto_key_to_base64(const uint8_t key[GCM_KEY_LEN], char ret_text[KEY_BASE64_LEN + 1]);

/* The reverse. TOTP_ERR_FORMAT: not the canonical base64 of 32 bytes. */
MUST_CHECK enum totp_err crypto_key_from_base64(const char *text, size_t len,
						uint8_t ret_key[GCM_KEY_LEN]);

#endif
