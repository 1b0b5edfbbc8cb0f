/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/enroll.h"

static enum totp_err fresh_keys(struct cred *cred)
{
	enum totp_err err = crypto_random(cred->id, sizeof(cred->id));

	if (err == TOTP_OK)
		err = crypto_random(cred->state_key, sizeof(cred->state_key));
	return err;
}

enum totp_err enroll_begin(const char *user, bool uid_bound, uint32_t uid, int64_t now,
			   struct cred *ret_cred)
{
	struct cred cred = {.version = RECORD_VERSION_FIRST,
			    .uid_bound = uid_bound,
			    .uid = uid_bound ? uid : 0,
			    .created = now};
	enum totp_err err = fresh_keys(&cred);

	if (err == TOTP_OK && user[0] == '\0')
		err = TOTP_ERR_RANGE;
	if (err == TOTP_OK)
		err = text_copy(text_of(user), cred.user, sizeof(cred.user));
	if (err == TOTP_OK)
		*ret_cred = cred;
	cred_wipe(&cred);
	return err;
}

enum totp_err enroll_secret(struct secret *ret_secret)
{
	enum totp_err err;

	secret_wipe(ret_secret);
	err = crypto_random(ret_secret->data, SECRET_NEW_LEN);
	if (err == TOTP_OK)
		ret_secret->len = SECRET_NEW_LEN;
	return err;
}

int enroll_find(const struct cred *cred, const char *label)
{
	for (int i = 0; i < cred->token_count; i++)
		if (strcmp(cred->tokens[i].label, label) == 0)
			return i;
	return -1;
}

/* Keep a changed copy if it is a valid credential. */
static enum totp_err keep_checked(struct cred *cred, const struct cred *changed)
{
	enum totp_err err = cred_check(changed);

	if (err == TOTP_OK)
		*cred = *changed;
	return err;
}

enum totp_err enroll_add(struct cred *cred, const struct token *token)
{
	OWN_CRED struct cred grown = *cred;
	struct token *added = &grown.tokens[cred->token_count];
	bool taken[UINT8_MAX + 1] = {false};
	uint8_t id = 1;

	if (cred->token_count >= CRED_TOKENS_MAX)
		return TOTP_ERR_RANGE;
	for (size_t i = 0; i < cred->token_count; i++)
		taken[cred->tokens[i].id] = true;
	while (taken[id])
		id++;
	*added = *token;
	added->id = id;
	grown.token_count++;
	return keep_checked(cred, &grown);
}

enum totp_err enroll_replace(struct cred *cred, const char *label, const struct token *token)
{
	OWN_CRED struct cred changed = *cred;
	int index = enroll_find(cred, label);
	struct token *replaced = &changed.tokens[index < 0 ? 0 : index];

	if (index < 0)
		return TOTP_ERR_NOT_FOUND;
	*replaced = *token;
	replaced->id = cred->tokens[index].id;
	memcpy(replaced->label, cred->tokens[index].label, sizeof(replaced->label));
	return keep_checked(cred, &changed);
}

enum totp_err enroll_rename(struct cred *cred, const char *label, const char *new_label)
{
	OWN_CRED struct cred changed = *cred;
	int index = enroll_find(cred, label);
	enum totp_err err;

	if (index < 0)
		return TOTP_ERR_NOT_FOUND;
	err = text_copy(text_of(new_label), changed.tokens[index].label,
			sizeof(changed.tokens[index].label));
	if (err == TOTP_OK)
		err = keep_checked(cred, &changed);
	return err == TOTP_OK ? TOTP_OK : TOTP_ERR_RANGE;
}

enum totp_err enroll_remove(struct cred *cred, const char *label)
{
	int index = enroll_find(cred, label);

	if (index < 0)
		return TOTP_ERR_NOT_FOUND;
	if (cred->token_count == 1)
		return TOTP_ERR_RANGE;
	cred->token_count--;
	memmove(&cred->tokens[index], &cred->tokens[index + 1],
		(size_t)(cred->token_count - index) * sizeof(cred->tokens[0]));
	WIPE(cred->tokens[cred->token_count]);
	return TOTP_OK;
}

void enroll_set_recovery(struct cred *cred, const struct cred *made)
{
	cred->recovery_count = made->recovery_count;
	memcpy(cred->recovery_salt, made->recovery_salt, sizeof(cred->recovery_salt));
	memcpy(cred->recovery_hash, made->recovery_hash, sizeof(cred->recovery_hash));
}

static bool is_same_secret(const struct token *a, const struct token *b)
{
	return a->type == b->type && a->period == b->period && a->secret.len == b->secret.len &&
	       secret_equal(a->secret.data, b->secret.data, a->secret.len);
}

/* What belongs to the user rather than to a token. */
static void keep_history(struct login_state *state, const struct login_state *before)
{
	state->one_class = before->one_class;
	memcpy(state->shared, before->shared, sizeof(state->shared));
	state->known_count = before->known_count;
	memcpy(state->known, before->known, sizeof(state->known));
	state->failures = before->failures;
	state->last_failure = before->last_failure;
	state->last_failure_source = before->last_failure_source;
	state->last_success = before->last_success;
	memcpy(state->notices, before->notices, sizeof(state->notices));
}

bool enroll_forget(struct login_state *state)
{
	bool remembered = false;

	for (size_t i = 0; i < state->known_count; i++) {
		remembered |= state->known[i].last_success != 0;
		state->known[i].last_success = 0;
	}
	return remembered;
}

/* The index of a recovery code of `was` among those of cred, or -1. */
static int find_hash(const struct cred *cred, const struct cred *was, size_t index)
{
	if (memcmp(cred->recovery_salt, was->recovery_salt, RECOVERY_SALT_LEN) != 0)
		return -1;
	return recovery_find_hash(cred, was->recovery_hash[index]);
}

/* Hash by hash: a list that was imported again may lack the codes that were used elsewhere. */
static void keep_spent(const struct cred *cred, struct login_state *state, const struct cred *was,
		       const struct login_state *before)
{
	for (size_t i = 0; i < was->recovery_count; i++) {
		int index = find_hash(cred, was, i);

		if (index >= 0 && (before->spent >> i & 1))
			state->spent |= UINT32_C(1) << index;
	}
}

/* Could somebody still hold a proof that must no longer be accepted? */
static bool ends_trust(const struct cred *cred, const struct cred *was)
{
	bool ends = cred->disabled != was->disabled || cred->uid_bound != was->uid_bound ||
		    cred->uid != was->uid;

	for (size_t i = 0; i < was->token_count; i++) {
		bool kept = false;

		for (size_t k = 0; k < cred->token_count; k++)
			kept |= is_same_secret(&cred->tokens[k], &was->tokens[i]);
		ends |= !kept;
	}
	for (size_t i = 0; i < was->recovery_count; i++)
		ends |= find_hash(cred, was, i) < 0;
	return ends;
}

static bool is_same_bypass(const struct bypass *a, const struct bypass *b)
{
	return memcmp(a->salt, b->salt, sizeof(a->salt)) == 0;
}

enum totp_err enroll_renew(struct cred *cred, const struct cred *was,
			   const struct login_state *before, struct login_state *ret_state)
{
	enum totp_err err = fresh_keys(cred);
	struct login_state state;

	if (err != TOTP_OK)
		return err;
	state_init(cred, &state);
	for (size_t i = 0; i < state.token_count; i++)
		for (size_t k = 0; k < was->token_count && k < before->token_count; k++)
			if (cred->tokens[i].id == was->tokens[k].id &&
			    is_same_secret(&cred->tokens[i], &was->tokens[k]))
				state.tokens[i] = before->tokens[k];
	if (!state_is_pending(before, was))
		cred->must_confirm = false;
	keep_spent(cred, &state, was, before);
	if (is_same_bypass(&cred->bypass, &was->bypass))
		state.bypass_used = before->bypass_used;
	keep_history(&state, before);
	if (ends_trust(cred, was))
		(void)enroll_forget(&state);
	*ret_state = state;
	return TOTP_OK;
}

static void inherit_token(struct token_state *state, struct token *token, const struct cred *was,
			  const struct login_state *before)
{
	for (size_t i = 0; i < was->token_count && i < before->token_count; i++) {
		const struct token_state *old = &before->tokens[i];

		if (!is_same_secret(token, &was->tokens[i]))
			continue;
		if (old->moving > state->moving)
			state->moving = old->moving;
		if (old->last_used > state->last_used)
			state->last_used = old->last_used;
		state->unread |= old->unread;
		if (token->offset == 0)
			token->offset = was->tokens[i].offset;
	}
}

void enroll_inherit(struct cred *cred, struct login_state *state, const struct cred *was,
		    const struct login_state *before)
{
	for (size_t i = 0; i < cred->token_count; i++)
		inherit_token(&state->tokens[i], &cred->tokens[i], was, before);
	keep_spent(cred, state, was, before);
	/*
	 * this host does not know how often a bypass that the record no longer has was used, or
	 * whether it was revoked
	 */
	if (!is_same_bypass(&cred->bypass, &was->bypass)) {
		cred->bypass = (struct bypass){.uses = 0};
		state->bypass_used = 0;
	} else if (before->bypass_used > state->bypass_used) {
		state->bypass_used = before->bypass_used;
	}
	if (!state_is_pending(before, was))
		cred->must_confirm = false;
	cred->disabled |= was->disabled;
	keep_history(state, before);
	(void)enroll_forget(state);
}

enum totp_err enroll_commit(struct store_txn *txn, const struct enroll_change *change,
			    struct reason *why)
{
	OWN_CRED struct cred cred = *change->cred;
	struct login_state state;
	enum totp_err err = enroll_renew(&cred, &txn->cred,
					 change->before ? change->before : &txn->state, &state);

	if (err != TOTP_OK)
		return reason_err(why, err, "cannot renew the credential: %s", err_name(err));
	for (size_t i = 0; i < state.token_count; i++) {
		struct token_state *token = &state.tokens[i];

		if (token->id != change->token)
			continue;
		token->unread |= change->unread;
		if (token->moving < change->moving)
			token->moving = change->moving;
	}
	return store_replace(txn, &cred, &state, why);
}

enum totp_err enroll_repair(struct cred *cred, int64_t now, uint64_t ahead,
			    struct login_state *ret_state)
{
	enum totp_err err = fresh_keys(cred);
	struct login_state state;

	if (err != TOTP_OK)
		return err;
	state_init(cred, &state);
	state_raise(&state, cred, now, ahead);
	for (size_t i = 0; i < cred->token_count; i++)
		if (cred->tokens[i].type == TOKEN_HOTP)
			state.tokens[i].moving = COUNTER_DISABLED;
	state.spent = UINT32_MAX;
	state.bypass_used = UINT8_MAX;
	cred->must_confirm = false;
	*ret_state = state;
	return TOTP_OK;
}

enum totp_err enroll_make(const struct enroll_first *first, struct cred *ret_cred,
			  struct recovery_code ret_codes[RECOVERY_MAX])
{
	enum totp_err err = enroll_begin(first->user, true, first->uid, first->now, ret_cred);

	if (err == TOTP_OK)
		err = enroll_add(ret_cred, &first->token);
	if (err == TOTP_OK)
		err = recovery_make(ret_cred, first->recovery_codes, ret_codes);
	return err;
}

enum totp_err enroll_create(struct store *store, const struct cred *cred, uint64_t moving,
			    int64_t login_at, struct reason *why)
{
	struct login_state state;

	state_init(cred, &state);
	state.tokens[0].moving = moving;
	state.tokens[0].last_used = state.last_success = login_at;
	return store_create(store, cred, &state, store_deadline(store), why);
}

enum totp_err enroll_store(struct store *store, const struct enroll_first *first,
			   struct recovery_code ret_codes[RECOVERY_MAX], uint8_t *ret_count,
			   struct reason *why)
{
	OWN_CRED struct cred cred = {0};
	enum totp_err err = enroll_make(first, &cred, ret_codes);

	if (err != TOTP_OK)
		return reason_err(why, err, "no record could be made: %s", err_name(err));
	err = enroll_create(store, &cred, first->moving, first->in_login ? first->now : 0, why);
	if (err == TOTP_OK)
		*ret_count = cred.recovery_count;
	else
		explicit_bzero(ret_codes, RECOVERY_MAX * sizeof(*ret_codes));
	return err;
}
