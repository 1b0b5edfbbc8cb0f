/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User names and files that an attacker prepared: the users are asked like everybody, denied in
 * bounded time, and never taken for users who are not enrolled.
 */
#include "module.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BOUND_MS 20000 /* it would wait without end */

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Asked, then denied as an error, in time, whatever the policy; other users are not affected. */
static void assert_unusable(const char *said)
{
	static const char *const policies[] = {"", "enforce=optional"};

	for (size_t i = 0; i < COUNT(policies); i++) {
		struct talk talk = {.answer = scene_code("daemon", scene_now), .rhost = A};
		int64_t since = milliseconds();

		scene_service(&scene, "", policies[i]);
		scene_log_clear();
		assert_int_equal(PAM_AUTHINFO_UNAVAIL, scene_talk(&scene, "daemon", &talk));
		/* where no code is required the module reads the record before it asks */
		assert_string_equal(i ? BROKEN : QUESTION BROKEN, talk.heard);
		assert_logged("user=daemon");
		assert_logged("outcome=error");
		assert_logged(said);
		assert_int_equal(1, lines_in(scene_log));
		assert_true(milliseconds() - since < BOUND_MS);
	}
	assert_int_equal(PAM_SUCCESS,
			 scene_login(&scene, "nobody", A, scene_code("nobody", scene_now)));
	scene_now += 60;
}

/* The store itself cannot be used: no user is asked, and none is allowed without a code. */
static void assert_store_unusable(const char *said)
{
	static const char *const policies[] = {"", "enforce=optional", "enforce=2099-01-01"};
	static const char *const users[] = {"daemon", "bin"};

	for (size_t i = 0; i < COUNT(policies) * COUNT(users); i++) {
		struct talk talk = {.answer = scene_code("daemon", scene_now)};

		scene_service(&scene, "", policies[i / COUNT(users)]);
		scene_log_clear();
		assert_int_equal(PAM_AUTHINFO_UNAVAIL,
				 scene_talk(&scene, users[i % COUNT(users)], &talk));
		assert_string_equal(BROKEN, talk.heard);
		assert_logged("outcome=error");
		assert_logged(said);
	}
}

static void move_away(const char *path)
{
	assert_int_equal(0, rename(path, scene_path(&scene, "away")));
}

static void put_back(const char *path)
{
	(void)remove(path);
	assert_int_equal(0, rename(scene_path(&scene, "away"), path));
	assert_int_equal(PAM_SUCCESS, right(A));
	scene_now += 60;
}

/* Every way to damage a file that the module opens below the store. */
static void spoil_file(const char *path)
{
	struct stat st;

	assert_int_equal(0, stat(path, &st));

	move_away(path);
	assert_int_equal(0, symlink(scene_path(&scene, "away"), path));
	assert_unusable("not a regular file");
	put_back(path);

	assert_int_equal(0, link(path, scene_path(&scene, "other-name")));
	assert_unusable("2 hard links");
	assert_int_equal(0, unlink(scene_path(&scene, "other-name")));

	move_away(path);
	assert_int_equal(0, mkfifo(path, 0600));
	assert_unusable("not a regular file");
	put_back(path);

	move_away(path);
	assert_int_equal(0, mkdir(path, 0700));
	assert_unusable("not a regular file");
	put_back(path);

	move_away(path);
	assert_int_equal(0, mknod(path, S_IFSOCK | 0600, 0));
	assert_unusable("not a regular file");
	put_back(path);

	assert_int_equal(0, chmod(path, 0666));
	assert_unusable("mode 0666");
	assert_int_equal(0, chmod(path, 0640));
	assert_unusable("mode 0640");
	assert_int_equal(0, chmod(path, 0600));

	assert_int_equal(0, chown(path, 1, 1));
	assert_unusable("owned by uid 1");
	assert_int_equal(0, chown(path, 0, 0));

	assert_int_equal(0, truncate(path, 1 << 30));
	assert_unusable("1073741824 bytes");
	assert_int_equal(0, truncate(path, st.st_size));
	assert_int_equal(PAM_SUCCESS, right(A));
	scene_now += 60;
}

static void a_damaged_record_denies_its_user_and_no_other(void **unused)
{
	char path[512];

	scene_enroll(&scene, "nobody");
	strcpy(path, scene_record(&scene, "daemon"));
	spoil_file(path);
}

static void a_damaged_state_denies_its_user_and_no_other(void **unused)
{
	char path[512];

	scene_enroll(&scene, "nobody");
	strcpy(path, scene_state(&scene, "daemon"));
	spoil_file(path);
}

static void overwrite(const char *path, off_t at, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(strlen(text), pwrite(fd, text, strlen(text), at));
	close(fd);
}

static void a_record_with_changed_bytes_is_denied(void **unused)
{
	char path[512];

	scene_enroll(&scene, "nobody");
	strcpy(path, scene_record(&scene, "daemon"));
	overwrite(path, 40, "damaged");
	assert_unusable("cannot be opened");
	overwrite(path, 4, "\xff\xff\xff\xff");
	assert_unusable("sealed by key ffffffff");
	overwrite(path, 0, "none");
	assert_unusable("not a sealed record");
	assert_int_equal(0, truncate(path, 10));
	assert_unusable("not a sealed record");
	assert_int_equal(0, truncate(path, 0));
	assert_unusable("not a sealed record");
}

static void a_record_of_another_user_is_denied(void **unused)
{
	char text[512];

	scene_enroll(&scene, "nobody");
	scene_enroll(&scene, "bin");
	strcpy(text, scene_record(&scene, "bin"));
	assert_int_equal(0, rename(text, scene_record(&scene, "daemon")));
	assert_unusable("cannot be opened");
}

static void a_missing_or_damaged_state_denies_and_says_what_to_run(void **unused)
{
	char path[512];

	scene_enroll(&scene, "nobody");
	strcpy(path, scene_state(&scene, "daemon"));
	move_away(path);
	assert_unusable("run totpctl repair");
	put_back(path);
	overwrite(path, 100, "damaged");
	overwrite(path, 4096 + 100, "damaged");
	assert_unusable("run totpctl repair");
	assert_int_equal(0, truncate(path, 4096));
	assert_unusable("run totpctl repair");
	assert_int_equal(0, truncate(path, 0));
	assert_unusable("run totpctl repair");
}

static void one_damaged_slot_costs_one_code_and_is_repaired(void **unused)
{
	char path[512];

	strcpy(path, scene_state(&scene, "daemon"));
	for (int slot = 0; slot < 2; slot++) {
		overwrite(path, slot * 4096 + 100, "damaged");
		/* it may have held a later step: no code up to now counts */
		assert_int_equal(PAM_AUTH_ERR, right(A));
		assert_int_equal(PAM_SUCCESS, scene_login(&scene, "daemon", A,
							  scene_code("daemon", scene_now + 30)));
		scene_now += 90;
		assert_int_equal(PAM_SUCCESS, right(A));
		scene_now += 90;
	}
}

static void a_record_of_another_uid_is_denied(void **unused)
{
	/* the account was deleted, and somebody else got its name */
	scene_enroll(&scene, "nobody");
	scene_revoke(&scene, "daemon");
	scene_enroll_as(&scene, "daemon", 4242);
	assert_unusable("belongs to uid 4242, the account now has uid 1");
}

/* --- the store --- */

static void a_missing_store_never_means_that_nobody_is_enrolled(void **unused)
{
	move_away(scene_path(&scene, "store"));
	assert_store_unusable("no store: is the file system mounted?");
	assert_int_equal(0, mkdir(scene_path(&scene, "store"), 0755));
	assert_store_unusable("no marker STORE: is the file system mounted?");
}

static void a_store_without_its_marker_never_means_that_nobody_is_enrolled(void **unused)
{
	char marker[512];

	strcpy(marker, scene_path(&scene, "store/STORE"));
	move_away(marker);
	assert_store_unusable("no marker STORE");
	scene_write(&scene, "store/STORE", "pam_totp store 3\nid 00\nmachine 00\n", 0644);
	assert_store_unusable("made by a newer version");
	scene_write(&scene, "store/STORE", "", 0644);
	assert_store_unusable("damaged");
	assert_int_equal(0, chmod(marker, 0666));
	assert_store_unusable("mode 0666");
	assert_int_equal(0, unlink(marker));
	assert_int_equal(0, symlink(scene_path(&scene, "away"), marker));
	assert_store_unusable("not a regular file");
}

static void a_store_with_directories_of_other_owners_denies(void **unused)
{
	static const char *const directories[] = {"store", "store/users", "store/state"};

	for (size_t i = 0; i < COUNT(directories); i++) {
		char path[512];
		struct stat st;

		strcpy(path, scene_path(&scene, directories[i]));
		assert_int_equal(0, stat(path, &st));
		assert_int_equal(0, chmod(path, 0777));
		assert_store_unusable("mode 0777");
		assert_int_equal(0, chmod(path, st.st_mode & 07777));
		move_away(path);
		assert_int_equal(0, symlink(scene_path(&scene, "away"), path));
		assert_store_unusable("not a directory");
		assert_int_equal(0, unlink(path));
		scene_write(&scene, directories[i], "", 0600);
		assert_store_unusable("not a directory");
		scene_service(&scene, "", "");
		put_back(path);
	}
	assert_int_equal(0, chown(scene_path(&scene, "store"), 1, 1));
	assert_store_unusable("owned by uid 1");
	assert_int_equal(0, chown(scene_path(&scene, "store"), 0, 0));
	assert_int_equal(0, chown(scene_path(&scene, "store/state"), 1, 1));
	assert_store_unusable("owned by uid 1");
}

static void an_exempt_user_is_not_stopped_by_a_broken_store(void **unused)
{
	move_away(scene_path(&scene, "store"));
	scene_service(&scene, "", "exempt=bin");
	assert_int_equal(SCENE_IGNORED, scene_login(&scene, "bin", A, "123456"));
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, right(A));
}

static void a_lost_keyring_denies_and_never_skips_the_question(void **unused)
{
	char keyring[512];

	strcpy(keyring, scene_path(&scene, "keyring"));
	move_away(keyring);
	for (int optional = 0; optional < 2; optional++) {
		struct talk talk = {.answer = scene_code("daemon", scene_now)};

		scene_service(&scene, "", optional ? "enforce=optional" : "");
		scene_log_clear();
		assert_int_equal(PAM_AUTHINFO_UNAVAIL, scene_talk(&scene, "daemon", &talk));
		assert_string_equal(optional ? BROKEN : QUESTION BROKEN, talk.heard);
		assert_logged("no keyring: restore it");
	}
	scene_write(&scene, "keyring",
		    "01234567 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= 2026-01-31\n", 0600);
	scene_log_clear();
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, right(A));
	assert_logged("sealed by key");
	scene_write(&scene, "keyring", "nonsense\n", 0600);
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, right(A));
	assert_logged("expected an id of 8 hexadecimal digits");
	scene_write(&scene, "keyring", "", 0600);
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, right(A));
	assert_logged("holds no key");
	put_back(keyring);
	assert_int_equal(0, chmod(keyring, 0644));
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, right(A));
	assert_logged("mode 0644");
	assert_lacks(scene_log, "nonsense");
}

/* --- names --- */

static void hostile_names_are_asked_and_denied(void **unused)
{
	static char longest[70000];
	static const char *const names[] = {
		"../daemon",   "a/b",
		"/etc/passwd", ".",
		"..",          " daemon",
		"daemon ",     "Daemon",
		"daemon\n",    "daemon~0123456789abcdef",
		"%64aemon",    "daemon%s%n",
		"-",           "--help",
		"\xff\xfe",    "d\xc3\xa6mon",
		"$(id)",       "users/daemon",
		"daemon/",     "\x1b[31m",
		"daemon=",     "daemon outcome=allow",
		longest,
	};

	memset(longest, 'a', 300);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct talk talk = {.answer = scene_code("daemon", scene_now), .rhost = A};
		int64_t since = milliseconds();

		scene_log_clear();
		assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, names[i], &talk));
		assert_string_equal(REFUSED, talk.heard);
		assert_logged("user=- ");
		assert_logged("reason=unknown_user");
		assert_int_equal(1, lines_in(scene_log));
		assert_true(milliseconds() - since < BOUND_MS);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, longest, A, "123456"));
	assert_int_equal(PAM_SUCCESS, right(A));
}

/* glibc says "unknown" of a known user, too, when a name service fails. */
static void an_unknown_user_with_a_record_is_asked_and_denied_under_any_policy(void **unused)
{
	struct talk talk = {.answer = scene_code("no-such-user", scene_now), .rhost = A};

	scene_enroll_as(&scene, "no-such-user", 4242);
	scene_service(&scene, "", "enforce=optional");
	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "no-such-user", &talk));
	assert_string_equal(REFUSED, talk.heard);
	assert_logged("reason=unknown_user");
	assert_logged("the name service failed, or the account is gone");
	assert_lacks(scene_log, "no-such-user");
}

static void a_login_without_a_name_is_denied(void **unused)
{
	struct talk talk = {.answer = "123456"};

	/* the program passes an empty name, so libpam does not ask for one itself */
	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "", &talk));
	assert_logged("reason=no_user");
}

static void the_name_of_an_unknown_user_is_never_logged(void **unused)
{
	/* people type passwords there by mistake */
	scene_service(&scene, "", "debug");
	assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "hunter2-my-password", A, "123456"));
	scene_service(&scene, "", "debug enforce=optional");
	assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "hunter2-my-password", A, "123456"));
	scene_service(&scene, "", "exempt=hunter2-my-password required_for=@no-such-group");
	scene_login(&scene, "hunter2-my-password", A, "123456");
	move_away(scene_path(&scene, "store"));
	scene_service(&scene, "", "debug");
	assert_int_equal(PAM_AUTHINFO_UNAVAIL,
			 scene_login(&scene, "hunter2-my-password", A, "123456"));
	assert_lacks(scene_log, "hunter2");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(a_damaged_record_denies_its_user_and_no_other),
		in_a_scene(a_damaged_state_denies_its_user_and_no_other),
		in_a_scene(a_record_with_changed_bytes_is_denied),
		in_a_scene(a_record_of_another_user_is_denied),
		in_a_scene(a_missing_or_damaged_state_denies_and_says_what_to_run),
		in_a_scene(one_damaged_slot_costs_one_code_and_is_repaired),
		in_a_scene(a_record_of_another_uid_is_denied),
		in_a_scene(a_missing_store_never_means_that_nobody_is_enrolled),
		in_a_scene(a_store_without_its_marker_never_means_that_nobody_is_enrolled),
		in_a_scene(a_store_with_directories_of_other_owners_denies),
		in_a_scene(an_exempt_user_is_not_stopped_by_a_broken_store),
		in_a_scene(a_lost_keyring_denies_and_never_skips_the_question),
		in_a_scene(hostile_names_are_asked_and_denied),
		in_a_scene(an_unknown_user_with_a_record_is_asked_and_denied_under_any_policy),
		in_a_scene(a_login_without_a_name_is_denied),
		in_a_scene(the_name_of_an_unknown_user_is_never_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
