/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/base64.h"

/* RFC 4648 section 10 */
static const struct {
	const char *bytes, *text;
} vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xef\xff", "++//"},
};

static void the_rfc_s_vectors_are_encoded_and_decoded(void **unused)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		size_t len = strlen(vectors[i].bytes);
		char text[16];
		uint8_t bytes[16];
		struct buffer out = buffer_of(bytes, sizeof(bytes));

		assert_int_equal(strlen(vectors[i].text), BASE64_LEN(len));
		base64_encode(vectors[i].bytes, len, text);
		assert_memory_equal(vectors[i].text, text, BASE64_LEN(len));
		assert_ok(base64_append(text, BASE64_LEN(len), &out));
		assert_int_equal(len, out.len);
		assert_memory_equal(vectors[i].bytes, bytes, len);
	}
}

static void another_spelling_is_rejected(void **unused)
{
	static const char *const others[] = {"Zg",   "Zg=",      "Zh==",  "Zm9",   "Zm9=", "====",
					     "Z===", "Zg==Zg==", " Zg==", "Zm8\n", "Zm-_", "=Zg="};

	for (size_t i = 0; i < COUNT(others); i++) {
		uint8_t bytes[16];
		struct buffer out = buffer_of(bytes, sizeof(bytes));

		assert_refused(FORMAT, base64_append(others[i], strlen(others[i]), &out));
		assert_true(out.bad);
	}
}

static void bytes_that_do_not_fit_are_an_error(void **unused)
{
	uint8_t bytes[5];
	struct buffer out = buffer_of(bytes, sizeof(bytes));

	assert_ok(base64_append("Zm9v", 4, &out));
	assert_refused(RANGE, base64_append("Zm9v", 4, &out));
	assert_true(out.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfc_s_vectors_are_encoded_and_decoded),
		cmocka_unit_test(another_spelling_is_rejected),
		cmocka_unit_test(bytes_that_do_not_fit_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
