/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pbes2.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

enum totp_err pbes2_derive(const struct pbkdf2 *params, struct piece phrase, uint8_t *ret_key,
			   size_t len)
{
	EVP_MD *md;
	bool ok;

	if (len < 1 || len > AES_KEY_MAX || params->iterations < 1 ||
	    params->iterations > PBKDF2_ITERATIONS_MAX || phrase.len > INT_MAX ||
	    params->salt.len > INT_MAX)
		return TOTP_ERR_RANGE;
	ERR_set_mark();
	md = EVP_MD_fetch(NULL, crypto_alg_name(params->prf), NULL);
	ok = md &&
	     PKCS5_PBKDF2_HMAC(phrase.at, (int)phrase.len, params->salt.at, (int)params->salt.len,
			       (int)params->iterations, md, (int)len, ret_key) == 1;
	EVP_MD_free(md);
	ERR_pop_to_mark();
	return ok ? TOTP_OK : TOTP_ERR_CRYPTO;
}

static bool decrypt_blocks(const EVP_CIPHER *type, struct piece key, struct piece box,
			   uint8_t *ret_plain)
{
	const uint8_t *at = box.at;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = (int)(box.len - AES_BLOCK_LEN), n = 0;
	bool ok = ctx && EVP_DecryptInit_ex(ctx, type, NULL, key.at, at) == 1 &&
		  EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
		  EVP_DecryptUpdate(ctx, ret_plain, &n, at + AES_BLOCK_LEN, len) == 1 && n == len;

	EVP_CIPHER_CTX_free(ctx); /* wipes the key schedule; accepts NULL */
	return ok;
}

enum totp_err pbes2_decrypt(struct piece key, struct piece box, uint8_t *ret_plain, size_t *ret_len)
{
	const EVP_CIPHER *type = key.len == 16   ? EVP_aes_128_cbc()
				 : key.len == 24 ? EVP_aes_192_cbc()
				 : key.len == 32 ? EVP_aes_256_cbc()
						 : NULL;
	size_t len = box.len - AES_BLOCK_LEN;
	uint8_t padding;
	bool ok;

	if (!type)
		return TOTP_ERR_RANGE;
	if (box.len < 2 * AES_BLOCK_LEN || box.len % AES_BLOCK_LEN || box.len > INT_MAX)
		return TOTP_ERR_FORMAT;
	ERR_set_mark();
	ok = decrypt_blocks(type, key, box, ret_plain);
	ERR_pop_to_mark();
	if (!ok)
		return TOTP_ERR_CRYPTO;
	padding = ret_plain[len - 1];
	if (padding < 1 || padding > AES_BLOCK_LEN) {
		explicit_bzero(ret_plain, len);
		return TOTP_ERR_FORMAT;
	}
	*ret_len = len - padding;
	return TOTP_OK;
}
