/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which users are asked, what PAM gets, and what the options of the PAM line and the settings of
 * the policy file change.
 */
#include "module.h"

#include <syslog.h>

static int login_as(const char *user, struct talk *talk)
{
	*talk = (struct talk){.answer = scene_code(user, scene_now)};
	return scene_talk(&scene, user, talk);
}

static void a_correct_code_is_allowed(void **unused)
{
	struct talk talk;

	assert_int_equal(PAM_SUCCESS, login_as("daemon", &talk));
	assert_string_equal(QUESTION, talk.heard);
	assert_false(talk.echoed);
	assert_logged("outcome=allow reason=code token=\"phone\"");
	assert_int_equal(1, lines_in(scene_log));
}

static void a_wrong_code_is_an_authentication_error(void **unused)
{
	struct talk talk = {.answer = scene_wrong_code("daemon", scene_now)};

	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(REFUSED, talk.heard);
	assert_logged("outcome=deny reason=wrong_code");
	assert_int_equal(1, lines_in(scene_log));
}

static void after_too_many_wrong_codes_the_user_must_wait_and_reads_how_long(void **unused)
{
	struct talk talk;

	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	scene_log_clear();
	talk = (struct talk){.answer = scene_code("daemon", scene_now), .rhost = A};
	assert_int_equal(PAM_MAXTRIES, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(QUESTION "!Too many wrong codes. Try again in 5 minutes.\n",
			    talk.heard);
	assert_logged("outcome=wait reason=throttled");
	assert_int_equal(1, lines_in(scene_log));
}

static void a_long_wait_is_told_in_hours(void **unused)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now), .rhost = A};

	scene_policy(&scene, "attempts = 1\nattempts_refill = 24h\n");
	assert_int_equal(PAM_AUTH_ERR, wrong(A));
	assert_int_equal(PAM_MAXTRIES, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(QUESTION "!Too many wrong codes. Try again in 24 hours.\n", talk.heard);
}

static void a_user_who_must_enroll_is_asked_and_denied(void **unused)
{
	struct talk talk;

	assert_int_equal(PAM_AUTH_ERR, login_as("bin", &talk));
	assert_string_equal(REFUSED, talk.heard);
	assert_logged("user=bin");
	assert_logged("outcome=deny reason=not_enrolled");
	assert_logged("run totp-enroll");
}

static void a_user_who_need_not_enroll_is_not_asked(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "enforce=optional");
	assert_int_equal(SCENE_IGNORED, login_as("bin", &talk));
	assert_string_equal("", talk.heard);
	assert_logged("outcome=skip reason=not_required");
	assert_int_equal(PAM_SUCCESS, login_as("daemon", &talk));
	assert_string_equal(QUESTION, talk.heard);
}

static void an_unknown_user_is_asked_and_denied_even_where_codes_are_optional(void **unused)
{
	static const char *const arguments[] = {"", "enforce=optional", "enforce=2099-01-01"};

	for (size_t i = 0; i < 3; i++) {
		struct talk talk = {.answer = "123456"};

		scene_service(&scene, "", arguments[i]);
		assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "no-such-user", &talk));
		assert_string_equal(REFUSED, talk.heard);
	}
}

static void the_date_of_enforcement_begins_at_midnight_utc(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "enforce=2023-11-15");
	scene_now = INT64_C(1700006399); /* 2023-11-14 23:59:59 UTC */
	assert_int_equal(SCENE_IGNORED, login_as("bin", &talk));
	scene_now++;
	assert_int_equal(PAM_AUTH_ERR, login_as("bin", &talk));
	assert_string_equal(REFUSED, talk.heard);
}

static void an_exempt_user_is_not_asked_whether_enrolled_or_not(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "exempt=bin,daemon");
	assert_int_equal(SCENE_IGNORED, login_as("bin", &talk));
	assert_string_equal("", talk.heard);
	assert_int_equal(SCENE_IGNORED, login_as("daemon", &talk));
	assert_logged("outcome=skip reason=exempt");
	assert_int_equal(PAM_AUTH_ERR, login_as("nobody", &talk));
}

static void a_group_may_be_exempt_or_required(void **unused)
{
	struct talk talk;

	/* on every Debian the primary group of each has the user's name, except that of nobody */
	scene_service(&scene, "", "exempt=@bin");
	assert_int_equal(SCENE_IGNORED, login_as("bin", &talk));
	assert_int_equal(PAM_AUTH_ERR, login_as("nobody", &talk));
	scene_service(&scene, "", "enforce=optional required_for=@bin");
	assert_int_equal(PAM_AUTH_ERR, login_as("bin", &talk));
	assert_int_equal(SCENE_IGNORED, login_as("nobody", &talk));
}

static void a_user_who_is_both_required_and_exempt_is_required(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "enforce=optional exempt=bin required_for=bin");
	assert_int_equal(PAM_AUTH_ERR, login_as("bin", &talk));
	scene_service(&scene, "", "exempt=bin required_for=@bin");
	assert_int_equal(PAM_AUTH_ERR, login_as("bin", &talk));
}

static void a_group_that_does_not_exist_is_an_error_not_an_empty_group(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "enforce=optional required_for=@no-such-group");
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, login_as("bin", &talk));
	assert_string_equal(BROKEN, talk.heard);
	assert_logged("no-such-group");
}

static void prompt_and_echo_are_those_of_the_pam_line(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "[prompt=Your code, please: ] echo");
	assert_int_equal(PAM_SUCCESS, login_as("daemon", &talk));
	assert_string_equal("?Your code, please: \n", talk.heard);
	assert_true(talk.echoed);
	scene_service(&scene, "", "echo=no");
	assert_int_equal(PAM_AUTH_ERR, login_as("daemon", &talk));
	assert_false(talk.echoed);
}

static void the_pam_line_overrides_the_file(void **unused)
{
	struct talk talk;

	scene_policy(&scene, "enforce = optional\nprompt = \"Code of the file: \"\necho = yes\n");
	assert_int_equal(SCENE_IGNORED, login_as("bin", &talk));
	scene_service(&scene, "", "enforce=required prompt=Code:");
	assert_int_equal(PAM_AUTH_ERR, login_as("bin", &talk));
	assert_string_equal("?Code:\n!That code was not accepted.\n", talk.heard);
	assert_true(talk.echoed);
}

static void debug_logs_more_but_only_at_debug_priority(void **unused)
{
	struct talk talk;
	char priority[8];

	scene_service(&scene, "", "debug");
	assert_int_equal(PAM_SUCCESS, login_as("daemon", &talk));
	assert_int_equal(2, lines_in(scene_log));
	snprintf(priority, sizeof(priority), "%d|", LOG_AUTHPRIV | LOG_DEBUG);
	assert_logged(priority);
	assert_logged("outcome=debug reason=required");
}

static void the_window_is_as_wide_as_the_policy_says(void **unused)
{
	static const struct {
		int window, off, code;
	} rows[] = {
		{0, 0, PAM_SUCCESS},  {0, -1, PAM_AUTH_ERR}, {0, 1, PAM_AUTH_ERR},
		{1, -1, PAM_SUCCESS}, {1, 1, PAM_SUCCESS},   {1, -2, PAM_AUTH_ERR},
		{1, 2, PAM_AUTH_ERR}, {3, -3, PAM_SUCCESS},  {3, 3, PAM_SUCCESS},
		{3, 4, PAM_AUTH_ERR},
	};
	char key[32];

	for (size_t i = 0; i < COUNT(rows); i++) {
		scene_now += 3600;
		snprintf(key, sizeof(key), "window = %d\n", rows[i].window);
		scene_policy(&scene, key);
		assert_int_equal(rows[i].code,
				 scene_login(&scene, "daemon", A,
					     scene_code("daemon", scene_now + 30 * rows[i].off)));
	}
}

static void a_code_outside_the_window_is_denied_and_its_distance_logged(void **unused)
{
	assert_int_equal(PAM_AUTH_ERR,
			 scene_login(&scene, "daemon", A, scene_code("daemon", scene_now - 300)));
	assert_logged("reason=wrong_code token=\"phone\"");
	assert_logged("code is -10 steps off: check the clock");
}

/* journald lets callers read what a process with their real uid has logged. */
static void a_future_code_is_not_logged_where_the_caller_can_read_the_log(void **unused)
{
	static const int64_t ahead[] = {300, 5 * 3600};

	for (size_t i = 0; i < COUNT(ahead); i++) {
		const char *code = scene_code("daemon", scene_now + ahead[i]);

		scene_log_clear();
		assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "daemon", NULL, code));
		assert_logged("token=\"phone\" detail=\"code is");
		scene_log_clear();
		assert_int_equal(0, setresuid(1, 0, 0));
		assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "daemon", NULL, code));
		assert_int_equal(0, setresuid(0, 0, 0));
		assert_logged("reason=wrong_code token=\"\"");
		assert_null(strstr(scene_log, "code is"));
	}
	scene_log_clear();
	assert_int_equal(0, setresuid(1, 0, 0));
	assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "daemon", NULL,
						   scene_code("daemon", scene_now - 300)));
	assert_int_equal(0, setresuid(0, 0, 0));
	assert_logged("code is -10 steps off");
}

static void the_log_says_that_a_clock_is_in_another_time_zone(void **unused)
{
	assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "daemon", A,
						   scene_code("daemon", scene_now - 5 * 3600)));
	assert_logged("code is 5 hours behind this host's clock");
	assert_logged("a hardware clock in local time, or a wrong time zone");
}

static int again(pam_handle_t *handle, struct talk *talk, int flags)
{
	talk->heard[0] = '\0';
	return pam_authenticate(handle, flags);
}

/* sudo shows no messages, and asks three times. */
static void where_no_message_is_shown_the_next_prompt_says_when_the_next_code_comes(void **unused)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now)};
	struct pam_conv conv;
	pam_handle_t *handle = scene_begin(&scene, "daemon", &talk, &conv);

	assert_int_equal(PAM_SUCCESS, again(handle, &talk, PAM_SILENT));
	assert_int_equal(PAM_AUTH_ERR, again(handle, &talk, PAM_SILENT));
	assert_string_equal(QUESTION, talk.heard);
	scene_now += 6;
	assert_int_equal(PAM_AUTH_ERR, again(handle, &talk, PAM_SILENT));
	assert_string_equal("?This code was already used. The next one comes in 24 seconds. "
			    "Verification code: \n",
			    talk.heard);
	scene_now += 25;
	talk.answer = scene_code("daemon", scene_now);
	assert_int_equal(PAM_SUCCESS, again(handle, &talk, PAM_SILENT));
	assert_string_equal(QUESTION, talk.heard);
	pam_end(handle, PAM_SUCCESS);
}

static void the_short_bucket_has_the_size_and_the_refill_of_the_policy(void **unused)
{
	scene_policy(&scene, "attempts = 2\nattempts_refill = 60\n");
	assert_int_equal(PAM_AUTH_ERR, wrong(A));
	assert_int_equal(PAM_AUTH_ERR, wrong(A));
	assert_int_equal(PAM_MAXTRIES, right(A));
	scene_now += 59;
	assert_int_equal(PAM_MAXTRIES, right(A));
	scene_now++;
	assert_int_equal(PAM_SUCCESS, right(A));
}

static void the_long_bucket_can_stay_empty_until_an_administrator_acts(void **unused)
{
	struct talk talk;

	scene_policy(&scene, "attempts_total = 3\nattempts_total_refill = 0\n");
	for (int i = 0; i < 3; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	scene_now += 365 * 86400;
	assert_int_equal(PAM_MAXTRIES, login_as("daemon", &talk));
	assert_string_equal(QUESTION "!Too many wrong codes. Please ask your administrator.\n",
			    talk.heard);
	assert_logged("run totpctl unlock");
}

static void the_delay_is_the_same_for_every_denied_user(void **unused)
{
	static const char *const users[] = {"daemon", "bin", "no-such-user"};

	scene_policy(&scene, "fail_delay = 8\n");
	for (size_t i = 0; i < COUNT(users); i++) {
		struct talk talk = {.answer = scene_wrong_code("daemon", scene_now)};

		assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, users[i], &talk));
		/* libpam varies it by up to half */
		assert_in_range(talk.delay, 4000000, 12000000);
	}
	scene_policy(&scene, "fail_delay = 0\n");
	struct talk talk = {.answer = "000000"};

	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "bin", &talk));
	assert_int_equal(0, talk.delay);
}

static void setcred_succeeds_and_a_line_that_asks_no_user_allows_no_login(void **unused)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now)};
	struct pam_conv conv;
	char text[512];
	pam_handle_t *handle;

	snprintf(text, sizeof(text), "auth required %s conf=%s exempt=bin\n", MODULE_PATH,
		 scene_path(&scene, "conf"));
	scene_write(&scene, "service/" SCENE_SERVICE, text, 0644);

	handle = scene_begin(&scene, "daemon", &talk, &conv);
	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	assert_int_equal(PAM_SUCCESS, pam_setcred(handle, PAM_ESTABLISH_CRED));
	assert_int_equal(PAM_SUCCESS, pam_setcred(handle, PAM_DELETE_CRED));
	pam_end(handle, PAM_SUCCESS);

	handle = scene_begin(&scene, "bin", &talk, &conv);
	assert_int_not_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	pam_end(handle, PAM_SUCCESS);
}

static void a_program_that_wants_silence_gets_only_the_question(void **unused)
{
	struct talk talk = {.answer = scene_wrong_code("daemon", scene_now), .flags = PAM_SILENT};

	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(QUESTION, talk.heard);
	scene_service(&scene, "", "no-such-option");
	talk.heard[0] = '\0';
	assert_int_equal(PAM_SERVICE_ERR, scene_talk(&scene, "daemon", &talk));
	assert_string_equal("", talk.heard);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(a_correct_code_is_allowed),
		in_a_scene(a_future_code_is_not_logged_where_the_caller_can_read_the_log),
		in_a_scene(the_log_says_that_a_clock_is_in_another_time_zone),
		in_a_scene(where_no_message_is_shown_the_next_prompt_says_when_the_next_code_comes),
		in_a_scene(a_wrong_code_is_an_authentication_error),
		in_a_scene(after_too_many_wrong_codes_the_user_must_wait_and_reads_how_long),
		in_a_scene(a_long_wait_is_told_in_hours),
		in_a_scene(a_user_who_must_enroll_is_asked_and_denied),
		in_a_scene(a_user_who_need_not_enroll_is_not_asked),
		in_a_scene(an_unknown_user_is_asked_and_denied_even_where_codes_are_optional),
		in_a_scene(the_date_of_enforcement_begins_at_midnight_utc),
		in_a_scene(an_exempt_user_is_not_asked_whether_enrolled_or_not),
		in_a_scene(a_group_may_be_exempt_or_required),
		in_a_scene(a_user_who_is_both_required_and_exempt_is_required),
		in_a_scene(a_group_that_does_not_exist_is_an_error_not_an_empty_group),
		in_a_scene(prompt_and_echo_are_those_of_the_pam_line),
		in_a_scene(the_pam_line_overrides_the_file),
		in_a_scene(debug_logs_more_but_only_at_debug_priority),
		in_a_scene(the_window_is_as_wide_as_the_policy_says),
		in_a_scene(a_code_outside_the_window_is_denied_and_its_distance_logged),
		in_a_scene(the_short_bucket_has_the_size_and_the_refill_of_the_policy),
		in_a_scene(the_long_bucket_can_stay_empty_until_an_administrator_acts),
		in_a_scene(the_delay_is_the_same_for_every_denied_user),
		in_a_scene(setcred_succeeds_and_a_line_that_asks_no_user_allows_no_login),
		in_a_scene(a_program_that_wants_silence_gets_only_the_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
