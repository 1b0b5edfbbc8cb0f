/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "otp/base32.h"

static enum totp_err decode(const char *text, struct secret *ret_key)
{
	return base32_decode(text, strlen(text), ret_key);
}

/* RFC 4648 section 10, without the empty vector, which is not a key */
static const struct {
	const char *bytes, *padded, *bare;
} vectors[] = {
	{"f", "MY======", "MY"},           {"fo", "MZXQ====", "MZXQ"},
	{"foo", "MZXW6===", "MZXW6"},      {"foob", "MZXW6YQ=", "MZXW6YQ"},
	{"fooba", "MZXW6YTB", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI======", "MZXW6YTBOI"},
};

static void the_rfc_s_vectors_decode_with_and_without_padding(void **unused)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		size_t len = strlen(vectors[i].bytes);
		struct secret key;

		assert_ok(decode(vectors[i].padded, &key));
		assert_int_equal(len, key.len);
		assert_memory_equal(vectors[i].bytes, key.data, len);
		assert_ok(decode(vectors[i].bare, &key));
		assert_int_equal(len, key.len);
		assert_memory_equal(vectors[i].bytes, key.data, len);
	}
}

static void the_rfc_s_vectors_encode_without_padding(void **unused)
{
	char text[BASE32_TEXT_MAX];
	struct secret key = {0};

	base32_encode(&key, text);
	assert_string_equal("", text);
	for (size_t i = 0; i < COUNT(vectors); i++) {
		assert_ok(secret_set(&key, vectors[i].bytes, strlen(vectors[i].bytes)));
		base32_encode(&key, text);
		assert_string_equal(vectors[i].bare, text);
	}
}

static void spellings_that_people_type_are_accepted(void **unused)
{
	static const char *const spellings[] = {
		"mzxw6ytboi", "MZXW 6YTB OI",        "mzxw-6ytb-oi",          "  MZXW6YTBOI ",
		"MzXw6yTbOi", "MZXW6YTBOI == == ==", "-M-Z-X-W-6-Y-T-B-O-I-",
	};

	for (size_t i = 0; i < COUNT(spellings); i++) {
		struct secret key;

		assert_ok(decode(spellings[i], &key));
		assert_int_equal(6, key.len);
		assert_memory_equal("foobar", key.data, 6);
	}
}

static void a_text_that_is_not_base32_is_rejected_and_leaves_no_key(void **unused)
{
	static const char *const refused[] = {
		"",
		" ",
		"-",
		"=",
		"========",
		/* a number of symbols that no number of bytes gives */
		"M",
		"MZX",
		"MZXW6Y",
		"MZXW6YTBO",
		"AAA",
		"AAAAAA",
		/* unused bits that are not zero (RFC 4648 section 3.5) */
		"MZ",
		"MZXR",
		"MZXW7",
		"MZXW6YR",
		"MZXW6YTBOJ",
		/* padding: too little, too much, in the middle, where none belongs */
		"MY=",
		"MY=====",
		"MY=======",
		"MZXW6==",
		"MZXW6YTB=",
		"MZXW6YTB========",
		"MY======MY",
		"M=Y=====",
		"MY====== MY======",
		"=MY=====",
		/* other bytes */
		"MZXW6YTB0I",
		"MZXW6YTB1I",
		"MZXW6YTB8I",
		"MZXW6YTB9I",
		"MZXW6YTBOI\n",
		"MZXW\t6YTBOI",
		"MZXW6YTBOI_",
		"MZXW6YTBO\xc4\xb0",
		"MZXW+YTBOI",
		"MZXW/YTBOI",
	};

	for (size_t i = 0; i < COUNT(refused); i++) {
		struct secret key;

		memset(&key, 0xff, sizeof(key));
		assert_refused(FORMAT, decode(refused[i], &key));
		assert_wiped(key);
	}
}

static void a_nul_is_rejected_like_any_other_byte(void **unused)
{
	struct secret key;

	assert_refused(FORMAT, base32_decode("MZXW6YTB\0", 9, &key));
	assert_refused(FORMAT, base32_decode("MZXW\0MZXW", 9, &key));
}

static void a_text_is_never_read_past_its_length(void **unused)
{
	struct secret key;

	assert_ok(base32_decode("MZXW6!", 5, &key));
	assert_int_equal(3, key.len);
}

static void every_length_up_to_128_bytes_decodes_to_itself(void **unused)
{
	uint8_t bytes[SECRET_MAX];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	for (size_t len = 1; len <= sizeof(bytes); len++) {
		char text[BASE32_TEXT_MAX];
		struct secret key = {0}, back;

		assert_ok(secret_set(&key, bytes, len));
		base32_encode(&key, text);
		assert_int_equal((len * 8 + 4) / 5, strlen(text));
		assert_ok(decode(text, &back));
		assert_memory_equal(&key, &back, sizeof(key));
	}
}

static void more_than_128_bytes_are_out_of_range(void **unused)
{
	char text[5000];
	struct secret key;

	memset(text, 'A', sizeof(text));
	assert_ok(base32_decode(text, 205, &key));
	assert_int_equal(SECRET_MAX, key.len);
	assert_refused(RANGE, base32_decode(text, 207, &key));
	assert_wiped(key);
	assert_refused(RANGE, base32_decode(text, sizeof(text), &key));
	assert_wiped(key);
}

static void bits_that_fill_no_byte_can_be_dropped(void **unused)
{
	static const struct {
		const char *text;
		bool cut;
	} rows[] = {{"MZXW6YTBOI", false},
		    {"MZXW6YTBOJ", true},
		    {"MZXW6YTBOI======", false},
		    {"mzxw6ytbok======", true}};
	static const char *const refused[] = {"", "MZXW6YTBO", "MZXW6YTB0J", "MZXW6YTBOJ="};
	struct secret key;
	bool cut;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_ok(base32_decode_cut(rows[i].text, strlen(rows[i].text), &key, &cut));
		assert_int_equal(rows[i].cut, cut);
		assert_int_equal(6, key.len);
		assert_memory_equal("foobar", key.data, 6);
	}
	for (size_t i = 0; i < COUNT(refused); i++) {
		assert_refused(FORMAT,
			       base32_decode_cut(refused[i], strlen(refused[i]), &key, &cut));
		assert_wiped(key);
	}
}

static void a_secret_that_people_made_up_decodes_loosely(void **unused)
{
	/* 0, 1 and 8 are O, L and B; the bits at the end are dropped */
	static const char *const spellings[] = {"MZXW6YTB0I", "MZXW6YT8OJ", "mzxw6\ty=tboi="};
	struct secret key;

	for (size_t i = 0; i < COUNT(spellings); i++) {
		assert_refused(FORMAT, decode(spellings[i], &key));
		assert_ok(base32_decode_loose(spellings[i], strlen(spellings[i]), &key));
		assert_int_equal(6, key.len);
		assert_memory_equal("foobar", key.data, 6);
	}
	assert_refused(FORMAT, base32_decode_loose("MZXW9", 5, &key));
	assert_refused(RANGE, base32_decode_loose("M", 1, &key));
	assert_int_equal(0, key.len);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bits_that_fill_no_byte_can_be_dropped),
		cmocka_unit_test(a_secret_that_people_made_up_decodes_loosely),
		cmocka_unit_test(the_rfc_s_vectors_decode_with_and_without_padding),
		cmocka_unit_test(the_rfc_s_vectors_encode_without_padding),
		cmocka_unit_test(spellings_that_people_type_are_accepted),
		cmocka_unit_test(a_text_that_is_not_base32_is_rejected_and_leaves_no_key),
		cmocka_unit_test(a_nul_is_rejected_like_any_other_byte),
		cmocka_unit_test(a_text_is_never_read_past_its_length),
		cmocka_unit_test(every_length_up_to_128_bytes_decodes_to_itself),
		cmocka_unit_test(more_than_128_bytes_are_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
