/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `password`: where the code comes from, and what the next module finds as the password. The stack
 * is: a module that sets a password (or none), ours, a module that shows what it finds; all are
 * required, so each of them runs whatever the one before it returned.
 */
#include "module.h"

#define JUNK "\b\n\r\177INCORRECT"

enum who { ENROLLED, ENROLLED_EXEMPT, TRUSTED, REMEMBERED, OPTIONAL, MUST };

static const char *const who_arguments[] = {
	[ENROLLED] = "",
	[ENROLLED_EXEMPT] = "exempt=daemon",
	[TRUSTED] = "trusted_networks=192.0.2.0/24",
	[REMEMBERED] = "remember=1h",
	[OPTIONAL] = "enforce=optional",
	[MUST] = "",
};

static void make_stack(const char *first, const char *mode, const char *more)
{
	char text[2000], before[200] = "";

	if (first)
		snprintf(before, sizeof(before), "auth required %s authtok=%s\n", FIRST_PATH,
			 first);
	snprintf(text, sizeof(text),
		 "%sauth required %s conf=%s password=%s %s\n"
		 "auth required %s show\n",
		 before, MODULE_PATH, scene_path(&scene, "conf"), mode, more, FIRST_PATH);
	scene_write(&scene, "service/" SCENE_SERVICE, text, 0644);
}

/*
 * What a test's answer is made of: "R" the correct code, "U" one used before, "W" a wrong one, "J"
 * sshd's filler, anything else itself.
 */
static const char *spell(const char *pattern, const char *user)
{
	static char text[200];

	text[0] = '\0';
	for (; *pattern; pattern++) {
		size_t len = strlen(text);
		char literal[2] = {*pattern, '\0'};
		const char *part = *pattern == 'R'   ? scene_code(user, scene_now)
				   : *pattern == 'U' ? scene_code(user, scene_now - SCENE_STEP)
				   : *pattern == 'W' ? scene_wrong_code(user, scene_now)
				   : *pattern == 'J' ? JUNK
						     : literal;

		snprintf(text + len, sizeof(text) - len, "%s", part);
	}
	return text;
}

struct row {
	const char *mode;
	enum who who;
	const char *first;  /* what an earlier module left; NULL: nothing */
	const char *answer; /* to our question; NULL: there must be no question */
	int code;           /* of the whole stack */
	const char *next;   /* the password that the next module finds; "-": none */
	unsigned failures;
	const char *reason; /* in the last line of the log */
};

#define OK   PAM_SUCCESS
#define DENY PAM_AUTH_ERR

static const struct row rows[] = {
	/* a question of our own */
	{"none", ENROLLED, NULL, "R", OK, "-", 0, "reason=code"},
	{"none", ENROLLED, "pw", "R", OK, "pw", 0, "reason=code"},
	{"none", ENROLLED, "pw", "W", DENY, "pw", 1, "reason=wrong_code"},
	{"none", ENROLLED, "pw", "U", DENY, "pw", 0, "reason=used_code"},
	{"none", ENROLLED, "pw", "pw", DENY, "pw", 0, "reason=password"},
	{"none", ENROLLED, "pw", "J", DENY, "pw", 0, "reason=junk"},
	{"none", ENROLLED, "pw", "", DENY, "pw", 0, "reason=no_answer"},
	{"none", ENROLLED_EXEMPT, "pw", NULL, OK, "pw", 0, "reason=exempt"},
	{"none", TRUSTED, "pw", NULL, OK, "pw", 0, "reason=trusted_network"},
	{"none", REMEMBERED, "pw", NULL, OK, "pw", 0, "reason=remembered"},
	{"none", OPTIONAL, "pw", NULL, OK, "pw", 0, "reason=not_required"},
	{"none", MUST, "pw", "123456", DENY, "pw", 0, "reason=not_enrolled"},

	/* the code that an earlier module asked for, or else a question */
	{"try_first_pass", ENROLLED, "R", NULL, OK, "R", 0, "reason=code"},
	{"try_first_pass", ENROLLED, NULL, "R", OK, "-", 0, "reason=code"},
	{"try_first_pass", ENROLLED, "pw", "R", OK, "pw", 0, "reason=code"},
	{"try_first_pass", ENROLLED, "pw", "W", DENY, "pw", 1, "reason=wrong_code"},
	{"try_first_pass", ENROLLED, "W", "R", OK, "W", 0, "reason=code"},
	{"try_first_pass", ENROLLED, "U", "R", OK, "U", 0, "reason=code"},
	{"try_first_pass", ENROLLED, "W", "", DENY, "W", 1, "reason=no_answer"},
	{"try_first_pass", ENROLLED, "W", "W", DENY, "W", 1, "reason=password"},
	{"try_first_pass", ENROLLED, "pw", "pw", DENY, "pw", 0, "reason=password"},
	{"try_first_pass", ENROLLED_EXEMPT, "R", NULL, OK, "R", 0, "reason=exempt"},
	{"try_first_pass", TRUSTED, "pw", NULL, OK, "pw", 0, "reason=trusted_network"},
	{"try_first_pass", REMEMBERED, "pw", NULL, OK, "pw", 0, "reason=remembered"},
	{"try_first_pass", OPTIONAL, "pw", NULL, OK, "pw", 0, "reason=not_required"},
	{"try_first_pass", MUST, "123456", "123456", DENY, "123456", 0, "reason=not_enrolled"},

	/* only the code that an earlier module asked for */
	{"use_first_pass", ENROLLED, "R", NULL, OK, "R", 0, "reason=code"},
	{"use_first_pass", ENROLLED, "W", NULL, DENY, "W", 1, "reason=wrong_code"},
	{"use_first_pass", ENROLLED, "U", NULL, DENY, "U", 0, "reason=used_code"},
	{"use_first_pass", ENROLLED, "pw", NULL, DENY, "pw", 0, "reason=not_a_code"},
	{"use_first_pass", ENROLLED, NULL, NULL, DENY, "-", 0, "reason=no_answer"},
	{"use_first_pass", ENROLLED, "pwR", NULL, DENY, "pwR", 0, "reason=not_a_code"},
	{"use_first_pass", ENROLLED_EXEMPT, "pw", NULL, OK, "pw", 0, "reason=exempt"},
	{"use_first_pass", REMEMBERED, "pw", NULL, OK, "pw", 0, "reason=remembered"},
	{"use_first_pass", MUST, "123456", NULL, DENY, "123456", 0, "reason=not_enrolled"},

	/* one answer that holds both */
	{"combined", ENROLLED, NULL, "pwR", OK, "pw", 0, "reason=code"},
	{"combined", ENROLLED, "pwR", NULL, OK, "pw", 0, "reason=code"},
	{"combined", ENROLLED, NULL, "pw12R", OK, "pw12", 0, "reason=code"},
	{"combined", ENROLLED, NULL, "pwW", DENY, "pw", 1, "reason=wrong_code"},
	{"combined", ENROLLED, NULL, "pwU", DENY, "pw", 0, "reason=used_code"},
	{"combined", ENROLLED, NULL, "pw", DENY, "-", 0, "reason=not_a_code"},
	{"combined", ENROLLED, NULL, "pw12345", DENY, "-", 0, "reason=not_a_code"},
	{"combined", ENROLLED, NULL, "R", DENY, "-", 0, "reason=not_a_code"},
	{"combined", ENROLLED, NULL, "1", DENY, "-", 0, "reason=not_a_code"},
	{"combined", ENROLLED, NULL, "", DENY, "-", 0, "reason=no_answer"},
	{"combined", ENROLLED, NULL, "J", DENY, "-", 0, "reason=junk"},
	{"combined", ENROLLED, "pw", NULL, DENY, "pw", 0, "reason=not_a_code"},
	/* users who need no code may leave it out; it is split off all the same */
	{"combined", ENROLLED_EXEMPT, NULL, "pwR", OK, "pw", 0, "reason=exempt"},
	{"combined", ENROLLED_EXEMPT, NULL, "pwW", OK, "pw", 0, "reason=exempt"},
	{"combined", ENROLLED_EXEMPT, NULL, "pw", OK, "pw", 0, "reason=exempt"},
	{"combined", TRUSTED, NULL, "pwR", OK, "pw", 0, "reason=trusted_network"},
	{"combined", TRUSTED, "pwR", NULL, OK, "pw", 0, "reason=trusted_network"},
	{"combined", TRUSTED, NULL, "pw", OK, "pw", 0, "reason=trusted_network"},
	{"combined", REMEMBERED, NULL, "pwR", OK, "pw", 0, "reason=remembered"},
	{"combined", REMEMBERED, NULL, "pw", OK, "pw", 0, "reason=remembered"},
	/* users without a record have no code: the whole answer is the password */
	{"combined", OPTIONAL, NULL, "pw123456", OK, "pw123456", 0, "reason=not_required"},
	{"combined", OPTIONAL, NULL, "pw", OK, "pw", 0, "reason=not_required"},
	{"combined", MUST, NULL, "pw123456", DENY, "pw123456", 0, "reason=not_enrolled"},
};

static const char *user_of(const struct row *row)
{
	return row->who == OPTIONAL || row->who == MUST ? "bin" : "daemon";
}

static void play(const struct row *row, size_t index)
{
	char first[200], answer[200], heard[300];
	const char *user = user_of(row);
	struct talk talk = {.rhost = A};
	int code;

	scene_now += 3600;
	scene_service(&scene, "", "");
	if (user[0] == 'd') /* clears the count of failures, and uses the step before */
		assert_int_equal(
			PAM_SUCCESS,
			scene_login(&scene, user, A, scene_code(user, scene_now - SCENE_STEP)));
	snprintf(first, sizeof(first), "%s", row->first ? spell(row->first, user) : "");
	make_stack(row->first ? first : NULL, row->mode, who_arguments[row->who]);
	snprintf(answer, sizeof(answer), "%s", row->answer ? spell(row->answer, user) : "never");
	scene_log_clear();
	talk.answer = answer;
	code = scene_talk(&scene, user, &talk);
	if (code != row->code)
		fail_msg("row %zu: PAM said %d, expected %d; heard %s log %s", index, code,
			 row->code, talk.heard, scene_log);
	if (!strchr(talk.heard, '?') != !row->answer)
		fail_msg("row %zu: heard %s", index, talk.heard);
	snprintf(heard, sizeof(heard), ":authtok=%s\n", spell(row->next, user));
	if (!strstr(talk.heard, heard))
		fail_msg("row %zu: expected %s in %s", index, heard, talk.heard);
	assert_logged(row->reason);
	if (user[0] == 'd' && code != PAM_SUCCESS)
		assert_int_equal(row->failures, scene_failures(&scene, user));
	assert_lacks(scene_log, "pw");
	assert_lacks(scene_log, scene_code(user, scene_now));
}

static void the_code_comes_from_the_configured_place_and_the_password_is_passed_on(void **unused)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		play(&rows[i], i);
}

static void a_recovery_code_follows_the_password_with_its_dashes(void **unused)
{
	char codes[SCENE_RECOVERY][RECOVERY_SHOWN_MAX], answer[60];
	struct talk talk = {.answer = answer, .rhost = A};

	scene_recovery(&scene, "daemon", codes);
	snprintf(answer, sizeof(answer), "secret%s", codes[0]);
	make_stack(NULL, "combined", "");
	assert_int_equal(PAM_SUCCESS, scene_talk(&scene, "daemon", &talk));
	assert_holds(talk.heard, ":authtok=secret\n");
	assert_logged("reason=recovery_code");
	assert_lacks(scene_log, codes[0]);
}

static void the_combined_prompt_asks_for_both_unless_the_policy_sets_one(void **unused)
{
	struct talk talk = {.answer = "pw"};

	make_stack(NULL, "combined", "");
	scene_talk(&scene, "daemon", &talk);
	assert_holds(talk.heard, "?Password and verification code: \n");
	talk = (struct talk){.answer = "pw"};
	make_stack(NULL, "combined", "[prompt=Both: ]");
	scene_talk(&scene, "daemon", &talk);
	assert_holds(talk.heard, "?Both: \n");
}

static void a_throttled_first_pass_login_is_not_asked_again(void **unused)
{
	struct talk talk = {.answer = "never", .rhost = A};

	make_stack(NULL, "none", "");
	for (int i = 0; i < 5; i++)
		assert_int_equal(PAM_AUTH_ERR, wrong(A));
	make_stack(scene_code("daemon", scene_now), "try_first_pass", "");
	assert_int_equal(PAM_MAXTRIES, scene_talk(&scene, "daemon", &talk));
	assert_lacks(talk.heard, "?");
}

static void an_exempt_user_s_combined_password_needs_no_store(void **unused)
{
	struct talk talk = {.answer = "pw123456"};

	make_stack(NULL, "combined", "exempt=daemon");
	assert_int_equal(0, unlink(scene_path(&scene, "store/STORE")));
	assert_int_equal(PAM_SUCCESS, scene_talk(&scene, "daemon", &talk));
	assert_holds(talk.heard, ":authtok=pw123456\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(the_code_comes_from_the_configured_place_and_the_password_is_passed_on),
		in_a_scene(a_recovery_code_follows_the_password_with_its_dashes),
		in_a_scene(the_combined_prompt_asks_for_both_unless_the_policy_sets_one),
		in_a_scene(a_throttled_first_pass_login_is_not_asked_again),
		in_a_scene(an_exempt_user_s_combined_password_needs_no_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
