/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lost phone and the counter-based token, through libpam: what the user reads and what is
 * logged.
 */
#include "module.h"

#include "otp/totp.h"

static char codes[SCENE_RECOVERY][RECOVERY_SHOWN_MAX];

static int log_in_with(const char *answer, struct talk *talk)
{
	scene_log_clear();
	*talk = (struct talk){.answer = answer, .rhost = A};
	return scene_talk(&scene, "daemon", talk);
}

static void assert_no_recovery_code_in_the_log(void)
{
	for (size_t i = 0; i < SCENE_RECOVERY; i++) {
		struct recovery_code code;

		assert_lacks(scene_log, codes[i]);
		assert_true(recovery_read(codes[i], &code));
		assert_lacks(scene_log, code.text);
	}
}

static void a_recovery_code_works_once_and_the_user_reads_what_comes_next(void **unused)
{
	static const char *const heard[] = {
		QUESTION ":If your phone is lost, run totp-enroll replace. It needs another "
			 "recovery code.\n",
		QUESTION ":2 recovery codes left. For new ones run totp-enroll recovery,\n"
			 "or ask your administrator.\n",
		QUESTION ":1 recovery code left. For new ones run totp-enroll recovery,\n"
			 "or ask your administrator.\n",
		QUESTION
		":That was your last recovery code. For new ones run totp-enroll recovery,\n"
		"or ask your administrator.\n",
	};
	struct talk talk;

	scene_recovery(&scene, "daemon", codes);
	for (size_t i = 0; i < SCENE_RECOVERY; i++) {
		char left[40];

		assert_int_equal(PAM_SUCCESS, log_in_with(codes[i], &talk));
		assert_string_equal(heard[i], talk.heard);
		snprintf(left, sizeof(left), "%u recovery code%s left",
			 (unsigned)(SCENE_RECOVERY - 1 - i), SCENE_RECOVERY - 2 == i ? "" : "s");
		assert_logged("outcome=allow reason=recovery_code");
		assert_logged(left);
		assert_int_equal(1, lines_in(scene_log));
		assert_no_recovery_code_in_the_log();
	}
	assert_int_equal(PAM_AUTH_ERR, log_in_with(codes[0], &talk));
	assert_string_equal(QUESTION "!This recovery code was already used. Use another one.\n",
			    talk.heard);
	assert_logged("outcome=deny reason=spent_recovery_code");
	assert_no_recovery_code_in_the_log();
}

static void where_users_may_not_enroll_they_read_only_that_few_codes_are_left(void **unused)
{
	struct talk talk;

	scene_recovery(&scene, "daemon", codes);
	scene_policy(&scene, "enroll =\n");
	assert_int_equal(PAM_SUCCESS, log_in_with(codes[0], &talk));
	assert_string_equal(QUESTION, talk.heard);
	assert_int_equal(PAM_SUCCESS, log_in_with(codes[1], &talk));
	assert_holds(talk.heard, "2 recovery codes left.");
}

static void a_recovery_code_is_accepted_however_it_is_typed(void **unused)
{
	struct recovery_code code;
	struct talk talk;

	scene_recovery(&scene, "daemon", codes);
	assert_true(recovery_read(codes[0], &code));
	for (char *c = code.text; *c; c++)
		*c = (char)(*c >= 'A' ? *c + 32 : *c);
	assert_int_equal(PAM_SUCCESS, log_in_with(code.text, &talk));
}

static void a_wrong_recovery_code_is_denied_and_logged_but_not_counted(void **unused)
{
	struct talk talk;

	scene_recovery(&scene, "daemon", codes);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(PAM_AUTH_ERR, log_in_with("0000-0000-0000", &talk));
		assert_string_equal(REFUSED, talk.heard);
		assert_logged("outcome=deny reason=wrong_recovery_code");
	}
	assert_int_equal(0, scene_failures(&scene, "daemon"));
	assert_int_equal(PAM_SUCCESS, right(A));
}

static void a_recovery_code_works_while_others_wait_and_with_a_clock_set_back(void **unused)
{
	struct talk talk;

	scene_recovery(&scene, "daemon", codes);
	assert_int_equal(PAM_SUCCESS, right(B));
	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	assert_int_equal(PAM_MAXTRIES, wrong(A));
	assert_int_equal(PAM_SUCCESS, log_in_with(codes[0], &talk));
	scene_now -= 86400;
	assert_int_equal(PAM_SUCCESS, log_in_with(codes[1], &talk));
}

static void a_code_of_a_counter_works_once(void **unused)
{
	struct talk talk;

	scene_make_counter(&scene, "daemon");
	assert_int_equal(PAM_SUCCESS, log_in_with(scene_code("daemon", 0), &talk));
	assert_int_equal(PAM_AUTH_ERR, log_in_with(scene_code("daemon", 0), &talk));
	assert_string_equal(QUESTION "!This code was already used. Wait for the next one.\n",
			    talk.heard);
	assert_int_equal(PAM_SUCCESS, log_in_with(scene_code("daemon", 11 * SCENE_STEP), &talk));
	assert_int_equal(12, scene_last_step(&scene, "daemon"));
}

static void the_look_ahead_is_that_of_the_policy_and_the_log_reports_what_lies_beyond(void **unused)
{
	struct talk talk;

	scene_make_counter(&scene, "daemon");
	scene_policy(&scene, "hotp_window = 2\n");
	assert_int_equal(PAM_AUTH_ERR, log_in_with(scene_code("daemon", 3 * SCENE_STEP), &talk));
	assert_logged("reason=wrong_code token=\"phone\"");
	assert_logged("3 ahead of the next one: run totpctl resync");
	assert_int_equal(0, scene_last_step(&scene, "daemon"));
	assert_int_equal(PAM_SUCCESS, log_in_with(scene_code("daemon", 2 * SCENE_STEP), &talk));
	assert_int_equal(3, scene_last_step(&scene, "daemon"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(a_recovery_code_works_once_and_the_user_reads_what_comes_next),
		in_a_scene(where_users_may_not_enroll_they_read_only_that_few_codes_are_left),
		in_a_scene(a_recovery_code_is_accepted_however_it_is_typed),
		in_a_scene(a_wrong_recovery_code_is_denied_and_logged_but_not_counted),
		in_a_scene(a_recovery_code_works_while_others_wait_and_with_a_clock_set_back),
		in_a_scene(a_code_of_a_counter_works_once),
		in_a_scene(
			the_look_ahead_is_that_of_the_policy_and_the_log_reports_what_lies_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
