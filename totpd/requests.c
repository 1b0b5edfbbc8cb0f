#include "requests.h"

#include <syslog.h>

#include "base/io.h"
#include "listener.h"
#include "host/clock.h"
#include "host/conf.h"
#include "host/facts.h"
#include "host/log.h"
#include "host/source.h"
#include "login/change.h"
#include "login/confirm.h"
#include "login/enroll.h"
#include "login/invitation.h"
#include "login/throttle.h"

/* What is known of one request. */
struct errand {
	const struct office *office;
	const struct policy *policy;
	const struct peer *peer;
	int fd; /* the connection */
	const struct wire_request *request;
	struct wire_response *response;
	struct account account;
	struct source source;
	struct store *store;
	int64_t now;
	uid_t logged_for; /* whom a line counts for: whom it is about, if the peer may ask that */
};

/* --- the log: totpd's own for what others than root ask, who could leave it out --- */

static void log_line(const struct errand *errand, int priority, enum ledger_kind kind,
		     struct log_event event)
{
	const struct office *office = errand->office;
	char source[SOURCE_TEXT_MAX];

	if (!errand->peer->root &&
	    !ledger_write(&office->ledger, office->note, errand->logged_for, kind))
		return;
	source_text(&errand->source, source);
	event.user = errand->account.known ? errand->account.name : NULL;
	event.service = errand->request->service;
	event.source = source;
	log_send(priority, &event);
}

static void log_outcome(const struct errand *errand)
{
	const struct outcome *outcome = &errand->response->outcome;
	bool accepted = outcome->verdict == VERDICT_ALLOW;
	char detail[OUTCOME_DETAIL_MAX];

	outcome_explain(outcome, detail);
	log_line(errand, accepted ? LOG_INFO : LOG_NOTICE,
		 accepted ? LEDGER_ACCEPTED : LEDGER_DENIED,
		 (struct log_event){.outcome = outcome_word(outcome),
				    .reason = judge_reason_name(outcome->reason),
				    .token = outcome->label,
				    .detail = detail});
}

static void log_error(const struct errand *errand, enum totp_err err)
{
	char word[ERR_WORD_MAX];

	log_line(errand, LOG_ERR, LEDGER_DENIED,
		 (struct log_event){.outcome = "error",
				    .reason = err_word(err, word),
				    .detail = errand->response->why.text});
}

/* --- what a gate needs to know --- */

/* Does the client still wait for the answer? It tells its user that nothing was possible else. */
static bool is_awaited(const void *context)
{
	const struct errand *errand = context;

	return io_monotonic_ns() < errand->request->deadline && !door_is_left(errand->fd);
}

static struct attempt attempt_of(const struct errand *errand)
{
	return (struct attempt){.user = errand->account.name,
				.uid = errand->account.uid,
				.source = errand->source,
				.now = errand->now,
				.policy = errand->policy,
				.answer = &errand->request->answer,
				.is_awaited = is_awaited,
				.context = errand,
				.tells = errand->peer->root && errand->request->tells};
}

static enum totp_err look(struct errand *errand)
{
	const struct account *account = &errand->account;
	struct wire_response *response = errand->response;
	const char *name = account->known ? account->name : errand->request->user;
	struct attempt who = attempt_of(errand);
	struct look look;
	enum totp_err err = store_has(errand->store, name, &response->enrolled, &response->why);

	if (err == TOTP_ERR_RANGE) /* a name that is too long for a record has none */
		err = TOTP_OK;
	if (err != TOTP_OK || !account->known)
		return err;
	if (!response->enrolled)
		return errand->request->by_invitation
			       ? invitation_holds(errand->store, account->name, account->uid,
						  errand->now, &response->invited, &response->why)
			       : TOTP_OK;
	err = attempt_look(errand->store, &who, &look, &response->why);
	response->status.last_success = look.last_here; /* how old it may be, who asks knows */
	response->pending = look.pending;
	response->enrolled = err != TOTP_ERR_NOT_FOUND; /* revoked in between */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_OK : err;
}

/* --- an answer --- */

static void tell_outcome(const struct errand *errand)
{
	if (errand->peer->root)
		return;
	log_outcome(errand);
	outcome_hide_future(&errand->response->outcome);
}

static enum totp_err check(struct errand *errand)
{
	struct attempt who = attempt_of(errand);
	struct wire_response *response = errand->response;
	enum totp_err err;

	if (!errand->account.known)
		return TOTP_ERR_NOT_FOUND;
	err = attempt(errand->store, &who, &response->outcome, &response->why);
	if (err == TOTP_OK)
		tell_outcome(errand);
	return err;
}

/* --- what there is --- */

static void show_tokens(const struct store_txn *txn, struct wire_status *status)
{
	status->token_count = txn->cred.token_count;
	for (size_t i = 0; i < txn->cred.token_count; i++) {
		const struct token *token = &txn->cred.tokens[i];
		struct wire_shown *shown = &status->tokens[i];

		shown->type = token->type;
		shown->alg = token->alg;
		shown->digits = token->digits;
		shown->period = token->period;
		memcpy(shown->label, token->label, sizeof(shown->label));
		shown->created = token->created;
		shown->last_used = txn->state.tokens[i].last_used;
	}
}

static enum totp_err show_record(struct errand *errand)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct wire_response *response = errand->response;
	struct wire_status *status = &response->status;
	enum totp_err err = store_read(errand->store, errand->account.name, &txn, &response->why);

	if (err == TOTP_ERR_NOT_FOUND)
		return TOTP_OK;
	if (err == TOTP_OK) /* whoever had the name before is not theirs to know about */
		err = attempt_check_uid(&txn.cred, errand->account.uid, &response->why);
	if (err != TOTP_OK)
		return err;
	response->enrolled = true;
	response->disabled = txn.cred.disabled;
	response->pending = state_is_pending(&txn.state, &txn.cred);
	response->outcome.failures = txn.state.failures;
	response->outcome.last_failure = txn.state.last_failure;
	response->outcome.failure_source = txn.state.last_failure_source;
	status->created = txn.cred.created;
	status->recovery_count = txn.cred.recovery_count;
	status->recovery_left = (uint8_t)recovery_left(&txn.cred, &txn.state);
	status->last_success = txn.state.last_success;
	status->wait_seconds = throttle_wait(throttle_of(&txn.state, &errand->source),
					     errand->policy, errand->now);
	show_tokens(&txn, status);
	return TOTP_OK;
}

/* The policy's file alone: what a PAM line says is known to that line. */
static enum totp_err find_facts(struct errand *errand, struct gate_facts *ret_facts)
{
	const struct address nowhere = {.family = ADDRESS_NONE};

	return facts_find(errand->policy, &errand->account, errand->account.name, &nowhere,
			  ret_facts, &errand->response->why);
}

/* May this person enrol, as far as the policy goes? */
static enum totp_err find_leave(struct errand *errand, struct gate_facts *facts, bool *ret_may)
{
	enum totp_err err = invitation_find(errand->store, errand->policy, ENROLL_BY_TOOL,
					    errand->account.name, errand->account.uid, errand->now,
					    facts, &errand->response->why);

	if (err == TOTP_OK)
		*ret_may = gate_may_enroll(errand->policy, facts, ENROLL_BY_TOOL, errand->now);
	return err;
}

/* An invitation counts in the login alone, whose line goes by the same file. */
static enum totp_err find_invitation(struct errand *errand)
{
	struct gate_facts facts = {.known = errand->account.known};
	enum totp_err err = invitation_find(errand->store, errand->policy, ENROLL_IN_LOGIN,
					    errand->account.name, errand->account.uid, errand->now,
					    &facts, &errand->response->why);

	errand->response->invited = facts.invited;
	return err;
}

static enum totp_err status(struct errand *errand)
{
	struct wire_response *response = errand->response;
	struct gate_facts facts;
	enum totp_err err = find_facts(errand, &facts);

	if (err == TOTP_OK)
		err = show_record(errand);
	if (err != TOTP_OK)
		return err;
	facts.enrolled = response->enrolled;
	response->required = gate_requires(errand->policy, &facts, errand->now);
	err = find_leave(errand, &facts, &response->may_enroll);
	return err == TOTP_OK && !response->enrolled ? find_invitation(errand) : err;
}

/* --- a new token --- */

/* What only an administrator may do by this policy. */
static enum totp_err forbid(const struct errand *errand, const char *what)
{
	reason_set(&errand->response->why, "%s is your administrator's to do here", what);
	return TOTP_ERR_FORBIDDEN;
}

static struct otp_uri uri_of(const struct wire_token *token)
{
	return (struct otp_uri){.hotp = token->type == TOKEN_HOTP,
				.alg = token->alg,
				.digits = token->digits,
				.period = token->period,
				.counter = token->counter,
				.secret = token->secret};
}

/* Check again what the person has typed back: this end alone decides. */
static enum totp_err confirm_again(const struct errand *errand, uint64_t *ret_moving)
{
	const struct wire_token *token = &errand->request->token;
	const struct confirm_window window = {errand->policy->window, errand->policy->hotp_window};
	struct otp_uri uri = uri_of(token);
	struct confirmation typed;
	enum totp_err err;

	if (token->type == 0 || token->typed.kind != ANSWER_CODE || !token->label[0] ||
	    token->secret.len < SECRET_GOOD_MIN)
		return TOTP_ERR_ARGUMENT;
	err = confirm_typed(&uri, &window, token->typed.code.text, errand->now, &typed);
	WIPE(uri);
	if (err != TOTP_OK)
		return err;
	*ret_moving = typed.moving;
	if (typed.right)
		return TOTP_OK;
	reason_set(&errand->response->why, "the code of the new phone came too late: try again");
	return TOTP_ERR_RANGE;
}

static struct token token_of(const struct errand *errand)
{
	const struct wire_token *given = &errand->request->token;
	struct token token = {.type = given->type,
			      .alg = given->alg,
			      .digits = given->digits,
			      .period = given->period,
			      .created = errand->now,
			      .secret = given->secret};

	memcpy(token.label, given->label, sizeof(token.label));
	return token;
}

static void log_change(const struct errand *errand, const char *what, const char *token)
{
	log_line(errand, LOG_NOTICE, LEDGER_ACCEPTED,
		 (struct log_event){.outcome = what, .reason = "self", .token = token});
}

/* May the person enroll themselves by this policy? */
static enum totp_err check_leave(struct errand *errand)
{
	struct gate_facts facts;
	bool may = false;
	enum totp_err err = find_facts(errand, &facts);

	if (err == TOTP_OK)
		err = find_leave(errand, &facts, &may);
	return err == TOTP_OK && !may ? forbid(errand, "enrolment") : err;
}

/* Root has decided by its PAM line, before the person was asked; an invitation may have gone
 * since. */
static enum totp_err check_invitation(struct errand *errand)
{
	bool holds = !errand->request->by_invitation;
	enum totp_err err = TOTP_OK;

	if (!errand->account.known)
		return TOTP_ERR_ARGUMENT;
	if (!holds)
		err = invitation_holds(errand->store, errand->account.name, errand->account.uid,
				       errand->now, &holds, &errand->response->why);
	if (err != TOTP_OK || holds)
		return err;
	reason_set(&errand->response->why, "the invitation was taken back, or has ended");
	return TOTP_ERR_FORBIDDEN;
}

static enum totp_err enroll(struct errand *errand)
{
	struct wire_response *response = errand->response;
	bool in_login = errand->request->op == WIRE_ENROLL_IN_LOGIN;
	struct enroll_first first = {.user = errand->account.name,
				     .uid = errand->account.uid,
				     .now = errand->now,
				     .recovery_codes = in_login ? errand->request->recovery_codes
								: errand->policy->recovery_codes};
	enum totp_err err = in_login ? check_invitation(errand) : check_leave(errand);

	if (err == TOTP_OK)
		err = confirm_again(errand, &first.moving);
	if (err == TOTP_OK && !is_awaited(errand)) {
		reason_set(&response->why, "who asked waits no longer: nothing was stored");
		err = TOTP_ERR_TIMEOUT;
	}
	if (err != TOTP_OK)
		return err;
	first.token = token_of(errand);
	err = enroll_store(errand->store, &first, response->codes, &response->code_count,
			   &response->why);
	WIPE(first.token);
	if (err == TOTP_OK && !errand->peer->root)
		log_change(errand, "enrolled", errand->request->token.label);
	return err;
}

/* --- changes, each by a code --- */

static const struct {
	enum wire_op op;
	enum change_kind kind;
	const char *word; /* in the log */
} changes[] = {
	{WIRE_ADD, CHANGE_ADD, "token-added"},
	{WIRE_REPLACE, CHANGE_REPLACE, "token-replaced"},
	{WIRE_REMOVE, CHANGE_REMOVE, "token-removed"},
	{WIRE_RENAME, CHANGE_RENAME, "token-renamed"},
	{WIRE_RECOVERY, CHANGE_RECOVERY, "recovery-codes"},
	{WIRE_DISABLE, CHANGE_DISABLE, "revoked"}, /* "disabled" is what an administrator does */
};

/* May this be done without an administrator? */
static enum totp_err may_change(struct errand *errand, enum change_kind kind)
{
	struct gate_facts facts;
	enum totp_err err = TOTP_OK;
	bool required = false;

	if (kind == CHANGE_DISABLE)
		err = find_facts(errand, &facts);
	if (kind == CHANGE_DISABLE && err == TOTP_OK)
		required = gate_requires(errand->policy, &facts, errand->now);
	if (err != TOTP_OK || change_is_allowed(errand->policy, kind, required))
		return err;
	return forbid(errand, kind == CHANGE_DISABLE    ? "doing without codes, which the policy's "
							  "file requires,"
			      : kind == CHANGE_RECOVERY ? "a recovery code"
							: "a new phone");
}

static enum totp_err make_change(struct errand *errand, size_t index)
{
	const struct wire_request *request = errand->request;
	struct wire_response *response = errand->response;
	struct attempt who = attempt_of(errand);
	struct token token = token_of(errand);
	struct change change = {.kind = changes[index].kind,
				.label = request->label,
				.new_label = request->new_label,
				.token = &token,
				.recovery_codes = errand->policy->recovery_codes};
	bool brings = change.kind == CHANGE_ADD || change.kind == CHANGE_REPLACE;
	enum totp_err err = brings ? confirm_again(errand, &change.moving) : TOTP_OK;

	if (err == TOTP_OK)
		err = change_by(errand->store, &who, &change, &response->outcome, &response->why);
	if (err == TOTP_OK)
		tell_outcome(errand);
	if (err == TOTP_OK && response->outcome.verdict == VERDICT_ALLOW) {
		log_change(errand, changes[index].word,
			   change.kind == CHANGE_ADD ? token.label : request->label);
		if (change.kind == CHANGE_RECOVERY)
			response->code_count = (uint8_t)change.recovery_codes;
		memcpy(response->codes, change.codes, sizeof(response->codes));
	}
	WIPE(token);
	WIPE(change);
	return err;
}

static enum totp_err change_one(struct errand *errand)
{
	size_t index = 0;
	enum totp_err err;

	while (changes[index].op != errand->request->op)
		index++;
	err = may_change(errand, changes[index].kind);
	return err == TOTP_OK ? make_change(errand, index) : err;
}

/* --- one errand --- */

static enum totp_err run(struct errand *errand)
{
	switch (errand->request->op) {
	case WIRE_LOOK:
		return look(errand);
	case WIRE_CHECK:
		return check(errand);
	case WIRE_STATUS:
		return status(errand);
	case WIRE_ENROLL:
	case WIRE_ENROLL_IN_LOGIN:
		return enroll(errand);
	case WIRE_ADD:
	case WIRE_REPLACE:
	case WIRE_REMOVE:
	case WIRE_RENAME:
	case WIRE_RECOVERY:
	case WIRE_DISABLE:
		return change_one(errand);
	}
	return TOTP_ERR_ARGUMENT;
}

/* Does the request mean the store that is served here? */
static bool serves(const struct errand *errand)
{
	static const uint8_t unread[CRED_ID_LEN];
	const struct wire_store *meant = &errand->request->store;
	bool same = memcmp(meant->id, unread, sizeof(unread)) == 0
			    ? strcmp(meant->dir, errand->policy->store_dir) == 0
			    : memcmp(meant->id, store_id(errand->store), sizeof(meant->id)) == 0;

	if (!same)
		reason_set(&errand->response->why, "totpd serves %.100s, and not the store %.100s",
			   errand->policy->store_dir, meant->dir);
	return same;
}

static enum totp_err prepare(struct errand *errand, const struct office *office)
{
	struct store_config config = conf_store(&office->policy);
	struct reason *why = &errand->response->why;
	enum totp_err err = account_find(errand->request->user, &errand->account, why);

	if (err == TOTP_OK)
		err = rights_check(&office->policy, errand->peer, errand->request->op,
				   &errand->account, why);
	if (err == TOTP_OK && errand->account.known)
		errand->logged_for = errand->account.uid;
	config.keys = &office->keyring;
	if (err == TOTP_OK)
		err = store_open(&config, &errand->store, why);
	if (err == TOTP_OK && !serves(errand))
		err = TOTP_ERR_OTHER_STORE;
	/* a store or a group that is missing is no user who is */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err;
}

/* What others than root are told of an error: what is theirs to mend, and no more. */
static void hide_reason(const struct errand *errand, enum totp_err err)
{
	struct reason *why = &errand->response->why;

	if (!errand->peer->root && err != TOTP_ERR_RANGE && err != TOTP_ERR_FORBIDDEN &&
	    err != TOTP_ERR_OTHER_STORE)
		why->text[0] = '\0';
}

bool serve(const struct office *office, const struct peer *peer, int fd,
	   const struct wire_request *request, struct wire_response *ret_response)
{
	struct errand errand = {.office = office,
				.policy = &office->policy,
				.peer = peer,
				.logged_for = peer->uid,
				.fd = fd,
				.request = request,
				.response = ret_response,
				.source = peer->root ? request->source : source_of_uid(peer->uid),
				.now = clock_now()};
	enum totp_err err = TOTP_ERR_FORMAT;
	bool lacks_key;

	*ret_response = (struct wire_response){.op = request->op};
	if (office->closed)
		reason_set(&ret_response->why, "the policy is in error: run totpctl check");
	else if (office->keyring.count == 0)
		reason_set(&ret_response->why, "totpd could not read the keyring: see its log");
	else
		err = prepare(&errand, office);
	if (err == TOTP_OK)
		err = run(&errand);
	lacks_key = office->keyring.count == 0 || (errand.store && store_lacks_key(errand.store));
	errand.store = store_close(errand.store);

	ret_response->err = err;
	if (err != TOTP_OK && err != TOTP_ERR_NOT_FOUND && !peer->root)
		log_error(&errand, err);
	hide_reason(&errand, err);
	return lacks_key;
}
