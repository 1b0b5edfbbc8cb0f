/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program between the module and the user may break the protocol, and not every answer is a
 * code.
 */
#include "module.h"

#include <stdlib.h>

#define JUNK "\b\n\r\177INCORRECT"

/* Denied without being counted: an answer that cannot be a code guesses nothing. */
static void assert_uncounted(struct talk *talk, const char *reason)
{
	scene_log_clear();
	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", talk));
	assert_logged("outcome=deny");
	assert_logged(reason);
	assert_int_equal(0, scene_failures(&scene, "daemon"));
}

static void a_program_that_cannot_ask_is_denied(void **unused)
{
	static const enum talk_fault faults[] = {TALK_NO_FUNCTION, TALK_CONV_ERR, TALK_CONV_AGAIN,
						 TALK_NO_ARRAY, TALK_NO_STRING};

	for (size_t i = 0; i < COUNT(faults); i++) {
		struct talk talk = {.answer = scene_code("daemon", scene_now), .fault = faults[i]};

		assert_uncounted(&talk, "reason=no_answer");
	}
	assert_int_equal(PAM_SUCCESS, right(A));
}

static int log_in(struct talk *talk, int flags)
{
	scene_now += 30;
	*talk = (struct talk){
		.answer = scene_code("daemon", scene_now), .rhost = A, .flags = flags};
	return scene_talk(&scene, "daemon", talk);
}

static void a_change_by_self_service_is_reported_once_to_a_user_who_sees_text(void **unused)
{
	struct talk talk;

	scene_notice(&scene, "daemon", 1);
	assert_int_equal(PAM_SUCCESS, log_in(&talk, PAM_SILENT));
	assert_lacks(talk.heard, "A device was added");
	assert_int_equal(PAM_SUCCESS, log_in(&talk, 0));
	assert_non_null(strstr(talk.heard,
			       ":A device was added on 2023-11-14 22:13 UTC on this host.\n"
			       "If it was not you, tell your administrator.\n"));
	assert_int_equal(PAM_SUCCESS, log_in(&talk, 0));
	assert_lacks(talk.heard, "A device was added");
	scene_notice(&scene, "daemon", 2);
	assert_int_equal(PAM_SUCCESS, log_in(&talk, 0));
	assert_non_null(strstr(talk.heard, ":2 devices were added, the last time on "));
}

static void an_empty_answer_is_denied(void **unused)
{
	struct talk talk = {.answer = ""};

	assert_uncounted(&talk, "reason=no_answer");
}

static void an_answer_that_is_not_a_code_is_denied(void **unused)
{
	static const char *const answers[] = {
		"12345",
		"123456789",
		"abcdef",
		"12345a",
		" ",
		"-",
		"1234567890123456",
		"123456\n",
		"\xef\xbc\x91\xef\xbc\x92",
		"+123456",
		"0x1234",
		"%n%n%n%n",
	};

	for (size_t i = 0; i < COUNT(answers); i++) {
		struct talk talk = {.answer = answers[i]};

		assert_uncounted(&talk, "reason=not_a_code");
	}
}

static void a_long_answer_is_denied(void **unused)
{
	static const size_t lengths[] = {511, 512, 513, 600, 70000};

	for (size_t i = 0; i < COUNT(lengths); i++) {
		char *answer = malloc(lengths[i] + 1);
		struct talk talk = {.answer = answer};

		assert_non_null(answer);
		/* the correct code, and more characters than an answer may have */
		memset(answer, ' ', lengths[i]);
		memcpy(answer, scene_code("daemon", scene_now), 6);
		answer[lengths[i] - 1] = 'x';
		answer[lengths[i]] = '\0';
		assert_uncounted(&talk, "reason=not_a_code");
		free(answer);
	}
}

static void spaces_and_dashes_in_a_code_do_not_count(void **unused)
{
	static const char *const shapes[] = {"%.3s %.3s", " %.3s-%.3s ", "%.3s - %.3s",
					     "%.3s%.3s  "};
	char answer[32];

	for (size_t i = 0; i < COUNT(shapes); i++) {
		const char *code = scene_code("daemon", scene_now);
		size_t at = 0;
		int half = 0;

		for (const char *c = shapes[i]; *c; c++) {
			if (*c != '%') {
				answer[at++] = *c;
				continue;
			}
			memcpy(answer + at, code + 3 * half++, 3);
			at += 3;
			c += 3;
		}
		answer[at] = '\0';
		assert_int_equal(PAM_SUCCESS, scene_login(&scene, "daemon", A, answer));
		scene_now += 60;
	}
}

static void sshd_s_filler_is_denied_and_logged_as_what_it_is(void **unused)
{
	struct talk talk = {.answer = JUNK};

	assert_uncounted(&talk, "reason=junk");
	assert_logged("PermitRootLogin");
	talk = (struct talk){.answer = JUNK JUNK "\b\n\r"};
	assert_uncounted(&talk, "reason=junk");
	talk = (struct talk){.answer = "\b\n\r\177INCO"};
	assert_uncounted(&talk, "reason=junk");
}

static void a_password_instead_of_a_code_is_denied_and_logged_as_what_it_is(void **unused)
{
	char before[512];
	struct talk talk = {.answer = "correct-horse"};

	snprintf(before, sizeof(before), "auth required %s authtok=correct-horse\n", FIRST_PATH);
	scene_service(&scene, before, "");
	assert_uncounted(&talk, "reason=password");
	assert_logged("KbdInteractiveAuthentication");
	assert_lacks(scene_log, "correct-horse");
	assert_int_equal(PAM_SUCCESS, right(A));
}

static void a_correct_code_that_is_also_the_password_is_denied(void **unused)
{
	const char *code = scene_code("daemon", scene_now);
	char before[512];
	struct talk talk = {.answer = code};

	snprintf(before, sizeof(before), "auth required %s authtok=%s\n", FIRST_PATH, code);
	scene_service(&scene, before, "");
	assert_uncounted(&talk, "reason=password");
}

static void an_answer_to_a_message_changes_nothing(void **unused)
{
	struct talk talk = {.answer = scene_wrong_code("daemon", scene_now),
			    .fault = TALK_ANSWERS_TEXTS};

	assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, "daemon", &talk));
	assert_string_equal(REFUSED, talk.heard);
	assert_int_equal(1, scene_failures(&scene, "daemon"));
}

static void a_program_that_cannot_ask_learns_nothing_about_other_users(void **unused)
{
	static const char *const users[] = {"daemon", "bin", "no-such-user"};

	for (size_t i = 0; i < COUNT(users); i++) {
		struct talk talk = {.fault = TALK_NO_ARRAY};

		assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, users[i], &talk));
		assert_string_equal(REFUSED, talk.heard);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(a_program_that_cannot_ask_is_denied),
		in_a_scene(a_change_by_self_service_is_reported_once_to_a_user_who_sees_text),
		in_a_scene(an_empty_answer_is_denied),
		in_a_scene(an_answer_that_is_not_a_code_is_denied),
		in_a_scene(a_long_answer_is_denied),
		in_a_scene(spaces_and_dashes_in_a_code_do_not_count),
		in_a_scene(sshd_s_filler_is_denied_and_logged_as_what_it_is),
		in_a_scene(a_password_instead_of_a_code_is_denied_and_logged_as_what_it_is),
		in_a_scene(a_correct_code_that_is_also_the_password_is_denied),
		in_a_scene(an_answer_to_a_message_changes_nothing),
		in_a_scene(a_program_that_cannot_ask_learns_nothing_about_other_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
