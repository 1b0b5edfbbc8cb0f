/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge_fixture.h"

#include <dlfcn.h>
#include <openssl/evp.h>

/* Replaces libcrypto's function: how often is a hash computed? */
static unsigned hashed;

int EVP_Digest(const void *data, size_t len, unsigned char *digest, unsigned *digest_len,
	       const EVP_MD *type, ENGINE *engine)
{
	int (*real)(const void *, size_t, unsigned char *, unsigned *, const EVP_MD *, ENGINE *);

	*(void **)&real = dlsym(RTLD_NEXT, "EVP_Digest");
	hashed++;
	return real(data, len, digest, digest_len, type, engine);
}

static const char wrong[] = "00000000"; /* eight digits, where the tokens have six */

static void fill_throttle(struct record *r)
{
	for (int i = 0; i < 5; i++)
		assert_ruling(DENY, WRONG_CODE, answer(r, wrong, T));
	assert_ruling(WAIT, THROTTLED, answer(r, wrong, T));
}

static void a_code_works_once(void **unused)
{
	struct record r = record_of_one_token();
	struct ruling ruling = answer(&r, code_of(&r, 0, STEP), T);

	assert_ruling(ALLOW, CODE, ruling);
	assert_true(ruling.changed);
	assert_int_equal(0, ruling.token);
	assert_int_equal(STEP, r.state.tokens[0].moving);
	assert_int_equal(T, r.state.tokens[0].last_used);
	assert_int_equal(T, r.state.last_success);
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, STEP), T + 1));
	assert_int_equal(0, r.state.failures);
	assert_int_equal(0, r.state.shared[0].burst.used);
}

static void a_window_is_exact_to_the_second_on_each_side(void **unused)
{
	for (uint32_t window = 0; window <= 10; window++) {
		for (int64_t step = -12; step <= 12; step++) {
			bool inside = step >= -(int64_t)window && step <= (int64_t)window;

			/* the first and the last second of the host's step */
			for (int64_t now = T; now <= T + 29; now += 29) {
				struct record r = record_of_one_token();
				struct ruling ruling;

				r.policy.window = window;
				ruling = answer(&r, code_of(&r, 0, (uint64_t)(STEP + step)), now);
				assert_int_equal(inside ? VERDICT_ALLOW : VERDICT_DENY,
						 ruling.verdict);
				assert_int_equal(inside ? STEP + step : 0,
						 r.state.tokens[0].moving);
				assert_int_equal(!inside, r.state.failures);
			}
		}
	}
}

static void a_code_works_for_three_steps_exact_to_the_second(void **unused)
{
	static const struct {
		int64_t now;
		enum verdict verdict;
	} moments[] = {
		{T - 31, VERDICT_DENY}, {T - 30, VERDICT_ALLOW}, {T - 1, VERDICT_ALLOW},
		{T, VERDICT_ALLOW},     {T + 29, VERDICT_ALLOW}, {T + 59, VERDICT_ALLOW},
		{T + 60, VERDICT_DENY},
	};

	for (size_t i = 0; i < COUNT(moments); i++) {
		struct record r = record_of_one_token();

		assert_int_equal(moments[i].verdict,
				 answer(&r, code_of(&r, 0, STEP), moments[i].now).verdict);
	}
}

static void a_step_before_a_used_step_counts_as_used(void **unused)
{
	struct record r = record_of_one_token();

	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP + 1), T));
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, STEP), T));
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, STEP - 1), T));
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, STEP + 1), T));
	assert_int_equal(0, r.state.failures);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP + 2), T + 30));
}

static void three_used_codes_are_denied_and_the_next_code_is_not(void **unused)
{
	struct record r = record_of_one_token();
	struct login_state before;

	for (int64_t i = 0; i < 3; i++)
		assert_ruling(ALLOW, CODE,
			      answer(&r, code_of(&r, 0, (uint64_t)(STEP + i)), T + 30 * i));
	before = r.state;
	/*
	 * again, one in each step, a little later: a host that learned from them would adapt its
	 * offset
	 */
	for (int64_t i = 0; i < 3; i++)
		assert_int_equal(
			VERDICT_DENY,
			answer(&r, code_of(&r, 0, (uint64_t)(STEP + i)), T + 90 + 30 * i).verdict);
	assert_int_equal(before.tokens[0].moving, r.state.tokens[0].moving);
	assert_int_equal(before.last_success, r.state.last_success);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP + 6), T + 180));
}

static void the_latest_of_two_steps_with_one_code_counts(void **unused)
{
	struct record r = record_of_one_token();
	uint64_t step = STEP;

	/* two steps at most two apart that share a code: one in a million, so search for them */
	while (strcmp(code_of(&r, 0, step), code_of(&r, 0, step + 1)) != 0 &&
	       strcmp(code_of(&r, 0, step), code_of(&r, 0, step + 2)) != 0)
		step++;
	r.policy.window = 2;
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, step), (int64_t)step * 30 + 30));
	assert_true(r.state.tokens[0].moving > step);
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, step), (int64_t)step * 30 + 30));
}

static void a_wrong_code_is_counted(void **unused)
{
	struct record r = record_of_one_token();
	struct ruling ruling = answer(&r, wrong, T);

	assert_ruling(DENY, WRONG_CODE, ruling);
	assert_true(ruling.changed);
	assert_int_equal(-1, ruling.token);
	assert_int_equal(1, r.state.failures);
	assert_int_equal(T, r.state.last_failure);
	assert_true(source_equal(&r.source, &r.state.last_failure_source));
	assert_int_equal(1, r.state.shared[0].burst.used);
	assert_int_equal(1, r.state.shared[0].total.used);
	assert_int_equal(0, r.state.tokens[0].moving);
}

static void a_success_ends_the_count_but_empties_no_throttle(void **unused)
{
	struct record r = record_of_one_token();

	answer(&r, wrong, T);
	answer(&r, wrong, T);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP), T));
	assert_int_equal(0, r.state.failures);
	assert_int_equal(2, r.state.shared[0].burst.used);
	assert_int_equal(1, r.state.known_count);
	assert_int_equal(T, r.state.known[0].last_success);
}

static void the_sixth_attempt_waits_even_with_the_correct_code_and_costs_nothing(void **unused)
{
	struct record r = record_of_one_token();
	struct ruling ruling;

	for (int i = 0; i < 5; i++)
		assert_ruling(DENY, WRONG_CODE, answer(&r, wrong, T));
	for (int i = 0; i < 100; i++) {
		ruling = answer(&r, code_of(&r, 0, STEP), T + i % 30);
		assert_ruling(WAIT, THROTTLED, ruling);
		assert_int_equal(300 - i % 30, ruling.wait_seconds);
		assert_false(ruling.changed);
	}
	assert_int_equal(5, r.state.failures);
	assert_ruling(WAIT, THROTTLED, answer(&r, code_of(&r, 0, STEP + 9), T + 299));
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP + 10), T + 300));
}

static void a_stranger_does_not_lock_the_owner_out_of_a_known_source(void **unused)
{
	struct record r = record_of_one_token();
	struct source home = r.source, stranger = {.kind = SOURCE_IPV4, .bytes = {203, 0, 113, 9}};

	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP), T));
	r.source = stranger;
	fill_throttle(&r);
	r.source = home;
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP + 1), T + 30));
	r.source = stranger;
	assert_ruling(WAIT, THROTTLED, answer(&r, code_of(&r, 0, STEP + 2), T + 60));
}

static void a_malformed_answer_is_denied_and_not_counted_even_when_throttled(void **unused)
{
	struct record r = record_of_one_token();

	for (int round = 0; round < 2; round++) {
		if (round)
			fill_throttle(&r);
		assert_ruling(DENY, NO_ANSWER, answer(&r, NULL, T));
		assert_ruling(DENY, NO_ANSWER, answer(&r, "", T));
		assert_ruling(DENY, JUNK, answer(&r, "\b\n\r\177INCORRECT", T));
		assert_ruling(DENY, NOT_A_CODE, answer(&r, "hunter2", T));
		assert_int_equal(round * 5, r.state.failures);
	}
}

static void the_password_is_denied_and_not_counted(void **unused)
{
	struct record r = record_of_one_token();
	struct answer parsed;
	struct ruling ruling;
	const char *code = code_of(&r, 0, STEP);

	answer_parse(code, code, &parsed);
	assert_ok(judge_answer(&r, &parsed, T, &ruling));
	assert_ruling(DENY, PASSWORD, ruling);
	assert_false(ruling.changed);
	assert_true(judge_shape(&parsed, &ruling));
	assert_ruling(DENY, PASSWORD, ruling);
	answer_parse(code, NULL, &parsed);
	assert_false(judge_shape(&parsed, &ruling));
}

static void each_token_has_its_own_algorithm_digits_and_period(void **unused)
{
	struct record r = record_of_one_token();

	add_token(&r, 2, 60, HMAC_SHA256, 8);
	add_token(&r, 3, 300, HMAC_SHA512, 7);
	assert_int_equal(2, answer(&r, code_of(&r, 2, STEP / 10), T).token);
	assert_int_equal(1, answer(&r, code_of(&r, 1, STEP / 2 + 1), T).token);
	assert_int_equal(0, answer(&r, code_of(&r, 0, STEP - 1), T).token);
	assert_int_equal(STEP - 1, r.state.tokens[0].moving);
	assert_int_equal(STEP / 2 + 1, r.state.tokens[1].moving);
	assert_int_equal(STEP / 10, r.state.tokens[2].moving);
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 2, STEP / 10), T));
	assert_ruling(DENY, WRONG_CODE, answer(&r, code_of(&r, 2, STEP / 10 + 2), T));
}

static void a_code_has_all_its_digits_and_no_more(void **unused)
{
	struct record r = record_of_one_token();
	char shorter[9];

	r.cred.tokens[0].digits = 8;
	snprintf(shorter, sizeof(shorter), "%s", code_of(&r, 0, STEP));
	shorter[7] = '\0';
	assert_ruling(DENY, WRONG_CODE, answer(&r, shorter, T));
	shorter[6] = '\0';
	assert_ruling(DENY, WRONG_CODE, answer(&r, shorter, T));
	assert_ruling(DENY, WRONG_CODE, answer(&r, code_of(&r, 0, STEP) + 2, T));
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP), T));
}

static void a_code_used_with_one_token_leaves_the_others(void **unused)
{
	struct record r = record_of_one_token();

	add_token(&r, 2, 30, HMAC_SHA1, 6);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP), T));
	assert_int_equal(0, r.state.tokens[1].moving);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 1, STEP), T));
}

static void a_fresh_code_of_one_token_counts_before_a_used_one_of_another(void **unused)
{
	struct record r = record_of_one_token();

	/* two tokens cannot share a secret, but judge must not depend on it */
	add_token(&r, 1, 30, HMAC_SHA1, 6);
	assert_int_equal(0, answer(&r, code_of(&r, 0, STEP), T).token);
	assert_int_equal(1, answer(&r, code_of(&r, 0, STEP), T).token);
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, STEP), T));
}

static void a_fixed_offset_moves_the_window(void **unused)
{
	struct record r = record_of_one_token();

	r.cred.tokens[0].offset = -100;
	assert_ruling(DENY, WRONG_CODE, answer(&r, code_of(&r, 0, STEP), T));
	assert_ruling(DENY, WRONG_CODE, answer(&r, code_of(&r, 0, STEP - 102), T));
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP - 101), T));
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP - 99), T));
	assert_ruling(DENY, WRONG_CODE, answer(&r, code_of(&r, 0, STEP - 98), T));
	r.cred.tokens[0].offset = 100;
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP + 101), T));
}

static void a_clock_set_back_denies_and_counts_nothing(void **unused)
{
	struct record r = record_of_one_token();
	struct ruling ruling;

	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP), T));
	ruling = answer(&r, code_of(&r, 0, STEP - 1000), T - 30000);
	assert_ruling(DENY, CLOCK_BACK, ruling);
	assert_int_equal(0, ruling.token);
	assert_false(ruling.changed);
	assert_ruling(DENY, CLOCK_BACK, answer(&r, wrong, T - 30000));
	assert_int_equal(0, r.state.failures);
	assert_int_equal(0, r.state.shared[0].burst.used);
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP + 1), T + 30));
}

static void a_clock_is_set_back_from_one_step_beyond_the_window(void **unused)
{
	struct record r = record_of_one_token();

	r.state.tokens[0].moving = STEP + 1;
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, STEP), T));
	r.state.tokens[0].moving = STEP + 2;
	assert_ruling(DENY, CLOCK_BACK, answer(&r, code_of(&r, 0, STEP), T));
	assert_ruling(DENY, USED_CODE, answer(&r, code_of(&r, 0, STEP + 1), T + 30));
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP + 3), T + 60));
}

static void failures_in_the_future_drain_from_now_on(void **unused)
{
	struct record r = record_of_one_token();
	struct ruling ruling;

	r.state.shared[0].burst = (struct leak){.used = 5, .since = T + 365 * 86400};
	ruling = answer(&r, code_of(&r, 0, STEP), T);
	assert_ruling(WAIT, THROTTLED, ruling);
	assert_true(ruling.changed);
	assert_int_equal(T, r.state.shared[0].burst.since);
	assert_ruling(WAIT, THROTTLED, answer(&r, code_of(&r, 0, STEP + 9), T + 299));
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, STEP + 10), T + 300));
}

static void another_token_works_while_the_last_step_of_one_is_in_the_future(void **unused)
{
	struct record r = record_of_one_token();
	struct ruling ruling;

	add_token(&r, 2, 30, HMAC_SHA1, 6);
	r.state.tokens[0].moving = STEP + 1000;
	ruling = answer(&r, code_of(&r, 0, STEP), T);
	assert_ruling(DENY, CLOCK_BACK, ruling);
	assert_int_equal(0, ruling.token);
	assert_ruling(DENY, WRONG_CODE, answer(&r, wrong, T));
	assert_int_equal(1, r.state.failures);
	assert_int_equal(1, answer(&r, code_of(&r, 1, STEP), T).token);
	assert_int_equal(STEP + 1000, r.state.tokens[0].moving);
}

static void the_largest_last_step_denies_for_ever(void **unused)
{
	struct record r = record_of_one_token();

	r.state.tokens[0].moving = UINT64_MAX;
	assert_ruling(DENY, CLOCK_BACK, answer(&r, code_of(&r, 0, STEP), T));
}

static void the_first_steps_after_1970_are_clipped(void **unused)
{
	struct record r = record_of_one_token();

	assert_ruling(DENY, USED_CODE,
		      answer(&r, code_of(&r, 0, 0), 0)); /* step 0 is never accepted */
	assert_ruling(ALLOW, CODE, answer(&r, code_of(&r, 0, 1), 0));
}

static void a_time_before_1970_is_an_error_that_denies(void **unused)
{
	struct record r = record_of_one_token();
	struct answer parsed;
	struct ruling ruling;

	memset(&ruling, 0xff, sizeof(ruling));
	answer_parse("123456", NULL, &parsed);
	assert_refused(RANGE, judge_answer(&r, &parsed, -1, &ruling));
	assert_int_equal(VERDICT_DENY, ruling.verdict);
	assert_false(ruling.changed);
}

static void the_same_inputs_give_the_same_ruling(void **unused)
{
	struct record r = record_of_one_token();
	struct answer parsed;
	struct ruling one, two;

	answer_parse(code_of(&r, 0, STEP), NULL, &parsed);
	assert_ok(judge_answer(&r, &parsed, T, &one));
	assert_ok(judge_answer(&r, &parsed, T, &two));
	assert_int_equal(one.verdict, two.verdict);
	assert_memory_equal(&one.next, &two.next, sizeof(one.next));
}

static void the_count_of_failures_stops_at_the_largest_number(void **unused)
{
	struct record r = record_of_one_token();

	r.state.failures = UINT32_MAX;
	assert_ruling(DENY, WRONG_CODE, answer(&r, wrong, T));
	assert_int_equal(UINT32_MAX, r.state.failures);
}

static void assert_offset(const struct record *r, size_t token, int64_t steps, bool expected)
{
	struct answer parsed;
	struct offset offset;
	int64_t centre = T / r->cred.tokens[token].period;

	answer_parse(code_of(r, token, (uint64_t)(centre + steps)), NULL, &parsed);
	assert_ok(judge_offset(&r->cred, &r->state, &parsed, T, &offset));
	assert_int_equal(expected, offset.found);
	if (!offset.found)
		return;
	assert_int_equal(token, offset.token);
	assert_false(offset.whole_hours);
	assert_int_equal(steps, offset.distance);
}

static void a_code_up_to_an_hour_off_is_reported(void **unused)
{
	struct record r = record_of_one_token();

	add_token(&r, 2, 300, HMAC_SHA256, 8);
	assert_offset(&r, 0, 2, true);
	assert_offset(&r, 0, -2, true);
	assert_offset(&r, 0, 120, true);
	assert_offset(&r, 0, -120, true);
	assert_offset(&r, 0, 122, false);
	assert_offset(&r, 0, -122, false);
	assert_offset(&r, 1, 12, true);
	assert_offset(&r, 1, -14, false);
}

static void a_code_of_another_time_zone_is_reported_and_never_accepted(void **unused)
{
	struct record r = record_of_one_token();
	static const struct {
		int64_t seconds;
		int64_t hours; /* 0: not reported */
	} rows[] = {{5 * 3600, 5},        {-5 * 3600, -5},     {-5 * 3600 + 30, -5},
		    {-5 * 3600 - 30, -5}, {-5 * 3600 - 60, 0}, {24 * 3600, 24},
		    {-24 * 3600, -24},    {25 * 3600, 0},      {-25 * 3600, 0},
		    {2 * 3600 + 900, 0},  {-(3600 + 30), -1}};

	add_token(&r, 2, 300, HMAC_SHA256, 8);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *code = code_of(&r, 0, (uint64_t)((T + rows[i].seconds) / 30));
		struct answer parsed;
		struct offset offset;

		answer_parse(code, NULL, &parsed);
		assert_ok(judge_offset(&r.cred, &r.state, &parsed, T, &offset));
		assert_int_equal(rows[i].hours != 0, offset.found);
		assert_int_equal(rows[i].hours, offset.distance);
		assert_int_equal(rows[i].hours != 0, offset.whole_hours);
		memset(r.state.shared, 0, sizeof(r.state.shared));
		assert_ruling(DENY, WRONG_CODE, answer(&r, code, T));
	}
}

static unsigned work_of(const struct record *r, const char *code)
{
	struct answer parsed;
	struct offset offset;

	answer_parse(code, NULL, &parsed);
	hashed = 0;
	assert_ok(judge_offset(&r->cred, &r->state, &parsed, T, &offset));
	return hashed;
}

static void a_search_for_a_wrong_code_takes_the_same_work_whatever_it_finds(void **unused)
{
	static const int64_t steps[] = {0, 1, -1, 40, -120, 121, 600, -600, 2880};
	struct record r = record_of_one_token();
	unsigned whole;

	add_token(&r, 2, 60, HMAC_SHA256, 6);
	whole = work_of(&r, wrong);
	assert_true(whole > 385);
	for (size_t token = 0; token < 2; token++)
		for (size_t i = 0; i < COUNT(steps); i++)
			assert_int_equal(
				whole,
				work_of(&r, code_of(&r, token,
						    (uint64_t)(T / r.cred.tokens[token].period +
							       steps[i]))));
}

static void a_used_code_says_when_the_next_one_comes(void **unused)
{
	struct record r = record_of_one_token();
	static const struct {
		int64_t step; /* the used step, relative to the current one */
		int64_t now;
		uint32_t wait;
	} rows[] = {{0, T, 30}, {0, T + 16, 14}, {0, T + 29, 1}, {1, T + 16, 44}, {-1, T + 3, 0}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t step = (uint64_t)(STEP + rows[i].step);
		struct ruling ruling;

		r.state.tokens[0].moving = step;
		ruling = answer(&r, code_of(&r, 0, step), rows[i].now);
		assert_ruling(DENY, USED_CODE, ruling);
		assert_int_equal(rows[i].wait, ruling.wait_seconds);
	}
	/* the used step may be before the last one: the end of the last one counts */
	r.state.tokens[0].moving = STEP + 1;
	assert_int_equal(50, answer(&r, code_of(&r, 0, STEP), T + 10).wait_seconds);
	/* a token whose clock is ahead by two steps */
	r.cred.tokens[0].offset = 2;
	r.state.tokens[0].moving = STEP + 2;
	assert_int_equal(20, answer(&r, code_of(&r, 0, STEP + 2), T + 10).wait_seconds);
}

static void every_reason_has_its_word(void **unused)
{
	static const char *const words[] = {"none",
					    "code",
					    "recovery_code",
					    "wrong_code",
					    "used_code",
					    "throttled",
					    "clock_back",
					    "no_answer",
					    "junk",
					    "password",
					    "not_a_code",
					    "wrong_recovery_code",
					    "spent_recovery_code",
					    "bypass",
					    "ended_bypass",
					    "disabled",
					    "none"};

	for (size_t i = 0; i < COUNT(words); i++)
		assert_string_equal(words[i], judge_reason_name((enum judge_reason)i));
	assert_int_equal(0, VERDICT_DENY); /* a forgotten assignment denies */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_works_once),
		cmocka_unit_test(a_window_is_exact_to_the_second_on_each_side),
		cmocka_unit_test(a_code_works_for_three_steps_exact_to_the_second),
		cmocka_unit_test(a_step_before_a_used_step_counts_as_used),
		cmocka_unit_test(three_used_codes_are_denied_and_the_next_code_is_not),
		cmocka_unit_test(the_latest_of_two_steps_with_one_code_counts),
		cmocka_unit_test(a_wrong_code_is_counted),
		cmocka_unit_test(a_success_ends_the_count_but_empties_no_throttle),
		cmocka_unit_test(
			the_sixth_attempt_waits_even_with_the_correct_code_and_costs_nothing),
		cmocka_unit_test(a_stranger_does_not_lock_the_owner_out_of_a_known_source),
		cmocka_unit_test(a_malformed_answer_is_denied_and_not_counted_even_when_throttled),
		cmocka_unit_test(the_password_is_denied_and_not_counted),
		cmocka_unit_test(each_token_has_its_own_algorithm_digits_and_period),
		cmocka_unit_test(a_code_has_all_its_digits_and_no_more),
		cmocka_unit_test(a_code_used_with_one_token_leaves_the_others),
		cmocka_unit_test(a_fresh_code_of_one_token_counts_before_a_used_one_of_another),
		cmocka_unit_test(a_fixed_offset_moves_the_window),
		cmocka_unit_test(a_clock_set_back_denies_and_counts_nothing),
		cmocka_unit_test(a_clock_is_set_back_from_one_step_beyond_the_window),
		cmocka_unit_test(failures_in_the_future_drain_from_now_on),
		cmocka_unit_test(another_token_works_while_the_last_step_of_one_is_in_the_future),
		cmocka_unit_test(the_largest_last_step_denies_for_ever),
		cmocka_unit_test(the_first_steps_after_1970_are_clipped),
		cmocka_unit_test(a_time_before_1970_is_an_error_that_denies),
		cmocka_unit_test(the_same_inputs_give_the_same_ruling),
		cmocka_unit_test(the_count_of_failures_stops_at_the_largest_number),
		cmocka_unit_test(a_code_up_to_an_hour_off_is_reported),
		cmocka_unit_test(a_code_of_another_time_zone_is_reported_and_never_accepted),
		cmocka_unit_test(a_search_for_a_wrong_code_takes_the_same_work_whatever_it_finds),
		cmocka_unit_test(a_used_code_says_when_the_next_one_comes),
		cmocka_unit_test(every_reason_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
