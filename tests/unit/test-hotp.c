/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "otp/hotp.h"

static struct secret rfc_key(void)
{
	struct secret key = {0};

	assert_ok(secret_set(&key, "12345678901234567890", 20));
	return key;
}

static void the_first_ten_counters_give_the_rfc_s_codes(void **unused)
{
	/* RFC 4226 appendix D */
	static const char *const expected[] = {
		"755224", "287082", "359152", "969429", "338314",
		"254676", "287922", "162583", "399871", "520489",
	};
	struct secret key = rfc_key();

	for (uint64_t counter = 0; counter < COUNT(expected); counter++) {
		struct code code;

		assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 6, &key}, counter, &code));
		assert_string_equal(expected[counter], code.text);
	}
}

static void more_digits_are_more_of_the_same_number(void **unused)
{
	/* RFC 4226 appendix D: the truncated value of counter 0 is 1284755224 */
	static const char *const expected[] = {"755224", "4755224", "84755224"};
	struct secret key = rfc_key();

	for (unsigned digits = 6; digits <= 8; digits++) {
		struct code code;

		assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, digits, &key}, 0, &code));
		assert_string_equal(expected[digits - 6], code.text);
		assert_zeros(code.text + digits, sizeof(code.text) - digits);
	}
}

static void the_counter_counts_in_all_its_64_bits(void **unused)
{
	struct secret key = rfc_key();
	struct code low, high;

	assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 8, &key}, 1, &low));
	assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 8, &key}, 1 + (UINT64_C(1) << 32), &high));
	assert_false(code_equal(&low, &high));
	assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 8, &key}, 1 + (UINT64_C(1) << 63), &high));
	assert_false(code_equal(&low, &high));
}

static void a_parameter_out_of_range_gives_no_code(void **unused)
{
	struct secret key = rfc_key(), none = {0}, damaged = {.len = SECRET_MAX + 1};
	struct code code = {"kept"};

	assert_refused(RANGE, hotp_code(&(struct hotp){HMAC_SHA1, 5, &key}, 0, &code));
	assert_refused(RANGE, hotp_code(&(struct hotp){HMAC_SHA1, 9, &key}, 0, &code));
	assert_refused(RANGE, hotp_code(&(struct hotp){HMAC_SHA1, 0, &key}, 0, &code));
	assert_refused(RANGE, hotp_code(&(struct hotp){HMAC_SHA1, 6, &none}, 0, &code));
	assert_refused(RANGE, hotp_code(&(struct hotp){HMAC_SHA1, 6, &damaged}, 0, &code));
	assert_refused(CRYPTO, hotp_code(&(struct hotp){(enum hmac_alg)0, 6, &key}, 0, &code));
	assert_string_equal("kept", code.text);
}

static void a_code_is_equal_only_to_itself(void **unused)
{
	struct code code = {"007081"}, same = {"007081"}, longer = {"0070810"}, shorter = {"07081"};

	assert_true(code_equal(&code, &same));
	assert_false(code_equal(&code, &longer));
	assert_false(code_equal(&code, &shorter));
}

static void the_highest_counter_of_the_look_ahead_counts(void **unused)
{
	struct secret key = rfc_key();
	const struct hotp six = {HMAC_SHA1, 6, &key};
	struct counter_match match;
	struct code code;

	for (uint64_t at = 0; at <= 12; at++) {
		assert_ok(hotp_code(&six, at, &code));
		assert_ok(hotp_find(&six, &code, 3, 5, &match));
		assert_int_equal(at >= 3 && at <= 8, match.found);
		assert_int_equal(match.found ? at : 0, match.counter);
		assert_int_equal(at == 2, match.used);
	}
	/* counters 2386 and 2394 of this key share a code */
	code = (struct code){"709847"};
	assert_ok(hotp_find(&six, &code, 2386, 2394 - 2386, &match));
	assert_int_equal(2394, match.counter);
	assert_refused(RANGE, hotp_find(&six, &code, 0, HOTP_AHEAD_MAX + 1, &match));
	assert_refused(RANGE, hotp_find(&six, &code, UINT64_MAX, 0, &match));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_ten_counters_give_the_rfc_s_codes),
		cmocka_unit_test(more_digits_are_more_of_the_same_number),
		cmocka_unit_test(the_counter_counts_in_all_its_64_bits),
		cmocka_unit_test(a_parameter_out_of_range_gives_no_code),
		cmocka_unit_test(the_highest_counter_of_the_look_ahead_counts),
		cmocka_unit_test(a_code_is_equal_only_to_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
