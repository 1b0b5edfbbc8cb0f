/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of totpd. */
#include "../unit/unit.h"

#include <getopt.h>
#include <stdio.h>

#include "options.h"

#define ARGUMENTS_MAX 6

static bool read_all(char *arguments[ARGUMENTS_MAX], struct options *ret_options, int *ret_code)
{
	char *argv[ARGUMENTS_MAX + 2] = {(char[]){"totpd"}};
	int argc = 1;

	for (int i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
		argv[argc++] = arguments[i];
	optind = 0; /* getopt_long begins again */
	return options_read(argc, argv, ret_options, ret_code);
}

#define WORD(text) ((char[]){text})

static void each_option_sets_its_own_member(void **unused)
{
	char *none[ARGUMENTS_MAX] = {NULL};
	char *all[ARGUMENTS_MAX] = {WORD("--foreground"), WORD("--conf"), WORD("/etc/p"),
				    WORD("--idle"),       WORD("86400"),  NULL};
	char *verifier[ARGUMENTS_MAX] = {WORD("--foreground"), WORD("--verifier"), WORD("proxy")};
	struct options options;
	int code = 1;

	assert_true(read_all(none, &options, &code));
	assert_int_equal(0, code);
	assert_false(options.foreground);
	assert_null(options.conf);
	assert_null(options.verifier);
	assert_int_equal(60, options.idle_seconds);
	assert_true(read_all(all, &options, &code));
	assert_true(options.foreground);
	assert_string_equal("/etc/p", options.conf);
	assert_int_equal(86400, options.idle_seconds);
	assert_true(read_all(verifier, &options, &code));
	assert_string_equal("proxy", options.verifier);
}

static void a_wrong_command_line_is_rejected_with_status_2(void **unused)
{
	char *rows[][ARGUMENTS_MAX] = {
		{WORD("--idle"), WORD("0")},
		{WORD("--idle"), WORD("86401")},
		{WORD("--idle"), WORD("x")},
		{WORD("--idle")},
		{WORD("--conf"), WORD("p")},
		{WORD("--verifier"), WORD("proxy")},
		{WORD("alice")},
		{WORD("--no-such-option")},
		{WORD("--conf")},
		{WORD("--foreground"), WORD("alice")},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct options options;
		int code = 0;

		assert_false(read_all(rows[i], &options, &code));
		assert_int_equal(2, code);
	}
}

static void help_and_version_end_it_without_a_fault(void **unused)
{
	char *rows[][ARGUMENTS_MAX] = {{WORD("--help")}, {WORD("--version")}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct options options;
		int code = 1;

		assert_false(read_all(rows[i], &options, &code));
		assert_int_equal(0, code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_sets_its_own_member),
		cmocka_unit_test(a_wrong_command_line_is_rejected_with_status_2),
		cmocka_unit_test(help_and_version_end_it_without_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
