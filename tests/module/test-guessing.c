/* SPDX-License-Identifier: BSD-2-Clause */
/* Each code works once, the number of guesses is limited, and neither rule locks out the owner. */
#include "module.h"

static void a_code_works_once(void **unused)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now)};

	assert_int_equal(PAM_SUCCESS, right(A));
	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(USED("30 seconds"), talk.heard);
	assert_logged("reason=used_code");
	assert_int_equal(0, scene_failures(&scene, "daemon"));
	scene_now += 30;
	assert_int_equal(PAM_SUCCESS, right(A));
}

static void after_a_newer_code_an_older_one_does_not_work(void **unused)
{
	const int64_t now = scene_now;

	assert_int_equal(PAM_SUCCESS,
			 scene_login(&scene, "daemon", A, scene_code("daemon", now + 30)));
	assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "daemon", A, scene_code("daemon", now)));
	assert_int_equal(PAM_AUTH_ERR,
			 scene_login(&scene, "daemon", A, scene_code("daemon", now - 30)));
}

/* Three used codes, entered again one in each step, do not make the module learn an offset. */
static void used_codes_entered_again_in_turn_change_no_clock_offset(void **unused)
{
	char used[3][9];
	uint64_t last;

	for (int i = 0; i < 3; i++) {
		strcpy(used[i], scene_code("daemon", scene_now));
		assert_int_equal(PAM_SUCCESS, right(A));
		scene_now += SCENE_STEP;
	}
	last = scene_last_step(&scene, "daemon");
	scene_now += 300;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "daemon", B, used[i]));
		scene_now += SCENE_STEP;
	}
	assert_int_equal(last, scene_last_step(&scene, "daemon"));
	assert_int_equal(PAM_SUCCESS, right(A));
}

static void wrong_codes_from_one_address_do_not_lock_out_a_known_address(void **unused)
{
	assert_int_equal(PAM_SUCCESS, right(B)); /* B is known from now on */
	scene_now += 60;
	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	assert_int_equal(PAM_MAXTRIES, right(A));
	assert_int_equal(PAM_SUCCESS, right(B));
	scene_now += 60;
	/* throttled users are still asked, as everybody is */
	struct talk talk = {.answer = "000000", .rhost = A};

	assert_int_equal(PAM_MAXTRIES, scene_talk(&scene, "daemon", &talk));
	assert_holds(talk.heard, QUESTION);
}

static void wrong_codes_over_the_network_do_not_lock_out_a_known_terminal(void **unused)
{
	assert_int_equal(PAM_SUCCESS, right(NULL));
	scene_now += 60;
	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	assert_int_equal(PAM_MAXTRIES, right(B)); /* all unknown sources share one throttle */
	assert_int_equal(PAM_SUCCESS, right(NULL));
}

static void a_denied_attempt_does_not_prolong_the_wait(void **unused)
{
	const int64_t start = scene_now;

	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	for (int i = 1; i < 10; i++) {
		scene_now = start + i * 30;
		assert_int_equal(PAM_MAXTRIES, wrong(A));
	}
	scene_now = start + 299;
	assert_int_equal(PAM_MAXTRIES, right(A));
	scene_now = start + 300;
	assert_int_equal(PAM_SUCCESS, right(A));
}

static void a_clock_set_back_neither_shortens_nor_lengthens_a_wait(void **unused)
{
	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	scene_now -= 86400;
	assert_int_equal(PAM_MAXTRIES, right(A));
	scene_now += 299;
	assert_int_equal(PAM_MAXTRIES, right(A));
}

static void a_clock_set_back_before_the_last_login_denies_and_says_how_to_repair(void **unused)
{
	assert_int_equal(PAM_SUCCESS, right(A));
	scene_now -= 3600;
	scene_log_clear();
	assert_int_equal(PAM_AUTH_ERR, right(A));
	assert_logged("reason=clock_back");
	assert_logged("totpctl repair-clock");
	assert_int_equal(0, scene_failures(&scene, "daemon"));
	scene_now += 3600 + 30;
	assert_int_equal(PAM_SUCCESS, right(A));
}

static void sources_are_logged_as_they_are_counted(void **unused)
{
	static const struct {
		const char *rhost, *source;
	} rows[] = {
		{A, "source=192.0.2.1 "},
		{"::ffff:192.0.2.7", "source=192.0.2.7 "},
		{"2001:db8:1:2:3:4:5:6", "source=2001:db8:1:2::/64 "},
		{"fe80::1%eth0", "source=fe80::/64 "},
		{NULL, "source=service:scene "},
		{"", "source=service:scene "},
		{"host name\n192.0.2.1", "source=service:scene "},
		{"192.0.2.1.example.org", "source=service:scene "},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		scene_log_clear();
		assert_int_equal(PAM_SUCCESS, right(rows[i].rhost));
		assert_logged(rows[i].source);
		scene_now += 60;
	}
}

/* --- two at once --- */

static void other_session_logs_in(void *context)
{
	(void)context;
	assert_int_equal(PAM_SUCCESS, right(B));
}

static void a_login_that_waits_at_its_prompt_is_not_disturbed_by_another_one(void **unused)
{
	char next[9];
	struct talk talk = {.answer = next, .rhost = A, .while_typing = other_session_logs_in};

	strcpy(next, scene_code("daemon", scene_now + 30));
	assert_int_equal(PAM_SUCCESS, scene_talk(&scene, "daemon", &talk));
}

static void two_logins_at_their_prompts_can_use_a_code_only_once(void **unused)
{
	char same[9];
	struct talk talk = {.answer = same, .rhost = A, .while_typing = other_session_logs_in};

	strcpy(same, scene_code("daemon", scene_now));
	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(USED("30 seconds"), talk.heard);
}

static void administrator_revokes(void *context)
{
	(void)context;
	scene_revoke(&scene, "daemon");
}

static void a_user_who_is_revoked_while_typing_is_denied(void **unused)
{
	char code[9];
	struct talk talk = {.answer = code, .while_typing = administrator_revokes};

	strcpy(code, scene_code("daemon", scene_now));
	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(REFUSED, talk.heard);
	assert_logged("reason=not_enrolled");
}

static void administrator_replaces(void *context)
{
	(void)context;
	assert_int_equal(TOTP_OK, scene_replace(&scene, "daemon"));
}

static void a_user_whose_record_is_replaced_while_typing_is_allowed(void **unused)
{
	char code[9];
	struct talk talk = {.answer = code, .while_typing = administrator_replaces};

	strcpy(code, scene_code("daemon", scene_now));
	assert_int_equal(PAM_SUCCESS, scene_talk(&scene, "daemon", &talk));
	assert_int_equal(PAM_AUTH_ERR, right(A));
}

static void time_passes(void *context)
{
	scene_now += *(const int *)context;
}

static void the_time_of_the_answer_counts_not_that_of_the_question(void **unused)
{
	int seconds = 120;
	char late[9], fresh[9];
	struct talk slow = {.answer = late, .while_typing = time_passes, .context = &seconds};
	struct talk quick = {.answer = fresh, .while_typing = time_passes, .context = &seconds};

	strcpy(late, scene_code("daemon", scene_now));
	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", &slow));
	strcpy(fresh, scene_code("daemon", scene_now + seconds));
	assert_int_equal(PAM_SUCCESS, scene_talk(&scene, "daemon", &quick));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(a_code_works_once),
		in_a_scene(after_a_newer_code_an_older_one_does_not_work),
		in_a_scene(used_codes_entered_again_in_turn_change_no_clock_offset),
		in_a_scene(wrong_codes_from_one_address_do_not_lock_out_a_known_address),
		in_a_scene(wrong_codes_over_the_network_do_not_lock_out_a_known_terminal),
		in_a_scene(a_denied_attempt_does_not_prolong_the_wait),
		in_a_scene(a_clock_set_back_neither_shortens_nor_lengthens_a_wait),
		in_a_scene(a_clock_set_back_before_the_last_login_denies_and_says_how_to_repair),
		in_a_scene(sources_are_logged_as_they_are_counted),
		in_a_scene(a_login_that_waits_at_its_prompt_is_not_disturbed_by_another_one),
		in_a_scene(two_logins_at_their_prompts_can_use_a_code_only_once),
		in_a_scene(a_user_who_is_revoked_while_typing_is_denied),
		in_a_scene(a_user_whose_record_is_replaced_while_typing_is_allowed),
		in_a_scene(the_time_of_the_answer_counts_not_that_of_the_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
