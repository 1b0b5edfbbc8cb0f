/* SPDX-License-Identifier: BSD-2-Clause */
/* A comparison that fails prints the names of what it compared. */
#include "../unit/unit.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "base/own.h"
#include "login/gate.h"
#include "login/judge.h"

static void errors_differ(void **unused)
{
	assert_ok(reason_errno(NULL, "there is no file"));
}

static void a_table_and_a_variable_differ(void **unused)
{
	static const struct {
		enum gate_verdict verdict;
	} rows[] = {{GATE_ENROLL}};
	enum gate_verdict verdict = GATE_SKIP;

	assert_int_equal(rows[0].verdict, verdict);
}

static void pam_codes_differ(void **unused)
{
	int code = PAM_MAXTRIES;

	assert_int_equal(PAM_SUCCESS, code);
}

static void a_verdict_is_what_it_must_not_be(void **unused)
{
	enum verdict verdict = VERDICT_ALLOW;

	assert_int_not_equal(VERDICT_ALLOW, verdict);
}

static void a_value_has_no_name(void **unused)
{
	enum verdict verdict = (enum verdict)99;

	assert_int_equal(VERDICT_DENY, verdict);
}

static void numbers_differ(void **unused)
{
	unsigned one = 1;

	assert_int_equal(2, one);
}

/* Run a test that fails, and keep what it prints. */
static void run_failing(const struct CMUnitTest *test, char *ret_text, size_t size)
{
	int ends[2];
	ssize_t got = 0;
	size_t len = 0;
	int status = 0;
	pid_t child;

	assert_int_equal(0, pipe(ends));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		_exit(_cmocka_run_group_tests("failing", test, 1, NULL, NULL));
	}
	close(ends[1]);
	while (len + 1 < size && (got = read(ends[0], ret_text + len, size - 1 - len)) > 0)
		len += (size_t)got;
	close(ends[0]);
	ret_text[len] = '\0';
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(1, WEXITSTATUS(status));
}

static void a_failed_comparison_prints_names_and_fails_its_test(void **unused)
{
	static const struct {
		struct CMUnitTest test;
		const char *printed;
	} rows[] = {
		{cmocka_unit_test(errors_differ), "TOTP_OK != TOTP_ERR_"},
		{cmocka_unit_test(a_table_and_a_variable_differ), "GATE_ENROLL != GATE_SKIP"},
		{cmocka_unit_test(pam_codes_differ), "PAM_SUCCESS != PAM_MAXTRIES"},
		{cmocka_unit_test(a_verdict_is_what_it_must_not_be),
		 "VERDICT_ALLOW == VERDICT_ALLOW"},
		{cmocka_unit_test(a_value_has_no_name), "VERDICT_DENY != 99"},
		{cmocka_unit_test(numbers_differ), "2 != 1"},
	};
	char text[4096];

	for (size_t i = 0; i < COUNT(rows); i++) {
		run_failing(&rows[i].test, text, sizeof(text));
		if (!strstr(text, rows[i].printed))
			fail_msg("expected <%s> in <%s>", rows[i].printed, text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_comparison_prints_names_and_fails_its_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
