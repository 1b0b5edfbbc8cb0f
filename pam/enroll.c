/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam/enroll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "host/audit.h"
#include "host/clock.h"
#include "host/deadline.h"
#include "host/machine.h"
#include "host/recovery_page.h"
#include "host/qr.h"
#include "host/source.h"
#include "login/confirm.h"
#include "login/enroll.h"
#include "otp/base32.h"
#include "pam/code.h"
#include "pam/conv.h"
#include "pam/record.h"
#include "pam/say.h"

#define MARK         "pam_totp_enroll"
#define TRIES        3
#define PICTURES     8
#define QUIET        4
#define LABEL        "phone"
#define TIME_SHORT   180 /* seconds, with which installing an app is hardly possible */
#define TIME_LAST    60
#define PROMPT       "Code from your phone: "
#define PROMPT_DRAWN "Code from your phone (picture: i inverted, a plain text, n none): "
#define WRITTEN_DOWN "Press Enter when you have written these down: "
#define BOTH         "You were enrolled a moment ago in another login.\nLog in again, with a code."

/* --- the mark --- */

struct mark {
	const void *line;
	enum enroll_mark mark;
	char user[ACCOUNT_NAME_MAX + 1];
};

static const struct mark *find_mark(pam_handle_t *pamh)
{
	const void *data = NULL;

	return pam_get_data(pamh, MARK, &data) == PAM_SUCCESS ? data : NULL;
}

bool enroll_set_mark(pam_handle_t *pamh, const void *line, enum enroll_mark mark, const char *user)
{
	const struct mark *before = find_mark(pamh);
	struct mark *set = NULL;

	if (before && before->line != line && (mark == ENROLL_NONE || before->mark == ENROLL_MUST))
		return true;
	if (mark == ENROLL_NONE)
		return pam_set_data(pamh, MARK, NULL, NULL) == PAM_SUCCESS;
	set = calloc(1, sizeof(*set));
	if (!set)
		return false;
	set->line = line;
	set->mark = mark;
	if (text_copy(text_of(user), set->user, sizeof(set->user)) == TOTP_OK &&
	    pam_set_data(pamh, MARK, set, login_free_data) == PAM_SUCCESS)
		return true;
	free(set);
	return false;
}

enum enroll_mark enroll_mark_of(pam_handle_t *pamh, const char **ret_user)
{
	const struct mark *mark = find_mark(pamh);

	if (!mark)
		return ENROLL_NONE;
	*ret_user = mark->user;
	return mark->mark;
}

void enroll_drop_mark(pam_handle_t *pamh)
{
	(void)pam_set_data(pamh, MARK, NULL, NULL);
}

/* --- what is shown --- */

/* Everything that belongs to one enrollment. */
struct newcomer {
	struct otp_uri uri;
	struct answer typed; /* the code that confirmed it… */
	uint64_t moving;     /* …and the step it is of */
	struct recovery_code codes[RECOVERY_MAX];
	uint8_t code_count;
	enum qr_style style;
	bool drawn; /* there is a picture */
	bool invert;
	struct qr qr;
};

#define OWN_NEWCOMER OWN(newcomer_free)

static void newcomer_free(struct newcomer **newcomer)
{
	if (!*newcomer)
		return;
	explicit_bzero(*newcomer, sizeof(**newcomer));
	free(*newcomer);
}

/* The names and what to do. A line comes before the picture: ssh puts the host's name before it. */
static void show_names(const struct login *login, const struct newcomer *newcomer)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s\nAccount  %s\nIssuer   %s",
		 newcomer->drawn
			 ? "Scan the picture with the authenticator app on your phone, or type the "
			   "secret\nbelow it into the app:"
			 : "In the authenticator app on your phone choose to enter a key,\nand "
			   "type the secret:",
		 newcomer->uri.account, newcomer->uri.issuer);
	conv_inform(login->pamh, text);
}

/* Last, so that it stays on the screen, whatever a terminal makes of the picture. */
static void show_secret(const struct login *login, const struct newcomer *newcomer)
{
	char base32[BASE32_TEXT_MAX], text[BASE32_TEXT_MAX * 2 + 16] = "Secret  ";
	size_t len = strlen(text);

	base32_encode(&newcomer->uri.secret, base32);
	for (size_t i = 0; base32[i]; i++) {
		if (i % 4 == 0)
			text[len++] = ' ';
		text[len++] = base32[i];
	}
	text[len] = '\0';
	conv_inform(login->pamh, text);
	WIPE(base32);
	WIPE(text);
}

/* One message, so that nothing comes between its rows. */
static void show_picture(const struct login *login, const struct newcomer *newcomer)
{
	const struct qr *qr = &newcomer->qr;
	const struct qr_drawing drawing = {newcomer->style, QUIET, newcomer->invert};
	unsigned rows = qr_rows(qr, newcomer->style, QUIET);
	size_t cap = (size_t)rows * (qr_columns(qr, newcomer->style, QUIET) * 3 + 1) + QR_ROW_MAX;
	char *text = calloc(1, cap), *end = text;

	if (!text)
		return; /* the secret can be typed */
	for (unsigned row = 0; row < rows; row++) {
		qr_row(qr, &drawing, row, end);
		end += strlen(end);
		if (row + 1 < rows)
			*end++ = '\n';
	}
	conv_inform(login->pamh, text);
	explicit_bzero(text, cap);
	free(text);
}

static void show_all(const struct login *login, const struct newcomer *newcomer)
{
	show_names(login, newcomer);
	if (newcomer->drawn)
		show_picture(login, newcomer);
	show_secret(login, newcomer);
}

/* --- making it --- */

static enum totp_err choose_names(const struct login *login, struct otp_uri *uri,
				  struct reason *why)
{
	const struct policy *policy = &login->policy;
	char host[MACHINE_NAME_MAX], full_host[MACHINE_NAME_MAX];
	const struct policy_names names = {login->account.name, host, full_host};
	enum totp_err err;

	machine_names(host, full_host);
	err = policy_expand(policy->issuer, &names, uri->issuer, sizeof(uri->issuer));
	if (err == TOTP_OK)
		err = uri_check_name("issuer", text_of(uri->issuer), sizeof(uri->issuer) - 1, why);
	if (err == TOTP_OK)
		err = policy_expand(policy->account, &names, uri->account, sizeof(uri->account));
	if (err == TOTP_OK)
		err = uri_check_name("account", text_of(uri->account), sizeof(uri->account) - 1,
				     why);
	uri->alg = policy->algorithm;
	uri->digits = policy->digits;
	uri->period = policy->period;
	return err;
}

/* --- asking --- */

/* Does the answer ask for another picture? */
static bool choose_picture(struct newcomer *newcomer, const char *typed)
{
	if (!newcomer->drawn || typed[0] == '\0' || typed[1] != '\0')
		return false;
	switch (typed[0]) {
	case 'i':
	case 'I':
		newcomer->invert = !newcomer->invert;
		return true;
	case 'a':
	case 'A':
		newcomer->style = QR_ASCII;
		return true;
	case 'n':
	case 'N':
		newcomer->drawn = false;
		return true;
	default:
		return false;
	}
}

/* One answer, past any that ask for another picture. False: none. */
static bool ask_for_code(const struct login *login, struct newcomer *newcomer,
			 struct conv_answer *ret_answer)
{
	for (unsigned i = 0; i < PICTURES; i++) {
		if (!conv_ask(login->pamh, newcomer->drawn ? PROMPT_DRAWN : PROMPT, true,
			      ret_answer) ||
		    ret_answer->text[0] == '\0')
			return false;
		if (!choose_picture(newcomer, ret_answer->text))
			return true;
		show_all(login, newcomer);
	}
	return false;
}

static bool seconds_left(const struct login *login, unsigned *ret_seconds)
{
	return deadline_find(pam_getenv(login->pamh, "SSH_CONNECTION") != NULL, ret_seconds);
}

/* Log the beginning, since the program may end the login without further notice. */
static void tell_time(const struct login *login)
{
	char text[160], detail[64];
	unsigned seconds = 0;
	bool known = seconds_left(login, &seconds);

	snprintf(detail, sizeof(detail), "the program ends the login in %u s", seconds);
	say_report(login, LOG_NOTICE,
		   &(struct log_event){.outcome = "enrolling",
				       .reason = "login",
				       .detail = known ? detail : NULL});
	if (!known)
		return;
	snprintf(text, sizeof(text), "You have %u %s for it.%s",
		 seconds < 120 ? seconds : seconds / 60, seconds < 120 ? "seconds" : "minutes",
		 seconds < TIME_SHORT
			 ? "\nIf you have no such app yet: press Enter, install one, log in again."
			 : "");
	conv_inform(login->pamh, text);
}

/* TOTP_ERR_NOT_FOUND: given up. */
static enum totp_err confirm_secret(const struct login *login, struct newcomer *newcomer)
{
	const struct confirm_window window = {login->policy.window, login->policy.hotp_window};

	for (unsigned i = 0; i < TRIES; i++) {
		OWN_CONV_ANSWER struct conv_answer answer = {0};
		struct confirmation typed;
		unsigned seconds = 0;
		size_t len;
		char text[64];
		enum totp_err err;

		/* before another try: is there still time for one? */
		if (i && seconds_left(login, &seconds) && seconds < TIME_LAST) {
			snprintf(text, sizeof(text), "%u seconds are left.", seconds);
			conv_tell(login->pamh, text);
		}
		if (!ask_for_code(login, newcomer, &answer))
			return TOTP_ERR_NOT_FOUND;
		err = confirm_typed(&newcomer->uri, &window, answer.text, clock_now(), &typed);
		newcomer->moving = typed.moving;
		answer_parse(answer.text, NULL, &newcomer->typed);
		if (err != TOTP_OK || typed.right)
			return err;
		/* without its line end, which the program makes */
		for (len = strlen(typed.hint); len && typed.hint[len - 1] == '\n';)
			typed.hint[--len] = '\0';
		conv_tell(login->pamh, typed.hint);
	}
	return TOTP_ERR_NOT_FOUND;
}

/*
 * The question comes last: without one the codes scroll by, and sshd prints twice what follows the
 * last answer. It is all stored by now, so it does not matter whether there is an answer.
 */
static void finish_enrollment(const struct login *login, const struct newcomer *newcomer)
{
	OWN_CONV_ANSWER struct conv_answer unused = {0};
	char page[RECOVERY_PAGE_MAX], source[SOURCE_TEXT_MAX];
	const struct log_event event = {
		.user = login->account.name, .source = source, .outcome = "enrolled"};

	source_text(&login->source, source);
	say_report(login, LOG_NOTICE,
		   &(struct log_event){.outcome = "enrolled", .reason = "login", .token = LABEL});
	audit_record(&event);
	conv_inform(login->pamh, "Done: your account is protected by your phone.\n"
				 "The next login needs the code after the one you typed.");
	if (newcomer->code_count == 0)
		return;
	recovery_page(login->account.name, newcomer->codes, newcomer->code_count, page);
	conv_inform(login->pamh, page);
	WIPE(page);
	(void)conv_ask(login->pamh, WRITTEN_DOWN, true, &unused);
}

static enum totp_err enroll_them(struct login *login, struct newcomer *newcomer, struct reason *why)
{
	enum enroll_qr wish = login->policy.enroll_qr;
	char text[URI_TEXT_MAX];
	struct record_first first = {
		.uri = &newcomer->uri, .label = LABEL, .typed = &newcomer->typed};
	enum totp_err err = choose_names(login, &newcomer->uri, why);

	if (err == TOTP_OK)
		err = enroll_secret(&newcomer->uri.secret);
	if (err != TOTP_OK) {
		if (why->text[0] == '\0')
			reason_set(why, "no secret could be made: %s", err_name(err));
		return err;
	}
	tell_time(login);
	newcomer->style = wish == ENROLL_QR_ASCII ? QR_ASCII : QR_UTF8;
	newcomer->drawn = wish != ENROLL_QR_NONE && uri_write(&newcomer->uri, text) == TOTP_OK &&
			  qr_encode(text, &newcomer->qr, NULL) == TOTP_OK;
	WIPE(text);
	show_all(login, newcomer);
	err = confirm_secret(login, newcomer);
	first.moving = newcomer->moving;
	if (err == TOTP_OK)
		err = record_enroll(login, &first, newcomer->codes, &newcomer->code_count, why);
	if (err == TOTP_OK)
		finish_enrollment(login, newcomer);
	return err;
}

/* --- what comes of it --- */

int enroll_refuse_second(const struct login *login)
{
	say_report(login, LOG_NOTICE,
		   &(struct log_event){.outcome = "deny",
				       .reason = "not_enrolled",
				       .detail = "the user enrolled in another login first"});
	say_tell(login, BOTH);
	return PAM_PERM_DENIED;
}

static int answer_of(const struct login *login, enum enroll_mark mark, enum totp_err err,
		     const struct reason *why)
{
	const char *detail = why->text[0] ? why->text : "the enrollment was not finished";

	if (err == TOTP_OK)
		return pam_code_of(TOTP_OK, VERDICT_ALLOW);
	if (err == TOTP_ERR_EXISTS)
		return enroll_refuse_second(login);
	if (err != TOTP_ERR_NOT_FOUND) {
		say_report(login, LOG_ERR,
			   &(struct log_event){.outcome = "error",
					       .reason = "enrollment",
					       .detail = why->text});
		say_denied(login, SAY_NOT_POSSIBLE);
		return PAM_AUTHINFO_UNAVAIL;
	}
	/* canceled: a user who must enroll is denied, one who was offered it goes on */
	say_tell(login, "Nothing was stored.\nIf your phone has the new entry already, delete it.");
	if (mark == ENROLL_OFFER) {
		say_report(login, LOG_NOTICE,
			   &(struct log_event){.outcome = "skip", .reason = "not_finished"});
		return PAM_IGNORE;
	}
	say_report(
		login, LOG_NOTICE,
		&(struct log_event){.outcome = "deny", .reason = "not_enrolled", .detail = detail});
	return PAM_PERM_DENIED;
}

/* The date from which a code is required, and what to do, in one line. */
static void tell_day(const struct login *login, bool may)
{
	unsigned days = gate_days_left(&login->policy, clock_now());
	char text[160], day[11];
	/* after a full stop a question follows, which sshd shows behind USER@HOST */
	const char *todo =
		may ? "."
		: gate_may_enroll(&login->policy, &login->facts, ENROLL_BY_TOOL, clock_now())
			? ": run totp-enroll."
			: ": ask your administrator.";

	text_to_date(login->policy.enforce_from, day);
	snprintf(text, sizeof(text), "From %s on, in %u day%s, a login needs a code%s", day, days,
		 days == 1 ? "" : "s", todo);
	conv_inform(login->pamh, text);
}

/* Does the user want to enroll now? They see the date in any case. */
static bool accepts(const struct login *login)
{
	OWN_CONV_ANSWER struct conv_answer answer = {0};
	bool may = gate_may_enroll(&login->policy, &login->facts, ENROLL_IN_LOGIN, clock_now());

	tell_day(login, may);
	return may &&
	       conv_ask(login->pamh,
			"Set it up on your phone now? Type y, or press Enter to go on: ", true,
			&answer) &&
	       (strcmp(answer.text, "y") == 0 || strcmp(answer.text, "Y") == 0 ||
		strcmp(answer.text, "yes") == 0);
}

int enroll_person(struct login *login, enum enroll_mark mark)
{
	OWN_NEWCOMER struct newcomer *newcomer = NULL;
	struct reason why = {""};
	enum totp_err err;

	/* this line's policy does not allow it, or no longer */
	if (mark == ENROLL_MUST &&
	    !gate_may_enroll(&login->policy, &login->facts, ENROLL_IN_LOGIN, clock_now())) {
		say_report(login, LOG_NOTICE,
			   &(struct log_event){
				   .outcome = "deny",
				   .reason = "not_enrolled",
				   .detail = "the invitation was taken back or has ended, or the "
					     "account line uses another policy than the auth "
					     "line"});
		say_denied(login, SAY_NOT_POSSIBLE);
		return PAM_PERM_DENIED;
	}
	if (mark == ENROLL_OFFER && (login->silent || !accepts(login)))
		return PAM_IGNORE;
	if (mark == ENROLL_MUST)
		conv_inform(login->pamh,
			    "A login here needs a code from an app on your phone, such as\n"
			    "Aegis, FreeOTP or Google Authenticator. Set it up now; it\n"
			    "takes a minute.");
	newcomer = calloc(1, sizeof(*newcomer));
	err = newcomer ? enroll_them(login, newcomer, &why) : TOTP_ERR_NOMEM;
	return answer_of(login, mark, err, &why);
}
