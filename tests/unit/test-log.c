/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>

#include "../module/no_journal.h"
#include "host/log.h"

#undef syslog /* a macro where clang meets _FORTIFY_SOURCE */

/* The last line that was sent: the library's syslog ends here. */
static struct {
	int priority;
	char line[2 * LOG_LINE_MAX];
	unsigned count;
} sent;

__attribute__((format(printf, 2, 0))) static void take(int priority, const char *format,
						       va_list args)
{
	sent.priority = priority;
	sent.count++;
	vsnprintf(sent.line, sizeof(sent.line), format, args);
}

void syslog(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	take(priority, format, args);
	va_end(args);
}

/* The names under which a hardened build calls it, gcc's and clang's. */
void __syslog_chk(int priority, int flag, const char *format, ...) PRINTF_LIKE(3);

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	take(priority, format, args);
	va_end(args);
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list args);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void __vsyslog_chk(int priority, int flag, const char *format, va_list args)
{
	(void)flag;
	take(priority, format, args);
}
#pragma GCC diagnostic pop

static void an_event_is_one_line_of_fields(void **unused)
{
	struct log_event event = {.user = "alice",
				  .service = "sshd",
				  .source = "192.0.2.1",
				  .outcome = "allow",
				  .reason = "code",
				  .token = "my phone",
				  .detail = "all is well"};
	char line[LOG_LINE_MAX];

	log_format(&event, line);
	assert_string_equal("pam_totp: user=alice service=sshd source=192.0.2.1 outcome=allow "
			    "reason=code token=\"my phone\" detail=\"all is well\"",
			    line);
}

static void an_unknown_value_is_a_dash(void **unused)
{
	struct log_event nothing = {0}, empty = {"", "", "", "", "", "", ""};
	char line[LOG_LINE_MAX];

	log_format(&nothing, line);
	assert_string_equal("pam_totp: user=- service=- source=- outcome=- reason=- token=\"\"",
			    line);
	log_format(&empty, line);
	assert_string_equal("pam_totp: user=- service=- source=- outcome=- reason=- token=\"\"",
			    line);
}

/* Is it one line, with each field once and in order, and nothing but ASCII? */
static void assert_not_forged(const char *line)
{
	static const char *const fields[] = {"pam_totp: user=", " service=", " source=",
					     " outcome=",       " reason=",  " token=\"",
					     "\" detail=\""};
	const char *at = line;

	for (const char *c = line; *c; c++)
		assert_in_range(*c, ' ', '~');
	for (size_t i = 0; i < COUNT(fields); i++) {
		const char *found = strstr(line, fields[i]);

		assert_non_null(found);
		assert_true(found >= at);
		assert_null(strstr(found + 1, fields[i]));
		at = found;
	}
	/* outside quotes each field is one word */
	at = strstr(line, " token=");
	for (size_t i = 0, blanks = 0; line + i < at; i++) {
		blanks += line[i] == ' ';
		assert_true(blanks <= 5);
	}
	/* four quotes, the last of which ends the line */
	for (size_t i = 0, quotes = 0; line[i]; i++) {
		quotes += line[i] == '"';
		assert_true(quotes <= 4);
		if (!line[i + 1])
			assert_true(quotes == 4 && line[i] == '"');
	}
}

static void no_field_can_forge_a_field_or_a_line(void **unused)
{
	static const char *const hostile[] = {
		"x outcome=allow",
		"x\noutcome=allow",
		"x\" detail=\"forged",
		"x\\",
		"\\\"",
		"\r\n pam_totp: user=root service=sshd source=- outcome=allow reason=code",
		"\x1b]0;owned\x07",
		"J\xc3\xbcrgen",
		"\xff\xfe\x80",
		"%s%n%99999d",
		"=",
		" ",
		"\t",
	};

	for (size_t i = 0; i < COUNT(hostile); i++) {
		const char *h = hostile[i];
		struct log_event all = {h, h, h, h, h, "token", "detail"};
		char line[LOG_LINE_MAX];

		log_format(&all, line);
		assert_not_forged(line);
	}
}

static void a_quoted_text_cannot_leave_its_quotes(void **unused)
{
	static const char *const hostile[] = {"\"", "\\\"", "\" outcome=\"allow", "a\nb", "\\"};

	for (size_t i = 0; i < COUNT(hostile); i++) {
		struct log_event event = {"u", "s", "r", "deny", "x", hostile[i], hostile[i]};
		char line[LOG_LINE_MAX];
		size_t quotes = 0;

		log_format(&event, line);
		for (const char *c = line; *c; c++) {
			quotes += *c == '"';
			assert_int_not_equal('\\', *c);
			assert_in_range(*c, ' ', '~');
		}
		assert_int_equal(4, quotes);
	}
}

static void fields_are_cut_and_the_line_is_complete(void **unused)
{
	static char flood[10241];
	struct log_event event = {flood, flood, flood, flood, flood, flood, flood};
	char line[LOG_LINE_MAX];

	memset(flood, 'x', sizeof(flood) - 1);
	memset(line, '!', sizeof(line));
	log_format(&event, line);
	assert_true(strlen(line) < LOG_LINE_MAX);
	assert_not_forged(line);
	assert_int_equal('"', line[strlen(line) - 1]);
	assert_int_equal(95, strspn(strstr(line, "user=") + 5, "x"));
	assert_int_equal(299, strspn(strstr(line, "detail=\"") + 8, "x"));
}

static void a_line_goes_to_the_log_of_logins_and_is_not_a_format(void **unused)
{
	struct log_event event = {.user = "%s%n", .outcome = "deny", .detail = "100%n"};

	sent.count = 0;
	log_send(LOG_NOTICE, &event);
	assert_int_equal(1, sent.count);
	assert_int_equal(LOG_AUTHPRIV | LOG_NOTICE, sent.priority);
	assert_string_equal("pam_totp: user=%s%n service=- source=- outcome=deny reason=- "
			    "token=\"\" detail=\"100%n\"",
			    sent.line);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_one_line_of_fields),
		cmocka_unit_test(an_unknown_value_is_a_dash),
		cmocka_unit_test(no_field_can_forge_a_field_or_a_line),
		cmocka_unit_test(a_quoted_text_cannot_leave_its_quotes),
		cmocka_unit_test(fields_are_cut_and_the_line_is_complete),
		cmocka_unit_test(a_line_goes_to_the_log_of_logins_and_is_not_a_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
