/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/state.h"

#define STATE_MAGIC  0x50545354u /* "PTST" */
#define STATE_MAC_AT (STATE_SLOT_LEN - SHA256_LEN)

_Static_assert(2 + STATE_MAC_AT + CRED_USER_MAX <= HMAC_MESSAGE_MAX, "a slot and a user name");

bool state_is_pending(const struct login_state *state, const struct cred *cred)
{
	for (size_t i = 0; i < state->token_count; i++)
		if (state->tokens[i].last_used != 0)
			return false;
	return cred->must_confirm;
}

bool source_equal(const struct source *a, const struct source *b)
{
	return a->kind == b->kind && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

enum source_class source_class(const struct source *source)
{
	static const uint8_t root[SOURCE_CALLER_AT];
	const char *terminal = (const char *)source->bytes + SOURCE_CALLER_AT;

	if (source->kind == SOURCE_HOST)
		return source->bytes[0] % SOURCE_CLASSES;
	if (source->kind != SOURCE_UID)
		return SOURCE_NETWORK;
	if (memcmp(source->bytes, root, sizeof(root)) != 0)
		return SOURCE_USER;
	if (terminal[0] == '\0')
		return SOURCE_NETWORK;
	return terminal[0] == ':' || strncmp(terminal, SOURCE_PTS, sizeof(SOURCE_PTS)) == 0
		       ? SOURCE_PSEUDO
		       : SOURCE_CONSOLE;
}

void state_init(const struct cred *cred, struct login_state *ret_state)
{
	*ret_state = (struct login_state){.sequence = 1, .token_count = cred->token_count};
	memcpy(ret_state->cred_id, cred->id, sizeof(cred->id));
	for (size_t i = 0; i < cred->token_count; i++)
		ret_state->tokens[i].id = cred->tokens[i].id;
}

void state_raise(struct login_state *state, const struct cred *cred, int64_t now, uint64_t ahead)
{
	for (size_t i = 0; i < cred->token_count && i < state->token_count; i++) {
		const struct token *token = &cred->tokens[i];
		uint64_t step = 0;

		if (token->type != TOKEN_TOTP || token_step_at(token, now, &step) != TOTP_OK)
			continue;
		if (step + ahead > state->tokens[i].moving)
			state->tokens[i].moving = step + ahead;
	}
}

void state_merge(struct login_state *state, const struct login_state *other)
{
	struct login_state merged = other->sequence > state->sequence ? *other : *state;

	for (size_t i = 0; i < state->token_count && i < other->token_count; i++) {
		const struct token_state *a = &state->tokens[i], *b = &other->tokens[i];

		merged.tokens[i].moving = a->moving > b->moving ? a->moving : b->moving;
		merged.tokens[i].last_used = a->last_used > b->last_used ? a->last_used
									 : b->last_used;
	}
	merged.spent = state->spent | other->spent;
	merged.bypass_used = state->bypass_used > other->bypass_used ? state->bypass_used
								     : other->bypass_used;
	*state = merged;
}

void code_source(const struct codec *codec, struct source *source)
{
	CODE(codec, source->kind, 1);
	codec_bytes(codec, source->bytes, sizeof(source->bytes));
}

static void code_throttle(const struct codec *codec, struct throttle *throttle)
{
	CODE(codec, throttle->burst.used, 4);
	CODE(codec, throttle->burst.since, 8);
	CODE(codec, throttle->total.used, 4);
	CODE(codec, throttle->total.since, 8);
}

/* Version 1 has one throttle for all sources that are not known. */
static size_t classes_of(const struct cred *cred)
{
	return cred->version < 2 ? 1 : SOURCE_CLASSES;
}

/*
 * The MAC of a slot: over all before it and the user name. From version 2 on the zeros that end
 * the state are not hashed, only how many bytes come before them: of 4 KiB some 300 are in use,
 * and hashing all of them was most of what a login computes.
 */
static enum totp_err slot_mac(const uint8_t *slot, const struct cred *cred, uint8_t mac[SHA256_LEN])
{
	bool whole = cred->version == RECORD_VERSION_FIRST;
	size_t used = whole ? STATE_MAC_AT : bytes_used(slot, STATE_MAC_AT);
	const uint8_t length[] = {(uint8_t)(used >> 8), (uint8_t)used};
	const struct piece key = {cred->state_key, sizeof(cred->state_key)};
	const struct piece pieces[] = {
		{length, whole ? 0 : sizeof(length)},
		{slot, used},
		{cred->user, strlen(cred->user)},
	};

	return crypto_hmac(HMAC_SHA256, key, pieces, 3, mac);
}

static enum totp_err state_check(const struct login_state *state, const struct cred *cred)
{
	if (memcmp(state->cred_id, cred->id, sizeof(cred->id)) != 0 ||
	    state->token_count != cred->token_count || state->known_count > STATE_KNOWN_MAX)
		return TOTP_ERR_RANGE;
	for (size_t i = 0; i < cred->token_count; i++)
		if (state->tokens[i].id != cred->tokens[i].id)
			return TOTP_ERR_RANGE;
	for (size_t i = 0; i < NOTICE_KINDS; i++)
		if (state->notices[i].source.kind > SOURCE_HOST)
			return TOTP_ERR_RANGE;
	for (size_t i = 0; i < state->known_count; i++)
		if (state->known[i].source.kind == SOURCE_UNKNOWN ||
		    state->known[i].source.kind > SOURCE_HOST)
			return TOTP_ERR_RANGE;
	return state->last_failure_source.kind > SOURCE_HOST ? TOTP_ERR_RANGE : TOTP_OK;
}

/* After all that version 1 has. Zeros, as at the end of any slot, are no notice. */
void code_notices(const struct codec *codec, struct notice notices[NOTICE_KINDS])
{
	for (size_t i = 0; i < NOTICE_KINDS; i++) {
		CODE(codec, notices[i].count, 1);
		CODE(codec, notices[i].last, 8);
		code_source(codec, &notices[i].source);
	}
}

static void code_state(const struct codec *codec, const struct cred *cred,
		       struct login_state *state)
{
	bool *unread[CRED_TOKENS_MAX];

	CODE(codec, state->sequence, 8);
	codec_bytes(codec, state->cred_id, sizeof(state->cred_id));
	codec_count(codec, &state->token_count, CRED_TOKENS_MAX);
	for (size_t i = 0; i < state->token_count; i++) {
		CODE(codec, state->tokens[i].id, 1);
		CODE(codec, state->tokens[i].moving, 8);
		CODE(codec, state->tokens[i].last_used, 8);
		unread[i] = &state->tokens[i].unread;
	}
	CODE(codec, state->spent, 4);
	CODE(codec, state->bypass_used, 1);
	for (size_t i = 0; i < classes_of(cred); i++)
		code_throttle(codec, &state->shared[i]);
	codec_count(codec, &state->known_count, STATE_KNOWN_MAX);
	for (size_t i = 0; i < state->known_count; i++) {
		code_source(codec, &state->known[i].source);
		CODE(codec, state->known[i].last_success, 8);
		code_throttle(codec, &state->known[i].throttle);
	}
	CODE(codec, state->failures, 4);
	CODE(codec, state->last_failure, 8);
	code_source(codec, &state->last_failure_source);
	CODE(codec, state->last_success, 8);
	if (cred->version < 2)
		return;
	code_notices(codec, state->notices);
	codec_flags(codec, unread, state->token_count);
}

enum totp_err state_encode(const struct login_state *state, const struct cred *cred,
			   uint8_t ret_slot[STATE_SLOT_LEN])
{
	struct buffer out = buffer_of(ret_slot, STATE_MAC_AT);
	struct login_state copy = *state; /* a walk may write to what it walks over */
	enum totp_err err = state_check(state, cred);

	if (err != TOTP_OK)
		return err;

	for (size_t i = 1; copy.one_class && i < SOURCE_CLASSES; i++)
		copy.shared[i] = copy.shared[0];
	buffer_u32(&out, STATE_MAGIC);
	buffer_u16(&out, cred->version);
	code_state(&(struct codec){.out = &out}, cred, &copy);
	buffer_zeros(&out, STATE_MAC_AT - out.len);
	err = buffer_end(&out);
	return err == TOTP_OK ? slot_mac(ret_slot, cred, ret_slot + STATE_MAC_AT) : err;
}

enum totp_err state_decode(const uint8_t slot[STATE_SLOT_LEN], const struct cred *cred,
			   struct login_state *ret_state)
{
	struct bytes in = bytes_of(slot, STATE_MAC_AT);
	uint8_t mac[SHA256_LEN];
	enum totp_err err = slot_mac(slot, cred, mac);

	*ret_state = (struct login_state){0};
	if (err != TOTP_OK)
		return err;
	if (!secret_equal(mac, slot + STATE_MAC_AT, SHA256_LEN))
		return TOTP_ERR_SEAL;
	if (bytes_u32(&in) != STATE_MAGIC)
		return TOTP_ERR_FORMAT;
	if (bytes_u16(&in) != cred->version)
		return TOTP_ERR_UNSUPPORTED;

	code_state(&(struct codec){.in = &in}, cred, ret_state);
	ret_state->one_class = classes_of(cred) == 1;
	bytes_zeros(&in, in.left);
	err = bytes_end(&in);
	if (err == TOTP_OK)
		err = state_check(ret_state, cred);
	if (err != TOTP_OK)
		*ret_state = (struct login_state){0};
	return err;
}

enum totp_err state_choose(const uint8_t *file, size_t len, const struct cred *cred,
			   struct login_state *ret_state, bool *ret_torn)
{
	struct login_state slots[2];
	enum totp_err errs[2];

	if (len != STATE_FILE_LEN)
		return TOTP_ERR_FORMAT;

	for (size_t i = 0; i < 2; i++) {
		errs[i] = state_decode(file + i * STATE_SLOT_LEN, cred, &slots[i]);
		if (errs[i] == TOTP_OK && (slots[i].sequence & 1) != i)
			errs[i] = TOTP_ERR_FORMAT;
		if (errs[i] == TOTP_ERR_CRYPTO || errs[i] == TOTP_ERR_UNSUPPORTED)
			return errs[i];
	}
	if (errs[0] != TOTP_OK && errs[1] != TOTP_OK)
		return TOTP_ERR_SEAL;

	*ret_torn = errs[0] != TOTP_OK || errs[1] != TOTP_OK;
	*ret_state = errs[1] != TOTP_OK ||
				     (errs[0] == TOTP_OK && slots[0].sequence > slots[1].sequence)
			     ? slots[0]
			     : slots[1];
	return TOTP_OK;
}

enum totp_err state_encode_file(const struct login_state *state, const struct cred *cred,
				uint8_t ret_file[STATE_FILE_LEN])
{
	struct login_state before = *state;
	enum totp_err err;

	if (state->sequence == 0)
		return TOTP_ERR_RANGE;

	before.sequence--;
	err = state_encode(state, cred, ret_file + (state->sequence & 1) * STATE_SLOT_LEN);
	if (err == TOTP_OK)
		err = state_encode(&before, cred,
				   ret_file + (before.sequence & 1) * STATE_SLOT_LEN);
	return err;
}
