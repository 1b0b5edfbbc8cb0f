/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The account stage: it enrolls the users whom the auth stage has just sent on to enroll, and
 * nobody else.
 */
#include "module.h"

#include <security/pam_appl.h>

#include <signal.h>
#include <sys/time.h>

#include "base/io.h"
#include "otp/base32.h"

/* A person who answers each question as the test says. */
struct person {
	const char *answers; /* one character for each question, the last one for all that follow:
				r the correct code, w a wrong one, a, i, n, e Enter, y, 0 cannot answer */
	void (*before_answer)(void);
	char heard[16384];
	struct secret secret; /* as it was shown */
	unsigned questions;
};

static struct person person;

static void read_secret(const char *text)
{
	static const char before[] = "Secret   ";
	const char *line = strstr(text, before);

	if (!line)
		return;
	line += sizeof(before) - 1;
	for (size_t i = 0; i < strcspn(line, "\n"); i++) /* in groups of four */
		assert_int_equal(i % 5 == 4, line[i] == ' ');
	assert_int_equal(TOTP_OK, base32_decode(line, strcspn(line, "\n"), &person.secret));
}

static const char *code_at(int64_t when)
{
	static struct code code;

	assert_int_equal(TOTP_OK, hotp_code(&(struct hotp){HMAC_SHA1, 6, &person.secret},
					    (uint64_t)when / SCENE_STEP, &code));
	return code.text;
}

static const char *wrong_code(void)
{
	static char code[7];
	unsigned number = 0;
	bool used = person.secret.len > 0; /* none is shown yet: any code is wrong */

	while (used) {
		snprintf(code, sizeof(code), "%06u", number++ % 1000000);
		used = false;
		for (int64_t t = -3700; t < 3700 && !used; t += SCENE_STEP)
			used = strcmp(code, code_at(scene_now + t)) == 0;
	}
	return code;
}

static int answer(struct pam_response *response)
{
	const char *text = "";

	if (person.before_answer)
		person.before_answer();
	person.questions++;
	switch (person.answers[0]) {
	case '0':
		return PAM_CONV_ERR;
	case 'r':
		text = code_at(scene_now);
		break;
	case 'w':
		text = wrong_code();
		break;
	case 'i':
		text = "i";
		break;
	case 'y':
		text = "y";
		break;
	case 'a':
		text = "a";
		break;
	case 'n':
		text = "n";
		break;
	default:
		break;
	}
	if (person.answers[1])
		person.answers++;
	response->resp = strdup(text);
	return PAM_SUCCESS;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
		    void *unused)
{
	int style = messages[0]->msg_style;
	bool question = style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;
	size_t len = strlen(person.heard);
	int code = PAM_SUCCESS;

	assert_int_equal(1, count);
	snprintf(person.heard + len, sizeof(person.heard) - len, "%c%s\n", question ? '?' : ':',
		 messages[0]->msg);
	read_secret(messages[0]->msg);
	*ret = calloc(1, sizeof(**ret));
	assert_non_null(*ret);
	if (question)
		code = answer(*ret);
	if (code == PAM_SUCCESS)
		return code;
	free(*ret);
	*ret = NULL;
	return code;
}

/* --- the login --- */

static const struct pam_conv conversation = {converse, NULL};

/* Both lines, as in the manual, and the other lines of account. */
static void both_lines(const char *arguments)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "auth required %s conf=%s/conf enroll_in_account\n"
		 "auth required pam_permit.so\n"
		 "account requisite %s conf=%s/conf %s\n"
		 "account required pam_permit.so\n",
		 MODULE_PATH, scene.dir, MODULE_PATH, scene.dir, arguments);
	scene_write(&scene, "service/" SCENE_SERVICE, text, 0644);
}

static pam_handle_t *begin(const char *user, const char *answers)
{
	pam_handle_t *handle = NULL;

	person = (struct person){.answers = answers};
	assert_int_equal(PAM_SUCCESS, pam_start_confdir(SCENE_SERVICE, user, &conversation,
							scene_path(&scene, "service"), &handle));
	return handle;
}

static int account(pam_handle_t *handle)
{
	int code = pam_acct_mgmt(handle, 0);

	pam_end(handle, code);
	return code;
}

/* Authenticate, which sends the user on, and then account. */
static int log_in(const char *user, const char *answers)
{
	pam_handle_t *handle = begin(user, answers);

	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	return account(handle);
}

static bool is_enrolled(const char *user)
{
	return access(scene_record(&scene, user), F_OK) == 0;
}

static int begin_scene(void **state)
{
	setup(state);
	scene_policy(&scene, "enroll = login\n");
	both_lines("enroll_in_account");
	return 0;
}

#define enrolling(test) cmocka_unit_test_setup_teardown(test, begin_scene, teardown)

/* --- which users are enrolled --- */

static void a_user_who_must_enrolls_with_a_correct_code_and_needs_the_next_one_later(void **unused)
{
	assert_int_equal(PAM_SUCCESS, log_in("bin", "r"));
	assert_true(is_enrolled("bin"));
	assert_holds(person.heard, "Recovery codes of bin");
	assert_logged("user=bin service=scene source=service:scene outcome=enrolled reason=login");

	/* used: the login state holds it already */
	assert_int_equal(PAM_AUTH_ERR, scene_login(&scene, "bin", NULL, code_at(scene_now)));
	scene_now += SCENE_STEP;
	assert_int_equal(PAM_SUCCESS, scene_login(&scene, "bin", NULL, code_at(scene_now)));
}

static void a_question_after_the_recovery_codes_comes_last_and_its_answer_does_not_matter(
	void **unused)
{
	static const char question[] = "?Press Enter when you have written these down: \n";

	assert_int_equal(PAM_SUCCESS, log_in("bin", "r0"));
	assert_true(is_enrolled("bin"));
	assert_holds(person.heard, "Recovery codes of bin");
	assert_string_equal(question, person.heard + strlen(person.heard) - (sizeof(question) - 1));
}

static void a_user_who_did_not_just_authenticate_is_asked_nothing(void **unused)
{
	static const char *const users[] = {"bin", "daemon", "root", "nosuchuser"};

	for (size_t i = 0; i < COUNT(users); i++) {
		assert_int_equal(PAM_SUCCESS, account(begin(users[i], "r")));
		assert_string_equal("", person.heard);
		assert_string_equal("", scene_log);
	}
}

static void a_user_who_gave_a_code_is_asked_nothing_more(void **unused)
{
	pam_handle_t *handle = begin("daemon", "r");

	person.secret = scene_secret("daemon");
	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	assert_int_equal(PAM_SUCCESS, account(handle));
	assert_string_equal(QUESTION, person.heard);
}

static void a_second_authentication_replaces_the_mark_of_the_first(void **unused)
{
	pam_handle_t *handle = begin("bin", "r");

	scene_policy(&scene, "enroll = login\nexempt = nobody\n");
	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	assert_int_equal(PAM_SUCCESS, pam_set_item(handle, PAM_USER, "nobody"));
	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	assert_int_equal(PAM_SUCCESS, pam_set_item(handle, PAM_USER, "bin"));
	assert_int_equal(PAM_SUCCESS, account(handle));
	assert_string_equal("", person.heard);
	assert_false(is_enrolled("bin"));
}

/* One line sends on the users who must enroll; the line after it asks them nothing. */
static void another_line_of_the_module_keeps_the_mark(void **unused)
{
	static const char *const others[] = {"other", "conf if_publickey",
					     "other enroll_in_account"};
	char conf[2048], text[2048];

	snprintf(conf, sizeof(conf), "store_dir = %s/store\nkeyring = %s/keyring\n%s", scene.dir,
		 scene.dir, "enforce = 2099-01-01\nenroll = login\n");
	scene_write(&scene, "other", conf, 0644);
	for (size_t i = 0; i < COUNT(others); i++) {
		snprintf(text, sizeof(text),
			 "auth required %s conf=%s/conf enroll_in_account\n"
			 "auth [default=ignore] %s conf=%s/%s\n"
			 "auth required pam_permit.so\n"
			 "account requisite %s conf=%s/conf enroll_in_account\n"
			 "account required pam_permit.so\n",
			 MODULE_PATH, scene.dir, MODULE_PATH, scene.dir, others[i], MODULE_PATH,
			 scene.dir);
		scene_write(&scene, "service/" SCENE_SERVICE, text, 0644);
		assert_int_equal(PAM_PERM_DENIED, log_in("bin", "0"));
		assert_false(is_enrolled("bin"));
	}
	assert_int_equal(PAM_SUCCESS, log_in("bin", "r"));
	assert_true(is_enrolled("bin"));
}

/* As where a service has an account line of its own and includes another one. */
static void a_second_account_line_does_nothing(void **unused)
{
	static const struct {
		const char *policy, *user, *answers;
		unsigned questions;
	} logins[] = {{"enroll = login\n", "bin", "r", 2},
		      {"enforce = 2099-01-01\nenroll = login\n", "nobody", "e", 1}};
	char text[2048];

	snprintf(text, sizeof(text),
		 "auth required %s conf=%s/conf enroll_in_account\n"
		 "auth required pam_permit.so\n"
		 "account requisite %s conf=%s/conf enroll_in_account\n"
		 "account requisite %s conf=%s/conf enroll_in_account\n"
		 "account required pam_permit.so\n",
		 MODULE_PATH, scene.dir, MODULE_PATH, scene.dir, MODULE_PATH, scene.dir);
	scene_write(&scene, "service/" SCENE_SERVICE, text, 0644);
	for (size_t i = 0; i < COUNT(logins); i++) {
		scene_policy(&scene, logins[i].policy);
		assert_int_equal(PAM_SUCCESS, log_in(logins[i].user, logins[i].answers));
		assert_int_equal(logins[i].questions, person.questions);
	}
	assert_true(is_enrolled("bin"));
}

static void a_user_name_that_the_program_changes_in_between_is_denied(void **unused)
{
	static const char *const users[] = {"nobody", "daemon", "nosuchuser", ""};

	for (size_t i = 0; i < COUNT(users); i++) {
		pam_handle_t *handle = begin("bin", "r");

		assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
		assert_int_equal(PAM_SUCCESS, pam_set_item(handle, PAM_USER, users[i]));
		scene_log_clear();
		assert_int_equal(PAM_AUTHINFO_UNAVAIL, account(handle));
		assert_logged("the program changed the user after the auth stage");
		assert_holds(person.heard, "not possible right now");
		assert_false(is_enrolled("bin") || is_enrolled("nobody"));
	}
}

/* --- what does not enroll --- */

static void nothing_is_stored_without_a_correct_code(void **unused)
{
	static const struct {
		const char *answers;
		unsigned questions;
	} rows[] = {{"w", 3}, {"we", 2}, {"e", 1}, {"0", 1}, {"w0", 2}, {"i0", 2}, {"iwiwiw", 6}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		scene_log_clear();
		assert_int_equal(PAM_PERM_DENIED, log_in("bin", rows[i].answers));
		assert_int_equal(rows[i].questions, person.questions);
		assert_holds(person.heard, "Nothing was stored.");
		assert_logged("outcome=deny reason=not_enrolled");
		assert_false(is_enrolled("bin"));
	}
}

static void the_picture_cannot_be_swapped_without_end(void **unused)
{
	assert_int_equal(PAM_PERM_DENIED, log_in("bin", "i"));
	assert_in_range(person.questions, 2, 20);
}

/* How often this was heard. */
static unsigned heard_times(const char *words)
{
	unsigned count = 0;

	for (const char *at = person.heard; (at = strstr(at, words)); at++)
		count++;
	return count;
}

static void a_picture_of_plain_characters_or_none_can_be_chosen(void **unused)
{
	static const char plain[] = "####", question[] = "(picture: i inverted";

	assert_int_equal(PAM_PERM_DENIED, log_in("bin", "0"));
	assert_lacks(person.heard, plain);
	assert_int_equal(PAM_PERM_DENIED, log_in("bin", "a0"));
	assert_holds(person.heard, plain);
	/* without one, the letter is no answer to anything: a wrong code */
	assert_int_equal(PAM_PERM_DENIED, log_in("bin", "nn0"));
	assert_lacks(person.heard, plain);
	assert_int_equal(1, heard_times(question));
	assert_int_equal(3, person.questions);
	/* nor is any other letter, with one */
	assert_int_equal(PAM_PERM_DENIED, log_in("bin", "y0"));
	assert_int_equal(2, heard_times(question));
	assert_int_equal(1, heard_times("Secret   "));
}

static void lose_the_keyring(void)
{
	assert_int_equal(0, unlink(scene_path(&scene, "keyring")));
}

static void a_store_that_fails_at_the_end_denies(void **unused)
{
	pam_handle_t *handle = begin("bin", "r");

	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	person.before_answer = lose_the_keyring;
	assert_int_equal(PAM_AUTHINFO_UNAVAIL, account(handle));
	assert_logged("outcome=error reason=enrollment");
	assert_logged("no keyring");
	assert_holds(person.heard, "not possible right now");
	assert_lacks(person.heard, "Recovery codes");
	assert_false(is_enrolled("bin"));
}

static void enroll_elsewhere(void)
{
	scene_enroll(&scene, "bin");
}

static void a_user_who_was_enrolled_meanwhile_is_denied(void **unused)
{
	pam_handle_t *handle = begin("bin", "r");

	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	person.before_answer = enroll_elsewhere;
	assert_int_equal(PAM_PERM_DENIED, account(handle));
	assert_holds(person.heard, "enrolled a moment ago in another login");
	assert_lacks(person.heard, "Recovery codes");
	assert_int_equal(PAM_SUCCESS,
			 scene_login(&scene, "bin", NULL, scene_code("bin", scene_now)));
}

static void a_user_who_was_enrolled_between_the_stages_is_asked_nothing(void **unused)
{
	pam_handle_t *handle = begin("bin", "r");

	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	scene_enroll(&scene, "bin");
	assert_int_equal(PAM_PERM_DENIED, account(handle));
	assert_int_equal(0, person.questions);
}

/* --- the lines --- */

static void an_account_line_with_another_policy_denies(void **unused)
{
	char arguments[200];

	both_lines("");
	assert_int_equal(PAM_PERM_DENIED, log_in("bin", "r"));
	assert_logged("uses another policy than the auth line");
	assert_int_equal(0, person.questions);

	both_lines("enroll_in_account nullok");
	assert_int_equal(PAM_SERVICE_ERR, log_in("bin", "r"));
	assert_false(is_enrolled("bin"));

	snprintf(arguments, sizeof(arguments), "enroll_in_account conf=%s/none", scene.dir);
	both_lines(arguments); /* conf twice */
	assert_int_equal(PAM_SERVICE_ERR, log_in("bin", "r"));
}

static void where_nothing_can_be_shown_no_user_is_sent_on_to_enroll(void **unused)
{
	pam_handle_t *handle = begin("bin", "e");

	assert_int_equal(PAM_AUTH_ERR, pam_authenticate(handle, PAM_SILENT));
	pam_end(handle, PAM_AUTH_ERR);
	assert_string_equal("?Verification code: \n", person.heard);
	assert_logged("run totp-enroll --user");
}

/* What a program that ends the login after this time shows: it has set a timer. */
static const char *shown_with(time_t seconds)
{
	const struct itimerval timer = {.it_value = {seconds, 990000}}, none = {.it_value = {0}};

	assert_int_equal(0, setitimer(ITIMER_REAL, &timer, NULL));
	assert_int_equal(PAM_PERM_DENIED, log_in("bin", "0"));
	assert_int_equal(0, setitimer(ITIMER_REAL, &none, NULL));
	return person.heard;
}

static void users_are_told_how_much_time_they_have_and_whether_it_is_short(void **unused)
{
	static const char short_time[] = "If you have no such app yet";
	bool seen = false;

	for (unsigned i = 0; i < 20 && !seen; i++) /* a slow machine may take a second */
		seen = strstr(shown_with(119), "You have 119 seconds for it.\nIf you have no ");
	assert_true(seen);
	assert_holds(shown_with(140), "You have 2 minutes for it.\nIf you have no such app yet");
	assert_holds(shown_with(230), "You have 3 minutes for it.");
	assert_lacks(person.heard, short_time);
	assert_logged("the program ends the login in 2");
}

static void before_another_try_users_are_told_that_little_time_is_left(void **unused)
{
	const struct itimerval timer = {.it_value = {50, 0}}, none = {.it_value = {0}};

	assert_int_equal(0, setitimer(ITIMER_REAL, &timer, NULL));
	assert_int_equal(PAM_PERM_DENIED, log_in("bin", "we"));
	assert_int_equal(0, setitimer(ITIMER_REAL, &none, NULL));
	assert_holds(person.heard, " seconds are left.\n");
	assert_int_equal(PAM_PERM_DENIED, log_in("bin", "we"));
	assert_lacks(person.heard, "seconds are left");
}

static void an_unconfirmed_enrollment_is_named_at_each_login(void **unused)
{
	scene_policy(&scene, "enforce = 2023-12-01\n");
	scene_enroll_pending(&scene, "bin");
	assert_int_equal(PAM_SUCCESS, log_in("bin", "0"));
	assert_holds(person.heard, "totp-enroll test");
	assert_holds(person.heard, "From 2023-12-01 on a login needs a code.");
	scene_policy(&scene, "enforce = optional\n");
	assert_int_equal(PAM_SUCCESS, log_in("bin", "0"));
	assert_holds(person.heard, "totp-enroll test");
	assert_lacks(person.heard, "on a login needs a code");
	assert_int_equal(0, person.questions);
}

static void after_the_last_day_the_log_names_invitations(void **unused)
{
	pam_handle_t *handle;

	scene_policy(&scene, "enroll = login\nenforce = 2023-11-01\nenroll_until = 2023-11-10\n");
	handle = begin("bin", "w");
	assert_int_equal(PAM_AUTH_ERR, pam_authenticate(handle, 0));
	pam_end(handle, PAM_AUTH_ERR);
	assert_logged("reason=not_enrolled");
	assert_logged("run totpctl invite");
}

/* --- before the date --- */

static void an_offer_that_is_declined_or_given_up_changes_nothing(void **unused)
{
	static const char *const answers[] = {"e", "w", "0", "ye", "yw", "y0"};

	scene_policy(&scene, "enroll = login\nenforce = 2023-11-20\n"); /* in six days */
	for (size_t i = 0; i < COUNT(answers); i++) {
		assert_int_equal(PAM_SUCCESS, log_in("bin", answers[i]));
		assert_holds(person.heard,
			     ":From 2023-11-20 on, in 6 days, a login needs a code.\n");
		assert_false(is_enrolled("bin"));
	}
	assert_int_equal(PAM_SUCCESS, log_in("bin", "yr"));
	assert_true(is_enrolled("bin"));
}

static void without_a_date_nothing_is_shown(void **unused)
{
	scene_policy(&scene, "enroll = login\nenforce = optional\n");
	assert_int_equal(PAM_SUCCESS, log_in("bin", "r"));
	assert_string_equal("", person.heard);
}

static void exempt_users_and_silent_programs_see_nothing(void **unused)
{
	pam_handle_t *handle;

	scene_policy(&scene, "enroll = login\nenforce = 2023-11-20\nexempt = bin\n");
	assert_int_equal(PAM_SUCCESS, log_in("bin", "r"));
	assert_string_equal("", person.heard);
	scene_policy(&scene, "enroll = login\nenforce = 2023-11-20\n");
	handle = begin("bin", "r");
	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	assert_int_equal(PAM_SUCCESS, pam_acct_mgmt(handle, PAM_SILENT));
	pam_end(handle, PAM_SUCCESS);
	assert_string_equal("", person.heard);
}

/* --- what a login leaves behind --- */

/*
 * The maps of a login and of an enrollment: the library for pictures is loaded for a picture only.
 */
static bool maps_hold(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];
	bool found = false;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		found |= strstr(line, name) != NULL;
	fclose(maps);
	return found;
}

static bool mapped_at_question;

static void note_maps(void)
{
	mapped_at_question |= maps_hold("libqrencode");
}

static void without_a_picture_no_library_for_pictures_is_loaded(void **unused)
{
	pam_handle_t *handle = begin("daemon", "r");

	mapped_at_question = false;
	person.secret = scene_secret("daemon");
	person.before_answer = note_maps;
	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	assert_false(maps_hold("libqrencode"));
	assert_int_equal(PAM_SUCCESS, account(handle));

	scene_policy(&scene, "enroll = login\nenroll_qr = none\n");
	handle = begin("bin", "r");
	person.before_answer = note_maps;
	assert_int_equal(PAM_SUCCESS, pam_authenticate(handle, 0));
	assert_false(maps_hold("libqrencode"));
	assert_int_equal(PAM_SUCCESS, account(handle));
	assert_false(mapped_at_question);
	assert_lacks(person.heard, "█");
}

/* Does a recovery code, such as 7K3M-9QXT-2B4W, stand here? */
static bool is_recovery_code(const char *text)
{
	return strcspn(text, "- \n") == 4 && strcspn(text + 5, "- \n") == 4 && text[4] == '-' &&
	       text[9] == '-' && strspn(text + 10, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == 4;
}

static void no_secret_and_no_code_is_logged(void **unused)
{
	char base32[BASE32_TEXT_MAX], recovery[15] = "";
	unsigned codes = 0;

	assert_int_equal(PAM_SUCCESS, log_in("bin", "wr"));
	base32_encode(&person.secret, base32);
	assert_int_equal(32, strlen(base32));
	assert_lacks(scene_log, base32);
	assert_lacks(scene_log, code_at(scene_now));
	for (const char *at = person.heard; strlen(at) >= 14; at++) {
		if (!is_recovery_code(at))
			continue;
		memcpy(recovery, at, 14);
		assert_lacks(scene_log, recovery);
		codes++;
	}
	assert_int_equal(10, codes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		enrolling(a_user_who_must_enrolls_with_a_correct_code_and_needs_the_next_one_later),
		enrolling(
			a_question_after_the_recovery_codes_comes_last_and_its_answer_does_not_matter),
		enrolling(a_user_who_did_not_just_authenticate_is_asked_nothing),
		enrolling(a_user_who_gave_a_code_is_asked_nothing_more),
		enrolling(a_second_authentication_replaces_the_mark_of_the_first),
		enrolling(another_line_of_the_module_keeps_the_mark),
		enrolling(a_second_account_line_does_nothing),
		enrolling(a_user_name_that_the_program_changes_in_between_is_denied),
		enrolling(nothing_is_stored_without_a_correct_code),
		enrolling(the_picture_cannot_be_swapped_without_end),
		enrolling(a_picture_of_plain_characters_or_none_can_be_chosen),
		enrolling(a_store_that_fails_at_the_end_denies),
		enrolling(a_user_who_was_enrolled_meanwhile_is_denied),
		enrolling(a_user_who_was_enrolled_between_the_stages_is_asked_nothing),
		enrolling(an_account_line_with_another_policy_denies),
		enrolling(where_nothing_can_be_shown_no_user_is_sent_on_to_enroll),
		enrolling(users_are_told_how_much_time_they_have_and_whether_it_is_short),
		enrolling(before_another_try_users_are_told_that_little_time_is_left),
		enrolling(an_unconfirmed_enrollment_is_named_at_each_login),
		enrolling(after_the_last_day_the_log_names_invitations),
		enrolling(an_offer_that_is_declined_or_given_up_changes_nothing),
		enrolling(without_a_date_nothing_is_shown),
		enrolling(exempt_users_and_silent_programs_see_nothing),
		enrolling(without_a_picture_no_library_for_pictures_is_loaded),
		enrolling(no_secret_and_no_code_is_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
