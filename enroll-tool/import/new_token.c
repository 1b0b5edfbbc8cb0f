#include "import/new_token.h"

#include <stdio.h>

#include "import/export_file.h"
#include "login/enroll.h"
#include "record/recovery.h"

void new_token_wipe(struct new_token *draft)
{
	explicit_bzero(draft, sizeof(*draft));
}

enum totp_err new_token_begin(struct text user, int64_t now, struct new_token *ret_draft)
{
	char name[CRED_USER_MAX + 1];

	if (user.len == 0 || !text_is_clean(user) || text_copy(user, name, sizeof(name)) != TOTP_OK)
		return TOTP_ERR_FORMAT;
	ret_draft->state = (struct login_state){.sequence = 1};
	return enroll_begin(name, false, 0, now, &ret_draft->cred);
}

static bool has_label(const struct cred *cred, const char *label)
{
	for (size_t i = 0; i < cred->token_count; i++)
		if (strcmp(cred->tokens[i].label, label) == 0)
			return true;
	return false;
}

static bool has_secret(const struct cred *cred, const struct secret *secret)
{
	for (size_t i = 0; i < cred->token_count; i++)
		if (cred->tokens[i].secret.len == secret->len &&
		    secret_equal(cred->tokens[i].secret.data, secret->data, secret->len))
			return true;
	return false;
}

/* "imported", "imported 2", …, also instead of a label that is in use. */
static void choose_label(const struct cred *cred, struct token *token)
{
	if (token->label[0] && !has_label(cred, token->label))
		return;
	strcpy(token->label, NEW_TOKEN_LABEL);
	for (unsigned n = 2; has_label(cred, token->label); n++)
		snprintf(token->label, sizeof(token->label), NEW_TOKEN_LABEL " %u", n);
}

/* The state of a credential with one more token than `before` has. */
static void grow_state(struct new_token *draft, uint64_t moving)
{
	struct login_state *state = &draft->state;
	size_t last = draft->cred.token_count - 1u;

	memcpy(state->cred_id, draft->cred.id, sizeof(state->cred_id));
	state->tokens[last] =
		(struct token_state){.id = draft->cred.tokens[last].id, .moving = moving};
	state->token_count = draft->cred.token_count;
}

enum totp_err new_token_add(struct new_token *draft, const struct token *token, uint64_t moving,
			    struct reason *why)
{
	struct token added = *token;
	enum totp_err err;

	choose_label(&draft->cred, &added);
	err = enroll_add(&draft->cred, &added);
	if (err == TOTP_OK)
		grow_state(draft, moving);
	else if (draft->cred.token_count >= CRED_TOKENS_MAX)
		reason_set(why, "more than the %d tokens that a user can have", CRED_TOKENS_MAX);
	else if (has_secret(&draft->cred, &token->secret))
		reason_set(why, "a token with the same secret as another one of the user");
	else if (token->secret.len < SECRET_IMPORT_MIN)
		reason_set(why, "secret: expected %d to %d bytes", SECRET_IMPORT_MIN, SECRET_MAX);
	else
		reason_set(why, "a token with a value out of range");
	WIPE(added);
	return err;
}

enum totp_err new_token_add_all(struct new_token *draft, const struct new_token *more,
				struct reason *why)
{
	for (size_t i = 0; i < more->cred.token_count; i++) {
		enum totp_err err = new_token_add(draft, &more->cred.tokens[i],
						  more->state.tokens[i].moving, why);

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
