/* Where a login comes from: trusted networks, remembered addresses, a key shown to sshd; and
 * what a user is told of others' failures. */
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

static void sshd_s_address_counts_where_the_host_has_a_name(void **unused)
{
	struct talk talk = {.answer = "never",
			    .rhost = "gw.example.org",
			    .env = "SSH_CONNECTION=192.0.2.9 50000 192.0.2.1 22"};

	scene_service(&scene, "", "trusted_networks=192.0.2.0/24");
	assert_int_equal(SCENE_IGNORED, scene_talk(&scene, "daemon", &talk));
	assert_logged("source=192.0.2.9 outcome=skip reason=trusted_network");
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
	/* being remembered is not remembered */
	scene_now = SCENE_START + 3600;
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	assert_string_equal(QUESTION, talk.heard);
}

static void only_the_address_and_the_user_that_logged_in_are_remembered(void **unused)
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

static void a_clock_set_back_forgets(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "remember=1h");
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	scene_now -= 60;
	assert_int_equal(PAM_AUTH_ERR, from(A, &talk));
	assert_holds(talk.heard, QUESTION);
}

static void a_remembered_address_is_refused_with_a_damaged_or_revoked_record(void **unused)
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

/* --- a public key shown to sshd --- */

static void make_sshd(const char *arguments)
{
	char text[1000];

	snprintf(text, sizeof(text),
		 "auth [success=done ignore=ignore default=die] %s conf=%s %s\n", MODULE_PATH,
		 scene_path(&scene, "conf"), arguments);
	scene_write(&scene, "service/sshd", text, 0644);
}

static int as_sshd(const char *env, struct talk *talk)
{
	struct pam_conv conv;
	pam_handle_t *handle;
	int code;

	scene_log_clear();
	*talk = (struct talk){.answer = "never", .rhost = A, .env = env};
	handle = scene_begin(&scene, "daemon", talk, &conv);
	assert_int_equal(PAM_SUCCESS, pam_set_item(handle, PAM_SERVICE, "sshd"));
	code = pam_authenticate(handle, 0);
	pam_end(handle, code);
	return code;
}

static void a_public_key_that_sshd_accepted_is_a_success_and_asks_nothing(void **unused)
{
	static const char *const shown[] = {
		"SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAAC3Nza",
		"SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAAC3Nza\n",
		"SSH_AUTH_INFO_0=hostbased x\npublickey ssh-ed25519 AAAAC3Nza\n",
	};
	static const char *const not_shown[] = {
		NULL,
		"SSH_AUTH_INFO_0=",
		"SSH_AUTH_INFO_0=password",
		"SSH_AUTH_INFO_0=publickey",
		"SSH_AUTH_INFO_0=publickey ",
		"SSH_AUTH_INFO_0=keyboard-interactive publickey x",
		"SSH_AUTH_INFO_0= publickey x",
		"SSH_AUTH_INFO_0=publickeyx y",
		"SSH_AUTH_INFO=publickey x",
	};
	struct talk talk;

	make_sshd("if_publickey");
	for (size_t i = 0; i < COUNT(shown); i++) {
		assert_int_equal(PAM_SUCCESS, as_sshd(shown[i], &talk));
		assert_string_equal("", talk.heard);
		assert_logged("reason=publickey");
		assert_lacks(scene_log, "AAAAC3Nza");
	}
	for (size_t i = 0; i < COUNT(not_shown); i++) {
		assert_int_equal(SCENE_IGNORED, as_sshd(not_shown[i], &talk));
		assert_string_equal("", talk.heard);
	}
}

static void the_process_s_own_environment_shows_no_key(void **unused)
{
	struct talk talk;

	make_sshd("if_publickey");
	setenv("SSH_AUTH_INFO_0", "publickey ssh-ed25519 AAAA", 1);
	assert_int_equal(SCENE_IGNORED, as_sshd(NULL, &talk));
	unsetenv("SSH_AUTH_INFO_0");
}

static void a_key_is_looked_for_in_the_service_sshd_alone(void **unused)
{
	struct talk talk = {.env = "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA"};

	scene_service(&scene, "", "if_publickey");
	assert_int_equal(PAM_SERVICE_ERR, scene_talk(&scene, "daemon", &talk));
	assert_logged("if_publickey");
}

/* --- the notice --- */

static void failures_since_the_last_login_are_told_once(void **unused)
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

static void one_failure_is_one_and_silence_is_kept(void **unused)
{
	struct talk talk;

	assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "daemon", NULL,
						   scene_wrong_code("daemon", scene_now)));
	assert_int_equal(PAM_SUCCESS, from(A, &talk));
	assert_holds(talk.heard, ":1 wrong code since your last login, on 2023-11-14 22:13 UTC\n"
				 "from this host. If it was not you, tell your administrator.\n");
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
		in_a_scene(sshd_s_address_counts_where_the_host_has_a_name),
		in_a_scene(a_local_caller_comes_from_no_network),
		in_a_scene(a_trusted_network_needs_no_store),
		in_a_scene(an_address_that_logged_in_is_remembered_for_its_time_and_no_longer),
		in_a_scene(only_the_address_and_the_user_that_logged_in_are_remembered),
		in_a_scene(a_local_caller_and_an_unknown_host_are_never_remembered),
		in_a_scene(a_clock_set_back_forgets),
		in_a_scene(a_remembered_address_is_refused_with_a_damaged_or_revoked_record),
		in_a_scene(a_public_key_that_sshd_accepted_is_a_success_and_asks_nothing),
		in_a_scene(the_process_s_own_environment_shows_no_key),
		in_a_scene(a_key_is_looked_for_in_the_service_sshd_alone),
		in_a_scene(failures_since_the_last_login_are_told_once),
		in_a_scene(one_failure_is_one_and_silence_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
