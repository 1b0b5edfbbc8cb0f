/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "otp/totp.h"

/* The digits 1 to 9 and 0, over and over: RFC 6238 appendix A makes all its keys so. */
static struct secret rfc_key(size_t len)
{
	struct secret key = {.len = len};

	for (size_t i = 0; i < len; i++)
		key.data[i] = (uint8_t)('0' + (i + 1) % 10);
	return key;
}

static struct code code_at(uint64_t step)
{
	struct secret key = rfc_key(20);
	struct code code;

	assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 6, &key}, step, &code));
	return code;
}

static struct step_match find(uint64_t step_of_code, const struct step_window *window)
{
	struct code typed = code_at(step_of_code);
	struct secret key = rfc_key(20);
	const struct hotp six = {HMAC_SHA1, 6, &key};
	struct step_match match;

	assert_ok(totp_find_step(&six, &typed, window, &match));
	return match;
}

static void the_rfc_s_times_give_the_rfc_s_codes(void **unused)
{
	/* RFC 6238 appendix B */
	static const struct {
		int64_t time;
		uint64_t step;
		const char *sha1, *sha256, *sha512;
	} rows[] = {
		{59, 0x1, "94287082", "46119246", "90693936"},
		{1111111109, 0x23523ec, "07081804", "68084774", "25091201"},
		{1111111111, 0x23523ed, "14050471", "67062674", "99943326"},
		{1234567890, 0x273ef07, "89005924", "91819424", "93441116"},
		{2000000000, 0x3f940aa, "69279037", "90698825", "38618901"},
		{20000000000, 0x27bc86aa, "65353130", "77737706", "47863826"},
	};
	struct secret keys[] = {rfc_key(20), rfc_key(32), rfc_key(64)};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t step = 0;
		struct code code;

		assert_ok(totp_step_at(rows[i].time, 30, &step));
		assert_int_equal(rows[i].step, step);
		assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 8, &keys[0]}, step, &code));
		assert_string_equal(rows[i].sha1, code.text);
		assert_ok(hotp_code(&(struct hotp){HMAC_SHA256, 8, &keys[1]}, step, &code));
		assert_string_equal(rows[i].sha256, code.text);
		assert_ok(hotp_code(&(struct hotp){HMAC_SHA512, 8, &keys[2]}, step, &code));
		assert_string_equal(rows[i].sha512, code.text);
	}
}

static void a_step_begins_at_its_first_second(void **unused)
{
	static const struct {
		int64_t time;
		uint32_t period;
		uint64_t step;
	} rows[] = {
		{0, 30, 0},
		{29, 30, 0},
		{30, 30, 1},
		{59, 30, 1},
		{60, 30, 2},
		{59, 60, 0},
		{300, 300, 1},
		{INT64_MAX, 1, INT64_MAX},
		{7, 1, 7},
		{14, 15, 0},
		{2147483648, 30, 71582788},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t step = 99;

		assert_ok(totp_step_at(rows[i].time, rows[i].period, &step));
		assert_int_equal(rows[i].step, step);
	}
}

static void there_is_no_step_before_1970_or_with_a_period_of_0(void **unused)
{
	uint64_t step = 99;

	assert_refused(RANGE, totp_step_at(-1, 30, &step));
	assert_refused(RANGE, totp_step_at(INT64_MIN, 30, &step));
	assert_refused(RANGE, totp_step_at(59, 0, &step));
	assert_int_equal(99, step);
}

static void the_window_has_the_size_that_is_set(void **unused)
{
	for (uint64_t reach = 0; reach <= TOTP_WINDOW_MAX; reach++) {
		struct step_window window = {.centre = 50, .reach = reach};

		for (uint64_t step = 25; step <= 75; step++) {
			bool inside = step >= 50 - reach && step <= 50 + reach;
			struct step_match match = find(step, &window);

			assert_int_equal(inside, match.found);
			assert_int_equal(inside ? step : 0, match.step);
			assert_false(match.used);
		}
	}
}

static void the_window_is_clipped_at_the_first_step(void **unused)
{
	struct step_window window = {.centre = 1, .reach = 3};

	assert_int_equal(1, find(1, &window).step);
	assert_int_equal(4, find(4, &window).step);
	assert_false(find(5, &window).found);
}

static void a_step_at_or_before_the_floor_is_used(void **unused)
{
	struct step_window window = {.centre = 10, .reach = 2, .floor = 10};

	for (uint64_t step = 8; step <= 12; step++) {
		struct step_match match = find(step, &window);

		assert_int_equal(step > 10, match.found);
		assert_int_equal(step <= 10, match.used);
		assert_int_equal(step > 10 ? step : 0, match.step);
	}
}

static void a_step_before_the_window_is_neither_found_nor_used(void **unused)
{
	struct step_window window = {.centre = 10, .reach = 2, .floor = 10};
	struct step_match match = find(7, &window);

	assert_false(match.found);
	assert_false(match.used);
}

static void step_0_is_used_from_the_beginning(void **unused)
{
	struct step_window window = {.centre = 0, .reach = 1};

	assert_false(find(0, &window).found);
	assert_true(find(0, &window).used);
	assert_true(find(1, &window).found);
}

/* Two neighbouring steps of the RFC's key with the same code. */
#define TWIN 910737
static const struct code twin_code = {"911617"};

static void of_two_steps_with_one_code_the_later_counts(void **unused)
{
	struct step_window window = {.centre = TWIN, .reach = 1};
	struct step_match match = find(TWIN, &window);

	assert_string_equal(twin_code.text, code_at(TWIN).text);
	assert_string_equal(twin_code.text, code_at(TWIN + 1).text);
	assert_true(match.found);
	assert_int_equal(TWIN + 1, match.step);

	window.floor = TWIN;
	match = find(TWIN, &window);
	assert_true(match.found);
	assert_true(match.used);
	assert_int_equal(TWIN + 1, match.step);

	window.floor = TWIN + 1;
	assert_false(find(TWIN, &window).found);
}

static void a_code_of_other_digits_matches_nothing(void **unused)
{
	struct step_window window = {.centre = 1, .reach = 1};
	struct code eight = {"94287082"}, seven = {"4287082"}, six_typed = {"287082"};
	struct secret key = rfc_key(20);
	const struct hotp six = {HMAC_SHA1, 6, &key};
	struct step_match match;

	assert_ok(totp_find_step(&six, &eight, &window, &match));
	assert_false(match.found);
	assert_ok(totp_find_step(&six, &seven, &window, &match));
	assert_false(match.found);
	assert_ok(totp_find_step(&six, &six_typed, &window, &match));
	assert_true(match.found);
}

static void a_parameter_out_of_range_finds_nothing(void **unused)
{
	struct step_window too_wide = {.centre = 50, .reach = TOTP_WINDOW_MAX + 1};
	struct step_window at_the_end = {.centre = UINT64_MAX - 1, .reach = 1};
	struct step_window past_the_end = {.centre = UINT64_MAX, .reach = 1};
	struct step_window window = {.centre = 50, .reach = 1};
	struct step_match match = {.step = 77};
	struct code typed = code_at(50);
	struct secret key = rfc_key(20);
	const struct hotp six = {HMAC_SHA1, 6, &key}, nine = {HMAC_SHA1, 9, &key};
	const struct hotp unknown = {(enum hmac_alg)7, 6, &key};

	assert_refused(RANGE, totp_find_step(&six, &typed, &too_wide, &match));
	assert_refused(RANGE, totp_find_step(&six, &typed, &at_the_end, &match));
	assert_refused(RANGE, totp_find_step(&six, &typed, &past_the_end, &match));
	assert_refused(RANGE, totp_find_step(&nine, &typed, &window, &match));
	assert_refused(CRYPTO, totp_find_step(&unknown, &typed, &window, &match));
	assert_int_equal(77, match.step);
	assert_false(match.found);
}

static void the_offset_of_a_wrong_clock_is_reported(void **unused)
{
	static const int64_t offsets[] = {0, 1, -1, 2, -2, 119, -120, 120};
	struct secret key = rfc_key(20);
	const struct hotp six = {HMAC_SHA1, 6, &key};

	for (size_t i = 0; i < COUNT(offsets); i++) {
		struct code typed = code_at((uint64_t)(1000000 + offsets[i]));
		struct step_offset offset = {.steps = 77};

		assert_ok(totp_find_offset(&six, &typed, 1000000, 120, &offset));
		assert_true(offset.found);
		assert_int_equal(offsets[i], offset.steps);
	}
}

static void beyond_the_reach_no_offset_is_found(void **unused)
{
	struct secret key = rfc_key(20);
	const struct hotp six = {HMAC_SHA1, 6, &key};
	struct code after = code_at(1000121), before = code_at(1000000 - 121);
	struct step_offset offset = {.found = true, .steps = 77};

	assert_ok(totp_find_offset(&six, &after, 1000000, 120, &offset));
	assert_false(offset.found);
	assert_int_equal(0, offset.steps);
	assert_ok(totp_find_offset(&six, &before, 1000000, 120, &offset));
	assert_false(offset.found);
}

static void no_offset_reaches_before_the_first_step(void **unused)
{
	struct secret key = rfc_key(20);
	const struct hotp six = {HMAC_SHA1, 6, &key};
	struct code first = code_at(0), wrapped = code_at(UINT64_MAX);
	struct step_offset offset = {.steps = 77};

	assert_ok(totp_find_offset(&six, &first, 2, 120, &offset));
	assert_true(offset.found);
	assert_int_equal(-2, offset.steps);
	assert_ok(totp_find_offset(&six, &wrapped, 2, 120, &offset));
	assert_false(offset.found);
}

static void the_nearest_offset_counts(void **unused)
{
	struct secret key = rfc_key(20);
	const struct hotp six = {HMAC_SHA1, 6, &key};
	struct step_offset offset = {.steps = 77};

	assert_ok(totp_find_offset(&six, &twin_code, TWIN + 3, 10, &offset));
	assert_int_equal(-2, offset.steps);
	assert_ok(totp_find_offset(&six, &twin_code, TWIN - 3, 10, &offset));
	assert_int_equal(3, offset.steps);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfc_s_times_give_the_rfc_s_codes),
		cmocka_unit_test(a_step_begins_at_its_first_second),
		cmocka_unit_test(there_is_no_step_before_1970_or_with_a_period_of_0),
		cmocka_unit_test(the_window_has_the_size_that_is_set),
		cmocka_unit_test(the_window_is_clipped_at_the_first_step),
		cmocka_unit_test(a_step_at_or_before_the_floor_is_used),
		cmocka_unit_test(a_step_before_the_window_is_neither_found_nor_used),
		cmocka_unit_test(step_0_is_used_from_the_beginning),
		cmocka_unit_test(of_two_steps_with_one_code_the_later_counts),
		cmocka_unit_test(a_code_of_other_digits_matches_nothing),
		cmocka_unit_test(a_parameter_out_of_range_finds_nothing),
		cmocka_unit_test(the_offset_of_a_wrong_clock_is_reported),
		cmocka_unit_test(beyond_the_reach_no_offset_is_found),
		cmocka_unit_test(no_offset_reaches_before_the_first_step),
		cmocka_unit_test(the_nearest_offset_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
