/* SPDX-License-Identifier: BSD-2-Clause */
#include "../unit/unit.h"

#include <stdio.h>

#include "budget.h"

#define MINUTE 60000000000u
#define START  (1000 * MINUTE)

static struct budget budget;

static int setup(void **unused)
{
	memset(&budget, 0, sizeof(budget));
	return 0;
}

/* How many wrong codes the host can send at `now`. */
static unsigned wrong_codes_of(const char *host, uint32_t allowed, uint64_t now)
{
	unsigned count = 0;
	bool tell;

	for (; count < 2 * allowed + 2 && budget_allows(&budget, host, allowed, now, &tell);
	     count++)
		budget_spend(&budget, host, allowed, now);
	return count;
}

static void a_host_may_send_so_many_wrong_codes_and_no_more(void **unused)
{
	assert_int_equal(60, wrong_codes_of("web01", 60, START));
	assert_int_equal(0, wrong_codes_of("web01", 60, START + MINUTE - 1));
	assert_int_equal(1, wrong_codes_of("web01", 60, START + MINUTE));
	assert_int_equal(60, wrong_codes_of("web01", 60, START + 61 * MINUTE));
}

static void another_host_has_its_own(void **unused)
{
	assert_int_equal(3, wrong_codes_of("web01", 3, START));
	assert_int_equal(3, wrong_codes_of("web02", 3, START));
}

static void hosts_with_the_longest_names_have_their_own(void **unused)
{
	char name[PROXY_HOST_MAX + 1] = {0};

	memset(name, 'a', PROXY_HOST_MAX);
	assert_int_equal(3, wrong_codes_of(name, 3, START));
	assert_int_equal(0, wrong_codes_of(name, 3, START));
	name[PROXY_HOST_MAX - 1] = 'b';
	assert_int_equal(3, wrong_codes_of(name, 3, START));
	assert_int_equal(0, wrong_codes_of(name, 3, START));
}

static void none_allowed_means_that_no_code_is_checked(void **unused)
{
	assert_int_equal(0, wrong_codes_of("web01", 0, START));
}

static void correct_codes_count_nothing(void **unused)
{
	bool tell;

	for (unsigned i = 0; i < 1000; i++)
		assert_true(budget_allows(&budget, "web01", 1, START, &tell));
}

static void it_is_reported_once_in_a_minute(void **unused)
{
	bool tell;

	assert_int_equal(1, wrong_codes_of("web01", 1, START));
	/* the call that found the bucket full has reported it */
	assert_false(budget_allows(&budget, "web01", 1, START + MINUTE - 1, &tell));
	assert_false(tell);
	assert_false(budget_allows(&budget, "web01", 1, START + MINUTE, &tell));
	assert_true(tell);
	assert_false(budget_allows(&budget, "web01", 1, START + MINUTE, &tell));
	assert_false(tell);
}

static void codes_that_were_checked_at_once_cost_no_longer_than_an_hour(void **unused)
{
	for (unsigned i = 0; i < 20; i++)
		budget_spend(&budget, "web01", 2, START);
	assert_int_equal(1, wrong_codes_of("web01", 2, START + 30 * MINUTE));
}

static void hosts_without_end_share_one_bucket_and_keep_nobody_s(void **unused)
{
	char name[PROXY_HOST_MAX + 1];

	for (unsigned i = 0; i < BUDGET_HOSTS; i++) {
		snprintf(name, sizeof(name), "host%u", i);
		assert_int_equal(2, wrong_codes_of(name, 2, START));
	}
	assert_int_equal(2, wrong_codes_of("late", 2, START));
	assert_int_equal(0, wrong_codes_of("later", 2, START));
	assert_int_equal(0, wrong_codes_of("host0", 2, START));
	/* an hour later there is room again */
	assert_int_equal(2, wrong_codes_of("later", 2, START + 60 * MINUTE));
	assert_int_equal(2, wrong_codes_of("late", 2, START + 60 * MINUTE));
}

static void it_is_active_until_all_are_empty(void **unused)
{
	assert_false(budget_is_active(&budget, START));
	budget_spend(&budget, "web01", 60, START);
	assert_true(budget_is_active(&budget, START + MINUTE - 1));
	assert_false(budget_is_active(&budget, START + MINUTE));
	budget_spend(&budget, "web02", 60, START); /* while the first one is in use */
	budget_spend(&budget, "web02", 60, START);
	assert_true(budget_is_active(&budget, START + MINUTE));
	assert_false(budget_is_active(&budget, START + 2 * MINUTE));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_host_may_send_so_many_wrong_codes_and_no_more, setup),
		cmocka_unit_test_setup(another_host_has_its_own, setup),
		cmocka_unit_test_setup(hosts_with_the_longest_names_have_their_own, setup),
		cmocka_unit_test_setup(none_allowed_means_that_no_code_is_checked, setup),
		cmocka_unit_test_setup(correct_codes_count_nothing, setup),
		cmocka_unit_test_setup(it_is_reported_once_in_a_minute, setup),
		cmocka_unit_test_setup(codes_that_were_checked_at_once_cost_no_longer_than_an_hour,
				       setup),
		cmocka_unit_test_setup(hosts_without_end_share_one_bucket_and_keep_nobody_s, setup),
		cmocka_unit_test_setup(it_is_active_until_all_are_empty, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
