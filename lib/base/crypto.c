/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/own.h"
#include "base/secret.h"

#define BLOCK_MAX 128 /* bytes of a block of SHA-512 */

static const struct digest {
	char name[8];
	uint8_t mac_len;
	uint8_t block_len;
} digests[] = {
	{"?", 0, 0},
	[HMAC_SHA1] = {"SHA1", 20, 64},
	[HMAC_SHA256] = {"SHA256", 32, 64},
	[HMAC_SHA512] = {"SHA512", MAC_MAX, BLOCK_MAX},
};

static const struct digest *digest_of(enum hmac_alg alg)
{
	return &digests[alg <= HMAC_SHA512 ? alg : 0];
}

const char *crypto_alg_name(enum hmac_alg alg)
{
	return digest_of(alg)->name;
}

size_t crypto_mac_len(enum hmac_alg alg)
{
	return digest_of(alg)->mac_len;
}

static bool hash(const EVP_MD *md, const uint8_t *data, size_t len, uint8_t *ret_hash)
{
	return EVP_Digest(data, len, ret_hash, NULL, md, NULL) == 1;
}

/*
 * H(K ^ opad || H(K ^ ipad || message)): `text` is the key's block with the message after it, and
 * is used up.
 */
static bool hmac_of_block(const EVP_MD *md, const struct digest *digest, uint8_t *text, size_t len,
			  uint8_t *ret_mac)
{
	size_t block_len = digest->block_len, mac_len = digest->mac_len;

	for (size_t i = 0; i < block_len; i++)
		text[i] ^= 0x36;
	if (!hash(md, text, len, ret_mac))
		return false;
	for (size_t i = 0; i < block_len; i++)
		text[i] ^= 0x36 ^ 0x5c;
	memcpy(text + block_len, ret_mac, mac_len);
	return hash(md, text, block_len + mac_len, ret_mac);
}

/*
 * This does not use EVP_MAC, and few functions of libcrypto: each name that the loader looks up and
 * each layer that a call passes through touches pages that are new to a fresh process, and these
 * are most of the cost of a login.
 */
enum totp_err crypto_hmac(enum hmac_alg alg, struct piece key, const struct piece *pieces,
			  size_t count, uint8_t *ret_mac)
{
	const struct digest *digest = digest_of(alg);
	uint8_t text[BLOCK_MAX + HMAC_MESSAGE_MAX];
	size_t len = digest->block_len;
	EVP_MD *md;
	bool ok;

	if (digest->mac_len == 0 || key.len == 0)
		return TOTP_ERR_CRYPTO;
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].len > sizeof(text) - BLOCK_MAX + digest->block_len - len)
			return TOTP_ERR_RANGE;
		memcpy(text + len, pieces[i].at, pieces[i].len);
		len += pieces[i].len;
	}
	ERR_set_mark();
	md = EVP_MD_fetch(NULL, digest->name, NULL);
	ok = md;
	/* the key as a block (RFC 2104 section 2): a longer one is hashed first */
	memset(text, 0, digest->block_len);
	if (key.len > digest->block_len)
		ok = ok && hash(md, key.at, key.len, text);
	else
		memcpy(text, key.at, key.len);
	ok = ok && hmac_of_block(md, digest, text, len, ret_mac);
	EVP_MD_free(md);
	ERR_pop_to_mark();
	explicit_bzero(text, digest->block_len); /* the message is no secret */
	return ok ? TOTP_OK : TOTP_ERR_CRYPTO;
}

enum totp_err crypto_sha256(struct piece message, uint8_t ret_hash[SHA256_LEN])
{
	EVP_MD *md;
	bool ok;

	ERR_set_mark();
	md = EVP_MD_fetch(NULL, digests[HMAC_SHA256].name, NULL);
	ok = md && hash(md, message.at, message.len, ret_hash);
	EVP_MD_free(md);
	ERR_pop_to_mark();
	return ok ? TOTP_OK : TOTP_ERR_CRYPTO;
}

/*
 * What one sealing or opening needs. The cipher is fetched by name: EVP_aes_256_gcm() does the
 * same, after a search in tables that a login need not page in.
 */
struct cipher {
	EVP_CIPHER *type;
	EVP_CIPHER_CTX *ctx;
};

#define OWN_CIPHER OWN(cipher_scope_end)

static bool cipher_begin(struct cipher *cipher)
{
	cipher->type = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	cipher->ctx = EVP_CIPHER_CTX_new();
	return cipher->type && cipher->ctx;
}

static void cipher_scope_end(struct cipher *cipher)
{
	EVP_CIPHER_CTX_free(cipher->ctx); /* wipes the key schedule; both accept NULL */
	EVP_CIPHER_free(cipher->type);
}

enum totp_err crypto_gcm_seal(const struct gcm *gcm, const uint8_t *plain, size_t len,
			      uint8_t *ret_ct, uint8_t ret_tag[GCM_TAG_LEN])
{
	OWN_CIPHER struct cipher cipher = {0};
	int n = 0;
	bool ok;

	if (gcm->aad.len > INT_MAX || len > INT_MAX)
		return TOTP_ERR_RANGE;

	ERR_set_mark();
	ok = cipher_begin(&cipher) &&
	     EVP_EncryptInit_ex(cipher.ctx, cipher.type, NULL, gcm->key, gcm->nonce) == 1 &&
	     EVP_EncryptUpdate(cipher.ctx, NULL, &n, gcm->aad.at, (int)gcm->aad.len) == 1 &&
	     EVP_EncryptUpdate(cipher.ctx, ret_ct, &n, plain, (int)len) == 1 && n == (int)len &&
	     EVP_EncryptFinal_ex(cipher.ctx, ret_ct + len, &n) == 1 && n == 0 &&
	     EVP_CIPHER_CTX_ctrl(cipher.ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, ret_tag) == 1;
	ERR_pop_to_mark();
	return ok ? TOTP_OK : TOTP_ERR_CRYPTO;
}

enum totp_err crypto_gcm_open(const struct gcm *gcm, const uint8_t *ct, size_t len,
			      const uint8_t tag[GCM_TAG_LEN], uint8_t *ret_plain)
{
	OWN_CIPHER struct cipher cipher = {0};
	uint8_t expected[GCM_TAG_LEN];
	const OSSL_PARAM with_tag[] = {
		OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, expected, sizeof(expected)),
		OSSL_PARAM_END,
	};
	bool ready, verified;
	int n = 0;

	if (gcm->aad.len > INT_MAX || len > INT_MAX)
		return TOTP_ERR_RANGE;

	memcpy(expected, tag, sizeof(expected)); /* a parameter is taken without const */
	ERR_set_mark();
	ready = cipher_begin(&cipher) &&
		EVP_DecryptInit_ex2(cipher.ctx, cipher.type, gcm->key, gcm->nonce, with_tag) == 1 &&
		EVP_DecryptUpdate(cipher.ctx, NULL, &n, gcm->aad.at, (int)gcm->aad.len) == 1 &&
		EVP_DecryptUpdate(cipher.ctx, ret_plain, &n, ct, (int)len) == 1 && n == (int)len;
	verified = ready && EVP_DecryptFinal_ex(cipher.ctx, ret_plain + len, &n) == 1;
	ERR_pop_to_mark();
	if (verified)
		return TOTP_OK;

	explicit_bzero(ret_plain, len);
	return ready ? TOTP_ERR_SEAL : TOTP_ERR_CRYPTO;
}

/*
 * libcrypto uses at most 32 MiB unless the call sets a limit, and counts a little more than the
 * blocks.
 */
enum totp_err crypto_scrypt(struct piece phrase, struct piece salt, struct scrypt_cost cost,
			    uint8_t ret_key[GCM_KEY_LEN])
{
	uint8_t key[GCM_KEY_LEN];
	bool ok;

	if (cost.n_log2 >= 64)
		return TOTP_ERR_CRYPTO;
	ERR_set_mark();
	ok = EVP_PBE_scrypt(phrase.at, phrase.len, salt.at, salt.len, UINT64_C(1) << cost.n_log2,
			    cost.r, cost.p, SCRYPT_MEMORY_MAX + (1 << 20), key, sizeof(key)) == 1;
	ERR_pop_to_mark();
	if (ok)
		memcpy(ret_key, key, sizeof(key));
	WIPE(key);
	return ok ? TOTP_OK : TOTP_ERR_CRYPTO;
}

enum totp_err crypto_random(void *ret_bytes, size_t len)
{
	uint8_t *at = ret_bytes;
	size_t done = 0;

	while (done < len) {
		ssize_t n = getrandom(at + done, len - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return TOTP_ERR_SYSTEM;
		done += (size_t)n;
	}
	return TOTP_OK;
}

void crypto_key_to_base64(const uint8_t key[GCM_KEY_LEN], char ret_text[KEY_BASE64_LEN + 1])
{
	EVP_EncodeBlock((unsigned char *)ret_text, key, GCM_KEY_LEN);
}

/* Not EVP_DecodeBlock: it takes several spellings of one key, and its pages are used by
 * nothing else in a login. */
enum totp_err crypto_key_from_base64(const char *text, size_t len, uint8_t ret_key[GCM_KEY_LEN])
{
	OWN_SECRET struct secret key = {.len = 0};
	enum totp_err err = base64_decode(text, len, &key);

	if (err != TOTP_OK || key.len != GCM_KEY_LEN)
		return TOTP_ERR_FORMAT;
	memcpy(ret_key, key.data, GCM_KEY_LEN);
	return TOTP_OK;
}
