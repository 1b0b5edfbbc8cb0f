/* A code enters once, guesses run out, and neither is of use against the owner. */
#include "module.h"

static void a_code_lets_in_once(void **unused)
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

static void an_older_code_is_of_no_use_after_a_newer_one(void **unused)
{
	const int64_t now = scene_now;

	assert_int_equal(PAM_SUCCESS,
			 scene_login(&scene, "daemon", A, scene_code("daemon", now + 30)));
	assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "daemon", A, scene_code("daemon", now)));
	assert_int_equal(PAM_AUTH_ERR,
			 scene_login(&scene, "daemon", A, scene_code("daemon", now - 30)));
}

/* Three used codes, entered again one a step, teach no offset. */
static void used_codes_entered_again_in_turn_teach_nothing(void **unused)
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

static void wrong_codes_from_one_place_do_not_lock_out_a_known_one(void **unused)
{
	assert_int_equal(PAM_SUCCESS, right(B)); /* B is known now */
	scene_now += 60;
	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	assert_int_equal(PAM_MAXTRIES, right(A));
	assert_int_equal(PAM_SUCCESS, right(B));
	scene_now += 60;
	/* and they that are throttled are still asked, like everybody */
	struct talk talk = {.answer = "000000", .rhost = A};

	assert_int_equal(PAM_MAXTRIES, scene_talk(&scene, "daemon", &talk));
	assert_holds(talk.heard, QUESTION);
}

static void wrong_codes_from_afar_do_not_lock_out_a_known_terminal(void **unused)
{
	assert_int_equal(PAM_SUCCESS, right(NULL));
	scene_now += 60;
	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	assert_int_equal(PAM_MAXTRIES, right(B)); /* strangers share one throttle */
	assert_int_equal(PAM_SUCCESS, right(NULL));
}

static void a_refused_try_does_not_move_the_release(void **unused)
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

static void a_clock_set_back_before_the_last_login_refuses_and_says_how_to_repair(void **unused)
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

static void sources_are_told_as_they_are_counted(void **unused)
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

static void a_session_at_its_prompt_is_not_disturbed_by_another_one(void **unused)
{
	char next[9];
	struct talk talk = {.answer = next, .rhost = A, .while_typing = other_session_logs_in};

	strcpy(next, scene_code("daemon", scene_now + 30));
	assert_int_equal(PAM_SUCCESS, scene_talk(&scene, "daemon", &talk));
}

static void two_sessions_at_their_prompts_share_one_code_s_one_use(void **unused)
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

static void who_is_revoked_while_typing_is_refused(void **unused)
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

static void whose_record_is_replaced_while_typing_is_let_in(void **unused)
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

static void the_time_that_counts_is_that_of_the_answer(void **unused)
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
		in_a_scene(a_code_lets_in_once),
		in_a_scene(an_older_code_is_of_no_use_after_a_newer_one),
		in_a_scene(used_codes_entered_again_in_turn_teach_nothing),
		in_a_scene(wrong_codes_from_one_place_do_not_lock_out_a_known_one),
		in_a_scene(wrong_codes_from_afar_do_not_lock_out_a_known_terminal),
		in_a_scene(a_refused_try_does_not_move_the_release),
		in_a_scene(a_clock_set_back_neither_shortens_nor_lengthens_a_wait),
		in_a_scene(a_clock_set_back_before_the_last_login_refuses_and_says_how_to_repair),
		in_a_scene(sources_are_told_as_they_are_counted),
		in_a_scene(a_session_at_its_prompt_is_not_disturbed_by_another_one),
		in_a_scene(two_sessions_at_their_prompts_share_one_code_s_one_use),
		in_a_scene(who_is_revoked_while_typing_is_refused),
		in_a_scene(whose_record_is_replaced_while_typing_is_let_in),
		in_a_scene(the_time_that_counts_is_that_of_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
