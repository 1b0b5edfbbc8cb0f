/* SPDX-License-Identifier: BSD-2-Clause */
/* A temporary code from an administrator; and a record that is disabled. */
#include "judge_fixture.h"

#define HOUR 3600

struct bypass_record {
	struct record r;
	char shown[RECOVERY_SHOWN_MAX];
};

/* A record with a temporary code that was made at T and is valid for an hour. */
static __attribute__((noinline)) struct bypass_record record_with_bypass(unsigned uses)
{
	struct bypass_record with = {.r = record_of_one_token()};
	struct recovery_code code;

	assert_ok(bypass_make(&with.r.cred, T, HOUR, uses, &code));
	assert_ok(cred_check(&with.r.cred));
	recovery_show(&code, with.shown);
	with.r.state = state_of(&with.r.cred);
	return with;
}

static void a_temporary_code_works_for_its_number_of_uses(void **unused)
{
	static const unsigned uses[] = {1, 2, BYPASS_USES_MAX};

	for (size_t i = 0; i < COUNT(uses); i++) {
		struct bypass_record with = record_with_bypass(uses[i]);

		for (unsigned left = uses[i]; left > 0; left--) {
			struct ruling ruling;

			assert_int_equal(left, bypass_left(&with.r.cred, &with.r.state, T));
			ruling = answer(&with.r, with.shown, T);
			assert_ruling(ALLOW, BYPASS, ruling);
			assert_true(ruling.changed);
			assert_int_equal(-1, ruling.token);
			assert_int_equal(uses[i] - left + 1, with.r.state.bypass_used);
		}
		assert_int_equal(0, bypass_left(&with.r.cred, &with.r.state, T));
		assert_ruling(DENY, ENDED_BYPASS, answer(&with.r, with.shown, T));
		assert_false(answer(&with.r, with.shown, T).changed);
	}
}

static void a_temporary_code_is_valid_to_its_last_second(void **unused)
{
	static const struct {
		int64_t now;
		bool holds;
	} moments[] = {
		{T, true},       {T + HOUR - 1, true}, {T + HOUR, false}, {INT64_MAX, false},
		{T - 60, true}, /* a clock that was corrected by a little */
		{T - 61, false}, {0, false},           {-1, false},       {INT64_MIN, false},
	};

	for (size_t i = 0; i < COUNT(moments); i++) {
		struct bypass_record with = record_with_bypass(1);
		struct ruling ruling = answer(&with.r, with.shown, moments[i].now);

		if (moments[i].holds)
			assert_ruling(ALLOW, BYPASS, ruling);
		else
			assert_ruling(DENY, ENDED_BYPASS, ruling);
		assert_int_equal(moments[i].holds, ruling.changed);
	}
}

static void a_temporary_code_works_while_the_throttle_is_full_and_moves_no_token(void **unused)
{
	struct bypass_record with = record_with_bypass(1);

	for (int i = 0; i < 5; i++)
		assert_ruling(DENY, WRONG_CODE, answer(&with.r, "00000000", T));
	assert_ruling(WAIT, THROTTLED, answer(&with.r, code_of(&with.r, 0, STEP), T));
	assert_ruling(ALLOW, BYPASS, answer(&with.r, with.shown, T));
	assert_int_equal(0, with.r.state.failures);
	assert_int_equal(0, with.r.state.tokens[0].moving);
	assert_int_equal(0, with.r.state.tokens[0].last_used);
}

/*
 * Otherwise the address would be remembered, and have guesses of its own, after the code has
 * expired.
 */
static void a_temporary_code_makes_no_source_known(void **unused)
{
	struct bypass_record with = record_with_bypass(2);

	assert_ruling(ALLOW, BYPASS, answer(&with.r, with.shown, T));
	assert_int_equal(0, with.r.state.known_count);
	assert_int_equal(T, with.r.state.last_success);
	assert_ruling(ALLOW, CODE, answer(&with.r, code_of(&with.r, 0, STEP), T));
	assert_ruling(ALLOW, BYPASS, answer(&with.r, with.shown, T + 60));
	assert_int_equal(1, with.r.state.known_count);
	assert_int_equal(T, with.r.state.known[0].last_success);
}

static void a_temporary_code_confirms_no_enrollment(void **unused)
{
	struct bypass_record with = record_with_bypass(1);

	with.r.cred.must_confirm = true;
	assert_ruling(ALLOW, BYPASS, answer(&with.r, with.shown, T));
	assert_true(state_is_pending(&with.r.state, &with.r.cred));
	assert_ruling(ALLOW, CODE, answer(&with.r, code_of(&with.r, 0, STEP), T));
	assert_false(state_is_pending(&with.r.state, &with.r.cred));
}

static void recovery_codes_and_a_temporary_code_do_not_spend_each_other(void **unused)
{
	struct bypass_record with = record_with_bypass(1);
	struct recovery_code codes[RECOVERY_MAX];
	char shown[RECOVERY_SHOWN_MAX];

	assert_ok(recovery_make(&with.r.cred, 2, codes));
	recovery_show(&codes[1], shown);
	assert_ruling(ALLOW, RECOVERY, answer(&with.r, shown, T));
	assert_int_equal(0, with.r.state.bypass_used);
	assert_ruling(ALLOW, BYPASS, answer(&with.r, with.shown, T));
	assert_int_equal(2, with.r.state.spent);
	assert_ruling(DENY, WRONG_RECOVERY, answer(&with.r, "0000-0000-0000", T));
	assert_int_equal(0, with.r.state.failures);
}

static void a_new_temporary_code_makes_the_old_one_invalid(void **unused)
{
	struct bypass_record with = record_with_bypass(1);
	struct recovery_code code;

	assert_ok(bypass_make(&with.r.cred, T, HOUR, 1, &code));
	assert_ruling(DENY, WRONG_RECOVERY, answer(&with.r, with.shown, T));
	recovery_show(&code, with.shown);
	assert_ruling(ALLOW, BYPASS, answer(&with.r, with.shown, T));
}

static void without_a_temporary_code_none_is_accepted(void **unused)
{
	struct bypass_record with = record_with_bypass(1);
	struct recovery_code code;

	with.r.cred.bypass = (struct bypass){0};
	assert_int_equal(0, bypass_left(&with.r.cred, &with.r.state, 0));
	assert_int_equal(0, bypass_left(&with.r.cred, &with.r.state, T));
	assert_ruling(DENY, WRONG_RECOVERY, answer(&with.r, with.shown, T));
	/* not even if the hash matches: a code that was revoked is not written */
	assert_ok(bypass_make(&with.r.cred, T, HOUR, 1, &code));
	with.r.cred.bypass.uses = 0;
	recovery_show(&code, with.shown);
	assert_ruling(DENY, WRONG_RECOVERY, answer(&with.r, with.shown, T));
}

static void after_a_repair_a_temporary_code_has_no_use_left(void **unused)
{
	struct bypass_record with = record_with_bypass(BYPASS_USES_MAX);

	with.r.state.bypass_used = UINT8_MAX;
	assert_int_equal(0, bypass_left(&with.r.cred, &with.r.state, T));
	assert_ruling(DENY, ENDED_BYPASS, answer(&with.r, with.shown, T));
}

static void a_temporary_code_has_uses_and_a_time(void **unused)
{
	struct bypass_record with = record_with_bypass(1);
	const struct cred before = with.r.cred;
	struct recovery_code code;

	assert_refused(RANGE, bypass_make(&with.r.cred, T, HOUR, 0, &code));
	assert_refused(RANGE, bypass_make(&with.r.cred, T, HOUR, BYPASS_USES_MAX + 1, &code));
	assert_refused(RANGE, bypass_make(&with.r.cred, T, HOUR, 257, &code));
	assert_refused(RANGE, bypass_make(&with.r.cred, T, 0, 1, &code));
	assert_refused(RANGE, bypass_make(&with.r.cred, -1, HOUR, 1, &code));
	assert_refused(RANGE, bypass_make(&with.r.cred, INT64_MAX - 1, HOUR, 1, &code));
	assert_memory_equal(&before, &with.r.cred, sizeof(before));
}

static void a_disabled_record_denies_every_correct_code_and_counts_nothing(void **unused)
{
	struct bypass_record with = record_with_bypass(1);
	struct recovery_code codes[RECOVERY_MAX];
	char recovery[RECOVERY_SHOWN_MAX];
	const char *const answers[] = {code_of(&with.r, 0, STEP), recovery, with.shown, "00000000",
				       "0000-0000-0000"};

	assert_ok(recovery_make(&with.r.cred, 1, codes));
	recovery_show(&codes[0], recovery);
	with.r.cred.disabled = true;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct ruling ruling = answer(&with.r, answers[i], T);

		assert_ruling(DENY, DISABLED, ruling);
		assert_false(ruling.changed);
	}
	with.r.cred.disabled = false;
	assert_ruling(ALLOW, CODE, answer(&with.r, answers[0], T));
	assert_ruling(ALLOW, RECOVERY, answer(&with.r, recovery, T));
	assert_ruling(ALLOW, BYPASS, answer(&with.r, with.shown, T));
}

static void a_malformed_answer_has_its_reason_with_a_disabled_record_too(void **unused)
{
	struct record r = record_of_one_token();

	r.cred.disabled = true;
	assert_ruling(DENY, NOT_A_CODE, answer(&r, "hunter2", T));
	assert_ruling(DENY, NO_ANSWER, answer(&r, "", T));
}

static void every_reason_has_a_word_of_its_own(void **unused)
{
	for (enum judge_reason a = JUDGE_NONE; a < JUDGE_COUNT_; a++)
		for (enum judge_reason b = JUDGE_NONE; b < a; b++)
			assert_string_not_equal(judge_reason_name(a), judge_reason_name(b));
	assert_string_equal("bypass", judge_reason_name(JUDGE_BYPASS));
	assert_string_equal("ended_bypass", judge_reason_name(JUDGE_ENDED_BYPASS));
	assert_string_equal("disabled", judge_reason_name(JUDGE_DISABLED));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_temporary_code_works_for_its_number_of_uses),
		cmocka_unit_test(a_temporary_code_is_valid_to_its_last_second),
		cmocka_unit_test(
			a_temporary_code_works_while_the_throttle_is_full_and_moves_no_token),
		cmocka_unit_test(a_temporary_code_makes_no_source_known),
		cmocka_unit_test(a_temporary_code_confirms_no_enrollment),
		cmocka_unit_test(recovery_codes_and_a_temporary_code_do_not_spend_each_other),
		cmocka_unit_test(a_new_temporary_code_makes_the_old_one_invalid),
		cmocka_unit_test(without_a_temporary_code_none_is_accepted),
		cmocka_unit_test(after_a_repair_a_temporary_code_has_no_use_left),
		cmocka_unit_test(a_temporary_code_has_uses_and_a_time),
		cmocka_unit_test(a_disabled_record_denies_every_correct_code_and_counts_nothing),
		cmocka_unit_test(a_malformed_answer_has_its_reason_with_a_disabled_record_too),
		cmocka_unit_test(every_reason_has_a_word_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
