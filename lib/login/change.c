#include "login/change.h"

#include "login/enroll.h"

/* The index of the token called `label`, or -1 after a sentence. */
static int find_token(const struct cred *cred, const char *label, struct reason *why)
{
	for (int i = 0; i < cred->token_count; i++)
		if (strcmp(cred->tokens[i].label, label) == 0)
			return i;
	reason_set(why, "you have no \"%s\"", label);
	return -1;
}

static enum totp_err add(struct cred *cred, const struct change *change, struct reason *why)
{
	enum totp_err err = enroll_add(cred, change->token);

	if (err == TOTP_ERR_RANGE && cred->token_count >= CRED_TOKENS_MAX)
		reason_set(why, "you have %d phones and tokens, which is as many as there may be",
			   CRED_TOKENS_MAX);
	else if (err == TOTP_ERR_RANGE)
		reason_set(why, "you have a \"%s\" already, or one with the same secret",
			   change->token->label);
	return err;
}

static void take_away(struct cred *cred, int index)
{
	cred->token_count--;
	memmove(&cred->tokens[index], &cred->tokens[index + 1],
		(size_t)(cred->token_count - index) * sizeof(cred->tokens[0]));
	WIPE(cred->tokens[cred->token_count]);
}

static enum totp_err remove_token(struct cred *cred, const struct change *change,
				  struct reason *why)
{
	int index = find_token(cred, change->label, why);

	if (index < 0)
		return TOTP_ERR_RANGE;
	if (cred->token_count == 1) {
		reason_set(why, "\"%s\" is the only one you have", change->label);
		return TOTP_ERR_RANGE;
	}
	take_away(cred, index);
	return TOTP_OK;
}

/* It has the old one's id and label, and of its state what holds for the same secret. */
static enum totp_err replace_token(struct cred *cred, const struct change *change,
				   struct reason *why)
{
	int index = find_token(cred, change->label, why);
	struct token token = *change->token;
	enum totp_err err;

	if (index < 0)
		return TOTP_ERR_RANGE;
	memcpy(token.label, cred->tokens[index].label, sizeof(token.label));
	token.id = cred->tokens[index].id;
	cred->tokens[index] = token;
	WIPE(token);
	err = cred_check(cred);
	if (err == TOTP_ERR_RANGE)
		reason_set(why, "you have one with the same secret already");
	return err;
}

static enum totp_err rename_token(struct cred *cred, const struct change *change,
				  struct reason *why)
{
	int index = find_token(cred, change->label, why);
	enum totp_err err;

	if (index < 0)
		return TOTP_ERR_RANGE;
	err = text_copy(text_of(change->new_label), cred->tokens[index].label,
			sizeof(cred->tokens[index].label));
	if (err == TOTP_OK)
		err = cred_check(cred);
	if (err != TOTP_OK)
		reason_set(why, "\"%s\" is no name for it, or another one has it",
			   change->new_label);
	return err == TOTP_OK ? TOTP_OK : TOTP_ERR_RANGE;
}

/* Change a copy of the credential. */
static enum totp_err change_cred(struct cred *cred, struct change *change, struct reason *why)
{
	switch (change->kind) {
	case CHANGE_ADD:
		return add(cred, change, why);
	case CHANGE_REPLACE:
		return replace_token(cred, change, why);
	case CHANGE_REMOVE:
		return remove_token(cred, change, why);
	case CHANGE_RENAME:
		return rename_token(cred, change, why);
	case CHANGE_RECOVERY:
		return recovery_make(cred, change->recovery_codes, change->codes);
	case CHANGE_DISABLE:
		break;
	}
	return TOTP_ERR_ARGUMENT;
}

/* A token that is new stands no lower than after the code that confirmed it. */
static void place_new(const struct cred *cred, const struct change *change,
		      struct login_state *state)
{
	const char *label = change->kind == CHANGE_ADD ? change->token->label : change->label;
	int index;

	if (change->kind != CHANGE_ADD && change->kind != CHANGE_REPLACE)
		return;
	index = find_token(cred, label, NULL);
	if (index < 0)
		return;
	state->tokens[index].unread = true;
	if (state->tokens[index].moving < change->moving)
		state->tokens[index].moving = change->moving;
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

static enum totp_err run(void *context, struct store_txn *txn, const struct cred *cred,
			 const struct login_state *next, struct reason *why)
{
	const struct act *act = context;
	struct change *change = act->change;
	OWN_CRED struct cred changed = *cred;
	struct login_state state;
	enum totp_err err;

	if (change->kind == CHANGE_DISABLE)
		return store_remove_by(txn, next, why);
	err = change_cred(&changed, change, why);
	if (err == TOTP_OK)
		err = enroll_renew(&changed, cred, next, &state);
	if (err != TOTP_OK) {
		if (why && !why->text[0])
			reason_set(why, "the change cannot be made: %s", err_name(err));
		return err;
	}
	place_new(&changed, change, &state);
	leave_notice(change, act->who, &state);
	return store_replace(txn, &changed, &state, why);
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
	struct attempt_act act = {.run = run};
	struct attempt with_act = *who;
	struct act context = {change, &with_act};

	act.context = &context;
	with_act.act = &act;
	return attempt(store, &with_act, ret_outcome, why);
}
