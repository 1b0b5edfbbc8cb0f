/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/text.h"

#define BYTES_MAX 160

/* Bytes written in hexadecimal. */
struct blob {
	size_t len;
	uint8_t data[BYTES_MAX];
};

/* What the next call for random bytes fails with, or 0. */
static int random_err;

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
	if (random_err == 0)
		return (ssize_t)syscall(SYS_getrandom, bytes, len, flags);
	errno = random_err;
	random_err = 0;
	return -1;
}

static struct blob blob_of(const char *hex)
{
	struct blob blob = {.len = strlen(hex) / 2};

	assert_true(blob.len <= BYTES_MAX);
	assert_ok(text_hex(text_of(hex), blob.data, blob.len));
	return blob;
}

static void assert_hmac(enum hmac_alg alg, const struct blob *key, const char *data,
			const char *expected)
{
	char seen[2 * MAC_MAX + 1];
	uint8_t mac[MAC_MAX];

	assert_ok(crypto_hmac(alg, (struct piece){key->data, key->len},
			      &(struct piece){data, strlen(data)}, 1, mac));
	text_to_hex(mac, crypto_mac_len(alg), seen);
	assert_string_equal(expected, seen);
}

static void hmac_gives_the_published_values(void **unused)
{
	static const struct {
		const char *key, *data, *sha256, *sha512;
	} rows[] = {
		/* RFC 4231 section 4.2 */
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
		 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
		 "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
		 "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
		/* RFC 4231 section 4.3 */
		{"4a656665", "what do ya want for nothing?",
		 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		 "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		 "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct blob key = blob_of(rows[i].key);

		assert_hmac(HMAC_SHA256, &key, rows[i].data, rows[i].sha256);
		assert_hmac(HMAC_SHA512, &key, rows[i].data, rows[i].sha512);
	}
}

static void hmac_sha1_gives_the_published_values(void **unused)
{
	static const struct {
		const char *key, *data, *sha1;
	} rows[] = {
		/* RFC 2202 section 3, test cases 1 and 2 */
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
		 "b617318655057264e28bc0b6fb378c8ef146be00"},
		{"4a656665", "what do ya want for nothing?",
		 "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct blob key = blob_of(rows[i].key);

		assert_hmac(HMAC_SHA1, &key, rows[i].data, rows[i].sha1);
	}
}

static void a_key_longer_than_a_block_is_hashed_first(void **unused)
{
	static const char data[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	struct blob key = {.len = 80};

	memset(key.data, 0xaa, sizeof(key.data));
	/* RFC 2202 section 3, test case 6 */
	assert_hmac(HMAC_SHA1, &key, data, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
	key.len = 131;
	/* RFC 4231 section 4.7 */
	assert_hmac(HMAC_SHA256, &key, data,
		    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hmac_needs_a_key_and_an_algorithm(void **unused)
{
	uint8_t mac[MAC_MAX];

	assert_refused(CRYPTO, crypto_hmac(HMAC_SHA1, (struct piece){"", 0},
					   &(struct piece){"x", 1}, 1, mac));
	assert_refused(CRYPTO, crypto_hmac((enum hmac_alg)0, (struct piece){"key", 3},
					   &(struct piece){"x", 1}, 1, mac));
	assert_refused(CRYPTO, crypto_hmac((enum hmac_alg)4, (struct piece){"key", 3},
					   &(struct piece){"x", 1}, 1, mac));
	assert_int_equal(0, crypto_mac_len((enum hmac_alg)4));
}

static const struct gcm_row {
	const char *key, *nonce, *aad, *plain, *ct, *tag;
} gcm_rows[] = {
	/* "The Galois/Counter Mode of Operation" (McGrew, Viega), appendix B, test cases 13,
	 * 14 and 16 */
	{"0000000000000000000000000000000000000000000000000000000000000000",
	 "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
	{"0000000000000000000000000000000000000000000000000000000000000000",
	 "000000000000000000000000", "", "00000000000000000000000000000000",
	 "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	 "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	 "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void pieces_are_one_message(void **unused)
{
	static const char text[] = "what do ya want for nothing?";
	uint8_t whole[MAC_MAX], parts[MAC_MAX];

	for (size_t at = 0; at <= strlen(text); at++) {
		const struct piece pieces[] = {{text, at}, {text + at, strlen(text) - at}};

		assert_ok(crypto_hmac(HMAC_SHA256, (struct piece){"Jefe", 4},
				      &(struct piece){text, strlen(text)}, 1, whole));
		assert_ok(crypto_hmac(HMAC_SHA256, (struct piece){"Jefe", 4}, pieces, 2, parts));
		assert_memory_equal(whole, parts, SHA256_LEN);
	}
}

static void a_message_that_is_too_long_is_rejected(void **unused)
{
	static const uint8_t text[HMAC_MESSAGE_MAX + 1];
	const struct piece pieces[] = {{text, HMAC_MESSAGE_MAX}, {text, 1}};
	uint8_t mac[MAC_MAX];

	for (enum hmac_alg alg = HMAC_SHA1; alg <= HMAC_SHA512; alg++) {
		assert_ok(crypto_hmac(alg, (struct piece){"key", 3}, pieces, 1, mac));
		assert_refused(RANGE, crypto_hmac(alg, (struct piece){"key", 3}, pieces, 2, mac));
		assert_refused(RANGE, crypto_hmac(alg, (struct piece){"key", 3},
						  &(struct piece){text, sizeof(text)}, 1, mac));
	}
}

/* Compared with libcrypto's own HMAC, at every length of key around the two block sizes. */
static void hmac_agrees_with_that_of_libcrypto(void **unused)
{
	static const char *const names[] = {[HMAC_SHA1] = "SHA1", "SHA256", "SHA512"};
	uint8_t key[BYTES_MAX], mac[MAC_MAX], expected[MAC_MAX];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(7 * i + 1);
	for (enum hmac_alg alg = HMAC_SHA1; alg <= HMAC_SHA512; alg++)
		for (size_t len = 1; len <= sizeof(key); len++) {
			size_t mac_len = 0;

			assert_ok(crypto_hmac(alg, (struct piece){key, len},
					      &(struct piece){key, len / 2}, 1, mac));
			assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, names[alg], NULL, key, len,
						  key, len / 2, expected, sizeof(expected),
						  &mac_len));
			assert_int_equal(mac_len, crypto_mac_len(alg));
			assert_memory_equal(expected, mac, mac_len);
		}
}

static void gcm_gives_the_published_values_both_ways(void **unused)
{
	for (size_t i = 0; i < COUNT(gcm_rows); i++) {
		struct blob key = blob_of(gcm_rows[i].key), nonce = blob_of(gcm_rows[i].nonce);
		struct blob aad = blob_of(gcm_rows[i].aad), plain = blob_of(gcm_rows[i].plain);
		struct blob ct = blob_of(gcm_rows[i].ct), tag = blob_of(gcm_rows[i].tag);
		uint8_t seen[BYTES_MAX] = {0}, seen_tag[GCM_TAG_LEN] = {0};

		assert_ok(crypto_gcm_seal(&(struct gcm){key.data, nonce.data, {aad.data, aad.len}},
					  plain.data, plain.len, seen, seen_tag));
		assert_memory_equal(ct.data, seen, ct.len);
		assert_memory_equal(tag.data, seen_tag, GCM_TAG_LEN);

		assert_ok(crypto_gcm_open(&(struct gcm){key.data, nonce.data, {aad.data, aad.len}},
					  ct.data, ct.len, tag.data, seen));
		assert_memory_equal(plain.data, seen, plain.len);
	}
}

static void gcm_opens_nothing_with_another_tag(void **unused)
{
	const struct gcm_row *row = &gcm_rows[2];
	struct blob key = blob_of(row->key), nonce = blob_of(row->nonce), aad = blob_of(row->aad);
	struct blob ct = blob_of(row->ct), tag = blob_of(row->tag);

	for (size_t bit = 0; bit < 8 * GCM_TAG_LEN; bit++) {
		uint8_t plain[BYTES_MAX];

		memset(plain, 0x77, sizeof(plain));
		tag.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_refused(
			SEAL,
			crypto_gcm_open(&(struct gcm){key.data, nonce.data, {aad.data, aad.len}},
					ct.data, ct.len, tag.data, plain));
		assert_zeros(plain, ct.len);
		assert_int_equal(0x77, plain[ct.len]);
		tag.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void the_caller_s_error_queue_is_left_as_it_was(void **unused)
{
	const struct gcm_row *row = &gcm_rows[2];
	struct blob key = blob_of(row->key), nonce = blob_of(row->nonce), ct = blob_of(row->ct);
	uint8_t plain[BYTES_MAX], tag[GCM_TAG_LEN] = {0}, mac[MAC_MAX];
	unsigned long callers_own;

	ERR_clear_error();
	assert_refused(SEAL, crypto_gcm_open(&(struct gcm){key.data, nonce.data, {"", 0}}, ct.data,
					     ct.len, tag, plain));
	assert_refused(CRYPTO, crypto_hmac((enum hmac_alg)9, (struct piece){"key", 3},
					   &(struct piece){"x", 1}, 1, mac));
	assert_int_equal(0, ERR_peek_error());

	ERR_raise(ERR_LIB_USER, 1);
	callers_own = ERR_peek_error();
	assert_refused(SEAL, crypto_gcm_open(&(struct gcm){key.data, nonce.data, {"", 0}}, ct.data,
					     ct.len, tag, plain));
	assert_int_equal(callers_own, ERR_peek_error());
	assert_int_equal(callers_own, ERR_peek_last_error());

	/* nor is a mark of ours left on an error of the caller */
	ERR_set_mark();
	ERR_raise(ERR_LIB_USER, 2);
	assert_refused(SEAL, crypto_gcm_open(&(struct gcm){key.data, nonce.data, {"", 0}}, ct.data,
					     ct.len, tag, plain));
	ERR_pop_to_mark();
	assert_int_equal(callers_own, ERR_peek_last_error());
	ERR_clear_error();
}

static void more_than_libcrypto_takes_at_once_is_rejected(void **unused)
{
	static const uint8_t key[GCM_KEY_LEN], nonce[GCM_NONCE_LEN];
	const struct gcm plain_gcm = {key, nonce, {"", 0}};
	const struct gcm long_gcm = {key, nonce, {"", (size_t)INT_MAX + 1}};
	uint8_t byte = 7, tag[GCM_TAG_LEN] = {0};

	assert_refused(RANGE, crypto_gcm_seal(&plain_gcm, &byte, (size_t)INT_MAX + 1, &byte, tag));
	assert_refused(RANGE, crypto_gcm_open(&plain_gcm, &byte, (size_t)INT_MAX + 1, tag, &byte));
	assert_refused(RANGE, crypto_gcm_seal(&long_gcm, &byte, 1, &byte, tag));
	assert_refused(RANGE, crypto_gcm_open(&long_gcm, &byte, 1, tag, &byte));
	assert_int_equal(7, byte);
}

static void random_bytes_are_asked_for_whole(void **unused)
{
	uint8_t a[600] = {0}, b[600] = {0};

	assert_ok(crypto_random(a, sizeof(a)));
	assert_ok(crypto_random(b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + 300, b + 300, 300);
	assert_ok(crypto_random(a, 0));
	random_err = EINTR; /* once: a signal came */
	assert_ok(crypto_random(b, sizeof(b)));
	assert_int_equal(0, random_err);
	random_err = ENOSYS;
	assert_refused(SYSTEM, crypto_random(b, sizeof(b)));
}

static void a_key_is_the_same_after_base64_and_back(void **unused)
{
	uint8_t key[GCM_KEY_LEN], back[GCM_KEY_LEN] = {0};
	char text[KEY_BASE64_LEN + 1];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(255 - 3 * i);
	crypto_key_to_base64(key, text);
	assert_string_equal("//z59vPw7ern5OHe29jV0s/MycbDwL26t7SxrquopaI=", text);
	assert_ok(crypto_key_from_base64(text, strlen(text), back));
	assert_memory_equal(key, back, sizeof(key));
}

static void a_key_has_one_spelling(void **unused)
{
	static const char *const others[] = {
		"",
		"//z59vPw7ern5OHe29jV0s/MycbDwL26t7SxrquopaI",     /* no padding */
		"//z59vPw7ern5OHe29jV0s/MycbDwL26t7SxrquopaJ=",    /* unused bits set */
		"__z59vPw7ern5OHe29jV0s_MycbDwL26t7SxrquopaI=",    /* the alphabet for URLs */
		"//z59vPw7ern5OHe29jV0s/MycbDwL26t7Sxrquopa==",    /* 31 bytes */
		"//z59vPw7ern5OHe29jV0s/MycbDwL26t7Sxrquopa==AAA", /* padding in the middle */
		"//z59vPw7ern5OHe29jV0s/MycbDwL26t7SxrquopaIA",    /* 33 bytes */
		"//z59vPw7ern5OHe29jV0s/MycbDwL26t7SxrquopaI=\n",
		"  //z59vPw7ern5OHe29jV0s/MycbDwL26t7Sxrquop=",
		"//z59vPw7ern5OHe29jV0s/MycbDwL26t7Sxrq=opaI=",
		"//z59vPw7ern5OHe29jV0s/MycbDwL26t7Sxrq opaI=",
	};
	uint8_t key[GCM_KEY_LEN] = {0};

	for (size_t i = 0; i < COUNT(others); i++)
		assert_refused(FORMAT, crypto_key_from_base64(others[i], strlen(others[i]), key));
	assert_wiped(key);
}

static void scrypt_gives_the_published_values(void **unused)
{
	/* RFC 7914 section 12; the first 32 of its 64 bytes, which are the same for a key of 32 */
	static const struct {
		const char *phrase, *salt;
		struct scrypt_cost cost;
		const char *key;
	} rows[] = {
		{"",
		 "",
		 {4, 1, 1},
		 "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"},
		{"password",
		 "NaCl",
		 {10, 8, 16},
		 "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"},
		{"pleaseletmein",
		 "SodiumChloride",
		 {14, 8, 1},
		 "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t key[GCM_KEY_LEN];
		char seen[2 * GCM_KEY_LEN + 1];

		assert_ok(crypto_scrypt((struct piece){rows[i].phrase, strlen(rows[i].phrase)},
					(struct piece){rows[i].salt, strlen(rows[i].salt)},
					rows[i].cost, key));
		text_to_hex(key, sizeof(key), seen);
		assert_string_equal(rows[i].key, seen);
	}
}

static void a_cost_that_scrypt_does_not_know_is_rejected(void **unused)
{
	static const struct scrypt_cost costs[] = {
		{0, 8, 1},  {64, 8, 1}, {255, 8, 1}, {63, 255, 255},
		{14, 0, 1}, {14, 8, 0}, {21, 8, 1}, /* 2 GiB */
	};
	uint8_t key[GCM_KEY_LEN] = {0};

	for (size_t i = 0; i < COUNT(costs); i++)
		assert_refused(CRYPTO, crypto_scrypt((struct piece){"phrase", 6},
						     (struct piece){"salt", 4}, costs[i], key));
	assert_wiped(key);
	assert_int_equal(0, ERR_peek_error());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_gives_the_published_values),
		cmocka_unit_test(hmac_sha1_gives_the_published_values),
		cmocka_unit_test(a_key_longer_than_a_block_is_hashed_first),
		cmocka_unit_test(hmac_needs_a_key_and_an_algorithm),
		cmocka_unit_test(pieces_are_one_message),
		cmocka_unit_test(a_message_that_is_too_long_is_rejected),
		cmocka_unit_test(hmac_agrees_with_that_of_libcrypto),
		cmocka_unit_test(gcm_gives_the_published_values_both_ways),
		cmocka_unit_test(gcm_opens_nothing_with_another_tag),
		cmocka_unit_test(the_caller_s_error_queue_is_left_as_it_was),
		cmocka_unit_test(more_than_libcrypto_takes_at_once_is_rejected),
		cmocka_unit_test(random_bytes_are_asked_for_whole),
		cmocka_unit_test(scrypt_gives_the_published_values),
		cmocka_unit_test(a_cost_that_scrypt_does_not_know_is_rejected),
		cmocka_unit_test(a_key_is_the_same_after_base64_and_back),
		cmocka_unit_test(a_key_has_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
