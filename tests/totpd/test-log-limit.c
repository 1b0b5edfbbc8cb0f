/* SPDX-License-Identifier: BSD-2-Clause */
/* How many lines one user makes totpd log. */
#include "../unit/unit.h"

#include "log_limit.h"

#define ALICE  1000
#define BOB    1001
#define NOW    5000000000ull
#define MINUTE 60000000000ull

static struct log_limit limit;

static int clear(void **unused)
{
	memset(&limit, 0, sizeof(limit));
	return 0;
}

/* A child tries to log so many lines; returns how many it wrote. */
static unsigned log_lines(uid_t uid, enum log_kind kind, unsigned times)
{
	struct log_counts counts = {0};

	for (unsigned i = 0; i < times; i++)
		(void)log_limit_allows(&limit, &counts, uid, kind);
	log_limit_add(&limit, &counts, NOW);
	assert_int_equal(times, counts.written[kind] + counts.withheld[kind]);
	return counts.written[kind];
}

static void the_first_lines_of_a_user_are_written_and_the_others_counted(void **unused)
{
	struct log_counts due[LOG_LIMIT_USERS + 1];
	unsigned written = 0;

	for (unsigned i = 0; i < 1000; i++)
		written += log_lines(ALICE, LOG_DENIED, 1);
	assert_int_equal(LOG_DENIED_LINES, written);
	assert_int_equal(0, log_limit_due(&limit, NOW + MINUTE - 1, due));
	assert_false(log_limit_is_due(&limit, NOW + MINUTE - 1));
	assert_int_equal(1, log_limit_due(&limit, NOW + MINUTE, due));
	assert_true(log_limit_is_due(&limit, NOW + MINUTE));
	assert_int_equal(ALICE, due[0].uid);
	assert_int_equal(1000 - LOG_DENIED_LINES, due[0].withheld[LOG_DENIED]);
	assert_int_equal(0, due[0].withheld[LOG_ACCEPTED]);
}

static void after_the_minute_the_user_has_lines_again(void **unused)
{
	struct log_counts due[LOG_LIMIT_USERS + 1];

	(void)log_lines(ALICE, LOG_DENIED, 100);
	log_limit_expire(&limit, NOW + MINUTE - 1);
	assert_true(log_limit_is_active(&limit));
	assert_int_equal(0, log_lines(ALICE, LOG_DENIED, 1));
	log_limit_expire(&limit, NOW + MINUTE);
	assert_false(log_limit_is_active(&limit));
	assert_int_equal(0, log_limit_due(&limit, UINT64_MAX, due));
	assert_int_equal(1, log_lines(ALICE, LOG_DENIED, 1));
}

static void a_user_s_lines_take_none_of_another_s(void **unused)
{
	(void)log_lines(ALICE, LOG_DENIED, 1000);
	assert_int_equal(LOG_DENIED_LINES, log_lines(BOB, LOG_DENIED, 1000));
}

static void no_number_of_denials_hides_an_accepted_code(void **unused)
{
	(void)log_lines(ALICE, LOG_DENIED, 1000);
	assert_int_equal(LOG_ACCEPTED_LINES, log_lines(ALICE, LOG_ACCEPTED, 100));
}

static void users_for_whom_there_is_no_room_share_their_counts(void **unused)
{
	struct log_counts due[LOG_LIMIT_USERS + 1];
	unsigned others = LOG_LIMIT_USERS * LOG_DENIED_LINES;

	for (uid_t uid = 1; uid <= LOG_LIMIT_USERS; uid++)
		assert_int_equal(1, log_lines(uid, LOG_DENIED, 1));
	assert_int_equal(others - 5, log_lines(5000, LOG_DENIED, others - 5));
	assert_int_equal(5, log_lines(5001, LOG_DENIED, 30));
	assert_int_equal(0, log_lines(5002, LOG_DENIED, 15));
	assert_int_equal(1, log_lines(LOG_LIMIT_USERS, LOG_DENIED, 1));
	assert_true(log_limit_is_due(&limit, NOW + MINUTE));
	assert_int_equal(1, log_limit_due(&limit, NOW + MINUTE, due));
	assert_int_equal(LOG_LIMIT_OTHERS, due[0].uid);
	assert_int_equal(40, due[0].withheld[LOG_DENIED]);
	log_limit_expire(&limit, NOW + MINUTE);
	assert_false(log_limit_is_active(&limit));
}

/* As on a verifier when a company comes to work. */
static void the_accepted_codes_of_many_users_in_one_minute_are_all_logged(void **unused)
{
	for (uid_t uid = 1; uid <= 10000; uid++)
		assert_int_equal(1, log_lines(uid, LOG_ACCEPTED, 1));
}

static void a_user_for_whom_nothing_is_logged_has_no_counts(void **unused)
{
	assert_int_equal(0, log_lines(ALICE, LOG_DENIED, 0));
	assert_false(log_limit_is_active(&limit));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_lines_of_a_user_are_written_and_the_others_counted,
				       clear),
		cmocka_unit_test_setup(after_the_minute_the_user_has_lines_again, clear),
		cmocka_unit_test_setup(a_user_s_lines_take_none_of_another_s, clear),
		cmocka_unit_test_setup(no_number_of_denials_hides_an_accepted_code, clear),
		cmocka_unit_test_setup(users_for_whom_there_is_no_room_share_their_counts, clear),
		cmocka_unit_test_setup(
			the_accepted_codes_of_many_users_in_one_minute_are_all_logged, clear),
		cmocka_unit_test_setup(a_user_for_whom_nothing_is_logged_has_no_counts, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
