/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving up root's privileges. The calls that do it are this test's own: one of them can fail, and
 * one way back to root can stay open.
 */
#include "../unit/unit.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "privdrop.h"

enum call {
	NONE,
	PRIVILEGES,
	DUMPABLE,
	LIMIT,
	GROUPS,
	GID,
	UID,
	BACK_SETUID,
	BACK_SETEUID,
	BACK_SETGID,
	BACK_SETEGID,
	BACK_SETGROUPS,
	ASK_UID,
	ASK_GID,
	CALLS
};

static enum call fault; /* fails, or, of those that lead back, succeeds */
static bool done[CALLS];
static uid_t uids[3];
static gid_t gids[3];

static int forward(enum call call)
{
	if (fault == call) {
		errno = EPERM;
		return -1;
	}
	done[call] = true;
	return 0;
}

static int back(enum call call)
{
	done[call] = true;
	errno = EPERM;
	return fault == call ? 0 : -1;
}

int prctl(int option, ...)
{
	assert_true(option == PR_SET_NO_NEW_PRIVS || option == PR_SET_DUMPABLE);
	return forward(option == PR_SET_NO_NEW_PRIVS ? PRIVILEGES : DUMPABLE);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	assert_int_equal(RLIMIT_CORE, resource);
	assert_int_equal(0, limit->rlim_cur);
	assert_int_equal(0, limit->rlim_max);
	return forward(LIMIT);
}

int setgroups(size_t count, const gid_t *groups)
{
	assert_int_equal(0, count);
	if (!done[UID])
		return forward(GROUPS);
	return back(BACK_SETGROUPS);
}

int setresgid(gid_t real, gid_t effective, gid_t saved)
{
	assert_false(done[UID]); /* later it could not */
	gids[0] = real;
	gids[1] = effective;
	gids[2] = saved;
	return forward(GID);
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
	assert_true(done[GID] && done[GROUPS]);
	uids[0] = real;
	uids[1] = effective;
	uids[2] = saved;
	return forward(UID);
}

int setuid(uid_t uid)
{
	assert_int_equal(0, uid);
	return back(BACK_SETUID);
}

int seteuid(uid_t uid)
{
	assert_int_equal(0, uid);
	return back(BACK_SETEUID);
}

int setgid(gid_t gid)
{
	assert_int_equal(0, gid);
	return back(BACK_SETGID);
}

int setegid(gid_t gid)
{
	assert_int_equal(0, gid);
	return back(BACK_SETEGID);
}

static int left_over = -1; /* which of the six ids stays root's */

int getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
	*real = left_over == 0 ? 0 : uids[0];
	*effective = left_over == 1 ? 0 : uids[1];
	*saved = left_over == 2 ? 0 : uids[2];
	return forward(ASK_UID);
}

int getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
	*real = left_over == 3 ? 0 : gids[0];
	*effective = left_over == 4 ? 0 : gids[1];
	*saved = left_over == 5 ? 0 : gids[2];
	return forward(ASK_GID);
}

static enum totp_err drop(uid_t uid, gid_t gid, struct reason *why)
{
	const struct account account = {.known = true, .name = "_pam_totp", .uid = uid, .gid = gid};

	memset(done, 0, sizeof(done));
	why->text[0] = '\0';
	return privdrop_to(&account, why);
}

static int begin_test(void **unused)
{
	fault = NONE;
	left_over = -1;
	return 0;
}

static void it_gives_up_everything_and_tries_every_way_back(void **unused)
{
	struct reason why;

	assert_ok(drop(990, 991, &why));
	for (enum call call = PRIVILEGES; call < CALLS; call++)
		assert_true(done[call]);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(990, uids[i]);
		assert_int_equal(991, gids[i]);
	}
}

static void if_any_step_fails_it_fails(void **unused)
{
	static const enum call steps[] = {PRIVILEGES, DUMPABLE, LIMIT, GROUPS, GID, UID};

	for (size_t i = 0; i < COUNT(steps); i++) {
		struct reason why;

		fault = steps[i];
		assert_refused(SYSTEM, drop(990, 991, &why));
		assert_non_null(strstr(why.text, "cannot "));
		if (steps[i] >= GROUPS)
			assert_false(done[LIMIT]);
	}
}

static void if_any_way_leads_back_to_root_it_fails(void **unused)
{
	for (fault = BACK_SETUID; fault < CALLS; fault++) {
		struct reason why;

		assert_refused(UNSAFE, drop(990, 991, &why));
		assert_non_null(strstr(why.text, "could become root again"));
	}
}

static void if_any_id_stays_it_fails(void **unused)
{
	for (left_over = 0; left_over < 6; left_over++) {
		struct reason why;

		assert_refused(UNSAFE, drop(990, 991, &why));
	}
}

static void an_account_with_an_id_of_root_is_refused_before_anything_is_done(void **unused)
{
	struct reason why;

	assert_refused(UNSAFE, drop(0, 991, &why));
	assert_refused(UNSAFE, drop(990, 0, &why));
	assert_non_null(strstr(why.text, "_pam_totp has uid or gid 0"));
	assert_false(done[GROUPS]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_gives_up_everything_and_tries_every_way_back, begin_test),
		cmocka_unit_test_setup(if_any_step_fails_it_fails, begin_test),
		cmocka_unit_test_setup(if_any_way_leads_back_to_root_it_fails, begin_test),
		cmocka_unit_test_setup(if_any_id_stays_it_fails, begin_test),
		cmocka_unit_test_setup(
			an_account_with_an_id_of_root_is_refused_before_anything_is_done,
			begin_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
