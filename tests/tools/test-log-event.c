/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the log, read again. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log/event.h"

#define LINE "pam_totp: user=alice service=sshd source=- outcome=deny reason=wrong_code token=\"\""

static bool is(struct text text, const char *expected)
{
	return text_is(text, expected);
}

static void a_line_that_is_written_is_read(void **unused)
{
	const struct log_event written = {.user = "a b=c\"",
					  .service = "su",
					  .source = "uid:1000",
					  .outcome = "allow",
					  .reason = "code",
					  .token = "old phone",
					  .detail = "it says \"no\""};
	char line[LOG_LINE_MAX];
	struct event event = {.when = 7};

	log_format(&written, line);
	assert_true(event_parse(text_of(line), &event));
	assert_true(is(event.user, "a?b?c?") && is(event.service, "su"));
	assert_true(is(event.source, "uid:1000") && is(event.outcome, "allow"));
	assert_true(is(event.reason, "code") && is(event.token, "old phone"));
	assert_true(is(event.detail, "it says ?no?"));
	assert_int_equal(7, event.when);

	log_format(&(struct log_event){.outcome = "policy"}, line);
	assert_true(event_parse(text_of(line), &event));
	assert_true(is(event.user, "") && is(event.token, "") && is(event.detail, ""));
}

static void another_line_is_none(void **unused)
{
	static const char *const others[] = {
		"",
		"pam_totp: ",
		"pam_totp: user=alice",
		" " LINE,
		LINE " ",
		LINE " detail=",
		LINE " detail=\"open",
		LINE " detail=\"\" more",
		LINE "token=\"\"",
		"pam_totp: service=sshd user=a source=- outcome=a reason=b token=\"\"",
		"pam_totp: user=a\"b service=s source=- outcome=a reason=b token=\"\"",
	};
	struct event event = {.sure = false};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(event_parse(text_of(others[i]), &event));
	assert_true(event_parse(text_of(LINE), &event));
}

/* 2026-01-02 00:00:00 UTC */
#define NEW_YEAR 1767312000

static void a_time_is_read(void **unused)
{
	static const struct {
		const char *shown;
		int64_t when;
	} times[] = {
		{"2026-01-01T01:00:00+01:00", NEW_YEAR - 86400},
		{"2026-01-01T00:00:00.123456Z", NEW_YEAR - 86400},
		{"Jan  1 00:00:00", NEW_YEAR - 86400},
		{"Jan 02 12:00:00", NEW_YEAR + 43200}, /* a clock that is ahead */
		{"Dec 31 23:59:59", NEW_YEAR - 86401}, /* of the year before */
		{"Jan  4 00:00:00", NEW_YEAR - 363 * 86400},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char line[256];
		struct event event = {.sure = false};

		snprintf(line, sizeof(line), "%s host sshd[1]: " LINE, times[i].shown);
		assert_true(event_parse_line(text_of(line), NEW_YEAR, &event));
		assert_int_equal(times[i].when, event.when);
	}
}

static void what_quotes_a_line_is_none(void **unused)
{
	static const char *const others[] = {
		"",
		"Jan  1 00:00:00",
		LINE,
		"Jan  1 00:00:00 host sshd[1]: x " LINE,
		"Jan  1 00:00:00 host sshd[1]: Invalid user: " LINE,
		"2026-01-01T00:00:00 host sshd[1]: " LINE,
		"2026-01-01T00:00:00+00:00host: " LINE,
	};
	struct event event = {.sure = false};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(event_parse_line(text_of(others[i]), NEW_YEAR, &event));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_is_written_is_read),
		cmocka_unit_test(another_line_is_none),
		cmocka_unit_test(a_time_is_read),
		cmocka_unit_test(what_quotes_a_line_is_none),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
