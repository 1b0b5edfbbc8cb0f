/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/pskc_sealed.h"

#include "base/pbes2.h"
#include "import/field.h"

#define BOX_MAX         (AES_BLOCK_LEN + SECRET_MAX + AES_BLOCK_LEN)
#define KEY_LEN_DEFAULT 16

void pskc_keys_wipe(struct pskc_keys *keys)
{
	explicit_bzero(keys, sizeof(*keys));
}

/* The name of an algorithm is a URI, and what it names stands after the '#'. */
static struct text fragment(struct text uri)
{
	struct text name = field_xml_trim(uri), part = {"", 0};

	while (text_field(&name, '#', &part))
		;
	return part;
}

static enum totp_err mac_of(struct text uri, const char *what, enum hmac_alg *ret_alg,
			    struct reason *why)
{
	static const char *const names[] = {[HMAC_SHA1] = "hmac-sha1",
					    [HMAC_SHA256] = "hmac-sha256",
					    [HMAC_SHA512] = "hmac-sha512"};
	struct text name = fragment(uri);

	for (enum hmac_alg alg = HMAC_SHA1; alg <= HMAC_SHA512; alg++)
		if (text_is(name, names[alg])) {
			*ret_alg = alg;
			return TOTP_OK;
		}
	return reason_err(why, TOTP_ERR_UNSUPPORTED,
			  "%s: expected hmac-sha1, hmac-sha256 or hmac-sha512", what);
}

static enum totp_err decrypt(const struct secret *key, struct text method, struct piece box,
			     struct secret *ret_secret, struct reason *why)
{
	static const struct {
		const char *name;
		size_t key_len;
	} ciphers[] = {{"aes128-cbc", 16}, {"aes192-cbc", 24}, {"aes256-cbc", 32}};
	uint8_t plain[BOX_MAX];
	struct text name = fragment(method);
	size_t key_len = 0, len = 0;
	enum totp_err err;

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (text_is(name, ciphers[i].name))
			key_len = ciphers[i].key_len;
	if (key_len == 0)
		return reason_err(
			why, TOTP_ERR_UNSUPPORTED,
			"EncryptionMethod: expected aes128-cbc, aes192-cbc or aes256-cbc");
	if (key_len != key->len)
		return reason_err(why, TOTP_ERR_RANGE, "the key has %zu bytes, expected %zu",
				  key->len, key_len);
	err = pbes2_decrypt((struct piece){key->data, key->len}, box, plain, &len);
	if (err == TOTP_OK)
		err = secret_set(ret_secret, plain, len);
	WIPE(plain);
	return err == TOTP_OK || err == TOTP_ERR_CRYPTO
		       ? err
		       : reason_err(why, TOTP_ERR_SEAL, "does not open");
}

/* --- the keys of a container --- */

static enum totp_err read_key(const struct secret *phrase, struct secret *ret_key,
			      struct reason *why)
{
	const struct text hex = {(const char *)phrase->data, phrase->len};
	size_t len = phrase->len / 2;

	if ((len != 16 && len != 24 && len != 32) || text_hex(hex, ret_key->data, len) != TOTP_OK)
		return reason_err(why, TOTP_ERR_FORMAT,
				  "the key: expected 32, 48 or 64 hexadecimal digits");
	ret_key->len = len;
	return TOTP_OK;
}

static enum totp_err derive_key(const struct pskc_method *method, const struct secret *phrase,
				struct secret *ret_key, struct reason *why)
{
	static const struct field_range counts = {"IterationCount", 1, PBKDF2_ITERATIONS_MAX};
	static const struct field_range lengths = {"KeyLength", 16, AES_KEY_MAX};
	uint8_t salt[SECRET_MAX];
	struct buffer out = buffer_of(salt, sizeof(salt));
	struct pbkdf2 params = {.prf = HMAC_SHA1};
	uint64_t count = 0, len = KEY_LEN_DEFAULT;
	enum totp_err err;

	if (!text_is(fragment(method->derivation), "pbkdf2"))
		return reason_err(why, TOTP_ERR_UNSUPPORTED,
				  "KeyDerivationMethod: expected PBKDF2");
	if (method->salt.len == 0 || field_xml_base64(method->salt, &out) != TOTP_OK)
		return reason_err(why, TOTP_ERR_FORMAT, "Salt: expected 1 to %d bytes in base64",
				  SECRET_MAX);
	err = field_number(field_xml_trim(method->iterations), &counts, &count, why);
	if (err == TOTP_OK && field_xml_trim(method->key_length).len)
		err = field_number(field_xml_trim(method->key_length), &lengths, &len, why);
	if (err == TOTP_OK && field_xml_trim(method->prf).len)
		err = mac_of(method->prf, "PRF", &params.prf, why);
	if (err != TOTP_OK)
		return err;
	params.salt = (struct piece){salt, out.len};
	params.iterations = (uint32_t)count;
	err = pbes2_derive(&params, (struct piece){phrase->data, phrase->len}, ret_key->data,
			   (size_t)len);
	ret_key->len = err == TOTP_OK ? (size_t)len : 0;
	return err;
}

/* Early drafts, and some files, have no key for the MAC: it is then that of the encryption. */
static enum totp_err open_mac_key(const struct pskc_method *method, struct pskc_keys *keys,
				  struct reason *why)
{
	uint8_t box[BOX_MAX];
	struct buffer out = buffer_of(box, sizeof(box));
	enum totp_err err = mac_of(method->mac, "MACMethod", &keys->mac, why);

	if (err != TOTP_OK)
		return err;
	if (!field_xml_trim(method->mac_key.value).len)
		return secret_set(&keys->mac_key, keys->key.data, keys->key.len);
	if (field_xml_base64(method->mac_key.value, &out) != TOTP_OK)
		return reason_err(why, TOTP_ERR_FORMAT, "MACKey: expected base64");
	return decrypt(&keys->key, method->mac_key.method, (struct piece){box, out.len},
		       &keys->mac_key, why);
}

enum totp_err pskc_keys_of(const struct pskc_method *method, const struct secret *phrase,
			   struct pskc_keys *ret_keys, struct reason *why)
{
	enum totp_err err;

	pskc_keys_wipe(ret_keys);
	err = method->derivation.len ? derive_key(method, phrase, &ret_keys->key, why)
				     : read_key(phrase, &ret_keys->key, why);
	if (err == TOTP_OK)
		err = open_mac_key(method, ret_keys, why);
	if (err != TOTP_OK)
		pskc_keys_wipe(ret_keys);
	return err;
}

/* --- a secret --- */

enum totp_err pskc_open(const struct pskc_keys *keys, const struct pskc_cipher *cipher,
			struct text mac, struct secret *ret_secret, struct reason *why)
{
	uint8_t box[BOX_MAX], seen[MAC_MAX], right[MAC_MAX];
	struct buffer in_box = buffer_of(box, sizeof(box)), in_mac = buffer_of(seen, sizeof(seen));
	struct piece piece;
	enum totp_err err;

	secret_wipe(ret_secret);
	if (!field_xml_trim(mac).len)
		return reason_err(why, TOTP_ERR_UNSUPPORTED,
				  "no ValueMAC: nothing shows that the secret is unchanged");
	if (field_xml_base64(mac, &in_mac) != TOTP_OK || in_mac.len != crypto_mac_len(keys->mac))
		return reason_err(why, TOTP_ERR_FORMAT, "ValueMAC: expected %zu bytes in base64",
				  crypto_mac_len(keys->mac));
	if (field_xml_base64(cipher->value, &in_box) != TOTP_OK)
		return reason_err(why, TOTP_ERR_FORMAT,
				  "CipherValue: expected at most %d bytes in base64", BOX_MAX);
	piece = (struct piece){box, in_box.len};
	err = crypto_hmac(keys->mac, (struct piece){keys->mac_key.data, keys->mac_key.len}, &piece,
			  1, right);
	if (err == TOTP_OK && !secret_equal(seen, right, in_mac.len))
		err = reason_err(why, TOTP_ERR_SEAL, "ValueMAC: does not match");
	WIPE(right);
	return err == TOTP_OK ? decrypt(&keys->key, cipher->method, piece, ret_secret, why) : err;
}
