/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much time a program leaves. The alarm and the configuration of sshd are this test's own, and
 * the process of sshd is this one.
 */
#include "unit.h"

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

#include "host/deadline.h"
#include "host/sshd_config.h"

#define AGE_MAX 600 /* seconds that this process may have run */

static struct itimerval alarm_clock;
static bool has_config;
static struct sshd_line lines[3];

int getitimer(__itimer_which_t which, struct itimerval *ret_value)
{
	*ret_value = alarm_clock;
	return which == ITIMER_REAL ? 0 : -1;
}

pid_t getppid(void)
{
	return getpid();
}

bool sshd_line_is(const struct sshd_line *line, const char *keyword)
{
	return text_is(line->keyword, keyword);
}

bool sshd_config_each(const char *path, sshd_line_fn *each, void *context)
{
	assert_string_equal("/etc/ssh/sshd_config", path);
	for (size_t i = 0; has_config && i < COUNT(lines); i++)
		if (lines[i].keyword.len)
			each(context, &lines[i]);
	return has_config;
}

static struct sshd_line grace(const char *value)
{
	return (struct sshd_line){.keyword = text_of("LoginGraceTime"), .value = text_of(value)};
}

static int begin_test(void **unused)
{
	alarm_clock = (struct itimerval){0};
	has_config = true;
	memset(lines, 0, sizeof(lines));
	return 0;
}

/* The time that sshd leaves, or 0: no limit is known. */
static unsigned seconds_of(const char *value)
{
	unsigned seconds = 0;

	lines[0] = grace(value);
	return deadline_find(true, &seconds) ? seconds : 0;
}

static void an_alarm_of_the_process_counts(void **unused)
{
	unsigned seconds = 0;

	lines[0] = grace("1w");
	alarm_clock.it_value.tv_sec = 60;
	assert_true(deadline_find(false, &seconds));
	assert_int_equal(60, seconds);
	seconds = 0;
	assert_true(deadline_find(true, &seconds));
	assert_int_equal(60, seconds);
	alarm_clock.it_value.tv_sec = 1;
	assert_true(deadline_find(true, &seconds));
	assert_int_equal(1, seconds);
}

static void without_alarm_and_sshd_there_is_no_limit(void **unused)
{
	unsigned seconds = 4711;

	lines[0] = grace("1w");
	assert_false(deadline_find(false, &seconds));
	has_config = false;
	assert_false(deadline_find(true, &seconds));
	assert_int_equal(4711, seconds);
}

static void sshd_s_times_are_numbers_with_units(void **unused)
{
	static const struct {
		const char *value;
		unsigned seconds;
	} rows[] = {
		{"7200", 7200},
		{"7200s", 7200},
		{"7200S", 7200},
		{"90m", 5400},
		{"2H", 7200},
		{"2d", 172800},
		{"1w", 604800},
		{"1h30m", 5400},
		{"1h30", 3630},
		{"1w1d1h1m1s", 694861},
		{"4294967295", 4294967295},
		{"4294967295s", 4294967295},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_in_range(seconds_of(rows[i].value), rows[i].seconds - AGE_MAX,
				rows[i].seconds);
}

static void a_time_that_sshd_rejects_counts_as_the_default(void **unused)
{
	static const char *const values[] = {"x",  "",       "h",          "1x",    "1hh",
					     "-1", "1 hour", "4294967296", "7102w", "1.5h"};

	for (size_t i = 0; i < COUNT(values); i++) {
		unsigned seconds = seconds_of(values[i]);

		/* 120, if this process has not run for so long */
		assert_in_range(seconds, 0, 120);
	}
}

static void no_limit_is_none_and_a_time_that_is_over_is_none(void **unused)
{
	assert_int_equal(0, seconds_of("0"));
	/* one second may be over already, and is never more than one */
	assert_in_range(seconds_of("1"), 0, 1);
}

static void the_first_line_outside_of_match_counts(void **unused)
{
	unsigned seconds = 0;

	lines[0] = grace("1h");
	lines[0].match_number = 3;
	lines[1] = grace("2d");
	lines[2] = grace("1w");
	assert_true(deadline_find(true, &seconds));
	assert_in_range(seconds, 172800 - AGE_MAX, 172800);
	lines[1].keyword = text_of("MaxAuthTries");
	assert_true(deadline_find(true, &seconds));
	assert_in_range(seconds, 604800 - AGE_MAX, 604800);
}

#define DEADLINE_TEST(f) cmocka_unit_test_setup(f, begin_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEADLINE_TEST(an_alarm_of_the_process_counts),
		DEADLINE_TEST(without_alarm_and_sshd_there_is_no_limit),
		DEADLINE_TEST(sshd_s_times_are_numbers_with_units),
		DEADLINE_TEST(a_time_that_sshd_rejects_counts_as_the_default),
		DEADLINE_TEST(no_limit_is_none_and_a_time_that_is_over_is_none),
		DEADLINE_TEST(the_first_line_outside_of_match_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
