/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge_fixture.h"

#include "login/resync.h"

static struct code code_at(const struct token *token, uint64_t counter)
{
	struct code code = {0};

	assert_ok(hotp_code(&(struct hotp){token->alg, token->digits, &token->secret}, counter,
			    &code));
	return code;
}

static enum totp_err resync_at(struct token *token, struct token_state *state, uint64_t first,
			       uint64_t second)
{
	struct code a = code_at(token, first), b = code_at(token, second);

	return resync(token, state, &a, &b, T);
}

static struct token hotp(void)
{
	struct token token = record_of_one_token().cred.tokens[0];

	token.type = TOKEN_HOTP;
	token.period = 0;
	return token;
}

static void two_codes_in_a_row_move_the_counter_past_them(void **unused)
{
	static const uint64_t aheads[] = {0, 1, 11, 999, HOTP_AHEAD_MAX};

	for (size_t i = 0; i < COUNT(aheads); i++) {
		struct token token = hotp();
		struct token_state state = {.id = 1, .moving = 50};

		assert_ok(resync_at(&token, &state, 50 + aheads[i], 51 + aheads[i]));
		assert_int_equal(52 + aheads[i], state.moving);
	}
}

static void other_codes_leave_the_counter_where_it_is(void **unused)
{
	struct token token = hotp();
	struct token_state state = {.id = 1, .moving = 50};

	assert_refused(NOT_FOUND, resync_at(&token, &state, 60, 62));
	assert_refused(NOT_FOUND, resync_at(&token, &state, 61, 60));
	assert_refused(NOT_FOUND, resync_at(&token, &state, 60, 60));
	assert_refused(NOT_FOUND, resync_at(&token, &state, 48, 49)); /* used before */
	assert_refused(NOT_FOUND, resync_at(&token, &state, 49, 50));
	assert_refused(NOT_FOUND,
		       resync_at(&token, &state, 51 + HOTP_AHEAD_MAX, 52 + HOTP_AHEAD_MAX));
	assert_int_equal(50, state.moving);
	state.moving = COUNTER_DISABLED;
	assert_refused(UNSUPPORTED, resync_at(&token, &state, 60, 61));
	state.moving = UINT64_MAX - 1;
	assert_refused(RANGE, resync_at(&token, &state, 60, 61));
}

static void two_codes_in_a_row_give_a_wrong_clock_its_offset(void **unused)
{
	static const int64_t offsets[] = {0, 1, -1, 17, -300, CRED_OFFSET_MAX, -CRED_OFFSET_MAX};

	for (size_t i = 0; i < COUNT(offsets); i++) {
		struct record r = record_of_one_token();
		uint64_t step = (uint64_t)(STEP + offsets[i]);

		assert_ok(resync_at(&r.cred.tokens[0], &r.state.tokens[0], step - 1, step));
		assert_int_equal(offsets[i], r.cred.tokens[0].offset);
		assert_int_equal(step, r.state.tokens[0].moving);
		/* both codes are used up, and the next one works */
		assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, step - 1), T));
		assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, step), T));
		assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, step + 1), T + 30));
	}
}

static void an_existing_offset_is_replaced_not_added_to(void **unused)
{
	struct record r = record_of_one_token();

	r.cred.tokens[0].offset = 40;
	assert_ok(resync_at(&r.cred.tokens[0], &r.state.tokens[0], STEP - 4, STEP - 3));
	assert_int_equal(-3, r.cred.tokens[0].offset);
}

static void codes_that_were_used_set_no_offset(void **unused)
{
	struct record r = record_of_one_token();
	struct token *token = &r.cred.tokens[0];
	struct token_state *state = &r.state.tokens[0];

	state->moving = STEP;
	assert_refused(STALE, resync_at(token, state, STEP - 1, STEP));
	assert_refused(STALE, resync_at(token, state, STEP - 100, STEP - 99));
	assert_int_equal(0, token->offset);
	assert_int_equal(STEP, state->moving);
	assert_ok(resync_at(token, state, STEP, STEP + 1)); /* the first may have been used */
}

static void codes_out_of_reach_change_nothing(void **unused)
{
	struct record r = record_of_one_token();
	struct token *token = &r.cred.tokens[0];
	struct token_state *state = &r.state.tokens[0];
	struct code a = code_at(token, STEP), b = code_at(token, STEP + 1);

	assert_refused(NOT_FOUND, resync_at(token, state, STEP, STEP + 2));
	assert_refused(NOT_FOUND,
		       resync_at(token, state, STEP + CRED_OFFSET_MAX, STEP + CRED_OFFSET_MAX + 1));
	assert_refused(RANGE, resync(token, state, &a, &b, -1));
	assert_refused(NOT_FOUND, resync(token, state, &a, &b, 0));
	assert_int_equal(0, token->offset);
	assert_int_equal(0, state->moving);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_codes_in_a_row_move_the_counter_past_them),
		cmocka_unit_test(other_codes_leave_the_counter_where_it_is),
		cmocka_unit_test(two_codes_in_a_row_give_a_wrong_clock_its_offset),
		cmocka_unit_test(an_existing_offset_is_replaced_not_added_to),
		cmocka_unit_test(codes_that_were_used_set_no_offset),
		cmocka_unit_test(codes_out_of_reach_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
