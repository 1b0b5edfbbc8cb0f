/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts and groups of a name service that this test replaces: one that fails, has large entries,
 * answers to second names, or knows a user by name alone.
 */
#include "records.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "host/account.h"

static int failure;       /* errno of each look-up, or 0 */
static int interruptions; /* EINTR, so many times */
static size_t needs;      /* bytes of buffer, or 0 */
static size_t had;        /* the last buffer */
static int groups_needed; /* how many groups the account has */
static char long_name[301];

static int answer_of(size_t cap)
{
	had = cap;
	if (interruptions > 0) {
		interruptions--;
		return EINTR;
	}
	return failure ? failure : cap < needs ? ERANGE : 0;
}

int getpwnam_r(const char *name, struct passwd *user, char *buf, size_t cap,
	       struct passwd **ret_user)
{
	int code = answer_of(cap);

	*ret_user = NULL;
	if (code != 0 || strcmp(name, "nobody-here") == 0)
		return code;
	*user = (struct passwd){.pw_name = (char *)(uintptr_t)name, .pw_uid = 1000, .pw_gid = 100};
	if (strcmp(name, "by-name-alone") == 0)
		user->pw_uid = 2000;
	if (strcmp(name, "long") == 0)
		user->pw_uid = 3000;
	if (strcmp(name, "longalias") == 0)
		user->pw_name = long_name;
	if (strcmp(name, "second") == 0)
		user->pw_gid = 200;
	*ret_user = user;
	return 0;
}

int getpwuid_r(uid_t uid, struct passwd *user, char *buf, size_t cap, struct passwd **ret_user)
{
	static char name[] = "alice";
	int code = answer_of(cap);

	*ret_user = NULL;
	if (code != 0 || uid == 2000)
		return code;
	*user = (struct passwd){
		.pw_name = uid == 3000 ? long_name : name, .pw_uid = uid, .pw_gid = 100};
	*ret_user = user;
	return 0;
}

int getgrnam_r(const char *name, struct group *group, char *buf, size_t cap,
	       struct group **ret_group)
{
	static char bob[] = "bob", alice[] = "alice";
	static char *listed[] = {bob, alice, NULL}, *none[] = {NULL};
	int code = answer_of(cap);

	*ret_group = NULL;
	if (code != 0 || strcmp(name, "missing") == 0)
		return code;
	*group = (struct group){.gr_gid = 999, .gr_mem = none};
	if (strcmp(name, "listed") == 0)
		group->gr_mem = listed;
	if (strcmp(name, "primary") == 0)
		group->gr_gid = 100;
	if (strcmp(name, "last") == 0)
		group->gr_gid = (gid_t)(5000 + groups_needed - 1);
	*ret_group = group;
	return 0;
}

static int list_errno; /* what getgrouplist leaves, though it reports no failure */
static bool list_never_fits;

int getgrouplist(const char *user, gid_t gid, gid_t *groups, int *count)
{
	int room = *count;

	errno = list_errno;
	*count = list_never_fits ? room : groups_needed;
	if (list_never_fits || room < groups_needed)
		return -1;
	for (int i = 0; i < groups_needed; i++)
		groups[i] = (gid_t)(5000 + i);
	return groups_needed;
}

static int begin_test(void **unused)
{
	failure = interruptions = list_errno = 0;
	needs = had = 0;
	groups_needed = 1;
	list_never_fits = false;
	memset(long_name, 'a', sizeof(long_name) - 1);
	return 0;
}

static struct account find(const char *name)
{
	struct account account;
	struct reason why = {""};

	if (account_find(name, &account, &why) != TOTP_OK)
		fail_msg("%s", why.text);
	return account;
}

static enum totp_err is_in(const char *list, bool *ret_member, struct reason *why)
{
	const struct account alice = {.known = true, .name = "alice", .uid = 1000, .gid = 100};

	*ret_member = false;
	return account_in_groups(&alice, list, ret_member, why);
}

static void a_failing_name_service_is_an_error_and_never_absence(void **unused)
{
	static const int failures[] = {EIO, EMFILE, ENOMEM, ECONNREFUSED, ENOENT};

	for (size_t i = 0; i < COUNT(failures); i++) {
		struct account account = {.known = true, .name = "kept"};
		struct reason why = {""};
		bool member = true;

		failure = failures[i];
		assert_refused(SYSTEM, account_find("alice", &account, &why));
		assert_says("the name service failed", why);
		assert_refused(SYSTEM, account_of_uid(1000, &account, &why));
		assert_string_equal("kept", account.name);
		assert_refused(SYSTEM, is_in("@listed", &member, &why));
		assert_false(member);
		assert_refused(SYSTEM, account_groups_exist("@listed", &why));
	}
}

static void an_interrupted_look_up_is_repeated_with_the_same_buffer(void **unused)
{
	size_t first;

	find("alice");
	first = had;
	interruptions = 3;
	assert_true(find("alice").known);
	assert_int_equal(first, had);
}

static void the_buffer_grows_to_four_megabytes_and_no_further(void **unused)
{
	struct account account;
	struct reason why = {""};

	needs = 100000;
	assert_true(find("alice").known);
	assert_in_range(had, needs, 2 * needs);
	needs = 4 << 20;
	assert_true(find("alice").known);
	assert_int_equal(needs, had);
	needs++;
	assert_refused(SYSTEM, account_find("alice", &account, &why));
	assert_says("an entry that is too large", why);
}

static void a_second_name_is_reported_beside_the_first(void **unused)
{
	struct account account = find("second");

	assert_true(account.known);
	assert_string_equal("alice", account.name);
	assert_int_equal(1000, account.uid);
	assert_int_equal(100, account.gid);
	assert_string_equal("second", account.alias);
	assert_int_equal(200, account.alias_gid);
	account = find("ALICE");
	assert_string_equal("alice", account.name);
	assert_string_equal("", account.alias);
}

static void a_user_whose_uid_is_not_known_is_an_error(void **unused)
{
	struct account account;
	struct reason why = {""};

	assert_refused(SYSTEM, account_find("by-name-alone", &account, &why));
	assert_says("but not uid 2000", why);
	assert_ok(account_of_uid(2000, &account, &why));
	assert_false(account.known);
	assert_false(find("nobody-here").known);
}

static void a_name_longer_than_255_bytes_is_an_error(void **unused)
{
	struct account account;
	struct reason why = {""};

	assert_refused(RANGE, account_find("long", &account, &why));
	assert_says("the name of uid 3000 is longer than 255", why);
	why.text[0] = '\0';
	assert_refused(RANGE, account_find("longalias", &account, &why));
	assert_says("a name of uid 1000 is longer than 255", why);
	long_name[255] = '\0';
	assert_int_equal(255, strlen(find("long").name));
	assert_int_equal(255, strlen(find("longalias").alias));
}

static void members_are_found_in_the_list_of_the_group_and_of_the_account(void **unused)
{
	struct reason why = {""};
	bool member;

	assert_ok(is_in("@other,@listed", &member, &why));
	assert_true(member);
	assert_ok(is_in("@primary,@other", &member, &why));
	assert_true(member);
	assert_ok(is_in("@last", &member, &why));
	assert_true(member);
	assert_ok(is_in("listed,alice,@other", &member, &why));
	assert_false(member);
	assert_refused(NOT_FOUND, is_in("@listed,@missing", &member, &why));
	assert_says("group missing of the policy does not exist", why);
	assert_false(member);
	assert_refused(NOT_FOUND, account_groups_exist("alice,@listed,@missing", &why));
	assert_ok(account_groups_exist("alice,@listed", &why));
}

static void an_account_may_have_thousands_of_groups(void **unused)
{
	static const int counts[] = {63, 64, 65, 1000, 65536};
	struct reason why = {""};
	bool member;

	for (size_t i = 0; i < COUNT(counts); i++) {
		groups_needed = counts[i];
		assert_ok(is_in("@last", &member, &why));
		assert_true(member);
	}
	groups_needed = 65537;
	assert_refused(SYSTEM, is_in("@last", &member, &why));
	assert_says("failed to list the groups", why);
	list_never_fits = true;
	assert_refused(SYSTEM, is_in("@last", &member, &why));
}

static void a_list_that_may_lack_groups_proves_no_membership_missing(void **unused)
{
	static const int failures[] = {EMFILE, ENFILE, ENOMEM,    EIO,          EACCES,
				       EPERM,  EAGAIN, ETIMEDOUT, ECONNREFUSED, ECONNRESET};
	struct reason why = {""};
	bool member;

	for (size_t i = 0; i < COUNT(failures); i++) {
		list_errno = failures[i];
		assert_refused(SYSTEM, is_in("@other", &member, &why));
		/* what was found is found */
		assert_ok(is_in("@listed", &member, &why));
		assert_true(member);
	}
	list_errno = ENOENT; /* no such file of groups: not a failure */
	assert_ok(is_in("@other", &member, &why));
	assert_false(member);
}

static void a_name_in_the_list_needs_no_groups(void **unused)
{
	const struct account alice = {.known = true, .name = "alice", .gid = 100}, unknown = {0};
	bool listed = false;

	failure = EIO;
	assert_ok(account_is_listed(&alice, "alice", "bob,alice,@listed", &listed, NULL));
	assert_true(listed);
	assert_ok(account_is_listed(&alice, "alice", "bob", &listed, NULL));
	assert_false(listed);
	assert_ok(account_is_listed(&unknown, "carol", "@listed", &listed, NULL));
	assert_false(listed);
	assert_refused(SYSTEM, account_is_listed(&alice, "alice", "@listed", &listed, NULL));
	failure = 0;
	assert_ok(account_is_listed(&alice, "alice", "@listed", &listed, NULL));
	assert_true(listed);
}

#define NAME_TEST(f) cmocka_unit_test_setup(f, begin_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAME_TEST(a_failing_name_service_is_an_error_and_never_absence),
		NAME_TEST(an_interrupted_look_up_is_repeated_with_the_same_buffer),
		NAME_TEST(the_buffer_grows_to_four_megabytes_and_no_further),
		NAME_TEST(a_second_name_is_reported_beside_the_first),
		NAME_TEST(a_user_whose_uid_is_not_known_is_an_error),
		NAME_TEST(a_name_longer_than_255_bytes_is_an_error),
		NAME_TEST(members_are_found_in_the_list_of_the_group_and_of_the_account),
		NAME_TEST(an_account_may_have_thousands_of_groups),
		NAME_TEST(a_list_that_may_lack_groups_proves_no_membership_missing),
		NAME_TEST(a_name_in_the_list_needs_no_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
