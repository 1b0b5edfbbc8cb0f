/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/change.h"

#include "login/enroll.h"

static enum totp_err change_cred(struct cred *cred, struct change *change)
{
	switch (change->kind) {
	case CHANGE_ADD:
		return enroll_add(cred, change->token);
	case CHANGE_REPLACE:
		return enroll_replace(cred, change->label, change->token);
	case CHANGE_REMOVE:
		return enroll_remove(cred, change->label);
	case CHANGE_RENAME:
		return enroll_rename(cred, change->label, change->new_label);
	case CHANGE_RECOVERY:
		return recovery_make(cred, change->recovery_codes, change->codes);
	case CHANGE_DISABLE:
		break;
	}
	return TOTP_ERR_ARGUMENT;
}

/* Why the change cannot be made, for the person. */
static void explain_refusal(const struct cred *cred, const struct change *change, enum totp_err err,
			    struct reason *why)
{
	if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why, "you have no \"%s\"", change->label);
	else if (err != TOTP_ERR_RANGE || change->kind == CHANGE_RECOVERY)
		reason_set(why, "the change cannot be made: %s", err_name(err));
	else if (change->kind == CHANGE_REMOVE)
		reason_set(why, "\"%s\" is the only one you have", change->label);
	else if (change->kind == CHANGE_RENAME)
		reason_set(why, "\"%s\" is no name for it, or another one has it",
			   change->new_label);
	else if (change->kind == CHANGE_REPLACE)
		reason_set(why, "you have one with the same secret already");
	else if (cred->token_count >= CRED_TOKENS_MAX)
		reason_set(why, "you already have %d devices, the most that one account can have",
			   CRED_TOKENS_MAX);
	else
		reason_set(why, "you have a \"%s\" already, or one with the same secret",
			   change->token->label);
}

/*
 * An attacker who talked the user out of a code could make these changes, so the owner gets a
 * notice.
 */
static void leave_notice(const struct change *change, const struct attempt *who,
			 struct login_state *state)
{
	struct notice *notice;

	if (change->kind == CHANGE_ADD)
		notice = &state->notices[NOTICE_ADDED];
	else if (change->kind == CHANGE_REPLACE)
		notice = &state->notices[NOTICE_REPLACED];
	else if (change->kind == CHANGE_RECOVERY)
		notice = &state->notices[NOTICE_RECOVERY];
	else
		return;
	notice->count = notice->count < UINT8_MAX ? (uint8_t)(notice->count + 1) : UINT8_MAX;
	notice->last = who->now;
	notice->source = who->source;
}

/* A change, and the attempt that makes it. */
struct act {
	struct change *change;
	const struct attempt *who;
};

static enum totp_err commit_change(void *context, struct store_txn *txn, const struct cred *cred,
				   const struct login_state *next, struct reason *why)
{
	const struct act *act = context;
	struct change *change = act->change;
	OWN_CRED struct cred changed = *cred;
	struct login_state before = *next;
	struct enroll_change made = {
		.cred = &changed, .before = &before, .moving = change->moving, .unread = true};
	enum totp_err err;

	if (change->kind == CHANGE_DISABLE)
		return store_remove_by(txn, next, why);
	err = change_cred(&changed, change);
	if (err != TOTP_OK) {
		explain_refusal(cred, change, err, why);
		/* to attempt, NOT_FOUND is a user without a record */
		return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_RANGE : err;
	}
	if (change->kind == CHANGE_ADD)
		made.token = changed.tokens[changed.token_count - 1].id;
	else if (change->kind == CHANGE_REPLACE)
		made.token = changed.tokens[enroll_find(&changed, change->label)].id;
	leave_notice(change, act->who, &before);
	return enroll_commit(txn, &made, why);
}

bool change_is_allowed(const struct policy *policy, enum change_kind kind, bool required)
{
	switch (kind) {
	case CHANGE_ADD:
	case CHANGE_REPLACE:
		return policy->enroll_tool;
	case CHANGE_RECOVERY:
		return policy->recovery_codes > 0;
	case CHANGE_DISABLE:
		return !required;
	case CHANGE_REMOVE:
	case CHANGE_RENAME:
		return true;
	}
	return false;
}

enum totp_err change_by(struct store *store, const struct attempt *who, struct change *change,
			struct outcome *ret_outcome, struct reason *why)
{
	struct attempt_act act = {.run = commit_change};
	struct attempt with_act = *who;
	struct act context = {change, &with_act};

	act.context = &context;
	with_act.act = &act;
	return attempt(store, &with_act, ret_outcome, why);
}
