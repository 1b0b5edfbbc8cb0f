/* SPDX-License-Identifier: BSD-2-Clause */
#include "enroll/enrollment.h"

#include <string.h>

#include "host/clock.h"
#include "host/machine.h"
#include "login/enroll.h"

void enrollment_wipe(struct enrollment *enrollment)
{
	explicit_bzero(enrollment, sizeof(*enrollment));
}

/* --- before anything is shown --- */

/* Can the credential be replaced, or can another token be added to it? */
static int check_credential(const struct enrollment *enrollment)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	const struct request *request = enrollment->request;
	const struct tool *tool = enrollment->tool;
	const char *user = enrollment->account.name;
	struct reason why = {""};

	if (store_read(tool->store, user, tool_deadline(), &txn, &why) != TOTP_OK) {
		tool_refuse(tool, "%s", why.text);
		return tool_refuse(tool,
				   "the old enrollment cannot be changed: 'totpctl repair %s', or "
				   "'totpctl delete %s'",
				   user, user);
	}
	if (txn.cred.disabled)
		tool_say(tool, SAY_WARNING, "disabled",
			 "%s is suspended, and stays so until: totpctl resume %s", user, user);
	if (request->add && enroll_find(&txn.cred, request->label) >= 0)
		return tool_refuse(tool, "%s already has a token \"%s\": choose another name", user,
				   request->label);
	if (request->add && txn.cred.token_count == CRED_TOKENS_MAX)
		return tool_refuse(tool,
				   "%s already has %d tokens, the most that one account can "
				   "have: --remove one",
				   user, CRED_TOKENS_MAX);
	return TOOL_DONE;
}

int enrollment_check(struct enrollment *enrollment)
{
	const struct tool *tool = enrollment->tool;
	const struct request *request = enrollment->request;
	const char *user = enrollment->account.name;
	struct reason why = {""};
	bool has = false;

	if (tool_enrolled(tool, user, &has, &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	if (!has && request->add)
		return tool_refuse(tool, "%s is not enrolled: leave out --add", user);
	if (has && !request->add && !request->force)
		return tool_refuse(tool,
				   "%s is already enrolled; --force replaces the old phone, --add "
				   "adds another",
				   user);
	enrollment->replaces = has && !request->add;
	return has ? check_credential(enrollment) : TOOL_DONE;
}

/* A name that the phone shows. */
struct shown_name {
	const char *what;     /* "issuer" */
	const char *asked;    /* --issuer, or NULL */
	const char *template; /* the policy's */
};

static int choose_name(const struct enrollment *enrollment, const struct shown_name *name,
		       char *ret_name, size_t cap)
{
	char host[MACHINE_NAME_MAX], full_host[MACHINE_NAME_MAX];
	const struct policy_names names = {enrollment->account.name, host, full_host};
	const struct tool *tool = enrollment->tool;
	struct reason why = {""};
	enum totp_err err;

	machine_names(host, full_host);
	err = name->asked ? text_copy(text_of(name->asked), ret_name, cap)
			  : policy_expand(name->template, &names, ret_name, cap);
	if (err != TOTP_OK)
		return tool_refuse(tool, "%s: \"%s\" gives more than %zu bytes; use --%s",
				   name->what, name->asked ? name->asked : name->template, cap - 1,
				   name->what);
	if (uri_check_name(name->what, text_of(ret_name), cap - 1, &why) != TOTP_OK)
		return tool_refuse(tool, "%s; use --%s", why.text, name->what);
	return TOOL_DONE;
}

int enrollment_choose(struct enrollment *enrollment)
{
	const struct request *request = enrollment->request;
	const struct policy *policy = &enrollment->tool->policy;
	const struct shown_name issuer = {"issuer", request->issuer, policy->issuer};
	const struct shown_name account = {"account", request->account, policy->account};
	struct otp_uri *uri = &enrollment->uri;
	int code = choose_name(enrollment, &issuer, uri->issuer, sizeof(uri->issuer));

	if (code == TOOL_DONE)
		code = choose_name(enrollment, &account, uri->account, sizeof(uri->account));
	uri->alg = request->algorithm ? request->algorithm : policy->algorithm;
	uri->digits = request->digits ? request->digits : policy->digits;
	uri->hotp = request->hotp;
	uri->counter = request->counter;
	if (!uri->hotp)
		uri->period = request->period ? request->period : policy->period;
	if (code == TOOL_DONE && !request->secret &&
	    (uri->alg != HMAC_SHA1 || uri->digits != 6 || (!uri->hotp && uri->period != 30)))
		tool_say(enrollment->tool, SAY_WARNING, "settings",
			 "many apps ignore algorithm, digits and period and then show wrong codes; "
			 "typing a code back shows whether this one does");
	return code;
}

/* --- making it --- */

int enrollment_make(struct enrollment *enrollment)
{
	const struct account *account = &enrollment->account;
	const struct otp_uri *uri = &enrollment->uri;
	int64_t now = clock_now();
	struct enroll_first first = {
		.user = account->name,
		.uid = account->uid,
		.now = now,
		.token = {.type = uri->hotp ? TOKEN_HOTP : TOKEN_TOTP,
			  .alg = uri->alg,
			  .digits = (uint8_t)uri->digits,
			  .period = (uint16_t)uri->period,
			  .created = now,
			  .secret = uri->secret},
		.recovery_codes =
			enrollment->request->add ? 0 : enrollment->tool->policy.recovery_codes};
	enum totp_err err;

	/* the command line was checked: a label always fits */
	strncpy(first.token.label, enrollment->request->label, sizeof(first.token.label) - 1);
	err = enroll_make(&first, &enrollment->cred, enrollment->codes);
	WIPE(first.token);
	if (err != TOTP_OK)
		return tool_refuse(enrollment->tool, "no credential could be made: %s",
				   err_name(err));
	return TOOL_DONE;
}

/* --- storing it --- */

/* What a token's state becomes: the code that was typed back is used. */
static uint64_t moving_of(const struct enrollment *enrollment)
{
	return enrollment->confirmed ? enrollment->moving : enrollment->uri.counter;
}

static enum totp_err create_credential(const struct enrollment *enrollment, struct reason *why)
{
	enum totp_err err = enroll_create(enrollment->tool->store, &enrollment->cred,
					  moving_of(enrollment), 0, why);

	if (err == TOTP_ERR_EXISTS)
		reason_set(why, "somebody else enrolled %s in the meantime", enrollment->cred.user);
	return err;
}

/* Read and lock the credential that is stored now, and repair a torn state as a login would. */
static enum totp_err lock_stored(const struct enrollment *enrollment, struct store_txn *txn,
				 struct reason *why)
{
	enum totp_err err = store_read(enrollment->tool->store, enrollment->account.name,
				       tool_deadline(), txn, why);

	if (err == TOTP_OK)
		err = store_begin(txn, tool_deadline(), why);
	if (err == TOTP_OK && txn->torn)
		state_raise(&txn->state, &txn->cred, clock_now(), 0);
	return err;
}

/* Throttles and failures stay, or --force would reset them. */
static enum totp_err try_replace(void *context, struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	const struct enrollment *enrollment = context;
	OWN_CRED struct cred cred = enrollment->cred;
	const struct enroll_change change = {
		.cred = &cred, .token = cred.tokens[0].id, .moving = moving_of(enrollment)};
	enum totp_err err = lock_stored(enrollment, &txn, why);

	if (err == TOTP_ERR_NOT_FOUND)
		return create_credential(enrollment, why);
	if (err != TOTP_OK)
		return err;
	cred.disabled = txn.cred.disabled; /* only 'totpctl resume' undoes it */
	return enroll_commit(&txn, &change, why);
}

/* The other tokens and the recovery codes stay as they are. */
static enum totp_err try_add(void *context, struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	const struct enrollment *enrollment = context;
	OWN_CRED struct cred cred = {0};
	struct enroll_change change = {.cred = &cred, .moving = moving_of(enrollment)};
	enum totp_err err = lock_stored(enrollment, &txn, why);

	if (err != TOTP_OK)
		return err;
	cred = txn.cred;
	err = enroll_add(&cred, &enrollment->cred.tokens[0]);
	if (err == TOTP_ERR_RANGE)
		reason_set(why, "a token of that name, or with the same secret, is already there");
	if (err != TOTP_OK)
		return err;
	change.token = cred.tokens[cred.token_count - 1].id;
	return enroll_commit(&txn, &change, why);
}

int enrollment_store(struct enrollment *enrollment, bool *ret_changed)
{
	const struct request *request = enrollment->request;
	struct reason why = {""};
	enum totp_err err;

	if (request->force || request->add)
		err = store_retry(request->add ? try_add : try_replace, enrollment, &why);
	else
		err = create_credential(enrollment, &why);
	*ret_changed = err == TOTP_ERR_UNCERTAIN || err == TOTP_ERR_TIMEOUT;
	if (err == TOTP_OK)
		return TOOL_DONE;
	return tool_refuse(enrollment->tool, "%s", why.text[0] ? why.text : err_name(err));
}

/* --- removing a token --- */

static enum totp_err try_remove(void *context, struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	const struct enrollment *enrollment = context;
	OWN_CRED struct cred cred = {0};
	enum totp_err err = lock_stored(enrollment, &txn, why);

	if (err != TOTP_OK)
		return err;
	cred = txn.cred;
	err = enroll_remove(&cred, enrollment->request->label);
	if (err == TOTP_OK)
		return enroll_commit(&txn, &(struct enroll_change){.cred = &cred}, why);
	reason_set(
		why,
		err == TOTP_ERR_NOT_FOUND
			? "%s has no token \"%s\": 'totpctl show' lists them"
			: "%s has only the token \"%s\": 'totpctl delete' removes the enrollment",
		cred.user, enrollment->request->label);
	return TOTP_ERR_RANGE; /* NOT_FOUND means a user who is not enrolled */
}

int enrollment_remove(struct enrollment *enrollment)
{
	const struct tool *tool = enrollment->tool;
	struct reason why = {""};
	enum totp_err err = store_retry(try_remove, enrollment, &why);

	if (err == TOTP_ERR_NOT_FOUND)
		return tool_refuse(tool, "%s is not enrolled", enrollment->account.name);
	if (err != TOTP_OK)
		return tool_refuse(tool, "%s", why.text[0] ? why.text : err_name(err));
	return TOOL_DONE;
}
