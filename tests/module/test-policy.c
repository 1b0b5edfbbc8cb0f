/* SPDX-License-Identifier: BSD-2-Clause */
/* A policy that is not fully understood is rejected: half a policy is worse than none. */
#include "module.h"

#include <sys/stat.h>
#include <unistd.h>

/* Every login is denied without a question, and the log says why. */
static void assert_broken(const char *said)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now)};

	scene_log_clear();
	assert_int_equal(PAM_SERVICE_ERR, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(BROKEN, talk.heard);
	assert_logged("outcome=error reason=policy");
	assert_logged(said);
	scene_now += 60;
}

static void assert_works(void)
{
	scene_log_clear();
	assert_int_equal(PAM_SUCCESS, right(A));
	scene_now += 60;
}

static void settings_of_later_versions_are_rejected_not_ignored(void **unused)
{
	static const char *const keys[] = {
		"webauthn",
	};
	char line[64];

	for (size_t i = 0; i < COUNT(keys); i++) {
		snprintf(line, sizeof(line), "%s = 1\n", keys[i]);
		scene_policy(&scene, line);
		assert_broken("no such key");
		assert_logged(keys[i]);
		scene_policy(&scene, "");
		snprintf(line, sizeof(line), "%s=1", keys[i]);
		scene_service(&scene, "", line);
		assert_broken("no such key");
		scene_service(&scene, "", "");
		assert_works();
	}
}

static void options_of_other_modules_are_rejected_and_ours_is_named(void **unused)
{
	static const struct {
		const char *theirs, *hint;
	} rows[] = {
		{"nullok", "enforce=optional"},
		{"secret=/home/${USER}/.totp", "store_dir"},
		{"user=root", "records belong to root"},
		{"usersfile=/etc/users.oath", "store_dir"},
		{"authtok_prompt=Code:", "prompt="},
		{"echo_verification_code", "write echo"},
		{"allowed_perm=0600", "modes"},
		{"no_strict_owner", "owners"},
		{"no_increment_hotp", "counter"},
		{"noskewadj", "offset"},
		{"alwaysok", "no such thing"},
		{"grace_period=86400", "write remember="},
		{"forward_pass", "write password=combined"},
		{"try_first_pass", "write password=try_first_pass"},
		{"use_first_pass", "write password=use_first_pass"},
		{"allow_readonly", "readonly_login = yes"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		scene_service(&scene, "", rows[i].theirs);
		assert_broken("an option of another module");
		assert_logged(rows[i].hint);
	}
}

static void a_misspelt_option_is_rejected(void **unused)
{
	static const char *const options[] = {
		"enforced=optional",
		"Enforce=optional",
		"enforce",
		"enforce=",
		"enforce=maybe",
		"enforce=2023-02-30",
		"exempt=a,,b",
		"exempt=@",
		"echo=perhaps",
		"debug=1",
		"conf",
		"=",
		"prompt",
		"window=1",
		"attempts=5",
		"fail_delay=0",
		"store_dir=/tmp",
		"debugg",
	};

	for (size_t i = 0; i < COUNT(options); i++) {
		scene_service(&scene, "", options[i]);
		assert_broken("PAM line");
	}
}

static void a_bad_line_in_the_file_is_reported_with_its_number(void **unused)
{
	static const char *const lines[] = {
		"window = 11\n",
		"window = -1\n",
		"window = 1x\n",
		"attempts = 0\n",
		"attempts_refill = 0\n",
		"attempts_total = 10001\n",
		"fail_delay = 61\n",
		"debug = yes\n",
		"enforce optional\n",
		"enforce = optional extra\n",
		"prompt = \"tab\there\"\n",
		"store_dir = relative\n",
		"store_dir = /elsewhere\n",
		"window\n",
		"period = 14\n",
		"algorithm = MD5\n",
		"digits = 5\n",
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		scene_policy(&scene, lines[i]);
		/* after three lines of paths */
		assert_broken("conf:4: ");
	}
	scene_policy(&scene, "# a comment\n\n  window =  1  \r\n");
	assert_works();
}

static void all_mistakes_in_the_file_are_reported_at_once(void **unused)
{
	scene_policy(&scene, "one = 1\nwindow = 99\ntwo = 2\n");
	assert_broken("conf:4: one");
	assert_logged("conf:5: window");
	assert_logged("conf:6: two");
}

static void a_setting_given_twice_is_rejected(void **unused)
{
	char twice[256];

	scene_policy(&scene, "window = 1\nwindow = 1\n");
	assert_broken("given twice");
	scene_policy(&scene, "");
	scene_service(&scene, "", "echo echo");
	assert_broken("given twice");
	snprintf(twice, sizeof(twice), "conf=%s", scene_path(&scene, "conf"));
	scene_service(&scene, "", twice);
	assert_broken("given twice");
}

static void a_policy_file_that_others_can_write_is_rejected(void **unused)
{
	const char *conf = scene_path(&scene, "conf");

	assert_works();
	assert_int_equal(0, chmod(conf, 0666));
	assert_broken("mode 0666");
	assert_int_equal(0, chmod(conf, 0664));
	assert_broken("mode 0664");
	assert_int_equal(0, chmod(conf, 0644));
	assert_int_equal(0, chown(conf, 1, 1));
	assert_broken("owned by uid 1");
	assert_int_equal(0, chown(conf, 0, 0));
	assert_works();
}

static void a_policy_file_that_the_line_names_must_exist(void **unused)
{
	const char *conf = scene_path(&scene, "conf");

	assert_int_equal(0, unlink(conf));
	assert_broken("No such file");
	assert_int_equal(0, mkdir(conf, 0755));
	assert_broken("not a regular file");
	assert_int_equal(0, rmdir(conf));
	assert_int_equal(0, mkfifo(conf, 0644));
	assert_broken("not a regular file");
}

static void a_policy_file_of_too_many_bytes_is_rejected(void **unused)
{
	assert_int_equal(0, truncate(scene_path(&scene, "conf"), 65537));
	assert_broken("65537 bytes");
}

static void a_policy_file_may_be_a_link_that_root_made(void **unused)
{
	assert_int_equal(0, rename(scene_path(&scene, "conf"), scene_path(&scene, "real")));
	assert_int_equal(0, symlink("real", scene_path(&scene, "conf")));
	assert_works();
}

static void the_path_of_the_policy_must_be_absolute(void **unused)
{
	char text[512];

	snprintf(text, sizeof(text), "auth required %s conf=pam_totp.conf\n", MODULE_PATH);
	scene_write(&scene, "service/" SCENE_SERVICE, text, 0644);
	assert_broken("expected an absolute path");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(settings_of_later_versions_are_rejected_not_ignored),
		in_a_scene(options_of_other_modules_are_rejected_and_ours_is_named),
		in_a_scene(a_misspelt_option_is_rejected),
		in_a_scene(a_bad_line_in_the_file_is_reported_with_its_number),
		in_a_scene(all_mistakes_in_the_file_are_reported_at_once),
		in_a_scene(a_setting_given_twice_is_rejected),
		in_a_scene(a_policy_file_that_others_can_write_is_rejected),
		in_a_scene(a_policy_file_that_the_line_names_must_exist),
		in_a_scene(a_policy_file_of_too_many_bytes_is_rejected),
		in_a_scene(a_policy_file_may_be_a_link_that_root_made),
		in_a_scene(the_path_of_the_policy_must_be_absolute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
