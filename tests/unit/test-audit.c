/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What reaches libaudit, whose functions this program defines and exports, so that they are found
 * like those of a library that the process has loaded.
 */
#include "unit.h"

#include <errno.h>
#include <libaudit.h>
#include <stdio.h>
#include <unistd.h>

#include "host/audit.h"

static struct {
	int fails; /* errno of audit_open */
	char said[512];
} seen;

int audit_open(void)
{
	errno = seen.fails;
	return seen.fails ? -1 : dup(STDERR_FILENO);
}

static const char *known(const char *text)
{
	return text ? text : "-";
}

int audit_log_acct_message(int audit_fd, int type, const char *pgname, const char *op,
			   const char *name, unsigned int id, const char *host, const char *addr,
			   const char *tty, int result)
{
	assert_int_equal(-1, (int)id); /* or it would be reported instead of the name */
	snprintf(seen.said, sizeof(seen.said), "%d %s acct=%s host=%s addr=%s %d", type, op, name,
		 known(host), known(addr), result);
	return audit_fd >= 0 ? 1 : -1;
}

int audit_log_user_message(int audit_fd, int type, const char *message, const char *hostname,
			   const char *addr, const char *tty, int result)
{
	snprintf(seen.said, sizeof(seen.said), "%d %s host=%s addr=%s %d", type, message,
		 known(hostname), known(addr), result);
	return audit_fd >= 0 ? -EPERM : -1;
}

static void assert_record(const char *expected, const struct log_event *event)
{
	seen.said[0] = '\0';
	audit_record(event);
	assert_string_equal(expected, seen.said);
}

static void each_change_has_the_type_that_audit_reports_sort_by(void **unused)
{
	static const struct {
		const char *user, *outcome, *expected;
	} rows[] = {
		{"alice", "enrolled", "1108 totp-enrolled acct=alice host=- addr=- 1"},
		{"alice", "revoked", "1108 totp-revoked acct=alice host=- addr=- 1"},
		{"alice", "bypass-made", "1108 totp-bypass-made acct=alice host=- addr=- 1"},
		{"alice", "unlocked", "1102 totp-unlocked acct=alice host=- addr=- 1"},
		{"alice", "disabled", "1102 totp-disabled acct=alice host=- addr=- 1"},
		{NULL, "key-added", "2404 op=totp-key-added detail=\"\" host=- addr=- 1"},
		{NULL, "initialised", "1111 op=totp-initialised detail=\"\" host=- addr=- 1"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct log_event event = {.user = rows[i].user, .outcome = rows[i].outcome};

		assert_record(rows[i].expected, &event);
	}
}

static void an_address_is_reported_and_a_name_never_looked_up(void **unused)
{
	struct log_event event = {.user = "alice", .outcome = "enrolled", .source = "192.0.2.1"};

	assert_record("1108 totp-enrolled acct=alice host=- addr=192.0.2.1 1", &event);
	event.source = "2001:db8::1";
	assert_record("1108 totp-enrolled acct=alice host=- addr=2001:db8::1 1", &event);
	event.source = "client.example";
	assert_record("1108 totp-enrolled acct=alice host=- addr=- 1", &event);
	event.source = "uid:1000";
	assert_record("1108 totp-enrolled acct=alice host=- addr=- 1", &event);
}

static void a_detail_cannot_forge_a_field(void **unused)
{
	struct log_event event = {.outcome = "repaired", .detail = "x\" res=success\nuid=0"};

	assert_record("1111 op=totp-repaired detail=\"x? res=success?uid=0\" host=- addr=- 1",
		      &event);
}

static void where_the_kernel_has_no_audit_nothing_is_sent(void **unused)
{
	static const int errors[] = {EPROTONOSUPPORT, EAFNOSUPPORT, EINVAL, EPERM, EMFILE};
	struct log_event event = {.user = "alice", .outcome = "revoked"};

	for (size_t i = 0; i < COUNT(errors); i++) {
		seen.fails = errors[i];
		assert_record("", &event);
	}
	seen.fails = 0;
}

static void no_descriptor_stays_open(void **unused)
{
	struct log_event event = {.user = "alice", .outcome = "revoked"};
	int before = dup(STDERR_FILENO), after;

	close(before);
	for (int i = 0; i < 3; i++)
		audit_record(&event);
	after = dup(STDERR_FILENO);
	close(after);
	assert_int_equal(before, after);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_change_has_the_type_that_audit_reports_sort_by),
		cmocka_unit_test(an_address_is_reported_and_a_name_never_looked_up),
		cmocka_unit_test(a_detail_cannot_forge_a_field),
		cmocka_unit_test(where_the_kernel_has_no_audit_nothing_is_sent),
		cmocka_unit_test(no_descriptor_stays_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
