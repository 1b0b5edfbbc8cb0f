/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PAM entry points: gather the facts, let lib/login decide, translate once to a PAM code.
 * What a login means is in lib/login; this file only decides which answer goes where.
 *
 * Attackers: anyone who can reach a login prompt, with any user name and any answer; a program
 * that breaks the conversation protocol; a user who starts a set-uid program (su, sudo) with
 * limits, signals and environment of their choosing. So: no environment is read, no signal,
 * limit, id or working directory of the caller is changed, no lock is held while a person types,
 * and an error is never PAM_IGNORE and never PAM_SUCCESS.
 */
#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#include <security/pam_modules.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/conf.h"
#include "host/facts.h"
#include "host/sshd.h"
#include "login/attempt.h"
#include "pam/ask.h"
#include "pam/code.h"
#include "pam/enroll.h"
#include "pam/record.h"
#include "pam/say.h"

/* An error: one line that says what to do, one sentence for the person. */
static int report_error(const struct login *login, enum totp_err err, const struct reason *why)
{
	char word[ERR_WORD_MAX];

	say_report(login, LOG_ERR,
		   &(struct log_event){
			   .outcome = "error", .reason = err_word(err, word), .detail = why->text});
	say_denied(login, SAY_NOT_POSSIBLE);
	return pam_code_of(err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err, VERDICT_DENY);
}

/* --- gathering the facts --- */

static void log_complaint(void *context, const struct reason *complaint)
{
	say_report(context, LOG_ERR,
		   &(struct log_event){
			   .outcome = "error", .reason = "policy", .detail = complaint->text});
}

/* --- asking --- */

/* A user without a record was asked: the same message as after a wrong code. */
static int refuse_unenrolled(const struct login *login)
{
	bool closed = login->policy.enroll_in_account && login->policy.enroll_login &&
		      gate_is_closed(&login->policy, clock_now());

	if (login->account.known && login->facts.unfit)
		say_report(
			login, LOG_NOTICE,
			&(struct log_event){.outcome = "deny",
					    .reason = "not_enrolled",
					    .detail = "the name is too long to be enrolled, see "
						      "LIMITS in pam_totp(8): list "
						      "the user in exempt, or shorten the name"});
	else if (login->account.known)
		say_report(login, LOG_NOTICE,
			   &(struct log_event){.outcome = "deny",
					       .reason = "not_enrolled",
					       .detail = closed ? "the date of enroll_until has "
								  "passed: run totpctl invite"
								: "run totp-enroll --user"});
	else
		say_report(
			login, LOG_NOTICE,
			&(struct log_event){.outcome = "deny",
					    .reason = "unknown_user",
					    .detail = login->facts.enrolled
							      ? "there is a record of that name: "
								"the name service failed, or "
								"the account is gone"
							      : NULL});
	say_denied(login, SAY_NOT_ACCEPTED);
	return pam_code_of(TOTP_ERR_NOT_FOUND, VERDICT_DENY);
}

static int judge_answer(struct login *login, const struct answer *answer)
{
	struct outcome outcome;
	struct reason why = {""};
	enum totp_err err;

	if (!login->account.known || (!login->facts.enrolled && !login->unlooked))
		return refuse_unenrolled(login);
	err = record_try(login, answer, &outcome, &why);
	if (err == TOTP_ERR_NOT_FOUND) /* revoked while the person typed */
		return refuse_unenrolled(login);
	if (err != TOTP_OK)
		return report_error(login, err, &why);
	say_outcome(login, &outcome);
	return pam_code_of(err, outcome.verdict);
}

static int ask_and_judge(struct login *login)
{
	enum password_mode mode = login->policy.password;
	OWN_ANSWER struct answer answer;

	ask_first_pass(login, &answer);
	/* can the answer to an earlier module be a code, or is it a password? */
	if (mode == PASSWORD_USE_FIRST_PASS ||
	    (mode == PASSWORD_TRY_FIRST_PASS && login->facts.enrolled && login->account.known &&
	     (answer.kind == ANSWER_CODE || answer.kind == ANSWER_RECOVERY))) {
		int code = judge_answer(login, &answer);

		if (code != PAM_AUTH_ERR || mode == PASSWORD_USE_FIRST_PASS)
			return code;
	}
	answer_wipe(&answer);
	ask_code(login, &answer);
	return judge_answer(login, &answer);
}

/* --- one authentication --- */

/*
 * A program that shows nothing (sudo) or cannot store anything (it does not run as root) cannot
 * enroll users: they are asked for a code, and denied. They see only the prompt, which says so in
 * a process of their own user: the prompt may come before the password was checked, and a
 * stranger must not learn which users are enrolled.
 */
static enum gate_verdict verdict_of(struct login *login, enum gate_reason *ret_reason)
{
	enum gate_verdict verdict = gate(&login->policy, &login->facts, clock_now(), ret_reason);

	if (verdict != GATE_ENROLL || (!login->silent && geteuid() == 0))
		return verdict;
	login->cannot_enroll = getuid() != 0 && getuid() == login->account.uid;
	return GATE_ASK;
}

/* Not asked; with enroll_in_account the account stage may enroll the user or show a message. */
static int let_on(const struct login *login, enum gate_verdict verdict, enum gate_reason reason)
{
	enum enroll_mark mark = ENROLL_NONE;

	if (verdict == GATE_ENROLL)
		mark = ENROLL_MUST;
	else if (reason == GATE_REASON_NOT_CONFIRMED)
		mark = ENROLL_CONFIRM;
	else if (reason == GATE_REASON_NOT_REQUIRED && login->policy.enroll_in_account &&
		 gate_days_left(&login->policy, clock_now()))
		mark = ENROLL_OFFER;
	if (mark != ENROLL_NONE &&
	    !enroll_set_mark(login->pamh, login->line, mark, login->account.name))
		return report_error(login, TOTP_ERR_NOMEM,
				    &(struct reason){"no memory for a mark"});
	say_report(login, LOG_INFO,
		   &(struct log_event){.outcome = "skip", .reason = gate_reason_name(reason)});
	return PAM_IGNORE;
}

/* All is known but the answer. */
static int decide(struct login *login)
{
	bool combined = login->policy.password == PASSWORD_COMBINED;
	enum gate_reason reason = GATE_REASON_NONE;
	enum gate_verdict verdict = verdict_of(login, &reason);
	bool remembered = verdict == GATE_ASK && login->remembered;
	OWN_ANSWER struct answer answer = {.kind = ANSWER_NONE};

	/* the password in it goes on to the next module, whether a code is needed or not */
	if (combined)
		ask_combined(login, verdict == GATE_ASK && !remembered, &answer);
	if (remembered) {
		say_report(login, LOG_INFO,
			   &(struct log_event){.outcome = "allow", .reason = "remembered"});
		return pam_code_of(TOTP_OK, VERDICT_ALLOW);
	}
	if (verdict == GATE_SKIP || verdict == GATE_ENROLL)
		return let_on(login, verdict, reason);
	say_debug(login, gate_reason_name(reason));
	return combined ? judge_answer(login, &answer) : ask_and_judge(login);
}

static int authenticate_user(struct login *login, const char *typed_name)
{
	struct reason why = {""};
	bool needed;
	enum totp_err err = account_find(typed_name, &login->account, &why);

	if (err == TOTP_OK)
		err = facts_find(
			&login->policy,
			&(struct facts_subject){&login->account, typed_name, &login->address},
			&login->facts, &why);
	if (err != TOTP_OK)
		return report_error(login, err, &why);

	/*
	 * an exempt or trusted user stays so whatever the state of the store; if password and
	 * code are one answer, the record shows which users type a code
	 */
	needed = !gate_needs_no_record(&login->policy, &login->facts, clock_now());
	if (needed || login->policy.password == PASSWORD_COMBINED)
		err = record_look(login, typed_name, &why);
	if (err != TOTP_OK && needed)
		return report_error(login, err, &why);
	return decide(login);
}

/*
 * The mode that asks nothing: success if sshd has already accepted one of the methods that the
 * line names, so that a stack can skip the password.
 */
static int look_for_publickey(const struct login *login)
{
	const char *info = pam_getenv(login->pamh, "SSH_AUTH_INFO_0");

	if (!sshd_is_caller()) {
		say_report(
			login, LOG_ERR,
			&(struct log_event){.outcome = "error",
					    .reason = "policy",
					    .detail = "PAM line: if_publickey: works only in sshd: "
						      "remove the line from this service"});
		return PAM_SERVICE_ERR;
	}
	if ((sshd_accepted(info ? info : "") & login->policy.if_publickey) == 0) {
		say_debug(login, "no_publickey");
		return PAM_IGNORE;
	}
	say_report(login, LOG_INFO, &(struct log_event){.outcome = "skip", .reason = "publickey"});
	return pam_code_of(TOTP_OK, VERDICT_ALLOW);
}

/* False: the policy has an error, which was logged. */
static bool login_begin(struct login *login, int argc, const char **argv)
{
	struct policy *policy = &login->policy;
	const char *path = NULL;
	enum totp_err err;

	login->service = login_item(login, PAM_SERVICE);
	login_find_source(login);
	err = policy_conf_of_args(argc, argv, &path, log_complaint, login);
	login->conf_named = path != NULL;
	if (err == TOTP_OK)
		err = conf_load(path ? path : POLICY_FILE, path, policy, log_complaint, login);
	if (err == TOTP_OK)
		err = policy_parse_args(policy, argc, argv, log_complaint, login);
	if (err != TOTP_OK)
		say_denied(login, SAY_NOT_POSSIBLE);
	return err == TOTP_OK;
}

static int authenticate(struct login *login, int argc, const char **argv)
{
	const char *name = NULL;

	if (!login_begin(login, argc, argv))
		return PAM_SERVICE_ERR;
	if (login->policy.if_publickey)
		return look_for_publickey(login);
	if (login->policy.fail_delay)
		(void)pam_fail_delay(login->pamh, login->policy.fail_delay * 1000000);
	if (pam_get_user(login->pamh, &name, NULL) != PAM_SUCCESS || !name || !name[0]) {
		say_report(login, LOG_NOTICE,
			   &(struct log_event){.outcome = "deny", .reason = "no_user"});
		return PAM_AUTH_ERR;
	}
	return authenticate_user(login, name);
}

PAM_EXTERN int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct login login = {
		.pamh = pamh, .line = argv, .silent = ((unsigned)flags & PAM_SILENT) != 0};

	(void)enroll_set_mark(pamh, argv, ENROLL_NONE, NULL);
	return authenticate(&login, argc, argv);
}

/* --- account: only users who enroll in the login, or have yet to confirm --- */

/* Is it still the same user as in the auth stage, and still not enrolled? */
static enum totp_err check_marked(struct login *login, const char *marked, struct reason *why)
{
	const char *name = login_item(login, PAM_USER);
	enum totp_err err = account_find(name ? name : "", &login->account, why);

	if (err == TOTP_OK && (!login->account.known || strcmp(login->account.name, marked) != 0)) {
		reason_set(why, "the program changed the user after the auth stage");
		return TOTP_ERR_UNSAFE;
	}
	login->facts.known = login->account.known;
	if (err == TOTP_OK)
		err = record_look(login, marked, why);
	return err == TOTP_OK && login->facts.enrolled ? TOTP_ERR_EXISTS : err;
}

static int account(struct login *login, enum enroll_mark mark, const char *marked, int argc,
		   const char **argv)
{
	struct reason why = {""};
	enum totp_err err;

	if (!login_begin(login, argc, argv))
		return PAM_SERVICE_ERR;
	if (mark == ENROLL_CONFIRM) {
		say_unconfirmed(login);
		return PAM_IGNORE;
	}
	err = check_marked(login, marked, &why);
	if (err == TOTP_ERR_EXISTS)
		return enroll_refuse_second(login);
	if (err != TOTP_OK)
		return report_error(login, err, &why);
	return enroll_person(login, mark);
}

PAM_EXTERN int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct login login = {
		.pamh = pamh, .silent = ((unsigned)flags & PAM_SILENT) != 0, .enrolling = true};
	const char *marked = NULL;
	enum enroll_mark mark = enroll_mark_of(pamh, &marked);
	int code;

	if (mark == ENROLL_NONE)
		return PAM_IGNORE;
	code = account(&login, mark, marked, argc, argv);
	if (code == PAM_SUCCESS || code == PAM_IGNORE)
		enroll_drop_mark(pamh);
	return code;
}

/* Nothing to set. It cannot deny a login either: libpam takes the action from auth's own result. */
PAM_EXTERN int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}
