/*
 * Give a user's phone the secret for the codes that are asked at login: make one, show it,
 * have a code typed back, and only then store it. Until then nothing is changed, whatever
 * happens; and what cannot be shown is never stored, since it would lock the user out.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confirm.h"
#include "host/clock.h"
#include "host/machine.h"
#include "json.h"
#include "login/enroll.h"
#include "request.h"

#define STALE_TRIES 8

struct enrolment {
	struct tool *tool;
	const struct request *request;
	struct account account;
	struct otp_uri uri;
	bool replaces; /* the user has a record, and --force was said */
	bool confirmed;
	uint64_t step; /* of the confirming code, or 0 */
};

#define OWN_ENROLMENT OWN(enrolment_wipe)

static void enrolment_wipe(struct enrolment *enrolment)
{
	explicit_bzero(enrolment, sizeof(*enrolment));
}

/* Nobody said whom to enrol. As root that is a trap: root may have meant somebody else. */
static int refuse_nobody(const struct tool *tool)
{
	const char *caller = getenv("SUDO_USER");
	char name[CRED_USER_MAX];

	if (!caller || !*caller || strcmp(caller, "root") == 0)
		return tool_usage(tool, "say whom to enrol: --user NAME, or --user root");
	text_printable(text_of(caller), name, sizeof(name));
	return tool_usage(tool, "say whom to enrol: --user %s, or --user root", name);
}

/* The account must exist: its uid becomes part of the credential. */
static int find_account(struct enrolment *enrolment)
{
	const struct tool *tool = enrolment->tool;
	char shown[CRED_USER_MAX];
	int code = tool_account(tool, enrolment->request->user, &enrolment->account);

	if (code != TOOL_DONE || enrolment->account.known)
		return code;
	text_printable(text_of(enrolment->account.name), shown, sizeof(shown));
	return tool_refuse(tool, "there is no account called \"%s\" on this computer", shown);
}

/* Refuse a second enrolment before a secret is shown that could not be stored. */
static int check_absent(struct enrolment *enrolment)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	const struct tool *tool = enrolment->tool;
	const char *user = enrolment->account.name;
	struct reason why = {""};

	if (store_has(tool->store, user, &enrolment->replaces, &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	if (!enrolment->replaces)
		return TOOL_DONE;
	if (!enrolment->request->force)
		return tool_refuse(tool, "%s is enrolled already; --force replaces the old phone",
				   user);
	if (store_read(tool->store, user, &txn, &why) == TOTP_OK)
		return TOOL_DONE;
	tool_refuse(tool, "%s", why.text);
	return tool_refuse(tool, "the old record cannot be replaced: 'totpctl revoke %s' first",
			   user);
}

/* A name for the phone's screen: as asked for, or as the policy says. */
static int choose_name(const struct enrolment *enrolment, const char *what, const char *asked,
		       const char *template, char *ret_name, size_t cap)
{
	char host[MACHINE_NAME_MAX], full_host[MACHINE_NAME_MAX];
	const struct tool *tool = enrolment->tool;
	struct reason why = {""};
	enum totp_err err;

	machine_names(host, full_host);
	err = asked ? text_copy(text_of(asked), ret_name, cap)
		    : policy_expand(template, enrolment->account.name, host, full_host, ret_name,
				    cap);
	if (err != TOTP_OK)
		return tool_refuse(tool, "%s: \"%s\" gives more than %zu bytes; use --%s", what,
				   template, cap - 1, what);
	if (uri_check_name(what, text_of(ret_name), cap - 1, &why) != TOTP_OK)
		return tool_refuse(tool, "%s; use --%s", why.text, what);
	return TOOL_DONE;
}

static int choose_settings(struct enrolment *enrolment)
{
	const struct request *request = enrolment->request;
	const struct policy *policy = &enrolment->tool->policy;
	struct otp_uri *uri = &enrolment->uri;
	int code = choose_name(enrolment, "issuer", request->issuer, policy->issuer, uri->issuer,
			       sizeof(uri->issuer));

	if (code == TOOL_DONE)
		code = choose_name(enrolment, "account", request->account, policy->account,
				   uri->account, sizeof(uri->account));
	uri->alg = request->algorithm ? request->algorithm : policy->algorithm;
	uri->digits = request->digits ? request->digits : policy->digits;
	uri->period = request->period ? request->period : policy->period;
	if (code == TOOL_DONE && (uri->alg != HMAC_SHA1 || uri->digits != 6 || uri->period != 30))
		tool_refuse(enrolment->tool,
			    "warning: many apps ignore algorithm, digits and period and then show "
			    "wrong codes; typing a code back shows whether this one does");
	return code;
}

/* Show the secret. What is not seen is not stored. */
static int show(const struct enrolment *enrolment)
{
	const struct tool *tool = enrolment->tool;
	const struct request *request = enrolment->request;
	struct reason note = {""};
	enum totp_err err;

	err = request->json ? json_show(&enrolment->uri, enrolment->account.name, request->label)
			    : screen_show(&enrolment->uri, &request->screen, &note);
	if (note.text[0] != '\0')
		tool_refuse(tool, "%s", note.text);
	if (err != TOTP_OK)
		return tool_refuse(tool, "the secret could not be shown: %s",
				   err == TOTP_ERR_SYSTEM ? strerror(errno) : err_name(err));
	return TOOL_DONE;
}

static int confirm(struct enrolment *enrolment, const sigset_t *asking)
{
	const struct tool *tool = enrolment->tool;
	struct confirm how = {&enrolment->uri, tool->policy.window,
			      enrolment->request->json ? STDERR_FILENO : STDOUT_FILENO, asking};
	enum totp_err err = confirm_ask(&how, &enrolment->confirmed, &enrolment->step);

	if (err != TOTP_OK)
		return tool_refuse(tool, "no code could be asked for: %s",
				   err == TOTP_ERR_SYSTEM ? strerror(errno) : err_name(err));
	return enrolment->confirmed ? TOOL_DONE : TOOL_REFUSED;
}

static enum totp_err make_cred(const struct enrolment *enrolment, struct cred *ret_cred)
{
	const struct account *account = &enrolment->account;
	const struct otp_uri *uri = &enrolment->uri;
	int64_t now = clock_now();
	struct token token = {.type = TOKEN_TOTP,
			      .alg = uri->alg,
			      .digits = (uint8_t)uri->digits,
			      .period = (uint16_t)uri->period,
			      .created = now,
			      .secret = uri->secret};
	enum totp_err err;

	err = text_copy(text_of(enrolment->request->label), token.label, sizeof(token.label));
	if (err == TOTP_OK)
		err = enroll_begin(account->name, true, account->uid, now, ret_cred);
	if (err == TOTP_OK)
		err = enroll_add(ret_cred, &token);
	WIPE(token);
	return err;
}

static enum totp_err create(const struct enrolment *enrolment, const struct cred *cred,
			    struct reason *why)
{
	struct login_state state;
	enum totp_err err;

	state_init(cred, &state);
	state.tokens[0].moving = enrolment->step;
	err = store_create(enrolment->tool->store, cred, &state, why);
	if (err == TOTP_ERR_EXISTS)
		reason_set(why, "somebody else enrolled %s in the meantime", cred->user);
	return err;
}

/* Replace what is there now; throttles and failures go on, or --force would reset them. */
static enum totp_err replace(const struct enrolment *enrolment, struct cred *cred,
			     struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state state;
	enum totp_err err = store_read(enrolment->tool->store, cred->user, &txn, why);

	if (err == TOTP_ERR_NOT_FOUND)
		return create(enrolment, cred, why);
	if (err == TOTP_OK)
		err = store_lock(&txn, tool_deadline(), why);
	if (err == TOTP_OK)
		err = enroll_renew(cred, &txn.cred, &txn.state, false, &state);
	if (err != TOTP_OK)
		return err;
	state.tokens[0].moving = enrolment->step;
	return store_replace(&txn, cred, &state, why);
}

/* *ret_changed: the new record is in place, though its writing was not confirmed. */
static int store(const struct enrolment *enrolment, bool *ret_changed)
{
	OWN_CRED struct cred cred = {0};
	struct reason why = {""};
	enum totp_err err = make_cred(enrolment, &cred);

	if (err == TOTP_OK && !enrolment->request->force)
		err = create(enrolment, &cred, &why);
	else if (err == TOTP_OK)
		err = TOTP_ERR_STALE;
	for (int i = 0; err == TOTP_ERR_STALE && i < STALE_TRIES; i++)
		err = replace(enrolment, &cred, &why);
	*ret_changed = err == TOTP_ERR_UNCERTAIN;
	if (err == TOTP_OK)
		return TOOL_DONE;
	return tool_refuse(enrolment->tool, "%s", why.text[0] ? why.text : err_name(err));
}

/* When will the phone show a code that is not used yet? */
static void tell_next_code(const struct enrolment *enrolment, FILE *out)
{
	int64_t next = (int64_t)(enrolment->step + 1) * enrolment->uri.period;
	int64_t wait = next - clock_now();

	if (!enrolment->confirmed)
		fputs("No code was typed back, so try a login before you rely on it.\n", out);
	else if (wait > 0)
		fprintf(out, "Your next login needs the next code, in %lld second%s.\n",
			(long long)wait, wait == 1 ? "" : "s");
	else
		fputs("Your next login needs the code after the one you typed.\n", out);
}

static void tell_done(const struct enrolment *enrolment)
{
	FILE *out = enrolment->request->json ? stderr : stdout;
	const char *user = enrolment->account.name;

	tool_log(enrolment->tool, user, enrolment->replaces ? "replaced" : "enrolled",
		 enrolment->request->label);
	if (enrolment->replaces)
		fprintf(out, "Done: %s has a new phone; codes of the old one are refused.\n", user);
	else
		fprintf(out, "Done: %s is enrolled. ", user);
	tell_next_code(enrolment, out);
}

/* Everything after the last point at which a wrong command line is found. */
static int show_and_store(struct enrolment *enrolment)
{
	sigset_t asking;
	int code = show(enrolment);
	bool shown = code == TOOL_DONE, changed = false;

	if (shown)
		confirm_hold_signals(&asking);
	if (shown && enrolment->request->confirm)
		code = confirm(enrolment, &asking);
	if (code == TOOL_DONE)
		code = store(enrolment, &changed);
	if (code == TOOL_DONE)
		tell_done(enrolment);
	else if (!changed)
		fprintf(stderr, "Nothing was changed.%s\n",
			shown ? " If your phone has the new entry already, delete it." : "");
	return code;
}

static int enrol(struct tool *tool, const struct request *request)
{
	OWN_ENROLMENT struct enrolment enrolment = {.tool = tool, .request = request};
	enum totp_err err;
	int code = find_account(&enrolment);

	if (code == TOOL_DONE)
		code = check_absent(&enrolment);
	if (code == TOOL_DONE)
		code = choose_settings(&enrolment);
	if (code != TOOL_DONE)
		return code;

	err = enroll_secret(&enrolment.uri.secret);
	if (err != TOTP_OK)
		return tool_refuse(tool, "no secret could be made: %s", err_name(err));
	return show_and_store(&enrolment);
}

static int print_version(const struct tool *tool)
{
	printf("%s %s\n", tool->name, VERSION);
	return fflush(stdout) == 0 ? TOOL_DONE : TOOL_REFUSED;
}

static int print_help(void)
{
	fputs(request_help, stdout);
	return fflush(stdout) == 0 ? TOOL_DONE : TOOL_REFUSED;
}

int main(int argc, char **argv)
{
	struct tool tool = {.name = "totp-enroll"};
	struct request request;
	int code;

	signal(SIGPIPE, SIG_IGN); /* a write to nobody, or past a limit, is an error to look at */
	signal(SIGXFSZ, SIG_IGN);
	if (!tool_hold_streams())
		return tool_refuse(&tool, "standard output is closed: nothing could be shown");
	code = request_parse(&tool, argc, argv, &request);
	if (code != TOOL_DONE)
		return code;
	if (request.help)
		return print_help();
	if (request.version)
		return print_version(&tool);

	code = tool_need_root(&tool, "enrol somebody");
	if (code == TOOL_DONE && !request.user)
		code = refuse_nobody(&tool);
	if (code == TOOL_DONE)
		code = tool_open(&tool, "enrol somebody");
	if (code == TOOL_DONE)
		code = enrol(&tool, &request);
	tool_close(&tool);
	return code;
}
