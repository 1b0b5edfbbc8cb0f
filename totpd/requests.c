/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests.h"

#include <stdio.h>
#include <syslog.h>

#include "base/io.h"
#include "listener.h"
#include "host/clock.h"
#include "host/conf.h"
#include "host/stores.h"
#include "host/facts.h"
#include "host/log.h"
#include "host/source.h"
#include "host/tally.h"
#include "login/change.h"
#include "login/confirm.h"
#include "login/enroll.h"
#include "login/invitation.h"
#include "login/throttle.h"

/* What is known of one request. */
struct request {
	struct server *server;
	struct policy *policy; /* a copy, in which store is that of the user */
	const struct peer *peer;
	int fd; /* the connection */
	const struct relay_request *relay;
	const struct wire_request *wire; /* what is in it */
	struct wire_response *response;
	struct account account;
	struct source source;
	struct store *store;
	int64_t now;
	uid_t logged_for; /* whose limit a line counts for: the account's, if the peer may ask */
};

/* --- the log: of requests of ordinary users, whose programs could leave it out --- */

static void log_request(const struct request *request, int priority, enum log_kind kind,
			struct log_event event)
{
	const struct server *server = request->server;
	char source[SOURCE_TEXT_MAX];
	char service[ACCOUNT_NAME_MAX + WIRE_SERVICE_MAX + PROXY_HOST_MAX + 2];
	struct account teller = {.known = false};

	if (!request->peer->root &&
	    !log_limit_allows(server->log_limit, server->counts, request->logged_for, kind))
		return;
	source_text(&request->source, source);
	event.user = request->account.known ? request->account.name : NULL;
	event.service = request->wire->service;
	/* whose word is it that the login comes from there? */
	if (request->peer->host[0]) {
		snprintf(service, sizeof(service), "%s@%s", request->wire->service,
			 request->peer->host);
		event.service = service;
	} else if (!request->peer->root && request->source.kind != SOURCE_UID &&
		   account_of_uid(request->peer->uid, &teller, NULL) == TOTP_OK && teller.known) {
		snprintf(service, sizeof(service), "%s/%s", teller.name, request->wire->service);
		event.service = service;
	}
	event.source = source;
	log_send(priority, &event);
}

/* For root, the module counts and logs. */
static void log_decision(const struct request *request, int priority, enum log_kind kind,
			 struct log_event event)
{
	(void)tally_count(request->policy->run_dir, TALLY_TOTPD, event.outcome, event.reason);
	log_request(request, priority, kind, event);
}

static void log_change(const struct request *request, const char *what, const char *token)
{
	log_request(request, LOG_NOTICE, LOG_ACCEPTED,
		    (struct log_event){.outcome = what, .reason = "self", .token = token});
}

/*
 * Log the outcome of a code, and remove from it what neither a user nor a login host must learn: a
 * guess is of one of 190 codes to come, and only of three that are accepted now.
 */
static void log_outcome(const struct request *request)
{
	struct outcome *outcome = &request->response->outcome;
	bool accepted = outcome->verdict == VERDICT_ALLOW;
	char detail[OUTCOME_DETAIL_MAX];

	if (request->peer->root)
		return;
	outcome_explain(outcome, detail);
	log_decision(request, accepted ? LOG_INFO : LOG_NOTICE,
		     accepted ? LOG_ACCEPTED : LOG_DENIED,
		     (struct log_event){.outcome = outcome_word(outcome),
					.reason = judge_reason_name(outcome->reason),
					.token = outcome->label,
					.detail = detail});
	outcome_hide_future(outcome);
}

/* The same for an error, if there is one: users read only what they can do something about. */
static void log_error(const struct request *request, enum totp_err err)
{
	struct reason *why = &request->response->why;
	char word[ERR_WORD_MAX];

	/* what a user may not ask for, or asks wrongly, is no error of this host */
	bool is_of_user =
		!request->peer->host[0] &&
		(err == TOTP_ERR_RANGE || err == TOTP_ERR_FORBIDDEN || err == TOTP_ERR_OTHER_STORE);
	const struct log_event event = {
		.outcome = "error", .reason = err_word(err, word), .detail = why->text};

	if (request->peer->root)
		return;
	if (is_of_user)
		log_request(request, LOG_ERR, LOG_DENIED, event);
	else if (err != TOTP_OK && err != TOTP_ERR_NOT_FOUND)
		log_decision(request, LOG_ERR, LOG_DENIED, event);
	if (!request->peer->host[0] && !is_of_user)
		why->text[0] = '\0';
}

/* --- looking, and checking a code --- */

/* Does the client still wait for the answer? If not, it has told its user that none came. */
static bool is_awaited(const void *context)
{
	const struct request *request = context;

	return io_monotonic_ns() < request->wire->deadline && !listener_client_left(request->fd);
}

static struct attempt attempt_by(const struct request *request)
{
	return (struct attempt){.user = request->account.name,
				.uid = request->account.uid,
				.source = request->source,
				.now = request->now,
				.policy = request->policy,
				.answer = &request->wire->answer,
				.is_awaited = is_awaited,
				.context = request,
				.tells = (request->peer->root || request->peer->host[0]) &&
					 request->wire->tells};
}

static enum totp_err answer_look(struct request *request)
{
	const struct account *account = &request->account;
	struct wire_response *response = request->response;
	const char *name = account->known ? account->name : request->wire->user;
	struct attempt who = attempt_by(request);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct look look;
	enum totp_err err = store_look(request->store, name, store_deadline(request->store), &txn,
				       &response->why);

	response->status.created = request->now;
	response->enrolled = err == TOTP_OK;
	/* a name that is too long for a record has none */
	if (err == TOTP_ERR_NOT_FOUND || err == TOTP_ERR_RANGE)
		err = TOTP_OK;
	if (err != TOTP_OK || !account->known)
		return err;
	if (!response->enrolled)
		return request->wire->by_invitation
			       ? invitation_holds(request->store, &who, &response->invited,
						  &response->why)
			       : TOTP_OK;
	err = attempt_look(request->store, &who, &txn, &look, &response->why);
	response->status.last_success = look.last_here; /* the client knows how old it may be */
	response->pending = look.pending;
	response->enrolled = err != TOTP_ERR_NOT_FOUND; /* deleted meanwhile */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_OK : err;
}

static enum totp_err answer_check(struct request *request)
{
	struct attempt who = attempt_by(request);
	struct wire_response *response = request->response;
	enum totp_err err;

	if (!request->account.known)
		return TOTP_ERR_NOT_FOUND;
	err = attempt(request->store, &who, &response->outcome, &response->why);
	if (err == TOTP_OK)
		log_outcome(request);
	return err;
}

/* --- status --- */

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

static enum totp_err show_credential(struct request *request)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct wire_response *response = request->response;
	struct wire_status *status = &response->status;
	enum totp_err err = store_read(request->store, request->account.name,
				       store_deadline(request->store), &txn, &response->why);

	if (err == TOTP_ERR_NOT_FOUND)
		return TOTP_OK;
	if (err == TOTP_OK) /* the user learns nothing about an earlier user of the same name */
		err = attempt_check_uid(&txn.cred, request->account.uid, &response->why);
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
	status->wait_seconds = throttle_wait(throttle_of(&txn.state, &request->source),
					     request->policy, request->now);
	show_tokens(&txn, status);
	return TOTP_OK;
}

/* By the policy file only: totpd does not know the arguments of a PAM line. */
static enum totp_err find_gate_facts(struct request *request, struct gate_facts *ret_facts)
{
	const struct facts_subject subject = {&request->account, NULL, NULL};
	enum totp_err err =
		facts_find(request->policy, &subject, ret_facts, &request->response->why);

	/* NOT_FOUND would mean that the user is missing; here a group is */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err;
}

/* Does the policy, or an invitation, allow the user to enroll? */
static enum totp_err find_permission(struct request *request, struct gate_facts *facts,
				     bool *ret_may)
{
	struct attempt who = attempt_by(request);
	enum totp_err err = invitation_find(request->store, &who, ENROLL_BY_TOOL, facts,
					    &request->response->why);

	if (err == TOTP_OK)
		*ret_may = gate_may_enroll(request->policy, facts, ENROLL_BY_TOOL, request->now);
	return err;
}

/* For a host, which adds what its own policy says. */
static enum totp_err answer_status_of_host(struct request *request)
{
	struct wire_response *response = request->response;
	struct attempt who = attempt_by(request);
	enum totp_err err = show_credential(request);

	if (err != TOTP_OK || response->enrolled || !request->wire->by_invitation)
		return err;
	return invitation_holds(request->store, &who, &response->invited, &response->why);
}

static enum totp_err answer_status(struct request *request)
{
	struct wire_response *response = request->response;
	struct attempt who = attempt_by(request);
	struct gate_facts facts;
	enum totp_err err = find_gate_facts(request, &facts);

	if (err == TOTP_OK)
		err = show_credential(request);
	if (err != TOTP_OK)
		return err;
	facts.enrolled = response->enrolled;
	response->required = gate_requires(request->policy, &facts, request->now);
	err = find_permission(request, &facts, &response->may_enroll);
	if (err != TOTP_OK || response->enrolled)
		return err;
	/* an invitation counts only in a login, whose PAM line uses the same file */
	facts = (struct gate_facts){.known = request->account.known};
	err = invitation_find(request->store, &who, ENROLL_IN_LOGIN, &facts, &response->why);
	response->invited = facts.invited;
	return err;
}

/* --- a new token --- */

static enum totp_err forbid(const struct request *request, const char *what)
{
	reason_set(&request->response->why, "only your administrator can %s", what);
	return TOTP_ERR_FORBIDDEN;
}

/* Check the code that the user has typed back. The client did so too, but only totpd decides. */
static enum totp_err confirm_again(const struct request *request, uint64_t *ret_moving)
{
	const struct wire_token *token = &request->wire->token;
	const struct confirm_window window = {request->policy->window,
					      request->policy->hotp_window};
	struct otp_uri uri = {.hotp = token->type == TOKEN_HOTP,
			      .alg = token->alg,
			      .digits = token->digits,
			      .period = token->period,
			      .counter = token->counter,
			      .secret = token->secret};
	struct confirmation typed;
	enum totp_err err = TOTP_ERR_ARGUMENT;

	if (token->type != 0 && token->typed.kind == ANSWER_CODE && token->label[0] &&
	    token->secret.len >= SECRET_GOOD_MIN)
		err = confirm_typed(&uri, &window, token->typed.code.text, request->now, &typed);
	WIPE(uri);
	if (err != TOTP_OK)
		return err;
	*ret_moving = typed.moving;
	if (typed.right)
		return TOTP_OK;
	reason_set(&request->response->why, "the code of the new phone came too late: try again");
	return TOTP_ERR_RANGE;
}

static struct token token_to_store(const struct request *request)
{
	const struct wire_token *given = &request->wire->token;
	struct token token = {.type = given->type,
			      .alg = given->alg,
			      .digits = given->digits,
			      .period = given->period,
			      .created = request->now,
			      .secret = given->secret};

	memcpy(token.label, given->label, sizeof(token.label));
	return token;
}

/* May the user enroll with totp-enroll? */
static enum totp_err check_permission(struct request *request)
{
	struct gate_facts facts;
	bool may = false;
	enum totp_err err = find_gate_facts(request, &facts);

	if (err == TOTP_OK)
		err = find_permission(request, &facts, &may);
	return err == TOTP_OK && !may ? forbid(request, "enroll you") : err;
}

/* The module allowed it by its PAM line before it asked the user; an invitation may have ended
 * since. */
static enum totp_err check_invitation(struct request *request)
{
	const struct attempt who = attempt_by(request);

	if (!request->account.known)
		return TOTP_ERR_ARGUMENT;
	return request->wire->by_invitation
		       ? invitation_check(request->store, &who, &request->response->why)
		       : TOTP_OK;
}

static enum totp_err answer_enroll(struct request *request)
{
	struct wire_response *response = request->response;
	bool in_login = request->wire->op == WIRE_ENROLL_IN_LOGIN;
	struct enroll_first first = {.user = request->account.name,
				     .uid = request->account.uid,
				     .now = request->now,
				     .recovery_codes = in_login ? request->wire->recovery_codes
								: request->policy->recovery_codes,
				     .in_login = in_login};
	bool is_decided = in_login || request->peer->host[0]; /* by another policy than ours */
	enum totp_err err = is_decided ? check_invitation(request) : check_permission(request);

	if (err == TOTP_OK)
		err = confirm_again(request, &first.moving);
	if (err == TOTP_OK && !is_awaited(request)) {
		reason_set(&response->why, "the client waits no longer: nothing was stored");
		err = TOTP_ERR_TIMEOUT;
	}
	if (err != TOTP_OK)
		return err;
	first.token = token_to_store(request);
	err = enroll_store(request->store, &first, response->codes, &response->code_count,
			   &response->why);
	WIPE(first.token);
	if (err == TOTP_OK && !request->peer->root)
		log_change(request, "enrolled", request->wire->token.label);
	return err;
}

/* --- changes, each confirmed by a code --- */

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
	{WIRE_DISABLE, CHANGE_DISABLE, "revoked"}, /* "disabled": by an administrator */
};

/* May users make this change themselves? */
static enum totp_err check_change(struct request *request, enum change_kind kind)
{
	struct gate_facts facts;
	enum totp_err err = TOTP_OK;
	bool required = false;

	if (request->peer->host[0]) /* the host's policy has allowed it */
		return TOTP_OK;
	if (kind == CHANGE_DISABLE)
		err = find_gate_facts(request, &facts);
	if (kind == CHANGE_DISABLE && err == TOTP_OK)
		required = gate_requires(request->policy, &facts, request->now);
	if (err != TOTP_OK || change_is_allowed(request->policy, kind, required))
		return err;
	return forbid(request, kind == CHANGE_DISABLE    ? "remove your enrollment: the policy "
							   "requires codes of you"
			       : kind == CHANGE_RECOVERY ? "make new recovery codes for you"
							 : "change your phones and tokens");
}

static enum totp_err answer_change(struct request *request)
{
	const struct wire_request *wire = request->wire;
	struct wire_response *response = request->response;
	struct attempt who = attempt_by(request);
	struct token token = token_to_store(request);
	struct change change = {.label = wire->label,
				.new_label = wire->new_label,
				.token = &token,
				.recovery_codes = request->policy->recovery_codes};
	size_t index = 0;
	enum totp_err err;

	while (changes[index].op != wire->op)
		index++;
	change.kind = changes[index].kind;
	err = check_change(request, change.kind);
	if (err == TOTP_OK && (change.kind == CHANGE_ADD || change.kind == CHANGE_REPLACE))
		err = confirm_again(request, &change.moving);
	if (err == TOTP_OK)
		err = change_by(request->store, &who, &change, &response->outcome, &response->why);
	if (err == TOTP_OK)
		log_outcome(request);
	if (err == TOTP_OK && response->outcome.verdict == VERDICT_ALLOW) {
		log_change(request, changes[index].word,
			   change.kind == CHANGE_ADD ? token.label : wire->label);
		if (change.kind == CHANGE_RECOVERY)
			response->code_count = (uint8_t)change.recovery_codes;
		memcpy(response->codes, change.codes, sizeof(response->codes));
	}
	WIPE(token);
	WIPE(change);
	return err;
}

/* --- a store of the verifiers: they check codes, this host decides who is asked --- */

/* Whether this host's policy allows what the user asks for; *facts, of a user without a record. */
static enum totp_err check_here(struct request *request, struct relay_request *relay,
				struct gate_facts *facts)
{
	enum wire_op op = request->wire->op;
	struct gate_facts invited;

	if (op == WIRE_CHECK && !request->account.known)
		return TOTP_ERR_NOT_FOUND;
	if (op == WIRE_STATUS || op == WIRE_ENROLL)
		relay->request.by_invitation =
			invitation_is_needed(request->policy, facts, ENROLL_BY_TOOL, request->now);
	if (op == WIRE_ENROLL) {
		invited = *facts;
		invited.invited = relay->request.by_invitation; /* the verifier looks for it */
		return gate_may_enroll(request->policy, &invited, ENROLL_BY_TOOL, request->now)
			       ? TOTP_OK
			       : forbid(request, "enroll you");
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (changes[i].op == op)
			return check_change(request, changes[i].kind);
	return TOTP_OK;
}

/* What a verifier cannot know: it has another policy, and no groups. */
static void add_own_facts(struct request *request, struct gate_facts *facts)
{
	struct wire_response *response = request->response;

	if (request->wire->op != WIRE_STATUS)
		return;
	facts->enrolled = response->enrolled;
	facts->invited = response->invited;
	response->required = gate_requires(request->policy, facts, request->now);
	response->may_enroll =
		gate_may_enroll(request->policy, facts, ENROLL_BY_TOOL, request->now);
}

static void log_remote(const struct request *request)
{
	const struct wire_request *wire = request->wire;
	const struct wire_token *token = &wire->token;

	if (request->peer->root)
		return;
	if (wire->op == WIRE_ENROLL)
		log_change(request, "enrolled", token->label);
	if (wire->op == WIRE_CHECK || (wire->op >= WIRE_ADD && wire->op <= WIRE_DISABLE))
		log_outcome(request);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (changes[i].op == wire->op &&
		    request->response->outcome.verdict == VERDICT_ALLOW)
			log_change(request, changes[i].word,
				   wire->op == WIRE_ADD ? token->label : wire->label);
}

static enum totp_err answer_by_verifier(struct request *request)
{
	OWN_RELAY_REQUEST struct relay_request relay = {.known = request->account.known,
							.request = *request->wire};
	OWN_WIRE_RESPONSE struct wire_response answer = {.op = request->wire->op};
	struct gate_facts facts = {.known = request->account.known};
	enum totp_err err = TOTP_OK;

	relay.request.store = (struct wire_store){.id = {0}};
	relay.request.deadline = 0;
	relay.request.source = request->source;
	relay.request.tells &= request->peer->root; /* the verifier takes this host's word */
	if (relay.known) {
		relay.uid = request->account.uid;
		err = text_copy(text_of(request->account.name), relay.request.user,
				sizeof(relay.request.user));
		if (err == TOTP_OK)
			err = find_gate_facts(request, &facts);
	}
	if (err == TOTP_OK)
		err = check_here(request, &relay, &facts);
	if (err == TOTP_OK)
		err = verifiers_ask(&request->server->verifiers, request->policy, &relay,
				    request->wire->deadline, &answer);
	if (err != TOTP_OK) {
		if (answer.why.text[0])
			request->response->why = answer.why;
		return err;
	}
	*request->response = answer;
	if (answer.err != TOTP_OK)
		return answer.err;
	add_own_facts(request, &facts);
	log_remote(request);
	return TOTP_OK;
}

/* --- one request --- */

static enum totp_err answer_op(struct request *request)
{
	switch (request->wire->op) {
	case WIRE_LOOK:
		return answer_look(request);
	case WIRE_CHECK:
		return answer_check(request);
	case WIRE_STATUS:
		return request->peer->host[0] ? answer_status_of_host(request)
					      : answer_status(request);
	case WIRE_ENROLL:
	case WIRE_ENROLL_IN_LOGIN:
		return answer_enroll(request);
	case WIRE_ADD:
	case WIRE_REPLACE:
	case WIRE_REMOVE:
	case WIRE_RENAME:
	case WIRE_RECOVERY:
	case WIRE_DISABLE:
		return answer_change(request);
	}
	return TOTP_ERR_ARGUMENT;
}

/* Is it about the store that this totpd serves? */
static bool is_for_our_store(const struct request *request)
{
	static const uint8_t unread[CRED_ID_LEN];
	static const struct wire_store not_in_files;
	static const char elsewhere[] = "the one that `store` names";
	bool in_files = request->policy->store == STORE_IN_FILES;
	const struct wire_store *meant = &request->wire->store;
	bool same =
		!in_files ? memcmp(meant, &not_in_files, sizeof(not_in_files)) == 0
		: memcmp(meant->id, unread, sizeof(unread)) == 0
			? strcmp(meant->dir, request->policy->store_dir) == 0
			: memcmp(meant->id, store_info(request->store)->id, sizeof(meant->id)) == 0;

	if (!same)
		reason_set(&request->response->why, "totpd serves %.100s, and not the store %.100s",
			   in_files ? request->policy->store_dir : elsewhere,
			   meant->dir[0] ? meant->dir : elsewhere);
	return same;
}

static enum totp_err open_store(struct request *request)
{
	struct files_config config = conf_files(request->policy);

	config.keys = &request->server->keyring;
	request->store = request->server->store;
	return request->store ? TOTP_OK
			      : stores_open(request->policy, &config, io_deadline(ETCD_WAIT_MS),
					    &request->store, &request->response->why);
}

/* A login host may ask, and knows the account; its users are not users of this host. */
static enum totp_err prepare_for_host(struct request *request)
{
	struct account *account = &request->account;
	struct reason *why = &request->response->why;
	enum totp_err err =
		rights_check_host(request->policy, request->peer->host, request->wire->op, why);

	account->known = request->relay->known;
	account->uid = request->relay->uid;
	if (account->known)
		strcpy(account->name, request->wire->user);
	if (err == TOTP_OK) /* a host that may not ask uses up no user's lines */
		request->logged_for = account->uid;
	if (err == TOTP_OK)
		err = source_on_host(&request->wire->source, request->peer->host, &request->source);
	if (err == TOTP_OK && request->policy->store == STORE_AT_VERIFIER)
		err = reason_err(why, TOTP_ERR_FORBIDDEN,
				 "the verifier has no store: its own policy names verifiers");
	if (err == TOTP_OK)
		err = open_store(request);
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err;
}

/* Find the account, check that the peer may ask about it, and open the store. */
static enum totp_err prepare(struct request *request)
{
	struct reason *why = &request->response->why;
	enum totp_err err = account_find(request->wire->user, &request->account, why);

	if (err == TOTP_OK)
		err = rights_check(request->policy, request->peer, request->wire->op,
				   &request->account, why);
	if (err == TOTP_OK && request->account.known)
		request->logged_for = request->account.uid;
	if (err == TOTP_OK)
		err = rights_source(request->policy, request->peer, &request->wire->source,
				    &request->source, why);
	if (err == TOTP_OK)
		err = conf_choose_store(request->policy, &request->account, why);
	if (err == TOTP_OK && request->policy->store != STORE_AT_VERIFIER)
		err = open_store(request);
	if (err == TOTP_OK && !is_for_our_store(request))
		err = TOTP_ERR_OTHER_STORE;
	/* NOT_FOUND would mean that the user is missing; here the store or a group is */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err;
}

bool request_answer(struct server *server, const struct peer *peer, int fd,
		    const struct relay_request *relay, struct wire_response *ret_response)
{
	const struct wire_request *wire = &relay->request;
	static struct policy policy; /* too large for the stack */
	struct request request = {.server = server,
				  .policy = &policy,
				  .peer = peer,
				  .logged_for = peer->uid,
				  .fd = fd,
				  .relay = relay,
				  .wire = wire,
				  .response = ret_response,
				  .source = peer->root ? wire->source : source_of_uid(peer->uid),
				  .now = clock_now()};
	enum totp_err err = TOTP_ERR_FORMAT;
	bool lacks_key;

	policy = server->policy;
	*ret_response = (struct wire_response){.op = wire->op};
	if (server->policy_invalid)
		reason_set(&ret_response->why, "the policy has a mistake: run totpctl check");
	else if (server->keyring.count == 0 && policy.store != STORE_AT_VERIFIER)
		reason_set(&ret_response->why, "totpd could not read the keyring: see its log");
	else
		err = peer->host[0] ? prepare_for_host(&request) : prepare(&request);
	if (err == TOTP_OK)
		err = request.store ? answer_op(&request) : answer_by_verifier(&request);
	lacks_key = (server->keyring.count == 0 && policy.store != STORE_AT_VERIFIER) ||
		    (request.store && store_lacks_key(request.store));
	if (request.store) /* of another request, a store that is kept stays open */
		server->store = server->is_worker && !lacks_key && policy.store == STORE_IN_ETCD
					? request.store
					: store_close(request.store);

	ret_response->err = err;
	log_error(&request, err);
	return lacks_key;
}
