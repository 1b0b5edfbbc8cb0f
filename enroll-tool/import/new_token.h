/*
 * A record in the making: what a reader of a peer's files knows of one user, before it is
 * matched with an account and stored.
 */
#ifndef IMPORT_NEW_TOKEN_H
#define IMPORT_NEW_TOKEN_H

#include "record/cred.h"
#include "record/state.h"

#define NEW_TOKEN_LABEL "imported" /* of a token that has no better one */

struct new_token {
	struct cred cred;
	struct login_state state;
};

#define OWN_NEW_TOKEN OWN(new_token_wipe)

void new_token_wipe(struct new_token *draft);

/*
 * Begin a draft without tokens for whom the peer calls `user`. TOTP_ERR_FORMAT: not the name
 * of an account: empty, too long, or with control characters. TOTP_ERR_SYSTEM: no random bytes.
 */
MUST_CHECK enum totp_err new_token_begin(struct text user, int64_t now,
					 struct new_token *ret_draft);

/*
 * Add a token that stands at `moving`: the last step used, or the next counter. Its id is
 * given here; so is its label, if it has none or one that is taken. TOTP_ERR_RANGE: there are
 * CRED_TOKENS_MAX, a value is out of range, or another token has the same secret; why says so.
 */
MUST_CHECK enum totp_err new_token_add(struct new_token *draft, const struct token *token,
				       uint64_t moving, struct reason *why);

/* Add the tokens of another draft. The same. */
MUST_CHECK enum totp_err new_token_add_all(struct new_token *draft, const struct new_token *more,
					   struct reason *why);

/* "2 tokens, 5 recovery codes": what is in it; returns text. */
const char *new_token_describe(const struct new_token *draft, char *text, size_t cap);

#endif
