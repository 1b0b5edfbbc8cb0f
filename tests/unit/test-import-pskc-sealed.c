/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "import/pskc_sealed.h"

#define CBC "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
#define MAC "http://www.w3.org/2000/09/xmldsig#hmac-sha1"

/* RFC 6030 section 6.1, figure 6. */
#define KEY_6     "12345678901234567890123456789012"
#define MAC_KEY_6 "ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX"
#define SECRET_6  "AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv"
#define VALUE_6   "Su+NvtQfmvfJzF6bmQiJqoLRExc="

static struct text text(const char *string)
{
	return string ? text_of(string) : (struct text){"", 0};
}

static struct pskc_method figure_6(void)
{
	return (struct pskc_method){
		.derivation = text(NULL),
		.salt = text(NULL),
		.iterations = text(NULL),
		.key_length = text(NULL),
		.prf = text(NULL),
		.mac = text(MAC),
		.mac_key = {text(CBC), text("\n " MAC_KEY_6 "\n")},
	};
}

/* Section 6.2, figure 7. */
static struct pskc_method figure_7(void)
{
	struct pskc_method method = figure_6();

	method.derivation =
		text("http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2");
	method.salt = text("Ej7/PEpyEpw=");
	method.iterations = text("1000");
	method.key_length = text("16");
	method.mac_key.value =
		text("2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx");
	return method;
}

static enum totp_err keys_of(const struct pskc_method *method, const char *phrase,
			     struct pskc_keys *ret_keys, struct reason *why)
{
	struct secret secret;

	assert_ok(secret_set(&secret, phrase, strlen(phrase)));
	return pskc_keys_of(method, &secret, ret_keys, why);
}

static void assert_opens(const struct pskc_keys *keys, const char *value, const char *mac)
{
	const struct pskc_cipher cipher = {text(CBC), text(value)};
	struct reason why = {""};
	struct secret secret;

	assert_ok(pskc_open(keys, &cipher, text(mac), &secret, &why));
	assert_int_equal(20, secret.len);
	assert_memory_equal("12345678901234567890", secret.data, 20);
}

static void the_examples_of_rfc_6030_open(void **unused)
{
	struct pskc_method method = figure_6();
	struct reason why = {""};
	struct pskc_keys keys;

	assert_ok(keys_of(&method, KEY_6, &keys, &why));
	assert_int_equal(20, keys.mac_key.len);
	assert_memory_equal("\x11\x22\x33\x44\x55\x66\x77\x88\x99\x00", keys.mac_key.data, 10);
	assert_opens(&keys, SECRET_6, VALUE_6);

	method = figure_7();
	assert_ok(keys_of(&method, "qwerty", &keys, &why));
	assert_memory_equal("\x65\x1e\x63\xcd\x57\x00\x84\x76", keys.key.data, 8);
	assert_opens(&keys, "oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f",
		     " LP6xMvjtypbfT9PdkJhBZ+D6O4w=\n");
}

static void no_changed_character_opens(void **unused)
{
	struct pskc_method method = figure_6();
	struct reason why = {""};
	struct pskc_keys keys;
	struct secret secret;

	assert_ok(keys_of(&method, KEY_6, &keys, &why));
	for (size_t i = 0; i < sizeof(SECRET_6) - 1; i++) {
		char changed[] = SECRET_6;
		struct pskc_cipher cipher = {text(CBC), text(changed)};

		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_refused(SEAL, pskc_open(&keys, &cipher, text(VALUE_6), &secret, &why));
		assert_wiped(secret);
	}
	for (size_t i = 0; i < sizeof(VALUE_6) - 3; i++) {
		char changed[] = VALUE_6;
		struct pskc_cipher cipher = {text(CBC), text(SECRET_6)};

		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_refused(SEAL, pskc_open(&keys, &cipher, text(changed), &secret, &why));
		assert_wiped(secret);
	}
}

static void a_secret_without_a_mac_is_rejected(void **unused)
{
	struct pskc_method method = figure_6();
	const struct pskc_cipher cipher = {text(CBC), text(SECRET_6)};
	struct reason why = {""};
	struct pskc_keys keys;
	struct secret secret;

	assert_ok(keys_of(&method, KEY_6, &keys, &why));
	assert_refused(UNSUPPORTED, pskc_open(&keys, &cipher, text(" \n"), &secret, &why));
	assert_memory_equal("no ValueMAC", why.text, 11);
	assert_refused(FORMAT, pskc_open(&keys, &cipher, text("AAAA"), &secret, &why));
	method.mac = text(NULL);
	assert_refused(UNSUPPORTED, keys_of(&method, KEY_6, &keys, &why));
	assert_wiped(keys);
}

static void a_box_that_is_no_base64_or_too_long_is_rejected(void **unused)
{
	static char longest[4096];
	const struct pskc_method method = figure_6();
	struct reason why = {""};
	struct pskc_keys keys;
	struct secret secret;

	assert_ok(keys_of(&method, KEY_6, &keys, &why));
	memset(longest, 'A', sizeof(longest) - 1);
	for (int i = 0; i < 2; i++) {
		const struct pskc_cipher cipher = {text(CBC), text(i ? longest : "A")};

		assert_refused(FORMAT, pskc_open(&keys, &cipher, text(VALUE_6), &secret, &why));
		assert_memory_equal("CipherValue", why.text, 11);
		assert_wiped(secret);
	}
}

static void without_a_key_for_the_mac_it_is_that_of_the_encryption(void **unused)
{
	struct pskc_method method = figure_6();
	struct reason why = {""};
	struct pskc_keys keys;

	method.mac_key.value = text(NULL);
	assert_ok(keys_of(&method, KEY_6, &keys, &why));
	assert_opens(&keys, SECRET_6, "N8Agsfe5A7WQFswmdvL/MHdd3y0=");
}

static void what_a_container_cannot_be_opened_with_is_named(void **unused)
{
	static const struct {
		size_t member;
		const char *text, *phrase;
		enum totp_err err;
		const char *about;
	} rows[] = {
#define OF(member) offsetof(struct pskc_method, member)
		{OF(derivation), "x#scrypt", "qwerty", TOTP_ERR_UNSUPPORTED, "KeyDerivationMethod"},
		{OF(salt), "", "qwerty", TOTP_ERR_FORMAT, "Salt"},
		{OF(salt), "Ej7/PEpyEp", "qwerty", TOTP_ERR_FORMAT, "Salt"},
		{OF(iterations), "", "qwerty", TOTP_ERR_FORMAT, "IterationCount"},
		{OF(iterations), "10000001", "qwerty", TOTP_ERR_RANGE, "IterationCount"},
		{OF(key_length), "15", "qwerty", TOTP_ERR_RANGE, "KeyLength"},
		{OF(key_length), "17", "qwerty", TOTP_ERR_RANGE, "the key has 17"},
		{OF(prf), "x#hmac-md5", "qwerty", TOTP_ERR_UNSUPPORTED, "PRF"},
		{OF(mac), "x#hmac-md5", "qwerty", TOTP_ERR_UNSUPPORTED, "MACMethod"},
		{OF(mac_key.method), "x#rsa_1_5", "qwerty", TOTP_ERR_UNSUPPORTED,
		 "EncryptionMethod"},
		{OF(mac_key.value), "x", "qwerty", TOTP_ERR_FORMAT, "MACKey"},
		{OF(mac_key.value), MAC_KEY_6, "qwerty", TOTP_ERR_SEAL, ""},
		{OF(mac), MAC, "qwertz", TOTP_ERR_SEAL, ""},
#undef OF
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pskc_method method = figure_7();
		struct reason why = {""};
		struct pskc_keys keys;

		*(struct text *)(void *)((char *)&method + rows[i].member) = text(rows[i].text);
		assert_int_equal(rows[i].err, keys_of(&method, rows[i].phrase, &keys, &why));
		assert_memory_equal(rows[i].about, why.text, strlen(rows[i].about));
		assert_wiped(keys);
	}
}

static void a_key_in_hexadecimal_has_a_length_that_aes_has(void **unused)
{
	static const char *const bad[] = {"00", KEY_6 "00", "x2345678901234567890123456789012"};
	struct pskc_method method = figure_6();
	struct reason why = {""};
	struct pskc_keys keys;

	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_refused(FORMAT, keys_of(&method, bad[i], &keys, &why));
		assert_memory_equal("the key", why.text, 7);
	}
	method.mac_key.value = text(NULL);
	assert_ok(keys_of(&method, KEY_6 KEY_6, &keys, &why));
	assert_int_equal(32, keys.key.len);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_rfc_6030_open),
		cmocka_unit_test(no_changed_character_opens),
		cmocka_unit_test(a_secret_without_a_mac_is_rejected),
		cmocka_unit_test(a_box_that_is_no_base64_or_too_long_is_rejected),
		cmocka_unit_test(without_a_key_for_the_mac_it_is_that_of_the_encryption),
		cmocka_unit_test(what_a_container_cannot_be_opened_with_is_named),
		cmocka_unit_test(a_key_in_hexadecimal_has_a_length_that_aes_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
