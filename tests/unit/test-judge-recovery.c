/* SPDX-License-Identifier: BSD-2-Clause */
/* Recovery codes: what a user has when the phone is lost. */
#include "judge_fixture.h"

struct recovery_record {
	struct record r;
	char shown[RECOVERY_MAX][RECOVERY_SHOWN_MAX];
};

static __attribute__((noinline)) struct recovery_record record_with_codes(unsigned count)
{
	struct recovery_record with = {.r = record_of_one_token()};
	struct recovery_code codes[RECOVERY_MAX];

	assert_ok(recovery_make(&with.r.cred, count, codes));
	for (unsigned i = 0; i < count; i++)
		recovery_show(&codes[i], with.shown[i]);
	with.r.state = state_of(&with.r.cred);
	return with;
}

static void each_recovery_code_works_once(void **unused)
{
	struct recovery_record with = record_with_codes(RECOVERY_MAX);

	for (int i = RECOVERY_MAX - 1; i >= 0; i--) {
		struct ruling ruling = answer(&with.r, with.shown[i], T);

		assert_ruling(ALLOW, RECOVERY, ruling);
		assert_true(ruling.changed);
		assert_int_equal(-1, ruling.token);
		assert_int_equal(i, recovery_left(&with.r.cred, &with.r.state));
		assert_int_equal(T, with.r.state.last_success);
	}
	for (int i = 0; i < RECOVERY_MAX; i++) {
		struct ruling ruling = answer(&with.r, with.shown[i], T + 60);

		assert_ruling(DENY, SPENT_RECOVERY, ruling);
		assert_false(ruling.changed);
	}
}

static void a_recovery_code_moves_no_token(void **unused)
{
	struct recovery_record with = record_with_codes(2);

	assert_ruling(ALLOW, RECOVERY, answer(&with.r, with.shown[0], T));
	assert_int_equal(0, with.r.state.tokens[0].moving);
	assert_ruling(ALLOW, CODE, answer(&with.r, code_of(&with.r, 0, STEP), T));
}

static void a_wrong_recovery_code_is_not_counted_and_changes_nothing(void **unused)
{
	struct recovery_record with = record_with_codes(10);

	for (int i = 0; i < 200; i++) {
		struct ruling ruling = answer(&with.r, "0000-0000-0000", T);

		assert_ruling(DENY, WRONG_RECOVERY, ruling);
		assert_false(ruling.changed);
	}
	assert_int_equal(0, with.r.state.failures);
}

static void a_recovery_code_works_while_the_throttle_is_full(void **unused)
{
	struct recovery_record with = record_with_codes(10);

	for (int i = 0; i < 5; i++)
		assert_ruling(DENY, WRONG_CODE, answer(&with.r, "00000000", T));
	assert_ruling(WAIT, THROTTLED, answer(&with.r, code_of(&with.r, 0, STEP), T));
	assert_ruling(DENY, WRONG_RECOVERY, answer(&with.r, "0000-0000-0000", T));
	assert_ruling(ALLOW, RECOVERY, answer(&with.r, with.shown[3], T));
	assert_int_equal(0, with.r.state.failures);
	/* the throttle of strangers stays full; this source has one of its own now */
	assert_int_equal(5, with.r.state.shared[0].burst.used);
	assert_ruling(ALLOW, CODE, answer(&with.r, code_of(&with.r, 0, STEP), T));
}

static void a_recovery_code_works_whatever_the_clock_reads(void **unused)
{
	static const int64_t clocks[] = {-1, 0, 1, T, INT64_MAX};

	for (size_t i = 0; i < COUNT(clocks); i++) {
		struct recovery_record with = record_with_codes(1);

		with.r.state.tokens[0].moving = UINT64_MAX;
		assert_ruling(ALLOW, RECOVERY, answer(&with.r, with.shown[0], clocks[i]));
	}
}

static void without_recovery_codes_none_is_accepted(void **unused)
{
	struct recovery_record with = record_with_codes(0);

	assert_ruling(DENY, WRONG_RECOVERY, answer(&with.r, "0000-0000-0000", T));
}

static void invalid_codes_have_another_reason_than_wrong_ones(void **unused)
{
	struct recovery_record with = record_with_codes(10);

	with.r.state.spent = UINT32_MAX; /* as totpctl repair leaves it */
	assert_ruling(DENY, SPENT_RECOVERY, answer(&with.r, with.shown[9], T));
	assert_ruling(DENY, WRONG_RECOVERY, answer(&with.r, "0000-0000-0000", T));
}

static __attribute__((noinline)) struct record record_with_scratch(void)
{
	static const struct code codes[] = {{"11112222"}, {"33334444"}};
	struct record r = record_of_one_token();

	assert_ok(recovery_take_scratch(&r.cred, codes, COUNT(codes)));
	r.state = state_of(&r.cred);
	return r;
}

static void a_scratch_code_of_another_system_works_once(void **unused)
{
	struct record r = record_with_scratch();

	assert_ruling(ALLOW, RECOVERY, answer(&r, "3333 4444", T));
	assert_int_equal(1, recovery_left(&r.cred, &r.state));
	assert_ruling(DENY, SPENT_RECOVERY, answer(&r, "33334444", T));
	assert_int_equal(0, r.state.failures);
	assert_ruling(ALLOW, RECOVERY, answer(&r, "11112222", T));
	assert_int_equal(0, recovery_left(&r.cred, &r.state));
}

/* There are only a hundred million of them: each guess must be counted. */
static void eight_digits_that_are_not_a_scratch_code_are_counted_and_throttled(void **unused)
{
	struct record r = record_with_scratch();

	for (int i = 0; i < 5; i++)
		assert_ruling(DENY, WRONG_CODE, answer(&r, "33334443", T));
	assert_ruling(WAIT, THROTTLED, answer(&r, "33334443", T));
	assert_ruling(WAIT, THROTTLED, answer(&r, "33334444", T));
	assert_ruling(ALLOW, RECOVERY, answer(&r, "33334444", T + 300));
}

/* Where no code of the token is accepted, scratch codes still are. */
static void eight_digits_are_counted_while_the_clock_is_back_too(void **unused)
{
	struct record r = record_with_scratch();

	r.state.tokens[0].moving = STEP + 100;
	for (int i = 0; i < 5; i++)
		assert_ruling(DENY, CLOCK_BACK, answer(&r, "33334443", T));
	assert_int_equal(5, r.state.failures);
	assert_ruling(WAIT, THROTTLED, answer(&r, "33334444", T));
	/* an answer that cannot be one of them is not a guess */
	assert_ruling(DENY, CLOCK_BACK, answer(&r, "333344", T + 300));
	assert_int_equal(5, r.state.failures);
	assert_ruling(ALLOW, RECOVERY, answer(&r, "33334444", T + 300));
}

static void scratch_codes_work_beside_a_token_of_eight_digits(void **unused)
{
	struct record r = record_of_one_token();
	const struct code codes[] = {{"11112222"}};

	r.cred.tokens[0].digits = 8;
	assert_ok(recovery_take_scratch(&r.cred, codes, 1));
	r.state = state_of(&r.cred);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP), T));
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, STEP), T));
	assert_ruling(ALLOW, RECOVERY, answer(&r, "11112222", T));
}

static void a_scratch_code_works_whatever_the_clock_reads(void **unused)
{
	static const int64_t clocks[] = {0, 1, T};

	for (size_t i = 0; i < COUNT(clocks); i++) {
		struct record r = record_with_scratch();

		r.state.tokens[0].moving = UINT64_MAX;
		assert_ruling(ALLOW, RECOVERY, answer(&r, "11112222", clocks[i]));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_recovery_code_works_once),
		cmocka_unit_test(a_recovery_code_moves_no_token),
		cmocka_unit_test(a_wrong_recovery_code_is_not_counted_and_changes_nothing),
		cmocka_unit_test(a_recovery_code_works_while_the_throttle_is_full),
		cmocka_unit_test(a_recovery_code_works_whatever_the_clock_reads),
		cmocka_unit_test(without_recovery_codes_none_is_accepted),
		cmocka_unit_test(invalid_codes_have_another_reason_than_wrong_ones),
		cmocka_unit_test(a_scratch_code_of_another_system_works_once),
		cmocka_unit_test(
			eight_digits_that_are_not_a_scratch_code_are_counted_and_throttled),
		cmocka_unit_test(eight_digits_are_counted_while_the_clock_is_back_too),
		cmocka_unit_test(scratch_codes_work_beside_a_token_of_eight_digits),
		cmocka_unit_test(a_scratch_code_works_whatever_the_clock_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
