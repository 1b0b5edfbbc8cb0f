/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a help desk does, as the user and the log see it: temporary codes, disabled users, and
 * records that a first code has to confirm.
 */
#include "module.h"

#include <security/pam_modules.h>

#define HOUR 3600

static char shown[RECOVERY_SHOWN_MAX];

static int log_in_with(const char *answer, struct talk *talk)
{
	scene_log_clear();
	*talk = (struct talk){.answer = answer, .rhost = A};
	return scene_talk(&scene, "daemon", talk);
}

static int log_in(const char *answer)
{
	struct talk talk;

	return log_in_with(answer, &talk);
}

/* --- temporary codes --- */

static void assert_no_bypass_in_the_log(void)
{
	struct recovery_code code;

	assert_lacks(scene_log, shown);
	assert_true(recovery_read(shown, &code));
	assert_lacks(scene_log, code.text);
}

static void a_temporary_code_works_for_its_uses_and_says_what_to_ask_for(void **unused)
{
	static const char *const heard[] = {
		QUESTION ":This temporary code works 1 more time until 2023-11-14 23:13 UTC.\n"
			 "If your phone is lost, ask your administrator to set up a new one.\n",
		QUESTION ":This temporary code does not work again.\n"
			 "If your phone is lost, ask your administrator to set up a new one.\n",
	};
	static const char *const details[] = {"1 more use until 2023-11-14 23:13 UTC",
					      "its last use"};
	struct talk talk;

	scene_bypass(&scene, "daemon", HOUR, 2, shown);
	for (size_t i = 0; i < COUNT(heard); i++) {
		assert_int_equal(PAM_SUCCESS, log_in_with(shown, &talk));
		assert_string_equal(heard[i], talk.heard);
		assert_logged("outcome=allow reason=bypass");
		assert_logged(details[i]);
		assert_int_equal(1, lines_in(scene_log));
		assert_no_bypass_in_the_log();
	}
	assert_int_equal(PAM_AUTH_ERR, log_in_with(shown, &talk));
	assert_string_equal(QUESTION
			    "!This temporary code is no longer valid. Ask your administrator.\n",
			    talk.heard);
	assert_logged("outcome=deny reason=ended_bypass");
	assert_no_bypass_in_the_log();
	assert_int_equal(0, scene_failures(&scene, "daemon"));
}

static void a_temporary_code_expires(void **unused)
{
	scene_bypass(&scene, "daemon", HOUR, 3, shown);
	scene_now += HOUR - 1;
	assert_int_equal(PAM_SUCCESS, log_in(shown));
	scene_now++;
	assert_int_equal(PAM_AUTH_ERR, log_in(shown));
	assert_logged("reason=ended_bypass");
}

static void a_temporary_code_works_while_others_wait_and_however_it_is_typed(void **unused)
{
	struct recovery_code code;

	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	assert_int_equal(PAM_MAXTRIES, right(A));
	scene_bypass(&scene, "daemon", HOUR, 1, shown);
	assert_true(recovery_read(shown, &code));
	for (char *c = code.text; *c; c++)
		*c = (char)(*c >= 'A' ? *c + 32 : *c);
	assert_int_equal(PAM_SUCCESS, log_in(code.text));
	assert_int_equal(PAM_MAXTRIES, right(A));
}

static void a_temporary_code_leaves_no_address_remembered(void **unused)
{
	scene_service(&scene, "", "remember=1d");
	scene_bypass(&scene, "daemon", HOUR, 1, shown);
	assert_int_equal(PAM_SUCCESS, log_in(shown));
	assert_int_equal(PAM_AUTH_ERR, log_in("000000"));
	assert_logged("outcome=deny");
	assert_int_equal(PAM_SUCCESS, right(A));
	assert_int_equal(PAM_SUCCESS, log_in("000000"));
	assert_logged("reason=remembered");
}

static void a_temporary_code_follows_the_password_in_a_combined_answer(void **unused)
{
	char combined[40];

	scene_policy(&scene, "password = combined\n");
	scene_bypass(&scene, "daemon", HOUR, 1, shown);
	snprintf(combined, sizeof(combined), "hunter2%s", shown);
	assert_int_equal(PAM_SUCCESS, log_in(combined));
	assert_logged("outcome=allow reason=bypass");
	assert_lacks(scene_log, "hunter2");
	assert_no_bypass_in_the_log();
}

/* --- disabled --- */

static void a_disabled_user_reads_what_a_wrong_code_gets(void **unused)
{
	char codes[SCENE_RECOVERY][RECOVERY_SHOWN_MAX];
	const char *answers[4];
	struct talk talk;

	scene_recovery(&scene, "daemon", codes);
	scene_bypass(&scene, "daemon", HOUR, 1, shown);
	scene_disable(&scene, "daemon", true);
	answers[0] = scene_code("daemon", scene_now);
	answers[1] = codes[0];
	answers[2] = shown;
	answers[3] = "0000-0000-0000";
	for (int optional = 0; optional < 2; optional++) {
		scene_service(&scene, "", optional ? "enforce=optional" : "");
		for (size_t i = 0; i < COUNT(answers); i++) {
			assert_int_equal(PAM_AUTH_ERR, log_in_with(answers[i], &talk));
			assert_string_equal(REFUSED, talk.heard);
			assert_logged("outcome=deny reason=disabled");
			assert_logged("totpctl resume");
			assert_int_equal(1, lines_in(scene_log));
		}
	}
	assert_int_equal(0, scene_failures(&scene, "daemon"));
	scene_disable(&scene, "daemon", false);
	assert_int_equal(PAM_SUCCESS, right(A));
	assert_int_equal(PAM_SUCCESS, log_in(codes[0]));
	assert_int_equal(PAM_SUCCESS, log_in(shown));
}

static void a_disabled_user_at_a_remembered_address_is_denied(void **unused)
{
	struct talk talk;

	scene_service(&scene, "", "remember=1d");
	assert_int_equal(PAM_SUCCESS, right(A));
	scene_disable(&scene, "daemon", true);
	scene_now += SCENE_STEP;
	assert_int_equal(PAM_AUTH_ERR, log_in_with(scene_code("daemon", scene_now), &talk));
	assert_string_equal(REFUSED, talk.heard);
	scene_disable(&scene, "daemon", false);
	assert_int_equal(PAM_SUCCESS, log_in("000000"));
	assert_logged("reason=remembered");
}

static void a_record_that_is_disabled_before_its_first_code_is_denied(void **unused)
{
	scene_revoke(&scene, "daemon");
	scene_enroll_pending(&scene, "daemon");
	scene_disable(&scene, "daemon", true);
	scene_service(&scene, "", "enforce=optional");
	assert_int_equal(PAM_AUTH_ERR, right(A));
	assert_logged("reason=disabled");
}

static void a_disabled_user_who_is_not_asked_is_not_denied(void **unused)
{
	scene_disable(&scene, "daemon", true);
	scene_policy(&scene, "exempt = daemon\n");
	assert_int_equal(SCENE_IGNORED, right(A));
	assert_logged("outcome=skip reason=exempt");
}

/* --- the first code --- */

static void an_unconfirmed_record_does_not_count_where_no_code_is_required(void **unused)
{
	struct talk talk;

	scene_revoke(&scene, "daemon");
	scene_enroll_pending(&scene, "daemon");
	scene_service(&scene, "", "enforce=optional");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(SCENE_IGNORED, log_in_with("000000", &talk));
		assert_string_equal("", talk.heard);
		assert_logged("outcome=skip reason=not_confirmed");
	}
	/* a service that requires one: a wrong code confirms nothing… */
	scene_service(&scene, "", "");
	assert_int_equal(PAM_AUTH_ERR, wrong(A));
	scene_service(&scene, "", "enforce=optional");
	assert_int_equal(SCENE_IGNORED, log_in("000000"));
	/* …and a correct one does */
	scene_service(&scene, "", "");
	assert_int_equal(PAM_SUCCESS, right(A));
	scene_service(&scene, "", "enforce=optional");
	assert_int_equal(PAM_AUTH_ERR, wrong(A));
	scene_now += SCENE_STEP;
	assert_int_equal(PAM_SUCCESS, right(A));
}

static void without_a_first_code_a_combined_answer_is_the_password(void **unused)
{
	struct talk talk;

	scene_revoke(&scene, "daemon");
	scene_enroll_pending(&scene, "daemon");
	scene_policy(&scene, "password = combined\nenforce = optional\n");
	assert_int_equal(SCENE_IGNORED, log_in_with("hunter123456", &talk));
	assert_logged("reason=not_confirmed");
	assert_lacks(scene_log, "hunter");
}

static void a_record_that_cannot_be_read_does_not_count_as_unconfirmed(void **unused)
{
	scene_revoke(&scene, "daemon");
	scene_enroll_pending(&scene, "daemon");
	scene_service(&scene, "", "enforce=optional");
	assert_int_equal(SCENE_IGNORED, log_in("000000"));
	assert_int_equal(0, truncate(scene_state(&scene, "daemon"), 0));
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, log_in("000000"));
	assert_logged("outcome=error");
	assert_int_equal(0, truncate(scene_record(&scene, "daemon"), 0));
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, log_in("000000"));
	assert_int_equal(0, unlink(scene_path(&scene, "keyring")));
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, log_in("000000"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(a_temporary_code_works_for_its_uses_and_says_what_to_ask_for),
		in_a_scene(a_temporary_code_expires),
		in_a_scene(a_temporary_code_works_while_others_wait_and_however_it_is_typed),
		in_a_scene(a_temporary_code_leaves_no_address_remembered),
		in_a_scene(a_temporary_code_follows_the_password_in_a_combined_answer),
		in_a_scene(a_disabled_user_reads_what_a_wrong_code_gets),
		in_a_scene(a_disabled_user_at_a_remembered_address_is_denied),
		in_a_scene(a_record_that_is_disabled_before_its_first_code_is_denied),
		in_a_scene(a_disabled_user_who_is_not_asked_is_not_denied),
		in_a_scene(an_unconfirmed_record_does_not_count_where_no_code_is_required),
		in_a_scene(without_a_first_code_a_combined_answer_is_the_password),
		in_a_scene(a_record_that_cannot_be_read_does_not_count_as_unconfirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
