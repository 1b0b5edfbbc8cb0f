/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the lists of the policy mean for an account with two names, on a host that this test
 * invents: alice and alice2 have uid 1000, and only alice2 is in group wheel.
 */
#include "unit.h"

#include <grp.h>
#include <pwd.h>

#include "host/facts.h"

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid;
} users[] = {
	{"alice", 1000, 1000}, {"alice2", 1000, 2000}, {"Alice", 1000, 1000}, {"bob", 1001, 1001}};

static int give_user(size_t i, struct passwd *entry, struct passwd **found)
{
	*entry = (struct passwd){.pw_name = (char *)(uintptr_t)users[i].name,
				 .pw_uid = users[i].uid,
				 .pw_gid = users[i].gid};
	*found = entry;
	return 0;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buf, size_t cap, struct passwd **found)
{
	(void)buf;
	(void)cap;
	*found = NULL;
	for (size_t i = 0; i < COUNT(users); i++)
		if (strcmp(users[i].name, name) == 0)
			return give_user(i, entry, found);
	return 0;
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buf, size_t cap, struct passwd **found)
{
	(void)buf;
	(void)cap;
	*found = NULL;
	for (size_t i = 0; i < COUNT(users); i++)
		if (users[i].uid == uid)
			return give_user(i, entry, found);
	return 0;
}

int getgrnam_r(const char *name, struct group *entry, char *buf, size_t cap, struct group **found)
{
	static char alice2[] = "alice2";
	static char *members[] = {alice2, NULL}, *none[] = {NULL};
	bool wheel = strcmp(name, "wheel") == 0;

	(void)buf;
	(void)cap;
	*entry = (struct group){.gr_gid = wheel ? 10 : 2000, .gr_mem = wheel ? members : none};
	*found = wheel || strcmp(name, "second") == 0 ? entry : NULL;
	return 0;
}

int getgrouplist(const char *user, gid_t gid, gid_t *groups, int *count)
{
	(void)user;
	groups[0] = gid;
	*count = 1;
	return 1;
}

static struct gate_facts facts_of(const char *name, const char *required_for, const char *exempt)
{
	struct gate_facts facts;
	struct account account;
	struct policy policy;

	policy_default(&policy);
	strcpy(policy.required_for, required_for);
	strcpy(policy.exempt, exempt);
	assert_ok(account_find(name, &account, NULL));
	assert_ok(facts_find(&policy, &(struct facts_subject){&account, name, NULL}, &facts, NULL));
	return facts;
}

static void a_second_name_is_required_if_either_name_is(void **unused)
{
	static const char *const lists[] = {"alice2", "alice", "@wheel", "@second", "bob,alice2"};

	for (size_t i = 0; i < COUNT(lists); i++)
		assert_true(facts_of("alice2", lists[i], "").required);
	assert_false(facts_of("alice2", "bob", "").required);
	assert_false(facts_of("alice", "alice2", "").required);
	assert_false(facts_of("alice", "@wheel", "").required);
}

static void a_second_name_is_exempt_only_if_both_names_are(void **unused)
{
	assert_false(facts_of("alice2", "", "alice").exempt);
	assert_false(facts_of("alice2", "", "alice2").exempt);
	assert_false(facts_of("alice2", "", "@wheel").exempt);
	assert_true(facts_of("alice2", "", "alice,alice2").exempt);
	assert_true(facts_of("alice2", "", "alice,@wheel").exempt);
	assert_true(facts_of("alice", "", "alice").exempt);
	assert_false(facts_of("alice", "", "alice2").exempt);
}

/* Name services that ignore case return the name as it was asked for. */
static void another_spelling_is_the_same_name(void **unused)
{
	assert_true(facts_of("Alice", "", "alice").exempt);
	assert_true(facts_of("Alice", "alice", "").required);
}

static void a_name_that_is_too_long_for_a_record_is_known_to_be(void **unused)
{
	struct account account = {.known = true, .uid = 1000};
	const struct facts_subject subject = {&account, NULL, NULL};
	struct gate_facts facts;
	struct policy policy;

	policy_default(&policy);
	memset(account.name, 'A', 66);
	assert_ok(facts_find(&policy, &subject, &facts, NULL));
	assert_false(facts.unfit);
	account.name[66] = 'A';
	assert_ok(facts_find(&policy, &subject, &facts, NULL));
	assert_true(facts.unfit);
	memset(account.name, 'a', ACCOUNT_NAME_MAX);
	strcpy(policy.exempt, account.name);
	assert_ok(facts_find(&policy, &subject, &facts, NULL));
	assert_true(facts.unfit && facts.exempt);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_name_is_required_if_either_name_is),
		cmocka_unit_test(a_second_name_is_exempt_only_if_both_names_are),
		cmocka_unit_test(another_spelling_is_the_same_name),
		cmocka_unit_test(a_name_that_is_too_long_for_a_record_is_known_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
