/* SPDX-License-Identifier: BSD-2-Clause */
/* Counter-based tokens (RFC 4226 section 7). */
#include "judge_fixture.h"

static __attribute__((noinline)) struct record record_of_a_counter(uint64_t next)
{
	struct record r = record_of_one_token();

	r.cred.tokens[0].type = TOKEN_HOTP;
	r.cred.tokens[0].period = 0;
	r.state.tokens[0].moving = next;
	return r;
}

static void a_code_of_a_counter_works_once_and_moves_the_counter_past_it(void **unused)
{
	struct record r = record_of_a_counter(7);

	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, 7), T));
	assert_int_equal(8, r.state.tokens[0].moving);
	assert_int_equal(T, r.state.tokens[0].last_used);
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, 7), T));
	assert_int_equal(0, r.state.failures);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, 8), T));
}

static void the_look_ahead_is_exact(void **unused)
{
	for (uint32_t window = 0; window <= 12; window += 3) {
		for (uint64_t ahead = 0; ahead <= 14; ahead++) {
			struct record r = record_of_a_counter(100);

			r.policy.hotp_window = window;
			assert_int_equal(ahead <= window ? VERDICT_ALLOW : VERDICT_DENY,
					 answer(&r, code_of(&r, 0, 100 + ahead), T).verdict);
			assert_int_equal(ahead <= window ? 101 + ahead : 100,
					 r.state.tokens[0].moving);
		}
	}
}

static void a_failure_never_moves_the_counter(void **unused)
{
	struct record r = record_of_a_counter(0);

	for (int i = 0; i < 4; i++)
		assert_ruling(DENY, WRONG_CODE, answer(&r, "00000000", T));
	assert_int_equal(0, r.state.tokens[0].moving);
	assert_int_equal(4, r.state.failures);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, 0), T));
}

static void codes_that_were_skipped_no_longer_work(void **unused)
{
	struct record r = record_of_a_counter(0);

	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, 5), T));
	for (uint64_t i = 0; i < 5; i++)
		assert_ruling(DENY, WRONG_CODE, answer(&r, code_of(&r, 0, i), T + 3600 * (int)i));
}

static void a_disabled_counter_matches_nothing(void **unused)
{
	struct record r = record_of_a_counter(COUNTER_DISABLED);

	assert_ruling(DENY, WRONG_CODE, answer(&r, code_of(&r, 0, 0), T));
	assert_ruling(DENY, WRONG_CODE, answer(&r, code_of(&r, 0, UINT64_MAX), T));
	assert_true(r.state.tokens[0].moving == COUNTER_DISABLED);
}

static void a_counter_at_the_end_of_its_numbers_is_an_error_that_denies(void **unused)
{
	struct record r = record_of_a_counter(UINT64_MAX - 5);
	struct answer parsed;
	struct ruling ruling;

	answer_parse("123456", NULL, &parsed);
	assert_refused(RANGE, judge_answer(&r, &parsed, T, &ruling));
	assert_int_equal(VERDICT_DENY, ruling.verdict);
	assert_false(ruling.changed);
}

static void a_counter_and_a_clock_work_side_by_side(void **unused)
{
	struct record r = record_of_one_token();

	add_token(&r, 2, 0, HMAC_SHA1, 6);
	r.cred.tokens[1].type = TOKEN_HOTP;
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 1, 3), T));
	assert_int_equal(4, r.state.tokens[1].moving);
	assert_int_equal(0, r.state.tokens[0].moving);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP), T));
	assert_int_equal(4, r.state.tokens[1].moving);
	assert_int_equal(STEP, r.state.tokens[0].moving);
	/* a clock that was set back stops only the token with a clock */
	assert_ruling(DENY, CLOCK_BACK, answer(&r, code_of(&r, 0, STEP - 100), T - 3000));
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 1, 4), T - 3000));
}

static void a_code_beyond_the_look_ahead_is_reported(void **unused)
{
	struct record r = record_of_a_counter(10);
	struct answer parsed;
	struct offset offset;

	answer_parse(code_of(&r, 0, 10 + 200), NULL, &parsed);
	assert_ok(judge_offset(&r.cred, &r.state, &parsed, T, &offset));
	assert_true(offset.found);
	assert_int_equal(0, offset.token);
	assert_int_equal(200, offset.distance);
	answer_parse(code_of(&r, 0, 10 + 201), NULL, &parsed);
	assert_ok(judge_offset(&r.cred, &r.state, &parsed, T, &offset));
	assert_false(offset.found);
	r.state.tokens[0].moving = COUNTER_DISABLED;
	assert_ok(judge_offset(&r.cred, &r.state, &parsed, T, &offset));
	assert_false(offset.found);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_of_a_counter_works_once_and_moves_the_counter_past_it),
		cmocka_unit_test(the_look_ahead_is_exact),
		cmocka_unit_test(a_failure_never_moves_the_counter),
		cmocka_unit_test(codes_that_were_skipped_no_longer_work),
		cmocka_unit_test(a_disabled_counter_matches_nothing),
		cmocka_unit_test(a_counter_at_the_end_of_its_numbers_is_an_error_that_denies),
		cmocka_unit_test(a_counter_and_a_clock_work_side_by_side),
		cmocka_unit_test(a_code_beyond_the_look_ahead_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
