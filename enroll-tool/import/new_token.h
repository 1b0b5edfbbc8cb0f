/*
 * A record in the making: what a reader of a peer's files knows of one user, before it is
 * matched with an account and stored.
 */
#ifndef IMPORT_NEW_TOKEN_H
#define IMPORT_NEW_TOKEN_H

#include "record/cred.h"
#include "record/state.h"

#define DRAFT_LABEL "imported" /* of a token that has no better one */

struct draft {
	struct cred cred;
	struct login_state state;
};

#define OWN_DRAFT OWN(draft_wipe)

void draft_wipe(struct draft *draft);

/*
 * Begin a draft without tokens for whom the peer calls `user`. TOTP_ERR_FORMAT: not the name
 * of an account: empty, too long, or with control characters. TOTP_ERR_SYSTEM: no random bytes.
 */
MUST_CHECK enum totp_err draft_begin(struct text user, int64_t now, struct draft *ret_draft);

/*
 * Add a token that stands at `moving`: the last step used, or the next counter. Its id is
 * given here; so is its label, if it has none or one that is taken. TOTP_ERR_RANGE: there are
 * CRED_TOKENS_MAX, a value is out of range, or another token has the same secret; why says so.
 */
MUST_CHECK enum totp_err draft_add(struct draft *draft, const struct token *token, uint64_t moving,
				   struct reason *why);

/* Add the tokens of another draft. The same. */
MUST_CHECK enum totp_err draft_add_all(struct draft *draft, const struct draft *more,
				       struct reason *why);

/* "2 tokens, 5 recovery codes": what is in it; returns text. */
const char *draft_describe(const struct draft *draft, char *text, size_t cap);

#endif
