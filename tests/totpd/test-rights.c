/* SPDX-License-Identifier: BSD-2-Clause */
/* What a login host may ask a verifier. */
#include "../unit/unit.h"

#include "rights.h"

static struct policy policy; /* too large for the stack */

static enum totp_err ask(const char *host, enum wire_op op)
{
	struct reason why = {""};
	enum totp_err err = rights_check_host(&policy, host, op, &why);

	assert_int_equal(err == TOTP_OK, why.text[0] == '\0');
	return err;
}

/* Which operations the host may ask for: so many of the first ones. */
static void assert_rights(const char *host, bool check, bool self, bool enroll)
{
	static const enum wire_op checks[] = {WIRE_LOOK, WIRE_CHECK};
	static const enum wire_op enrollments[] = {WIRE_ENROLL, WIRE_ENROLL_IN_LOGIN};
	static const enum wire_op selves[] = {WIRE_STATUS, WIRE_ADD,      WIRE_REPLACE, WIRE_REMOVE,
					      WIRE_RENAME, WIRE_RECOVERY, WIRE_DISABLE};

	for (size_t i = 0; i < COUNT(checks); i++)
		assert_int_equal(check ? TOTP_OK : TOTP_ERR_FORBIDDEN, ask(host, checks[i]));
	for (size_t i = 0; i < COUNT(selves); i++)
		assert_int_equal(self ? TOTP_OK : TOTP_ERR_FORBIDDEN, ask(host, selves[i]));
	for (size_t i = 0; i < COUNT(enrollments); i++)
		assert_int_equal(enroll ? TOTP_OK : TOTP_ERR_FORBIDDEN, ask(host, enrollments[i]));
}

static int clear(void **unused)
{
	policy_default(&policy);
	return 0;
}

static void without_lists_no_host_may_ask_anything(void **unused)
{
	assert_rights("web01.example.org", false, false, false);
}

static void each_list_allows_its_operations_alone(void **unused)
{
	strcpy(policy.hosts, "web01, *.example.org");
	assert_rights("web01", true, false, false);
	strcpy(policy.hosts_self, "web01");
	assert_rights("web01", true, true, false);
	assert_rights("a.example.org", true, false, false);
	strcpy(policy.hosts_self, "");
	strcpy(policy.hosts_enroll, "*");
	assert_rights("web01", true, false, true);
}

static void a_host_that_may_not_check_may_do_nothing_else(void **unused)
{
	strcpy(policy.hosts, "web01");
	strcpy(policy.hosts_self, "*");
	strcpy(policy.hosts_enroll, "web02");
	assert_rights("web02", false, false, false);
}

static void a_denial_names_the_list(void **unused)
{
	static const struct {
		const char *host;
		enum wire_op op;
		const char *list;
	} rows[] = {
		{"web02", WIRE_CHECK, "see hosts in"},
		{"web02", WIRE_ADD, "see hosts in"},
		{"web01", WIRE_ADD, "see hosts_self in"},
		{"web01", WIRE_ENROLL, "see hosts_enroll in"},
	};
	strcpy(policy.hosts, "web01");

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};

		assert_refused(FORBIDDEN,
			       rights_check_host(&policy, rows[i].host, rows[i].op, &why));
		assert_non_null(strstr(why.text, rows[i].list));
		assert_non_null(strstr(why.text, rows[i].host));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_lists_no_host_may_ask_anything, clear),
		cmocka_unit_test_setup(each_list_allows_its_operations_alone, clear),
		cmocka_unit_test_setup(a_host_that_may_not_check_may_do_nothing_else, clear),
		cmocka_unit_test_setup(a_denial_names_the_list, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
