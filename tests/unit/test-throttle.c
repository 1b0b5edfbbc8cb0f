/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "login/throttle.h"

#define NOW    1800000000
#define MINUTE 60
#define HOUR   3600
#define YEAR   (365 * 24 * HOUR)

static struct policy defaults(void)
{
	struct policy policy;

	policy_default(&policy);
	return policy;
}

static struct source address(uint8_t last)
{
	return (struct source){.kind = SOURCE_IPV4, .bytes = {192, 0, 2, last}};
}

/* Guess wrongly if a guess is allowed; returns whether it was. */
static bool guess(struct throttle *throttle, const struct policy *policy, int64_t now)
{
	if (throttle_wait(throttle, policy, now))
		return false;
	throttle_count(throttle, policy, now);
	return true;
}

static unsigned guess_many(struct throttle *throttle, const struct policy *policy, int64_t now)
{
	unsigned done = 0;

	while (guess(throttle, policy, now))
		done++;
	return done;
}

static void five_failures_and_then_one_more_every_five_minutes(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0};

	assert_int_equal(5, guess_many(&throttle, &policy, NOW));
	assert_int_equal(5 * MINUTE, throttle_wait(&throttle, &policy, NOW));
	assert_int_equal(1, throttle_wait(&throttle, &policy, NOW + 5 * MINUTE - 1));
	assert_int_equal(1, guess_many(&throttle, &policy, NOW + 5 * MINUTE));
	assert_int_equal(5 * MINUTE, throttle_wait(&throttle, &policy, NOW + 5 * MINUTE));
	assert_int_equal(0, guess_many(&throttle, &policy, NOW + 10 * MINUTE - 1));
	assert_int_equal(3, guess_many(&throttle, &policy, NOW + 20 * MINUTE));
}

static void after_a_rest_five_guesses_are_back_and_no_more(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0};

	assert_int_equal(5, guess_many(&throttle, &policy, NOW));
	assert_int_equal(4, guess_many(&throttle, &policy, NOW + 25 * MINUTE - 1));
	throttle = (struct throttle){0};
	assert_int_equal(5, guess_many(&throttle, &policy, NOW));
	assert_int_equal(5, guess_many(&throttle, &policy, NOW + 25 * MINUTE));
	assert_int_equal(5, guess_many(&throttle, &policy, NOW + 12 * HOUR));
}

static void the_time_since_the_first_failure_counts(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0};

	for (int i = 0; i < 5; i++)
		assert_true(guess(&throttle, &policy, NOW + i * MINUTE));
	/* the first one drains five minutes after it was made */
	assert_int_equal(MINUTE, throttle_wait(&throttle, &policy, NOW + 4 * MINUTE));
	assert_true(guess(&throttle, &policy, NOW + 5 * MINUTE));
	assert_int_equal(5 * MINUTE, throttle_wait(&throttle, &policy, NOW + 5 * MINUTE));
}

static void a_patient_attacker_has_a_hundred_guesses_and_then_four_a_day(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0};
	unsigned week = 0, year = 0;

	for (int64_t t = 0; t < YEAR; t += MINUTE) {
		unsigned done = guess_many(&throttle, &policy, NOW + t);

		year += done;
		week += t < 7 * 24 * HOUR ? done : 0;
	}
	assert_in_range(week, 100 + 7 * 4 - 1, 100 + 7 * 4);
	assert_in_range(year, 100 + 365 * 4 - 1, 100 + 365 * 4);
}

static void the_long_bucket_is_full_at_a_hundred(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0};
	int64_t now = NOW;

	policy.attempts = 100;
	policy.attempts_refill = 1;
	policy.attempts_total = 100;
	assert_int_equal(100, guess_many(&throttle, &policy, now));
	now += 100; /* the short bucket is empty again */
	assert_int_equal(6 * HOUR - 100, throttle_wait(&throttle, &policy, now));
	assert_int_equal(0, guess_many(&throttle, &policy, NOW + 6 * HOUR - 1));
	assert_int_equal(1, guess_many(&throttle, &policy, NOW + 6 * HOUR));
}

static void the_longer_of_both_waits_counts(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {.burst = {5, NOW}, .total = {100, NOW}};

	assert_int_equal(6 * HOUR, throttle_wait(&throttle, &policy, NOW));
	throttle.total.used = 99;
	assert_int_equal(5 * MINUTE, throttle_wait(&throttle, &policy, NOW));
	throttle.burst.used = 4;
	assert_int_equal(0, throttle_wait(&throttle, &policy, NOW));
}

static void without_a_refill_the_wait_is_for_ever(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {.total = {99, NOW - YEAR}};

	policy.attempts_total_refill = 0;
	assert_int_equal(1, guess_many(&throttle, &policy, NOW));
	assert_int_equal(THROTTLE_FOREVER, throttle_wait(&throttle, &policy, NOW));
	assert_int_equal(THROTTLE_FOREVER, throttle_wait(&throttle, &policy, NOW + 100ll * YEAR));
}

static void asking_moves_nothing(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0}, before;

	guess_many(&throttle, &policy, NOW);
	before = throttle;
	for (int64_t t = 0; t < 5 * MINUTE; t++)
		assert_int_equal(5 * MINUTE - t, throttle_wait(&throttle, &policy, NOW + t));
	assert_int_equal(0, throttle_wait(&throttle, &policy, NOW + 5 * MINUTE));
	assert_memory_equal(&before.burst.used, &throttle.burst.used, sizeof(before.burst.used));
	assert_int_equal(before.burst.since, throttle.burst.since);
}

static void a_time_in_the_future_is_read_as_now(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {.burst = {5, NOW + YEAR}, .total = {50, NOW + YEAR}};

	assert_int_equal(5 * MINUTE, throttle_wait(&throttle, &policy, NOW));
	throttle.burst.used = 4;
	assert_true(guess(&throttle, &policy, NOW));
	assert_int_equal(5 * MINUTE, throttle_wait(&throttle, &policy, NOW));
	assert_int_equal(5, throttle.burst.used);
	assert_int_equal(51, throttle.total.used);
	assert_int_equal(1, guess_many(&throttle, &policy, NOW + 5 * MINUTE));
}

static void a_clock_set_back_gives_nobody_another_guess(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0};

	guess_many(&throttle, &policy, NOW);
	for (int64_t back = 1; back < YEAR; back *= 3)
		assert_int_equal(5 * MINUTE, throttle_wait(&throttle, &policy, NOW - back));
}

static void a_lowered_limit_applies_to_earlier_failures(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0};

	guess_many(&throttle, &policy, NOW);
	policy.attempts = 2;
	assert_int_equal(4 * 5 * MINUTE, throttle_wait(&throttle, &policy, NOW));
	assert_int_equal(1, throttle_wait(&throttle, &policy, NOW + 20 * MINUTE - 1));
	assert_int_equal(1, guess_many(&throttle, &policy, NOW + 20 * MINUTE));
}

static void a_raised_limit_applies_at_once(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0};

	guess_many(&throttle, &policy, NOW);
	policy.attempts = 7;
	assert_int_equal(2, guess_many(&throttle, &policy, NOW));
}

static void a_wait_too_long_for_its_number_is_for_ever(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {.total = {UINT32_MAX, NOW}};

	assert_int_equal(THROTTLE_FOREVER, throttle_wait(&throttle, &policy, NOW));
	throttle_count(&throttle, &policy, NOW);
	assert_int_equal(UINT32_MAX, throttle.total.used);
}

static void a_bucket_holds_at_least_one_attempt(void **unused)
{
	struct policy policy = defaults();
	struct throttle throttle = {0};

	policy.attempts = 1;
	assert_int_equal(1, guess_many(&throttle, &policy, NOW));
	assert_int_equal(1, guess_many(&throttle, &policy, NOW + 5 * MINUTE));
}

static void a_known_source_has_its_own_throttle_and_the_others_of_its_class_share_one(void **unused)
{
	struct policy policy = defaults();
	struct login_state state = {0};
	struct source home = address(1), work = address(2), stranger = address(66);
	struct source other = address(67), unknown = {0};

	throttle_remember(&state, &home, NOW);
	throttle_remember(&state, &work, NOW);
	assert_ptr_equal(&state.shared[0], throttle_of(&state, &stranger));
	assert_ptr_equal(&state.shared[0], throttle_of(&state, &other));
	assert_ptr_equal(&state.shared[0], throttle_of(&state, &unknown));

	assert_int_equal(5, guess_many(throttle_of(&state, &stranger), &policy, NOW));
	assert_int_equal(0, guess_many(throttle_of(&state, &other), &policy, NOW));
	assert_int_equal(5, guess_many(throttle_of(&state, &home), &policy, NOW));
	assert_int_equal(5, guess_many(throttle_of(&state, &work), &policy, NOW));
}

/* A process of root at a terminal, or "" for no terminal, as lib/host/source.c writes it. */
static struct source service_at(const char *terminal)
{
	struct source source = {.kind = SOURCE_UID};
	char *text = (char *)source.bytes + SOURCE_CALLER_AT;

	strcpy(text, terminal);
	strcpy(text + strlen(terminal) + 1, "login");
	return source;
}

static void sources_of_one_class_take_no_guesses_from_another(void **unused)
{
	const struct source sources[SOURCE_CLASSES][2] = {
		[SOURCE_NETWORK] = {address(1), service_at("")},
		[SOURCE_CONSOLE] = {service_at("tty1"), service_at("ttyS0")},
		[SOURCE_PSEUDO] = {service_at("pts"), service_at(":0")},
		[SOURCE_USER] = {{.kind = SOURCE_UID, .bytes = {0, 0, 3, 232}},
				 {.kind = SOURCE_UID, .bytes = {0, 0, 3, 233}}},
	};
	struct policy policy = defaults();
	struct login_state state = {0}, of_version_1 = {.one_class = true};

	for (size_t i = 0; i < SOURCE_CLASSES; i++) {
		assert_int_equal(i, source_class(&sources[i][0]));
		assert_int_equal(i, source_class(&sources[i][1]));
		assert_int_equal(5, guess_many(throttle_of(&state, &sources[i][0]), &policy, NOW));
		assert_int_equal(0, guess_many(throttle_of(&state, &sources[i][1]), &policy, NOW));
		/* a record of version 1 has one throttle for all classes */
		assert_ptr_equal(&of_version_1.shared[0],
				 throttle_of(&of_version_1, &sources[i][0]));
	}
	assert_int_equal(0, state.known_count);
}

static void a_success_empties_no_bucket(void **unused)
{
	struct policy policy = defaults();
	struct login_state state = {0};
	struct source home = address(1);

	throttle_remember(&state, &home, NOW);
	guess_many(throttle_of(&state, &home), &policy, NOW);
	throttle_remember(&state, &home, NOW + 1);
	assert_int_equal(1, state.known_count);
	assert_int_equal(NOW + 1, state.known[0].last_success);
	assert_int_equal(5, state.known[0].throttle.burst.used);
	assert_int_equal(5 * MINUTE - 1,
			 throttle_wait(throttle_of(&state, &home), &policy, NOW + 1));
}

static void a_success_of_a_new_source_leaves_the_shared_throttle(void **unused)
{
	struct policy policy = defaults();
	struct login_state state = {0};
	struct source stranger = address(66), home = address(1);

	guess_many(throttle_of(&state, &stranger), &policy, NOW);
	throttle_remember(&state, &home, NOW);
	assert_int_equal(0, throttle_wait(throttle_of(&state, &home), &policy, NOW));
	assert_int_equal(5 * MINUTE, throttle_wait(throttle_of(&state, &stranger), &policy, NOW));
}

static void the_ninth_source_replaces_the_one_not_seen_for_longest(void **unused)
{
	struct login_state state = {0};
	struct source source;

	for (uint8_t i = 1; i <= 8; i++) {
		source = address(i);
		throttle_remember(&state, &source, NOW + i);
	}
	source = address(1);
	throttle_remember(&state, &source, NOW + 10); /* seen again */
	state.known[1].throttle.burst.used = 3;
	source = address(9);
	throttle_remember(&state, &source, NOW + 11);

	assert_int_equal(8, state.known_count);
	for (uint8_t i = 1; i <= 9; i++) {
		source = address(i);
		assert_int_equal(i == 2, throttle_of(&state, &source) == &state.shared[0]);
	}
	source = address(9);
	assert_int_equal(0, throttle_of(&state, &source)->burst.used); /* nothing inherited */
}

static void a_source_that_is_not_known_never_becomes_known(void **unused)
{
	struct login_state state = {0};
	struct source unknown = {.kind = SOURCE_UNKNOWN};

	throttle_remember(&state, &unknown, NOW);
	assert_int_equal(0, state.known_count);
	assert_ptr_equal(&state.shared[0], throttle_of(&state, &unknown));
}

static void sources_of_different_kinds_are_different(void **unused)
{
	struct login_state state = {0};
	struct source four = {.kind = SOURCE_IPV4, .bytes = {0, 0, 3, 232}};
	struct source uid = {.kind = SOURCE_UID, .bytes = {0, 0, 3, 232}};
	struct source six = {.kind = SOURCE_IPV6, .bytes = {0, 0, 3, 232}};

	throttle_remember(&state, &uid, NOW);
	assert_ptr_equal(&state.known[0].throttle, throttle_of(&state, &uid));
	assert_ptr_equal(&state.shared[0], throttle_of(&state, &four));
	assert_ptr_equal(&state.shared[0], throttle_of(&state, &six));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_failures_and_then_one_more_every_five_minutes),
		cmocka_unit_test(after_a_rest_five_guesses_are_back_and_no_more),
		cmocka_unit_test(the_time_since_the_first_failure_counts),
		cmocka_unit_test(a_patient_attacker_has_a_hundred_guesses_and_then_four_a_day),
		cmocka_unit_test(the_long_bucket_is_full_at_a_hundred),
		cmocka_unit_test(the_longer_of_both_waits_counts),
		cmocka_unit_test(without_a_refill_the_wait_is_for_ever),
		cmocka_unit_test(asking_moves_nothing),
		cmocka_unit_test(a_time_in_the_future_is_read_as_now),
		cmocka_unit_test(a_clock_set_back_gives_nobody_another_guess),
		cmocka_unit_test(a_lowered_limit_applies_to_earlier_failures),
		cmocka_unit_test(a_raised_limit_applies_at_once),
		cmocka_unit_test(a_wait_too_long_for_its_number_is_for_ever),
		cmocka_unit_test(a_bucket_holds_at_least_one_attempt),
		cmocka_unit_test(
			a_known_source_has_its_own_throttle_and_the_others_of_its_class_share_one),
		cmocka_unit_test(sources_of_one_class_take_no_guesses_from_another),
		cmocka_unit_test(a_success_empties_no_bucket),
		cmocka_unit_test(a_success_of_a_new_source_leaves_the_shared_throttle),
		cmocka_unit_test(the_ninth_source_replaces_the_one_not_seen_for_longest),
		cmocka_unit_test(a_source_that_is_not_known_never_becomes_known),
		cmocka_unit_test(sources_of_different_kinds_are_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
