#include "base/crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/own.h"
#include "base/secret.h"

static const char *digest_name(enum hmac_alg alg)
{
	switch (alg) {
	case HMAC_SHA1:
		return "SHA1";
	case HMAC_SHA256:
		return "SHA256";
	case HMAC_SHA512:
		return "SHA512";
	}
	return NULL;
}

size_t crypto_mac_len(enum hmac_alg alg)
{
	switch (alg) {
	case HMAC_SHA1:
		return 20;
	case HMAC_SHA256:
		return 32;
	case HMAC_SHA512:
		return 64;
	}
	return 0;
}

enum totp_err crypto_hmac(enum hmac_alg alg, const void *key, size_t key_len, const void *data,
			  size_t len, uint8_t ret_mac[MAC_MAX])
{
	const char *digest = digest_name(alg);
	size_t mac_len = 0;
	bool ok;

	if (!digest || key_len == 0)
		return TOTP_ERR_CRYPTO;

	ERR_set_mark();
	ok = EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key, key_len, data, len, ret_mac, MAC_MAX,
		       &mac_len) != NULL;
	ERR_pop_to_mark();
	return ok && mac_len == crypto_mac_len(alg) ? TOTP_OK : TOTP_ERR_CRYPTO;
}

/* What one sealing or opening needs. Names rather than EVP_aes_256_gcm(): a fetch by name
 * is what that one does too, after a look through tables that a login need not page in. */
struct gcm {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
};

#define OWN_GCM OWN(gcm_close)

static bool gcm_open(struct gcm *gcm)
{
	gcm->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	gcm->ctx = EVP_CIPHER_CTX_new();
	return gcm->cipher && gcm->ctx;
}

static void gcm_close(struct gcm *gcm)
{
	EVP_CIPHER_CTX_free(gcm->ctx); /* wipes the key schedule; both accept NULL */
	EVP_CIPHER_free(gcm->cipher);
}

enum totp_err crypto_gcm_seal(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN],
			      const void *aad, size_t aad_len, const uint8_t *plain, size_t len,
			      uint8_t *ret_ct, uint8_t ret_tag[GCM_TAG_LEN])
{
	OWN_GCM struct gcm gcm = {0};
	int n = 0;
	bool ok;

	if (aad_len > INT_MAX || len > INT_MAX)
		return TOTP_ERR_RANGE;

	ERR_set_mark();
	ok = gcm_open(&gcm) && EVP_EncryptInit_ex(gcm.ctx, gcm.cipher, NULL, key, nonce) == 1 &&
	     EVP_EncryptUpdate(gcm.ctx, NULL, &n, aad, (int)aad_len) == 1 &&
	     EVP_EncryptUpdate(gcm.ctx, ret_ct, &n, plain, (int)len) == 1 && n == (int)len &&
	     EVP_EncryptFinal_ex(gcm.ctx, ret_ct + len, &n) == 1 && n == 0 &&
	     EVP_CIPHER_CTX_ctrl(gcm.ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, ret_tag) == 1;
	ERR_pop_to_mark();
	return ok ? TOTP_OK : TOTP_ERR_CRYPTO;
}

enum totp_err crypto_gcm_open(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN],
			      const void *aad, size_t aad_len, const uint8_t *ct, size_t len,
			      const uint8_t tag[GCM_TAG_LEN], uint8_t *ret_plain)
{
	OWN_GCM struct gcm gcm = {0};
	uint8_t expected[GCM_TAG_LEN];
	bool ready, verified;
	int n = 0;

	if (aad_len > INT_MAX || len > INT_MAX)
		return TOTP_ERR_RANGE;

	memcpy(expected, tag, sizeof(expected)); /* the ctrl below takes it without const */
	ERR_set_mark();
	ready = gcm_open(&gcm) && EVP_DecryptInit_ex(gcm.ctx, gcm.cipher, NULL, key, nonce) == 1 &&
		EVP_CIPHER_CTX_ctrl(gcm.ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, expected) == 1 &&
		EVP_DecryptUpdate(gcm.ctx, NULL, &n, aad, (int)aad_len) == 1 &&
		EVP_DecryptUpdate(gcm.ctx, ret_plain, &n, ct, (int)len) == 1 && n == (int)len;
	verified = ready && EVP_DecryptFinal_ex(gcm.ctx, ret_plain + len, &n) == 1;
	ERR_pop_to_mark();
	if (verified)
		return TOTP_OK;

	explicit_bzero(ret_plain, len);
	return ready ? TOTP_ERR_SEAL : TOTP_ERR_CRYPTO;
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

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Not EVP_DecodeBlock: it takes several spellings of one key, and its pages are used by
 * nothing else in a login. */
enum totp_err crypto_key_from_base64(const char *text, size_t len, uint8_t ret_key[GCM_KEY_LEN])
{
	struct secret key = {.len = 0};
	uint32_t pending = 0; /* bits not yet written, lowest last */
	unsigned bits = 0;
	bool good = len == KEY_BASE64_LEN && text[KEY_BASE64_LEN - 1] == '=';

	for (size_t i = 0; good && i < KEY_BASE64_LEN - 1; i++) {
		int value = base64_value(text[i]);

		good = value >= 0;
		pending = pending << 6 | (uint32_t)(value & 63);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		key.data[key.len++] = (uint8_t)(pending >> bits);
	}
	/* 43 symbols are 32 bytes and two bits, which must be zero */
	good = good && (pending & 3) == 0;
	if (good)
		memcpy(ret_key, key.data, GCM_KEY_LEN);
	secret_wipe(&key);
	explicit_bzero(&pending, sizeof(pending));
	return good ? TOTP_OK : TOTP_ERR_FORMAT;
}
