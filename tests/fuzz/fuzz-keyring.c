/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include "store/keyring.h"

/* The keyring as lines in the one spelling that keyring_create writes. */
static size_t write_lines(const struct keyring *keyring, char *text)
{
	char *end = text;

	for (size_t i = 0; i < keyring->count; i++) {
		const struct host_key *key = &keyring->keys[i];
		char base64[KEY_BASE64_LEN + 1], date[11];

		crypto_key_to_base64(key->key, base64);
		text_to_date(key->created, date);
		end += sprintf(end, "%08x %s %s\n", (unsigned)key->id, base64, date);
	}
	return (size_t)(end - text);
}

static void parse_again(const struct keyring_text *text, struct keyring *keyring)
{
	struct reason why = {""};

	REQUIRE(keyring_parse(keyring_text_of(text), "keyring", keyring, &why) == TOTP_OK);
}

/*
 * Whatever the comments say, a rotation keeps every key except the old one, and puts the new one
 * first.
 */
static void rotate(struct text input, const struct keyring *before)
{
	struct keyring_text text = {.len = input.len};
	struct keyring_rotation rotation, seen;
	struct keyring keyring;

	if (input.len > sizeof(text.text))
		return;
	memcpy(text.text, input.at, input.len);
	if (!keyring_rotation_of(&text, &rotation) &&
	    keyring_rotation_begin(&text, 0, &rotation, NULL) != TOTP_OK)
		return;
	parse_again(&text, &keyring);
	REQUIRE(keyring_rotation_of(&text, &seen) && seen.to == rotation.to);
	REQUIRE(keyring_find(&keyring, rotation.to));
	if (keyring_rotation_promote(&text, &rotation) != TOTP_OK)
		return;
	parse_again(&text, &keyring);
	REQUIRE(rotation.promoted && keyring.keys[0].id == rotation.to);
	keyring_rotation_end(&text, &rotation);
	parse_again(&text, &keyring);
	REQUIRE(keyring.keys[0].id == rotation.to && !keyring_find(&keyring, rotation.from));
	REQUIRE(!keyring_rotation_of(&text, &seen));
	for (size_t i = 0; i < before->count; i++)
		REQUIRE(before->keys[i].id == rotation.from ||
			keyring_find(&keyring, before->keys[i].id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[KEYRING_KEYS_MAX * 80];
	struct keyring keyring, back;
	struct reason why = {""};
	size_t len;

	if (keyring_parse(fuzz_text(data, size), "keyring", &keyring, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && keyring.count == 0);
		return 0;
	}
	REQUIRE(keyring.count >= 1 && keyring.count <= KEYRING_KEYS_MAX);
	for (size_t i = 0; i < keyring.count; i++)
		REQUIRE(keyring_find(&keyring, keyring.keys[i].id) == &keyring.keys[i]);

	rotate(fuzz_text(data, size), &keyring);
	len = write_lines(&keyring, text);
	REQUIRE(keyring_parse((struct text){text, len}, "keyring", &back, &why) == TOTP_OK);
	REQUIRE(back.count == keyring.count);
	for (size_t i = 0; i < keyring.count; i++) {
		REQUIRE(back.keys[i].id == keyring.keys[i].id);
		REQUIRE(back.keys[i].created == keyring.keys[i].created);
		REQUIRE(memcmp(back.keys[i].key, keyring.keys[i].key, GCM_KEY_LEN) == 0);
	}
	return 0;
}
