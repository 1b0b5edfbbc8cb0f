/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_fixture.h"

#include "login/invitation.h"

#define DAY 86400

static struct policy closed_policy(void)
{
	struct policy policy;

	policy_default(&policy);
	policy.enroll_in_account = policy.enroll_login = true;
	policy.enroll_until = NOW - NOW % DAY - DAY;
	return policy;
}

static void invite(struct fixture *f, const char *user, uint32_t uid)
{
	struct invite invite = {.uid = uid, .created = NOW, .expires = NOW + DAY};

	strcpy(invite.user, user);
	assert_ok(store_invite_put(f->store, &invite, deadline_in(2000), NULL));
}

static bool is_invited(struct fixture *f, const struct policy *policy, uint32_t uid, int64_t now)
{
	const struct attempt who = {.user = "alice", .uid = uid, .now = now, .policy = policy};
	struct gate_facts facts = {.known = true};

	assert_ok(invitation_find(f->store, &who, ENROLL_IN_LOGIN, &facts, NULL));
	return facts.invited;
}

static void only_the_invited_account_may_enroll_and_in_its_time(void **state)
{
	struct fixture *f = *state;
	struct policy policy = closed_policy();

	assert_false(is_invited(f, &policy, 1000, NOW));
	invite(f, "bob", 1000);
	assert_false(is_invited(f, &policy, 1000, NOW));
	invite(f, "alice", 1000);
	assert_true(is_invited(f, &policy, 1000, NOW));
	assert_false(is_invited(f, &policy, 1001, NOW));
	assert_true(is_invited(f, &policy, 1000, NOW + DAY - 1));
	assert_false(is_invited(f, &policy, 1000, NOW + DAY));
	assert_false(is_invited(f, &policy, 1000, NOW - 1));
}

static void spoil(const struct fixture *f)
{
	write_file(in_store(f, "invites/alice"), "spoilt", 6, 0600);
	assert_int_equal(0, chown(in_store(f, "invites/alice"), SERVICE_UID, SERVICE_UID));
}

static void an_invitation_that_cannot_be_read_is_an_error_and_permits_nothing(void **state)
{
	struct fixture *f = *state;
	struct policy policy = closed_policy();
	const struct attempt who = {.user = "alice", .uid = 1000, .now = NOW, .policy = &policy};
	struct gate_facts facts = {.known = true, .invited = true};
	struct reason why = {""};

	invite(f, "alice", 1000);
	spoil(f);
	assert_refused(FORMAT, invitation_find(f->store, &who, ENROLL_IN_LOGIN, &facts, &why));
	assert_says("invites/alice", why);
	assert_false(facts.invited);
}

static void the_store_is_read_only_where_the_invitation_matters(void **state)
{
	struct fixture *f = *state;
	struct gate_facts facts[] = {{.known = false}, {.known = true, .enrolled = true}};
	struct policy policy = closed_policy();
	const struct attempt who = {.user = "alice", .uid = 1000, .now = NOW, .policy = &policy};

	invite(f, "alice", 1000);
	spoil(f); /* reading it would be an error */
	for (size_t i = 0; i < COUNT(facts); i++)
		assert_ok(invitation_find(f->store, &who, ENROLL_IN_LOGIN, &facts[i], NULL));
	policy.enroll_in_account = false;
	assert_false(is_invited(f, &policy, 1000, NOW));
	policy.enroll_in_account = true;
	policy.enroll_login = false;
	assert_false(is_invited(f, &policy, 1000, NOW));
	policy.enroll_login = true;
	policy.enroll_until += DAY; /* today */
	assert_false(is_invited(f, &policy, 1000, NOW));
	policy.enroll_until = 0;
	assert_false(is_invited(f, &policy, 1000, NOW));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(only_the_invited_account_may_enroll_and_in_its_time),
		STORE_TEST(an_invitation_that_cannot_be_read_is_an_error_and_permits_nothing),
		STORE_TEST(the_store_is_read_only_where_the_invitation_matters),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
