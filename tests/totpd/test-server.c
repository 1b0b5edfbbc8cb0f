/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy that totpd has read, its keyring, and the lines that it withheld. Needs root. */
#include "../unit/store_fixture.h"

#include <sys/time.h>

#include "host/log.h"
#include "server.h"

static struct server server; /* too large for the stack */
static struct log_limit log_limit;
static char conf[64];
static unsigned logged_lines;
static char logged[1024]; /* the last line */

void log_send(int priority, const struct log_event *event)
{
	assert_null(event->user);
	assert_string_equal("totpd", event->service);
	logged_lines++;
	snprintf(logged, sizeof(logged), "%d %s %s %s", priority, event->outcome, event->reason,
		 event->detail ? event->detail : "");
}

static int begin_test(void **state)
{
	const struct fixture *f;

	assert_int_equal(0, fixture_begin(state));
	f = *state;
	snprintf(conf, sizeof(conf), "%.31s/policy", f->dir);
	log_limit = (struct log_limit){.users = {{0}}};
	server = (struct server){.conf = conf, .log_limit = &log_limit};
	logged_lines = 0;
	return 0;
}

/* Write the policy, with another time of change than any before. */
static void write_policy(const char *text)
{
	static time_t second = NOW - 1000;
	struct timeval times[2] = {{.tv_sec = second}, {.tv_sec = second}};

	second++;
	write_file(conf, text, strlen(text), 0644);
	assert_int_equal(0, utimes(conf, times));
}

static void a_policy_is_read_again_when_its_file_has_changed_and_only_then(void **unused)
{
	write_policy("window = 3\n");
	assert_ok(server_load_policy(&server));
	assert_int_equal(3, server.policy.window);
	assert_true(server.policy.enroll_in_account);
	assert_false(server.policy_invalid);
	assert_int_equal(1, server.policy_number);
	assert_int_equal(0, logged_lines);
	server_refresh_policy(&server);
	assert_int_equal(1, server.policy_number);
	write_policy("window = 4\n");
	server_refresh_policy(&server);
	assert_int_equal(4, server.policy.window);
	assert_int_equal(2, server.policy_number);
	assert_int_equal(1, logged_lines);
	assert_contains("6 policy changed", logged);
	server_refresh_policy(&server);
	assert_int_equal(2, server.policy_number);
}

static void with_a_mistake_in_it_every_request_is_denied_until_it_is_right_again(void **unused)
{
	write_policy("window = 3\n");
	assert_ok(server_load_policy(&server));
	write_policy("window = many\n");
	server_refresh_policy(&server);
	assert_true(server.policy_invalid);
	assert_int_equal(1, logged_lines);
	assert_contains("3 error policy ", logged);
	assert_contains(conf, logged);
	write_policy("window = 5\n");
	server_refresh_policy(&server);
	assert_false(server.policy_invalid);
	assert_int_equal(5, server.policy.window);
}

static void without_the_file_that_was_named_every_request_is_denied(void **unused)
{
	assert_refused(NOT_FOUND, server_load_policy(&server));
	assert_true(server.policy_invalid);
	assert_int_equal(1, logged_lines);
}

#define SECOND 1000000000ull /* nanoseconds */

static void it_starts_again_for_a_keyring_that_has_changed(void **state)
{
	const struct timeval times[2] = {{.tv_sec = NOW}, {.tv_sec = NOW}};
	struct fixture *f = *state;

	policy_default(&server.policy);
	strcpy(server.policy.keyring, f->keyring);
	assert_ok(keyring_load(f->keyring, &server.keyring, NULL));
	assert_false(server_should_restart(&server, 0));
	assert_false(server_should_restart(&server, 3600 * SECOND));
	assert_int_equal(0, unlink(f->keyring));
	assert_ok(keyring_create(f->keyring, NOW, NULL));
	assert_int_equal(0, utimes(f->keyring, times)); /* the clock of the disk is coarse */
	assert_true(server_should_restart(&server, 0));
	assert_true(server_should_restart(&server, 3600 * SECOND));
}

/* Started as the service account it never sees it, and as root it sees it only at first. */
static void for_a_keyring_that_it_cannot_see_it_starts_again_once_a_minute(void **state)
{
	struct fixture *f = *state;

	policy_default(&server.policy);
	strcpy(server.policy.keyring, f->keyring);
	assert_ok(keyring_load(f->keyring, &server.keyring, NULL));
	assert_int_equal(0, unlink(f->keyring));
	assert_false(server_should_restart(&server, 60 * SECOND));
	assert_true(server_should_restart(&server, 60 * SECOND + 1));
	server.keyring.stamp = (struct io_stamp){.size = 0};
	assert_false(server_should_restart(&server, 60 * SECOND));
	assert_true(server_should_restart(&server, 60 * SECOND + 1));
}

static void what_was_withheld_is_reported_with_the_uid(void **unused)
{
	const struct log_counts counts = {
		.uid = 1000, .written = {LOG_DENIED_LINES, 1}, .withheld = {17, 3}};

	log_limit_add(server.log_limit, &counts, 0);
	server_log_withheld(&server, LOG_LIMIT_TIME - 1);
	assert_int_equal(0, logged_lines);
	server_log_withheld(&server, LOG_LIMIT_TIME);
	assert_int_equal(1, logged_lines);
	assert_string_equal("5 withheld flood 17 more denials and errors and 3 more accepted codes "
			    "of uid 1000 in the last minute",
			    logged);
}

#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, begin_test, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(a_policy_is_read_again_when_its_file_has_changed_and_only_then),
		SERVER_TEST(with_a_mistake_in_it_every_request_is_denied_until_it_is_right_again),
		SERVER_TEST(without_the_file_that_was_named_every_request_is_denied),
		SERVER_TEST(it_starts_again_for_a_keyring_that_has_changed),
		SERVER_TEST(for_a_keyring_that_it_cannot_see_it_starts_again_once_a_minute),
		SERVER_TEST(what_was_withheld_is_reported_with_the_uid),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
