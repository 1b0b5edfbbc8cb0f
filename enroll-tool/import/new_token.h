/*
 * The draft of a record: the data of one user from a peer's files, before it is matched with an
 * account and stored.
 */
#ifndef IMPORT_NEW_TOKEN_H
#define IMPORT_NEW_TOKEN_H

#include "import/field.h"
#include "record/state.h"

#define NEW_TOKEN_LABEL "imported" /* the label of a token that has none */

struct new_token {
	struct cred cred;
	struct login_state state;
};

#define OWN_NEW_TOKEN OWN(new_token_wipe)

void new_token_wipe(struct new_token *draft);

/*
 * A draft with this token, made now. It gets its id here, and a label if it has none.
 * TOTP_ERR_FORMAT: the user's name is not that of an account: empty, or with control characters.
 * TOTP_ERR_RANGE: a value is out of range; *why says so. TOTP_ERR_SYSTEM: no random bytes.
 */
MUST_CHECK enum totp_err new_token_make(const struct imported *imported, int64_t now,
					struct new_token *ret_draft, struct reason *why);

/*
 * Add the tokens of another draft; one whose label is in use gets another one. TOTP_ERR_RANGE:
 * there are CRED_TOKENS_MAX, or another token has the same secret; *why says so.
 */
MUST_CHECK enum totp_err new_token_add_all(struct new_token *draft, const struct new_token *more,
					   struct reason *why);

/* Unpack what export_file_encode has packed. Errors as export_file_decode; wipe it. */
MUST_CHECK enum totp_err new_token_unpack(const uint8_t *packed, size_t len,
					  struct new_token *ret_draft);

/* What the draft holds: "2 tokens, 5 recovery codes"; returns text. */
const char *new_token_describe(const struct new_token *draft, char *text, size_t cap);

#endif
