#include "import/new_token.h"

#include <stdio.h>

#include "import/export_file.h"
#include "login/enroll.h"
#include "record/recovery.h"

void new_token_wipe(struct new_token *draft)
{
	explicit_bzero(draft, sizeof(*draft));
}

/* Add a token at `moving`. */
static enum totp_err add_token(struct new_token *draft, const struct token *token, uint64_t moving,
			       struct reason *why)
{
	const struct cred *cred = &draft->cred;
	struct login_state *state = &draft->state;
	struct token added = *token;
	bool same = false;
	enum totp_err err;

	/* "imported", "imported 2", …, also instead of a label that is in use */
	if (!added.label[0] || enroll_find(cred, added.label) >= 0)
		strcpy(added.label, NEW_TOKEN_LABEL);
	for (unsigned n = 2; enroll_find(cred, added.label) >= 0; n++)
		snprintf(added.label, sizeof(added.label), NEW_TOKEN_LABEL " %u", n);
	for (size_t i = 0; i < cred->token_count; i++)
		same |= cred->tokens[i].secret.len == token->secret.len &&
			secret_equal(cred->tokens[i].secret.data, token->secret.data,
				     token->secret.len);
	err = enroll_add(&draft->cred, &added);
	WIPE(added);
	if (err == TOTP_OK) {
		memcpy(state->cred_id, cred->id, sizeof(state->cred_id));
		state->tokens[cred->token_count - 1] = (struct token_state){
			.id = cred->tokens[cred->token_count - 1].id, .moving = moving};
		state->token_count = cred->token_count;
	} else if (cred->token_count >= CRED_TOKENS_MAX) {
		reason_set(why, "more than the %d tokens that a user can have", CRED_TOKENS_MAX);
	} else if (same) {
		reason_set(why, "a token with the same secret as another one of the user");
	} else if (token->secret.len < SECRET_IMPORT_MIN) {
		reason_set(why, "secret: expected %d to %d bytes", SECRET_IMPORT_MIN, SECRET_MAX);
	} else {
		reason_set(why, "a token with a value out of range");
	}
	return err;
}

enum totp_err new_token_make(const struct imported *imported, int64_t now,
			     struct new_token *ret_draft, struct reason *why)
{
	struct token token = imported->token;
	enum totp_err err = TOTP_ERR_FORMAT;

	token.created = now;
	ret_draft->state = (struct login_state){.sequence = 1};
	if (imported->user[0] && text_is_clean(text_of(imported->user)))
		err = enroll_begin(imported->user, false, 0, now, &ret_draft->cred);
	if (err == TOTP_OK)
		err = add_token(ret_draft, &token, imported->moving, why);
	WIPE(token);
	return err;
}

enum totp_err new_token_add_all(struct new_token *draft, const struct new_token *more,
				struct reason *why)
{
	for (size_t i = 0; i < more->cred.token_count; i++) {
		enum totp_err err =
			add_token(draft, &more->cred.tokens[i], more->state.tokens[i].moving, why);

		if (err != TOTP_OK)
			return err;
	}
	return TOTP_OK;
}

const char *new_token_describe(const struct new_token *draft, char *text, size_t cap)
{
	unsigned tokens = draft->cred.token_count;
	unsigned codes = recovery_left(&draft->cred, &draft->state);
	int len = snprintf(text, cap, "%u token%s", tokens, tokens == 1 ? "" : "s");

	if (codes && len > 0 && (size_t)len < cap)
		snprintf(text + len, cap - (size_t)len, ", %u recovery code%s", codes,
			 codes == 1 ? "" : "s");
	return text;
}

enum totp_err new_token_unpack(const uint8_t *packed, size_t len, struct new_token *ret_draft)
{
	struct bytes in = bytes_of(packed, len);

	return export_file_decode(&in, &ret_draft->cred, &ret_draft->state);
}
