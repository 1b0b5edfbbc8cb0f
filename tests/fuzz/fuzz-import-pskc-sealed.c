/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is the texts of a container and of one secret, in the order of the structs, with a NUL
 * between; the passphrase is that of RFC 6030's figure 7, or the key of its figure 6.
 */
#include "fuzz.h"

#include "import/pskc_sealed.h"

#define ITERATIONS_MAX 2000 /* more only take longer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = fuzz_text(data, size), mac;
	struct pskc_method method;
	struct pskc_cipher cipher;
	struct text *const members[] = {&method.derivation,
					&method.salt,
					&method.iterations,
					&method.key_length,
					&method.prf,
					&method.mac,
					&method.mac_key.method,
					&method.mac_key.value,
					&cipher.method,
					&cipher.value,
					&mac};
	struct secret phrase = {0}, secret;
	struct reason why = {""};
	struct pskc_keys keys;
	uint64_t iterations = 0;
	enum totp_err err;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		*members[i] = (struct text){"", 0};
		(void)text_field(&input, '\0', members[i]);
	}
	if (text_number(text_trim(method.iterations), 0, ITERATIONS_MAX, &iterations) ==
	    TOTP_ERR_RANGE)
		return 0;
	REQUIRE(secret_set(&phrase,
			   method.derivation.len ? "qwerty" : "12345678901234567890123456789012",
			   method.derivation.len ? 6 : 32) == TOTP_OK);
	err = pskc_keys_of(&method, &phrase, &keys, &why);
	if (err != TOTP_OK) {
		REQUIRE(why.text[0] && keys.key.len == 0 && keys.mac_key.len == 0);
		return 0;
	}
	REQUIRE(keys.key.len >= 16 && keys.key.len <= 32 && keys.mac_key.len > 0);
	err = pskc_open(&keys, &cipher, mac, &secret, &why);
	REQUIRE(err == TOTP_OK ? secret.len > 0 : why.text[0] && secret.len == 0);
	return 0;
}
