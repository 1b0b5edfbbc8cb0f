/* SPDX-License-Identifier: BSD-2-Clause */
/* The code that confirms a new phone, and the hint that a wrong one gets. */
#include "records.h"

#include "login/confirm.h"

static struct otp_uri uri_of(enum hmac_alg alg, unsigned digits, uint32_t period)
{
	struct otp_uri uri = {.alg = alg, .digits = digits, .period = period};

	uri.secret.len = 20;
	memset(uri.secret.data, 1, uri.secret.len);
	return uri;
}

static struct confirmation confirm(const struct otp_uri *uri, const char *typed)
{
	static const struct confirm_window window = {.steps = 1, .codes = 3};
	struct confirmation confirmation;

	assert_ok(confirm_typed(uri, &window, typed, NOW, &confirmation));
	return confirmation;
}

static struct confirmation confirm_at(const struct otp_uri *uri, uint64_t counter)
{
	const struct hotp hotp = {uri->alg, uri->digits, &uri->secret};
	struct code code = {0};

	assert_ok(hotp_code(&hotp, counter, &code));
	return confirm(uri, code.text);
}

static void assert_wrong(const struct confirmation *seen, const char *id, const char *words)
{
	assert_false(seen->right);
	assert_string_equal(id, seen->id);
	assert_contains(words, seen->hint);
}

static void a_code_of_the_window_confirms_its_own_step(void **unused)
{
	struct otp_uri uri = uri_of(HMAC_SHA1, 6, 30);

	for (int64_t off = -1; off <= 1; off++) {
		struct confirmation seen = confirm_at(&uri, (uint64_t)(NOW / 30 + off));

		assert_true(seen.right);
		assert_int_equal(NOW / 30 + off, seen.moving);
		assert_string_equal("", seen.hint);
	}
}

static void a_code_of_another_hour_names_the_clock_and_which_way_it_is_off(void **unused)
{
	static const struct {
		uint32_t period;
		int64_t off;
		const char *words;
	} rows[] = {
		{30, 2, "clock is about 1 minute ahead of this"},
		{30, -2, "clock is about 1 minute behind this"},
		{30, 3, "clock is about 2 minutes ahead of"}, /* 90 seconds */
		{30, -40, "clock is about 20 minutes behind"},
		{30, 120, "clock is about 60 minutes ahead of"},
		{30, -120, "clock is about 60 minutes behind"},
		{15, 2, "clock is about 30 seconds ahead of"},
		{15, -3, "clock is about 45 seconds behind"},
		{15, 4, "clock is about 1 minute ahead of"},
		{300, 12, "clock is about 60 minutes ahead of"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct otp_uri uri = uri_of(HMAC_SHA1, 6, rows[i].period);
		uint64_t now = NOW / rows[i].period;
		struct confirmation seen = confirm_at(&uri, now + (uint64_t)rows[i].off);

		assert_wrong(&seen, "clock", rows[i].words);
	}
}

static void beyond_an_hour_no_clock_is_blamed(void **unused)
{
	struct otp_uri uri = uri_of(HMAC_SHA1, 6, 30);
	struct confirmation seen = confirm_at(&uri, NOW / 30 + 121);

	assert_wrong(&seen, "wrong_code", "the entry that you have just added");
	seen = confirm_at(&uri, NOW / 30 - 121);
	assert_wrong(&seen, "wrong_code", "does not match");
}

static void only_unusual_settings_may_be_ignored_by_an_app(void **unused)
{
	struct otp_uri period = uri_of(HMAC_SHA1, 6, 60), alg = uri_of(HMAC_SHA256, 6, 30);
	struct confirmation seen = confirm(&period, "000000");

	assert_wrong(&seen, "wrong_code", "your app ignores the algorithm or the period");
	seen = confirm(&alg, "000000");
	assert_wrong(&seen, "wrong_code", "your app ignores the algorithm or the period");
}

static void what_is_no_code_of_these_digits_is_said_to_be_none(void **unused)
{
	struct otp_uri six = uri_of(HMAC_SHA1, 6, 30), eight = uri_of(HMAC_SHA1, 8, 30);
	struct confirmation seen = confirm(&six, "hello");

	assert_wrong(&seen, "not_a_code", "A code is 6 digits");
	seen = confirm(&eight, "");
	assert_wrong(&seen, "not_a_code", "A code is 8 digits");
	seen = confirm(&six, "12345678");
	assert_wrong(&seen, "wrong_digits", "That was 8 digits; a code here has 6.");
	seen = confirm(&eight, "123456");
	assert_wrong(&seen, "wrong_digits", "That was 6 digits, not 8.");
	assert_contains("leave out --digits", seen.hint);
}

static void a_counter_is_confirmed_from_the_next_code_on_as_far_as_the_window(void **unused)
{
	struct otp_uri uri = uri_of(HMAC_SHA1, 6, 0);

	uri.hotp = true;
	uri.counter = 50;
	for (uint64_t counter = 48; counter <= 55; counter++) {
		struct confirmation seen = confirm_at(&uri, counter);

		if (counter < 50 || counter > 53) {
			assert_wrong(&seen, "wrong_code", "Press the button");
			continue;
		}
		assert_true(seen.right);
		assert_int_equal(counter + 1, seen.moving);
		assert_string_equal("", seen.hint);
	}
}

static void before_1970_nothing_is_confirmed(void **unused)
{
	static const struct confirm_window window = {.steps = 1};
	struct otp_uri uri = uri_of(HMAC_SHA1, 6, 30);
	struct confirmation confirmation;

	assert_refused(RANGE, confirm_typed(&uri, &window, "123456", -1, &confirmation));
	assert_false(confirmation.right);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_of_the_window_confirms_its_own_step),
		cmocka_unit_test(a_code_of_another_hour_names_the_clock_and_which_way_it_is_off),
		cmocka_unit_test(beyond_an_hour_no_clock_is_blamed),
		cmocka_unit_test(only_unusual_settings_may_be_ignored_by_an_app),
		cmocka_unit_test(what_is_no_code_of_these_digits_is_said_to_be_none),
		cmocka_unit_test(a_counter_is_confirmed_from_the_next_code_on_as_far_as_the_window),
		cmocka_unit_test(before_1970_nothing_is_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
