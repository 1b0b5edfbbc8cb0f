#include "enroll/enrollment.h"

#include <string.h>

#include "host/clock.h"
#include "host/machine.h"
#include "login/enroll.h"

#define STALE_TRIES 8

void enrollment_wipe(struct enrollment *enrolment)
{
	explicit_bzero(enrolment, sizeof(*enrolment));
}

/* --- before anything is shown --- */

/* Is there room in this record for another token of that name? */
static int check_room(const struct enrollment *enrolment, const struct cred *cred)
{
	const struct request *request = enrolment->request;
	const struct tool *tool = enrolment->tool;

	if (enroll_find(cred, request->label) >= 0)
		return tool_refuse(tool, "%s has a token \"%s\" already: choose another name",
				   cred->user, request->label);
	if (cred->token_count == CRED_TOKENS_MAX)
		return tool_refuse(tool,
				   "%s has %d tokens, and more are not possible: --remove one",
				   cred->user, CRED_TOKENS_MAX);
	return TOOL_DONE;
}

static int check_record(const struct enrollment *enrolment)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	const struct tool *tool = enrolment->tool;
	const char *user = enrolment->account.name;
	struct reason why = {""};
	enum totp_err err = store_read(tool->store, user, &txn, &why);

	if (err == TOTP_OK && txn.cred.disabled)
		tool_refuse(tool, "warning: %s is suspended, and stays so until: totpctl resume %s",
			    user, user);
	if (err == TOTP_OK)
		return enrolment->request->add ? check_room(enrolment, &txn.cred) : TOOL_DONE;
	tool_refuse(tool, "%s", why.text);
	return tool_refuse(
		tool,
		"the old record cannot be changed: 'totpctl repair %s', or 'totpctl delete %s'",
		user, user);
}

int enrollment_check(struct enrollment *enrolment)
{
	const struct tool *tool = enrolment->tool;
	const struct request *request = enrolment->request;
	const char *user = enrolment->account.name;
	struct reason why = {""};
	bool has = false;

	if (store_has(tool->store, user, &has, &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	if (!has && request->add)
		return tool_refuse(tool, "%s is not enrolled: leave out --add", user);
	if (has && !request->add && !request->force)
		return tool_refuse(tool,
				   "%s is enrolled already; --force replaces the old phone, --add "
				   "adds another",
				   user);
	enrolment->replaces = has && !request->add;
	return has ? check_record(enrolment) : TOOL_DONE;
}

/* --- making it --- */

/* A name for the phone's screen: as asked for, or as the policy says. */
static int choose_name(const struct enrollment *enrolment, const char *what, const char *asked,
		       const char *template, char *ret_name, size_t cap)
{
	char host[MACHINE_NAME_MAX], full_host[MACHINE_NAME_MAX];
	const struct policy_names names = {enrolment->account.name, host, full_host};
	const struct tool *tool = enrolment->tool;
	struct reason why = {""};
	enum totp_err err;

	machine_names(host, full_host);
	err = asked ? text_copy(text_of(asked), ret_name, cap)
		    : policy_expand(template, &names, ret_name, cap);
	if (err != TOTP_OK)
		return tool_refuse(tool, "%s: \"%s\" gives more than %zu bytes; use --%s", what,
				   template, cap - 1, what);
	if (uri_check_name(what, text_of(ret_name), cap - 1, &why) != TOTP_OK)
		return tool_refuse(tool, "%s; use --%s", why.text, what);
	return TOOL_DONE;
}

static bool is_usual(const struct otp_uri *uri)
{
	return uri->alg == HMAC_SHA1 && uri->digits == 6 && (uri->hotp || uri->period == 30);
}

int enrollment_choose(struct enrollment *enrolment)
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
	uri->hotp = request->hotp;
	uri->counter = request->counter;
	if (!uri->hotp)
		uri->period = request->period ? request->period : policy->period;
	if (code == TOOL_DONE && !is_usual(uri) && !request->secret)
		tool_refuse(enrolment->tool,
			    "warning: many apps ignore algorithm, digits and period and then show "
			    "wrong codes; typing a code back shows whether this one does");
	return code;
}

static struct token token_of(const struct enrollment *enrolment, int64_t now)
{
	const struct otp_uri *uri = &enrolment->uri;
	struct token token = {.type = uri->hotp ? TOKEN_HOTP : TOKEN_TOTP,
			      .alg = uri->alg,
			      .digits = (uint8_t)uri->digits,
			      .period = (uint16_t)uri->period,
			      .created = now,
			      .secret = uri->secret};

	/* the command line was checked: a label always fits */
	strncpy(token.label, enrolment->request->label, sizeof(token.label) - 1);
	return token;
}

int enrollment_make(struct enrollment *enrolment)
{
	const struct account *account = &enrolment->account;
	int64_t now = clock_now();
	struct enroll_first first = {
		.user = account->name,
		.uid = account->uid,
		.now = now,
		.token = token_of(enrolment, now),
		.recovery_codes = enrolment->request->add ? 0
							  : enrolment->tool->policy.recovery_codes};
	enum totp_err err = enroll_make(&first, &enrolment->cred, enrolment->codes);

	WIPE(first.token);
	if (err != TOTP_OK)
		return tool_refuse(enrolment->tool, "no record could be made: %s", err_name(err));
	return TOOL_DONE;
}

/* --- storing it --- */

/* Where the new token stands: after the code that was typed back. */
static uint64_t moving_of(const struct enrollment *enrolment)
{
	return enrolment->confirmed ? enrolment->moving : enrolment->uri.counter;
}

static enum totp_err create(const struct enrollment *enrolment, struct reason *why)
{
	enum totp_err err =
		enroll_create(enrolment->tool->store, &enrolment->cred, moving_of(enrolment), why);

	if (err == TOTP_ERR_EXISTS)
		reason_set(why, "somebody else enrolled %s in the meantime", enrolment->cred.user);
	return err;
}

/* Read and lock what is there now, and mend it as a login would. */
static enum totp_err read_and_lock(const struct enrollment *enrolment, struct store_txn *txn,
				   struct reason *why)
{
	enum totp_err err = store_read(enrolment->tool->store, enrolment->account.name, txn, why);

	if (err == TOTP_OK)
		err = store_lock(txn, tool_deadline(), why);
	if (err == TOTP_OK && txn->torn)
		state_raise(&txn->state, &txn->cred, clock_now(), 0);
	return err;
}

/* Replace what is there now; throttles and failures go on, or --force would reset them. */
static enum totp_err replace(const struct enrollment *enrolment, struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_CRED struct cred cred = enrolment->cred;
	const struct enroll_change change = {
		.cred = &cred, .token = cred.tokens[0].id, .moving = moving_of(enrolment)};
	enum totp_err err = read_and_lock(enrolment, &txn, why);

	if (err == TOTP_ERR_NOT_FOUND)
		return create(enrolment, why);
	if (err != TOTP_OK)
		return err;
	cred.disabled = txn.cred.disabled; /* 'totpctl resume' alone undoes it */
	return enroll_commit(&txn, &change, why);
}

/* One token more; the others and the recovery codes stay as they are. */
static enum totp_err add(const struct enrollment *enrolment, struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_CRED struct cred cred = {0};
	struct enroll_change change = {.cred = &cred, .moving = moving_of(enrolment)};
	enum totp_err err = read_and_lock(enrolment, &txn, why);

	if (err != TOTP_OK)
		return err;
	cred = txn.cred;
	err = enroll_add(&cred, &enrolment->cred.tokens[0]);
	if (err == TOTP_ERR_RANGE)
		reason_set(why, "a token of that name, or with the same secret, is there already");
	if (err != TOTP_OK)
		return err;
	change.token = cred.tokens[cred.token_count - 1].id;
	return enroll_commit(&txn, &change, why);
}

int enrollment_store(const struct enrollment *enrolment, bool *ret_changed)
{
	const struct request *request = enrolment->request;
	struct reason why = {""};
	enum totp_err err = TOTP_ERR_STALE;

	if (!request->force && !request->add)
		err = create(enrolment, &why);
	for (int i = 0; err == TOTP_ERR_STALE && i < STALE_TRIES; i++)
		err = request->add ? add(enrolment, &why) : replace(enrolment, &why);
	*ret_changed = err == TOTP_ERR_UNCERTAIN;
	if (err == TOTP_OK)
		return TOOL_DONE;
	return tool_refuse(enrolment->tool, "%s", why.text[0] ? why.text : err_name(err));
}

/* --- taking a token away --- */

static enum totp_err remove_token(const struct enrollment *enrolment, struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_CRED struct cred cred = {0};
	enum totp_err err = read_and_lock(enrolment, &txn, why);

	if (err != TOTP_OK)
		return err;
	cred = txn.cred;
	err = enroll_remove(&cred, enrolment->request->label);
	if (err == TOTP_OK)
		return enroll_commit(&txn, &(struct enroll_change){.cred = &cred}, why);
	reason_set(why,
		   err == TOTP_ERR_NOT_FOUND
			   ? "%s has no token \"%s\": 'totpctl show' lists them"
			   : "%s has no other token than \"%s\": 'totpctl delete' removes the "
			     "enrollment",
		   cred.user, enrolment->request->label);
	return TOTP_ERR_RANGE; /* NOT_FOUND means a user without a record */
}

int enrollment_remove(const struct enrollment *enrolment)
{
	const struct tool *tool = enrolment->tool;
	struct reason why = {""};
	enum totp_err err = TOTP_ERR_STALE;

	for (int i = 0; err == TOTP_ERR_STALE && i < STALE_TRIES; i++)
		err = remove_token(enrolment, &why);
	if (err == TOTP_ERR_NOT_FOUND)
		return tool_refuse(tool, "%s is not enrolled", enrolment->account.name);
	if (err != TOTP_OK)
		return tool_refuse(tool, "%s", why.text[0] ? why.text : err_name(err));
	return TOOL_DONE;
}
