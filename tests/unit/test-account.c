/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Uses the name service of the machine that runs the test: root is the only account that it needs.
 */
#include "unit.h"

#include <errno.h>
#include <grp.h>

#include "host/account.h"

/* getgrouplist leaves errors in errno only: its result does not show them. */
static int list_failure;

int getgrouplist(const char *user, gid_t gid, gid_t *groups, int *count)
{
	(void)user;
	groups[0] = gid;
	*count = 1;
	errno = list_failure;
	return 1;
}

static struct account root(void)
{
	struct account account = {0};

	assert_ok(account_find("root", &account, NULL));
	return account;
}

static void root_is_known(void **unused)
{
	struct account account = root();

	assert_true(account.known);
	assert_string_equal("root", account.name);
	assert_int_equal(0, account.uid);
	assert_int_equal(0, account.gid);
}

static void a_name_that_nobody_has_is_no_account_and_no_error(void **unused)
{
	static const char *const names[] = {
		"",       "no-such-user-here", "Root", "root ", "root\n",
		"root:x", "../root",           "0",    "%s%n",  "J\xc3\xbcrgen"};

	for (size_t i = 0; i < COUNT(names); i++) {
		struct account account;

		memset(&account, 0xff, sizeof(account));
		assert_ok(account_find(names[i], &account, NULL));
		assert_false(account.known);
		assert_string_equal("", account.name);
	}
}

static void a_name_too_long_for_a_record_is_no_account(void **unused)
{
	struct account account = {.known = true};
	char name[301];

	memset(name, 'a', 300);
	for (size_t len = 300; len >= 199; len--) {
		name[len] = '\0';
		account.known = true;
		assert_ok(account_find(name, &account, NULL));
		assert_false(account.known);
	}
}

static void root_is_in_roots_group(void **unused)
{
	struct account account = root();
	bool member = false;

	assert_ok(account_in_groups(&account, "@root", &member, NULL));
	assert_true(member);
	member = false;
	assert_ok(account_in_groups(&account, "alice,@daemon, @root,bob", &member, NULL));
	assert_true(member);
}

static void root_is_not_in_other_groups_nor_in_users(void **unused)
{
	static const char *const lists[] = {"", "root", "@daemon", "root,@daemon", "alice"};
	struct account account = root();

	for (size_t i = 0; i < COUNT(lists); i++) {
		bool member = true;

		assert_ok(account_in_groups(&account, lists[i], &member, NULL));
		assert_false(member);
	}
}

static void a_group_that_does_not_exist_is_an_error_even_to_a_member_of_another(void **unused)
{
	static const char *const lists[] = {"@no-such-group", "@root,@no-such-group",
					    "@no-such-group,@root", "root,@no-such-group"};
	struct account account = root();

	for (size_t i = 0; i < COUNT(lists); i++) {
		struct reason why = {""};
		bool member = false;

		assert_refused(NOT_FOUND, account_in_groups(&account, lists[i], &member, &why));
		assert_false(member);
		assert_non_null(strstr(why.text, "no-such-group"));
		assert_refused(NOT_FOUND, account_groups_exist(lists[i], NULL));
	}
}

static void a_list_of_groups_that_failed_proves_nothing(void **unused)
{
	struct account account = root();
	bool member = true;

	list_failure = EMFILE;
	assert_refused(SYSTEM, account_in_groups(&account, "@daemon", &member, NULL));
	assert_ok(account_in_groups(&account, "@root", &member, NULL));
	assert_true(member);
	list_failure = ENOENT; /* a source that does not exist gives no answer */
	assert_ok(account_in_groups(&account, "@daemon", &member, NULL));
	assert_false(member);
	list_failure = 0;
}

static void groups_that_exist_exist(void **unused)
{
	assert_ok(account_groups_exist("@root,@daemon", NULL));
	assert_ok(account_groups_exist("no-such-user", NULL));
	assert_ok(account_groups_exist("", NULL));
}

static void a_group_with_too_long_a_name_does_not_exist(void **unused)
{
	char list[2000] = "@";

	memset(list + 1, 'x', sizeof(list) - 2);
	assert_refused(NOT_FOUND, account_groups_exist(list, NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_is_known),
		cmocka_unit_test(a_name_that_nobody_has_is_no_account_and_no_error),
		cmocka_unit_test(a_name_too_long_for_a_record_is_no_account),
		cmocka_unit_test(root_is_in_roots_group),
		cmocka_unit_test(root_is_not_in_other_groups_nor_in_users),
		cmocka_unit_test(
			a_group_that_does_not_exist_is_an_error_even_to_a_member_of_another),
		cmocka_unit_test(a_list_of_groups_that_failed_proves_nothing),
		cmocka_unit_test(groups_that_exist_exist),
		cmocka_unit_test(a_group_with_too_long_a_name_does_not_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
