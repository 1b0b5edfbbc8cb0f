/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/pbes2.h"
#include "base/text.h"

#define PIECE(string) ((struct piece){(string), sizeof(string) - 1})

/* RFC 6070, the rows that give a key of 20 to 25 bytes. */
static void pbkdf2_gives_the_keys_of_rfc_6070(void **unused)
{
	static const struct {
		struct piece phrase, salt;
		uint32_t iterations;
		size_t len;
		const char *hex;
	} rows[] = {
		{{"password", 8}, {"salt", 4}, 1, 20, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
		{{"password", 8}, {"salt", 4}, 2, 20, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
		{{"password", 8},
		 {"salt", 4},
		 4096,
		 20,
		 "4b007901b765489abead49d926f721d065a429c1"},
		{{"passwordPASSWORDpassword", 24},
		 {"saltSALTsaltSALTsaltSALTsaltSALTsalt", 36},
		 4096,
		 25,
		 "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
		{{"pass\0word", 9}, {"sa\0lt", 5}, 4096, 16, "56fa6aa75548099dcc37d7f03425e0c3"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct pbkdf2 params = {HMAC_SHA1, rows[i].salt, rows[i].iterations};
		uint8_t key[AES_KEY_MAX], expected[AES_KEY_MAX];

		assert_ok(text_hex(text_of(rows[i].hex), expected, rows[i].len));
		assert_ok(pbes2_derive(&params, rows[i].phrase, key, rows[i].len));
		assert_memory_equal(expected, key, rows[i].len);
	}
}

static void pbkdf2_takes_no_unlimited_time(void **unused)
{
	struct pbkdf2 params = {HMAC_SHA1, PIECE("salt"), 0};
	uint8_t key[AES_KEY_MAX];

	assert_refused(RANGE, pbes2_derive(&params, PIECE("password"), key, 16));
	params.iterations = PBKDF2_ITERATIONS_MAX + 1;
	assert_refused(RANGE, pbes2_derive(&params, PIECE("password"), key, 16));
	params.iterations = 1;
	assert_refused(RANGE, pbes2_derive(&params, PIECE("password"), key, 0));
	assert_refused(RANGE, pbes2_derive(&params, PIECE("password"), key, AES_KEY_MAX + 1));
}

/* NIST SP 800-38A, sections F.2.2, F.2.4 and F.2.6: the first block, and what its end says. */
static void blocks_of_each_length_of_key_are_decrypted(void **unused)
{
	static const char iv[] = "000102030405060708090a0b0c0d0e0f";
	static const struct {
		size_t key_len;
		const char *key, *ct;
	} rows[] = {
		{16, "2b7e151628aed2a6abf7158809cf4f3c", "7649abac8119b246cee98e9b12e9197d"},
		{24, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
		 "4f021db243bc633d7178183a9fa071e8"},
		{32, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
		 "f58c4c04d6e5f1ba779eabfb5f7bfbd6"},
	};
	uint8_t key[32], box[2 * AES_BLOCK_LEN], plain[AES_BLOCK_LEN];
	size_t len = 0;

	assert_ok(text_hex(text_of(iv), box, AES_BLOCK_LEN));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct piece piece = {key, rows[i].key_len};

		assert_ok(text_hex(text_of(rows[i].key), key, rows[i].key_len));
		assert_ok(text_hex(text_of(rows[i].ct), box + AES_BLOCK_LEN, AES_BLOCK_LEN));
		/* the plaintext ends in 0x2a: 42, which is no length of a padding */
		assert_refused(FORMAT,
			       pbes2_decrypt(piece, (struct piece){box, sizeof(box)}, plain, &len));
		assert_wiped(plain);
		/* another vector changes the last byte of the first block */
		box[AES_BLOCK_LEN - 1] ^= 0x2a ^ 0x03;
		assert_ok(pbes2_decrypt(piece, (struct piece){box, sizeof(box)}, plain, &len));
		assert_int_equal(AES_BLOCK_LEN - 3, len);
		assert_memory_equal("\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73", plain,
				    len);
		box[AES_BLOCK_LEN - 1] ^= 0x2a ^ 0x03;
	}
}

static void anything_but_whole_blocks_is_rejected(void **unused)
{
	static const uint8_t box[4 * AES_BLOCK_LEN];
	uint8_t plain[sizeof(box)];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(box); i++)
		if (i < 2 * AES_BLOCK_LEN || i % AES_BLOCK_LEN)
			assert_refused(FORMAT, pbes2_decrypt((struct piece){box, 16},
							     (struct piece){box, i}, plain, &len));
	for (size_t i = 0; i <= 33; i++)
		if (i != 16 && i != 24 && i != 32)
			assert_refused(RANGE, pbes2_decrypt((struct piece){box, i},
							    (struct piece){box, sizeof(box)}, plain,
							    &len));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pbkdf2_gives_the_keys_of_rfc_6070),
		cmocka_unit_test(pbkdf2_takes_no_unlimited_time),
		cmocka_unit_test(blocks_of_each_length_of_key_are_decrypted),
		cmocka_unit_test(anything_but_whole_blocks_is_rejected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
