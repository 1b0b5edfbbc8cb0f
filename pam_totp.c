/*
 * The PAM entry points: gather the facts, let lib/login decide, translate once to a PAM
 * code. What a login means is in lib/login; nothing is decided here but what goes to whom.
 *
 * Who attacks this: whoever can reach a login prompt, with any user name and any answer; a
 * program that breaks the conversation protocol; a person who starts a set-uid program
 * (su, sudo) with limits, signals and environment of their choosing. So: no environment is
 * read, no signal, limit, id or working folder of the caller is changed, no lock is held
 * while a person types, and an error is never PAM_IGNORE and never PAM_SUCCESS.
 */
#define PAM_SM_AUTH
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/account.h"
#include "host/clock.h"
#include "host/conf.h"
#include "host/log.h"
#include "host/source.h"
#include "login/attempt.h"
#include "login/gate.h"
#include "login/throttle.h"
#include "pam/conv.h"
#include "pam_totp.h"

#define NOT_ACCEPTED  "That code was not accepted."
#define USED_ALREADY  "This code was already used. Wait for the next one."
#define SPENT_ALREADY "This recovery code was already used. Take another one."
#define NOT_POSSIBLE  "Verification is not possible right now. Please tell your administrator."

/* All that one authentication needs to know; no secret in it. */
struct login {
	pam_handle_t *pamh;
	bool silent;
	struct policy policy;
	const char *service;
	struct account account;
	struct source source;
	char source_text[SOURCE_TEXT_MAX];
	struct store *store; /* opened before the prompt, closed with the struct */
	struct gate_facts facts;
};

static void login_end(struct login *login)
{
	login->store = store_close(login->store);
}

/* --- the log: one line for each decision --- */

static void report(const struct login *login, int priority, const char *outcome, const char *reason,
		   const char *token, const char *detail)
{
	struct log_event event = {
		.user = login->account.known ? login->account.name : NULL,
		.service = login->service,
		.source = login->source_text,
		.outcome = outcome,
		.reason = reason,
		.token = token,
		.detail = detail,
	};

	log_send(priority, &event);
}

static void debug(const struct login *login, const char *reason)
{
	if (login->policy.debug)
		report(login, LOG_DEBUG, "debug", reason, NULL, NULL);
}

/* What an administrator should know beside the reason itself. */
static void explain(const struct outcome *outcome, char *detail, size_t cap)
{
	detail[0] = '\0';
	if (outcome->off && outcome->off_type == TOKEN_HOTP)
		snprintf(detail, cap, "code is %lld ahead of the next one: run totpctl resync",
			 (long long)outcome->offset);
	else if (outcome->off)
		snprintf(detail, cap,
			 "code is %+lld steps off: check the clock of the phone or of this host",
			 (long long)outcome->offset);
	else if (outcome->reason == JUDGE_CLOCK_BACK)
		snprintf(detail, cap,
			 "the last code used is of a later time: this host's clock was set back "
			 "(once it is right, run totpctl repair-clock), or the record was "
			 "repaired a moment ago");
	else if (outcome->reason == JUDGE_PASSWORD)
		snprintf(detail, cap,
			 "the answer is the account's password: the program asks no second "
			 "question; for sshd set KbdInteractiveAuthentication yes and "
			 "PasswordAuthentication no");
	else if (outcome->reason == JUDGE_JUNK)
		snprintf(detail, cap,
			 "sshd refuses this user whatever the code is: look at PermitRootLogin, "
			 "AllowUsers and DenyUsers");
	else if (outcome->reason == JUDGE_RECOVERY)
		snprintf(detail, cap, "%u recovery codes left: totpctl recovery makes new ones",
			 outcome->recovery_left);
	else if (outcome->wait_seconds == THROTTLE_FOREVER)
		snprintf(detail, cap, "run totpctl unlock");
	else if (outcome->wait_seconds)
		snprintf(detail, cap, "%u seconds to wait, or run totpctl unlock",
			 (unsigned)outcome->wait_seconds);
	else if (outcome->torn)
		snprintf(detail, cap, "a write of the login state had been cut short; repaired");
}

static void report_outcome(const struct login *login, const struct outcome *outcome)
{
	static const char *const words[] = {"deny", "wait", "allow"};
	char detail[200];

	explain(outcome, detail, sizeof(detail));
	report(login, outcome->verdict == VERDICT_ALLOW ? LOG_INFO : LOG_NOTICE,
	       words[outcome->verdict], judge_reason_name(outcome->reason), outcome->label, detail);
}

/* --- the person: one sentence --- */

static void tell(const struct login *login, const char *sentence)
{
	if (!login->silent)
		conv_tell(login->pamh, sentence);
}

static void inform(const struct login *login, const char *sentence)
{
	if (!login->silent)
		conv_inform(login->pamh, sentence);
}

static void tell_wait(const struct login *login, uint32_t seconds)
{
	char sentence[100];
	uint32_t minutes = seconds / 60 + (seconds % 60 != 0);

	if (seconds == THROTTLE_FOREVER)
		snprintf(sentence, sizeof(sentence),
			 "Too many wrong codes. Please ask your administrator.");
	else if (minutes <= 120)
		snprintf(sentence, sizeof(sentence),
			 "Too many wrong codes. Try again in %u minute%s.", (unsigned)minutes,
			 minutes == 1 ? "" : "s");
	else
		snprintf(sentence, sizeof(sentence), "Too many wrong codes. Try again in %u hours.",
			 (unsigned)((minutes + 59) / 60));
	tell(login, sentence);
}

/* Few are left: there is time to get new ones. */
static void tell_recovery_left(const struct login *login, unsigned left)
{
	char sentence[100];

	if (left > 2)
		return;
	if (left)
		snprintf(sentence, sizeof(sentence),
			 "%u recovery code%s left. Ask your administrator for new ones.", left,
			 left == 1 ? "" : "s");
	else
		snprintf(sentence, sizeof(sentence),
			 "That was your last recovery code. Ask your administrator for new ones.");
	inform(login, sentence);
}

static void tell_outcome(const struct login *login, const struct outcome *outcome)
{
	if (outcome->verdict == VERDICT_WAIT)
		tell_wait(login, outcome->wait_seconds);
	else if (outcome->reason == JUDGE_USED_CODE)
		tell(login, USED_ALREADY);
	else if (outcome->reason == JUDGE_SPENT_RECOVERY)
		tell(login, SPENT_ALREADY);
	else if (outcome->reason == JUDGE_RECOVERY)
		tell_recovery_left(login, outcome->recovery_left);
	else if (outcome->verdict != VERDICT_ALLOW)
		tell(login, NOT_ACCEPTED);
}

/* --- to PAM --- */

int pam_code_of(enum totp_err err, enum verdict verdict)
{
	switch (err) {
	case TOTP_OK:
		break;
	case TOTP_ERR_NOT_FOUND: /* proved absent: not enrolled, and asked */
		return PAM_AUTH_ERR;
	case TOTP_ERR_SYSTEM:
	case TOTP_ERR_NOMEM:
	case TOTP_ERR_CRYPTO:
	case TOTP_ERR_ARGUMENT:
	case TOTP_ERR_FORMAT:
	case TOTP_ERR_RANGE:
	case TOTP_ERR_UNSAFE:
	case TOTP_ERR_SEAL:
	case TOTP_ERR_EXISTS:
	case TOTP_ERR_STALE:
	case TOTP_ERR_TIMEOUT:
	case TOTP_ERR_UNSUPPORTED:
	case TOTP_ERR_UNCERTAIN:
	case TOTP_ERR_COUNT_:
	default:
		return PAM_AUTHINFO_UNAVAIL;
	}
	switch (verdict) {
	case VERDICT_ALLOW:
		return PAM_SUCCESS;
	case VERDICT_WAIT:
		return PAM_MAXTRIES;
	case VERDICT_DENY:
		break;
	}
	return PAM_AUTH_ERR;
}

/* An error: one line that says what to do, one sentence for the person. */
static int fail(const struct login *login, enum totp_err err, const struct reason *why)
{
	char word[32] = "";

	strncpy(word, err_name(err), sizeof(word) - 1);
	for (char *c = word; *c; c++)
		if (*c == ' ')
			*c = '_';
	report(login, LOG_ERR, "error", word, NULL, why->text);
	tell(login, NOT_POSSIBLE);
	return pam_code_of(err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err, VERDICT_DENY);
}

/* --- gathering the facts --- */

static void log_complaint(void *context, const struct reason *complaint)
{
	report(context, LOG_ERR, "error", "policy", NULL, complaint->text);
}

static enum totp_err load_policy(struct login *login, int argc, const char **argv)
{
	const char *path = NULL;
	bool named = false;
	enum totp_err err = policy_conf_of_args(argc, argv, &path, &named, log_complaint, login);

	if (err == TOTP_OK)
		err = conf_load(path, named, &login->policy, log_complaint, login);
	if (err == TOTP_OK)
		err = policy_parse_args(&login->policy, argc, argv, log_complaint, login);
	return err;
}

static const char *text_item(pam_handle_t *pamh, int type)
{
	const void *item = NULL;

	return pam_get_item(pamh, type, &item) == PAM_SUCCESS ? item : NULL;
}

static void find_source(struct login *login)
{
	login->source = source_of_login(text_item(login->pamh, PAM_RHOST),
					pam_getenv(login->pamh, "SSH_CONNECTION"), getuid());
	source_text(&login->source, login->source_text);
}

/* Is the user in a list: by name, else by group where one is listed. */
static enum totp_err find_in_list(const struct account *account, const char *name, const char *list,
				  bool decided, bool *ret_listed, struct reason *why)
{
	*ret_listed = policy_list_has_user(list, name);
	if (*ret_listed || decided || !account->known || !policy_list_has_groups(list))
		return TOTP_OK;
	return account_in_groups(account, list, ret_listed, why);
}

static enum totp_err find_facts(struct login *login, const char *typed_name, struct reason *why)
{
	const struct account *account = &login->account;
	const char *name = account->known ? account->name : typed_name;
	struct gate_facts *facts = &login->facts;
	enum totp_err err;

	facts->known = account->known;
	err = find_in_list(account, name, login->policy.required_for, false, &facts->required, why);
	if (err == TOTP_OK)
		err = find_in_list(account, name, login->policy.exempt, facts->required,
				   &facts->exempt, why);
	return err;
}

/*
 * glibc calls a user unknown when one name service fails and the next has no such user: the
 * log then tells of the record that is there all the same.
 */
static enum totp_err find_record(struct login *login, const char *typed_name, struct reason *why)
{
	struct store_config config = {login->policy.store_dir, login->policy.keyring};
	const char *name = login->account.known ? login->account.name : typed_name;
	enum totp_err err = store_open(&config, &login->store, why);

	if (err != TOTP_OK)
		return err;
	err = store_has(login->store, name, &login->facts.enrolled, why);
	/* a name that is too long for a record has none */
	return err == TOTP_ERR_RANGE ? TOTP_OK : err;
}

/* --- asking --- */

static void ask(const struct login *login, struct answer *ret_answer)
{
	OWN_CONV_ANSWER struct conv_answer typed;
	bool given = conv_ask(login->pamh, login->policy.prompt, login->policy.echo, &typed);

	answer_parse(given ? typed.text : NULL, text_item(login->pamh, PAM_AUTHTOK), ret_answer);
}

/* Somebody without a record was asked: the same words as after a wrong code. */
static int refuse_unenrolled(const struct login *login)
{
	if (login->account.known)
		report(login, LOG_NOTICE, "deny", "not_enrolled", NULL, "run totp-enroll --user");
	else
		report(login, LOG_NOTICE, "deny", "unknown_user", NULL,
		       login->facts.enrolled ? "there is a record of that name: the name service "
					       "failed, or the account is gone"
					     : NULL);
	tell(login, NOT_ACCEPTED);
	return pam_code_of(TOTP_ERR_NOT_FOUND, VERDICT_DENY);
}

static int ask_and_judge(struct login *login)
{
	OWN_ANSWER struct answer answer;
	struct attempt who = {
		.user = login->account.name, .uid = login->account.uid, .source = login->source};
	struct outcome outcome;
	struct reason why = {""};
	enum totp_err err;

	ask(login, &answer);
	if (!login->account.known || !login->facts.enrolled)
		return refuse_unenrolled(login);

	who.now = clock_now();
	err = attempt(login->store, &login->policy, &who, &answer, &outcome, &why);
	if (err == TOTP_ERR_NOT_FOUND) /* revoked while the person typed */
		return refuse_unenrolled(login);
	if (err != TOTP_OK)
		return fail(login, err, &why);
	report_outcome(login, &outcome);
	tell_outcome(login, &outcome);
	return pam_code_of(err, outcome.verdict);
}

/* --- one authentication --- */

static int authenticate_user(struct login *login, const char *typed_name)
{
	struct reason why = {""};
	enum gate_reason reason = GATE_REASON_NONE;
	enum totp_err err = account_find(typed_name, &login->account, &why);

	if (err == TOTP_OK)
		err = find_facts(login, typed_name, &why);
	if (err != TOTP_OK)
		return fail(login, err, &why);

	/* whoever is exempt is so whatever has become of the store */
	if (gate(&login->policy, &login->facts, clock_now(), &reason) != GATE_SKIP ||
	    reason != GATE_REASON_EXEMPT) {
		err = find_record(login, typed_name, &why);
		if (err != TOTP_OK)
			return fail(login, err, &why);
	}
	switch (gate(&login->policy, &login->facts, clock_now(), &reason)) {
	case GATE_ASK:
		debug(login, gate_reason_name(reason));
		return ask_and_judge(login);
	case GATE_SKIP:
		report(login, LOG_INFO, "skip", gate_reason_name(reason), NULL, NULL);
		return PAM_IGNORE;
	case GATE_REFUSE:
		break;
	}
	return PAM_AUTH_ERR;
}

static int authenticate(struct login *login, int argc, const char **argv)
{
	const char *name = NULL;

	login->service = text_item(login->pamh, PAM_SERVICE);
	find_source(login);
	if (load_policy(login, argc, argv) != TOTP_OK) {
		tell(login, NOT_POSSIBLE);
		return PAM_SERVICE_ERR;
	}
	if (login->policy.fail_delay)
		(void)pam_fail_delay(login->pamh, login->policy.fail_delay * 1000000);
	if (pam_get_user(login->pamh, &name, NULL) != PAM_SUCCESS || !name || !name[0]) {
		report(login, LOG_NOTICE, "deny", "no_user", NULL, NULL);
		return PAM_AUTH_ERR;
	}
	return authenticate_user(login, name);
}

PAM_EXTERN int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	OWN(login_end)
	struct login login = {.pamh = pamh, .silent = ((unsigned)flags & PAM_SILENT) != 0};

	return authenticate(&login, argc, argv);
}

/* Nothing to set, and no net: libpam takes what follows from auth's own result. */
PAM_EXTERN int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}
