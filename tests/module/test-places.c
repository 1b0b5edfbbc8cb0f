/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a login comes from: trusted networks, remembered addresses, services and terminals; and
 * what users read about failures that were not theirs.
 */
#include "module.h"

#define REMOTE6 "2001:db8:0:1::7"

static int from(const char *rhost, struct talk *talk)
{
	scene_log_clear();
	*talk = (struct talk){.answer = scene_code("daemon", scene_now), .rhost = rhost};
	return scene_talk(&scene, "daemon", talk);
}

/* --- trusted networks --- */

static void nobody_is_asked_from_a_trusted_network(void **unused)
{
	static const char *const inside[] = {A, "::ffff:192.0.2.77", REMOTE6, REMOTE6 "%eth0"};
	static const char *const outside[] = {
		"198.51.100.1", "2001:db9::1",           "192.0.3.1", "::192.0.2.1",
		NULL,           "192.0.2.1.example.org", "localhost", "tty1"};
	struct talk talk;

	scene_service(&scene, "", "trusted_networks=192.0.2.0/24,2001:db8::/32");
	for (size_t i = 0; i < COUNT(inside); i++) {
		assert_int_equal(SCENE_IGNORED, from(inside[i], &talk));
		assert_string_equal("", talk.heard);
		assert_logged("outcome=skip reason=trusted_network");
	}
	for (size_t i = 0; i < COUNT(outside); i++) {
		scene_now += 60;
		assert_int_equal(PAM_SUCCESS, from(outside[i], &talk));
		assert_string_equal(QUESTION, talk.heard);
	}
}

static void a_local_caller_comes_from_no_network(void **unused)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now),
			    .env = "SSH_CONNECTION=192.0.2.9 50000 192.0.2.1 22"};

	scene_service(&scene, "", "trusted_networks=0.0.0.0/0,::/0 remember=1d");
	assert_int_equal(PAM_SUCCESS, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(QUESTION, talk.heard);
}

static void a_trusted_network_needs_no_store(void **unused)
{
	struct talk talk;

	assert_int_equal(0, unlink(scene_path(&scene, "store/STORE")));
	scene_policy(&scene, "trusted_networks = 192.0.2.0/24\n");
	assert_int_equal(SCENE_IGNORED, from(A, &talk));
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, from("198.51.100.1", &talk));
}

/* --- remembered addresses --- */

static void an_address_that_logged_in_is_remembered_for_its_time_and_no_longer(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "remember=1h");
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	assert_string_equal(QUESTION, talk.heard);
	for (int minutes = 0; minutes < 60; minutes += 59) {
		scene_now = SCENE_START + 60 * minutes;
		assert_int_equal(PAM_SUCCESS, from(A, &talk));
		assert_string_equal("", talk.heard);
		assert_logged("outcome=allow reason=remembered");
	}
	/* a login without a code does not extend the time */
	scene_now = SCENE_START + 3600;
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	assert_string_equal(QUESTION, talk.heard);
}

static void only_the_address_and_the_user_of_the_login_are_remembered(void **unused)
{
	struct talk talk;

	scene_enroll(&scene, "bin");
	scene_service(&scene, "", "remember=1h");
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	scene_now += 60;
	assert_int_equal(PAM_SUCCESS, from(B, &talk));
	assert_string_equal(QUESTION, talk.heard);
	talk = (struct talk){.answer = scene_code("bin", scene_now), .rhost = A};
	assert_int_equal(PAM_SUCCESS, scene_talk(&scene, "bin", &talk));
	assert_string_equal(QUESTION, talk.heard);
}

static void a_local_caller_and_an_unknown_host_are_never_remembered(void **unused)
{
	static const char *const hosts[] = {NULL, "gw.example.org"};
	struct talk talk;

	scene_service(&scene, "", "remember=1h");
	for (size_t i = 0; i < COUNT(hosts); i++)
		for (int n = 0; n < 2; n++) {
			scene_now += 60;
			assert_int_equal(PAM_SUCCESS, from(hosts[i], &talk));
			assert_string_equal(QUESTION, talk.heard);
		}
}

static void a_clock_set_back_ends_what_is_remembered(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "remember=1h");
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	scene_now -= 60;
	assert_int_equal(PAM_AUTH_ERR, from(A, &talk));
	assert_holds(talk.heard, QUESTION);
}

static void at_a_remembered_address_a_damaged_or_revoked_record_denies(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "remember=1h");
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	assert_int_equal(0, truncate(scene_state(&scene, "daemon"), 100));
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, from(A, &talk));
	scene_revoke(&scene, "daemon");
	assert_int_equal(PAM_AUTH_ERR, from(A, &talk));
	scene_enroll_as(&scene, "daemon", 4711);
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, from(A, &talk));
}

/* --- what sshd passes on, in a program that is not sshd --- */

static void only_sshd_is_believed_about_a_key_or_an_address(void **unused)
{
	static const char *const services[] = {"scene", "sshd"};
	struct talk talk = {.answer = "never",
			    .rhost = "gw.example.org",
			    .env = "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA"};

	scene_service(&scene, "", "trusted_networks=192.0.2.0/24");
	talk.env = "SSH_CONNECTION=192.0.2.9 50000 192.0.2.1 22";
	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", &talk));
	assert_logged("source=service:scene ");

	scene_service(&scene, "", "if_publickey");
	assert_int_equal(
		0, link(scene_path(&scene, "service/scene"), scene_path(&scene, "service/sshd")));
	for (size_t i = 0; i < COUNT(services); i++) {
		struct pam_conv conv;
		pam_handle_t *handle;

		talk.env = "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA";
		scene_log_clear();
		handle = scene_begin(&scene, "daemon", &talk, &conv);
		assert_int_equal(PAM_SUCCESS, pam_set_item(handle, PAM_SERVICE, services[i]));
		assert_int_equal(PAM_SERVICE_ERR, pam_authenticate(handle, 0));
		pam_end(handle, PAM_SERVICE_ERR);
		assert_logged("if_publickey: works only in sshd");
	}
}

/* --- sources that share the guesses of an account --- */

static int guess_until_throttled(const struct talk *from)
{
	struct talk talk = *from;
	int count = 0;

	do {
		talk = *from;
		talk.answer = scene_wrong_code("daemon", scene_now);
		count++;
	} while (scene_talk(&scene, "daemon", &talk) == PAM_AUTH_ERR);
	return count - 1;
}

static int log_in_at(const char *tty)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now), .tty = tty};

	scene_now += 30;
	talk.answer = scene_code("daemon", scene_now);
	return scene_talk(&scene, "daemon", &talk);
}

static void guesses_over_the_network_deny_nobody_at_a_terminal(void **unused)
{
	static const struct talk strangers[] = {{.rhost = A},
						{.tty = NULL},
						{.tty = "ssh"},
						{.rhost = "tower"},
						{.rhost = "tower", .tty = "tty1"},
						{.rhost = "tower", .tty = "pts/0"}};

	assert_int_equal(5, guess_until_throttled(&strangers[0]));
	for (size_t i = 1; i < COUNT(strangers); i++)
		assert_int_equal(0, guess_until_throttled(&strangers[i]));
	/* the owner has not used any of them before */
	assert_int_equal(PAM_SUCCESS, log_in_at("tty1"));
	assert_int_equal(PAM_SUCCESS, log_in_at("pts/7"));
	assert_int_equal(PAM_SUCCESS, log_in_at("/dev/ttyS0"));
	assert_int_equal(PAM_MAXTRIES, log_in_at(NULL));
}

static void guesses_at_a_pseudo_terminal_deny_nobody_at_the_console(void **unused)
{
	const struct talk stranger = {.tty = "pts/3"}, display = {.tty = ":1"};

	assert_int_equal(5, guess_until_throttled(&stranger));
	assert_int_equal(0, guess_until_throttled(&display));
	assert_int_equal(PAM_MAXTRIES, log_in_at("pts/0"));
	assert_int_equal(PAM_SUCCESS, log_in_at("tty1"));
	scene_now += 30;
	assert_int_equal(PAM_SUCCESS, right(A));
}

static void a_service_that_knows_no_address_is_a_known_source_of_its_own(void **unused)
{
	const struct talk nameless = {.tty = NULL}, named = {.rhost = "tower"};

	assert_int_equal(PAM_SUCCESS, log_in_at(NULL));
	assert_logged("source=service:scene ");
	assert_int_equal(PAM_SUCCESS, log_in_at("tty1"));
	assert_logged("source=service:scene:tty1 ");
	/* all its clients are one source, whatever host name it passes */
	assert_int_equal(5, guess_until_throttled(&nameless));
	assert_int_equal(0, guess_until_throttled(&named));
	/* other sources of the network keep what they share */
	assert_int_equal(5, guess_until_throttled(&(struct talk){.rhost = A}));
	assert_int_equal(PAM_SUCCESS, log_in_at("tty1"));
}

/* --- the notice --- */

static void failures_since_the_last_login_are_reported_once(void **unused)
{
	struct talk talk;

	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	assert_string_equal(QUESTION, talk.heard);
	scene_now += 3600;
	assert_int_equal(PAM_AUTH_ERR, wrong(B));
	scene_now += 60;
	assert_int_equal(PAM_AUTH_ERR, wrong(REMOTE6));
	scene_now += 60;
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	assert_string_equal(QUESTION ":2 wrong codes since your last login, the last on "
				     "2023-11-14 23:14 UTC\nfrom 2001:db8:0:1::/64. "
				     "If it was not you, tell your administrator.\n",
			    talk.heard);
	scene_now += 60;
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	assert_string_equal(QUESTION, talk.heard);
}

static void one_failure_is_in_the_singular_and_silence_is_kept(void **unused)
{
	struct talk talk;

	talk = (struct talk){.answer = scene_wrong_code("daemon", scene_now), .tty = "tty1"};
	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", &talk));
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	assert_holds(talk.heard,
		     ":1 wrong code since your last login, on 2023-11-14 22:13 UTC\n"
		     "from tty1 of this host. If it was not you, tell your administrator.\n");
	assert_int_equal(PAM_AUTH_ERR, wrong(A));
	scene_now += 60;
	talk = (struct talk){
		.answer = scene_code("daemon", scene_now), .rhost = A, .flags = (int)PAM_SILENT};
	assert_int_equal(PAM_SUCCESS, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(QUESTION, talk.heard);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(nobody_is_asked_from_a_trusted_network),
		in_a_scene(a_local_caller_comes_from_no_network),
		in_a_scene(a_trusted_network_needs_no_store),
		in_a_scene(an_address_that_logged_in_is_remembered_for_its_time_and_no_longer),
		in_a_scene(only_the_address_and_the_user_of_the_login_are_remembered),
		in_a_scene(a_local_caller_and_an_unknown_host_are_never_remembered),
		in_a_scene(a_clock_set_back_ends_what_is_remembered),
		in_a_scene(at_a_remembered_address_a_damaged_or_revoked_record_denies),
		in_a_scene(only_sshd_is_believed_about_a_key_or_an_address),
		in_a_scene(guesses_over_the_network_deny_nobody_at_a_terminal),
		in_a_scene(guesses_at_a_pseudo_terminal_deny_nobody_at_the_console),
		in_a_scene(a_service_that_knows_no_address_is_a_known_source_of_its_own),
		in_a_scene(failures_since_the_last_login_are_reported_once),
		in_a_scene(one_failure_is_in_the_singular_and_silence_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
