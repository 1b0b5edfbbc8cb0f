/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/attempt.h"

#include "login/throttle.h"

/* Only the account that the record was made for: a name can be deleted and created again. */
enum totp_err attempt_check_uid(const struct cred *cred, uint32_t uid, struct reason *why)
{
	if (!cred->uid_bound || cred->uid == uid)
		return TOTP_OK;
	return reason_err(
		why, TOTP_ERR_UNSAFE,
		"the record belongs to uid %u, the account now has uid %u: if it is the same "
		"person, run totpctl adopt",
		(unsigned)cred->uid, (unsigned)uid);
}

static void outcome_of(const struct ruling *ruling, const struct cred *cred,
		       struct outcome *outcome)
{
	outcome->verdict = ruling->verdict;
	outcome->reason = ruling->reason;
	outcome->wait_seconds = ruling->wait_seconds;
	if (ruling->reason == JUDGE_RECOVERY)
		outcome->recovery_left = recovery_left(cred, &ruling->next);
	if (ruling->reason == JUDGE_BYPASS) {
		outcome->bypass_left = (unsigned)(cred->bypass.uses - ruling->next.bypass_used);
		outcome->bypass_expires = cred->bypass.expires;
	}
	if (ruling->token >= 0)
		memcpy(outcome->label, cred->tokens[ruling->token].label, sizeof(outcome->label));
}

/* After a wrong code, and after it was counted: whose clock is off? For the log alone. */
static void search_offset(const struct cred *cred, const struct login_state *state,
			  const struct attempt *who, struct outcome *outcome)
{
	struct offset offset;

	if (outcome->reason != JUDGE_WRONG_CODE ||
	    judge_offset(cred, state, who->answer, who->now, &offset) != TOTP_OK || !offset.found)
		return;
	outcome->off = true;
	outcome->off_hours = offset.whole_hours;
	outcome->offset = offset.distance;
	outcome->off_type = cred->tokens[offset.token].type;
	memcpy(outcome->label, cred->tokens[offset.token].label, sizeof(outcome->label));
}

void attempt_raise(struct store_txn *txn, const struct policy *policy, int64_t now)
{
	int64_t since = store_info(txn->store)->since;

	if (txn->torn)
		state_raise(&txn->state, &txn->cred, now, 0);
	if (since)
		state_raise(&txn->state, &txn->cred, since, policy->window);
}

/* Make durable what follows from a ruling. */
static enum totp_err commit(struct store_txn *txn, const struct cred *cred,
			    const struct ruling *ruling, const struct attempt_act *act,
			    struct reason *why)
{
	if (ruling->reason == JUDGE_BYPASS && act) {
		/* what it changed would outlast it */
		return reason_err(
			why, TOTP_ERR_FORBIDDEN,
			"a temporary code works for a login, but changes nothing: ask your "
			"administrator to set up a new phone");
	}
	if (ruling->verdict == VERDICT_ALLOW && act)
		return act->run(act->context, txn, cred, &ruling->next, why);
	/* a torn state is stored whole again, or every login would raise its steps again */
	if (ruling->changed || txn->torn)
		return store_commit(txn, &ruling->next, why);
	store_end(txn);
	return TOTP_OK;
}

/*
 * Has the owner seen the notices after this login is allowed? Not if the login used a token or
 * code that self-service made: a thief may have it, and the owner has another device.
 */
static bool owner_is_told(const struct ruling *ruling)
{
	const struct login_state *next = &ruling->next;
	bool has_other = false;

	for (size_t i = 0; i < next->token_count; i++)
		has_other |= !next->tokens[i].unread;
	if (!has_other)
		return true;
	if (ruling->token >= 0)
		return !next->tokens[ruling->token].unread;
	return ruling->reason == JUDGE_RECOVERY && !next->notices[NOTICE_RECOVERY].count;
}

static void take_notices(struct ruling *ruling, struct outcome *told)
{
	struct login_state *next = &ruling->next;

	if (ruling->verdict != VERDICT_ALLOW)
		return;
	memcpy(told->notices, next->notices, sizeof(told->notices));
	if (!owner_is_told(ruling))
		return;
	memset(next->notices, 0, sizeof(next->notices));
	for (size_t i = 0; i < next->token_count; i++)
		next->tokens[i].unread = false;
}

/* Judge a locked record, commit, and fill in the outcome. */
static enum totp_err judge_and_commit(struct store_txn *txn, const struct attempt *who,
				      struct outcome *outcome, struct reason *why)
{
	OWN_CRED struct cred cred = txn->cred; /* the transaction wipes its own at commit */
	struct outcome told = {.torn = txn->torn,
			       .failures = txn->state.failures,
			       .last_failure = txn->state.last_failure,
			       .failure_source = txn->state.last_failure_source};
	const struct claim claim = {.cred = &cred,
				    .state = &txn->state,
				    .policy = who->policy,
				    .answer = who->answer,
				    .source = who->source,
				    .now = who->now};
	struct ruling ruling;
	enum totp_err err;

	/*
	 * before it is judged: a client that gives up its request must not learn whether the code
	 * was right
	 */
	if (who->is_awaited && !who->is_awaited(who->context))
		return reason_err(why, TOTP_ERR_TIMEOUT,
				  "the client waits no longer: no code was used up");
	attempt_raise(txn, who->policy, who->now);
	err = judge(&claim, &ruling);
	if (err != TOTP_OK)
		return reason_err(why, err, "cannot judge: %s", err_name(err));
	if (who->tells && !who->act)
		take_notices(&ruling, &told);
	err = commit(txn, &cred, &ruling, who->act, why);
	if (err != TOTP_OK)
		return err;

	told.in_run = txn->in_run;
	outcome_of(&ruling, &cred, &told);
	search_offset(&cred, &ruling.next, who, &told);
	*outcome = told;
	return TOTP_OK;
}

/* An attempt under way, which begins again when a race was lost. */
struct attempt_run {
	struct store *store;
	const struct attempt *who;
	uint64_t deadline; /* for all tries together */
	struct outcome *outcome;
};

static enum totp_err attempt_once(void *context, struct reason *why)
{
	const struct attempt_run *run = context;
	const struct attempt *who = run->who;
	struct outcome *outcome = run->outcome;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct throttle *throttle;
	struct ruling ruling;
	bool mend;
	enum totp_err err = store_read(run->store, who->user, run->deadline, &txn, why);

	if (err == TOTP_OK)
		err = attempt_check_uid(&txn.cred, who->uid, why);
	if (err != TOTP_OK)
		return err;
	if (judge_record(&txn.cred, &ruling)) {
		outcome->reason = ruling.reason;
		return TOTP_OK;
	}

	/*
	 * a login that must be denied need not wait for the lock, unless there is something to
	 * repair
	 */
	throttle = throttle_of(&txn.state, &who->source);
	mend = throttle_settle(throttle, who->now) || txn.torn;
	outcome->wait_seconds = throttle_wait(throttle, who->policy, who->now);
	if (outcome->wait_seconds && !mend && who->answer->kind != ANSWER_RECOVERY) {
		outcome->verdict = VERDICT_WAIT;
		outcome->reason = JUDGE_THROTTLED;
		return TOTP_OK;
	}
	err = store_begin(&txn, run->deadline, why);
	if (err != TOTP_OK)
		return err;
	return judge_and_commit(&txn, who, outcome, why);
}

enum totp_err attempt(struct store *store, const struct attempt *who, struct outcome *ret_outcome,
		      struct reason *why)
{
	struct attempt_run run = {
		.store = store,
		.who = who,
		.deadline = store_deadline(store),
		.outcome = ret_outcome,
	};
	struct ruling shape;

	*ret_outcome = (struct outcome){.verdict = VERDICT_DENY};
	if (judge_shape(who->answer, &shape)) {
		ret_outcome->reason = shape.reason;
		return TOTP_OK;
	}
	return store_retry(attempt_once, &run, why);
}

bool attempt_remembers(const struct policy *policy, int64_t last_here, int64_t now)
{
	return last_here > 0 && last_here <= now && now - last_here < policy->remember;
}

enum totp_err attempt_look(struct store *store, const struct attempt *who, struct store_txn *txn,
			   struct look *ret_look, struct reason *why)
{
	bool is_address = who->source.kind == SOURCE_IPV4 || who->source.kind == SOURCE_IPV6;
	enum totp_err err = store_read(store, who->user, store_deadline(store), txn, why);

	*ret_look = (struct look){.remembered = false};
	if (err == TOTP_OK)
		err = attempt_check_uid(&txn->cred, who->uid, why);
	if (err != TOTP_OK || txn->cred.disabled)
		return err;
	for (size_t i = 0; is_address && i < txn->state.known_count; i++)
		if (source_equal(&txn->state.known[i].source, &who->source))
			ret_look->last_here = txn->state.known[i].last_success;
	ret_look->remembered = attempt_remembers(who->policy, ret_look->last_here, who->now);
	ret_look->pending = state_is_pending(&txn->state, &txn->cred) && !txn->torn;
	return TOTP_OK;
}
