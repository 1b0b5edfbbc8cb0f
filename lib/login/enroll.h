/*
 * Making and changing credentials: new ones, and what a new one keeps of the one before.
 * Pure but for the random bytes of new secrets, ids and keys.
 */
#ifndef LOGIN_ENROLL_H
#define LOGIN_ENROLL_H

#include "record/cred.h"
#include "record/state.h"

/*
 * Begin a credential without tokens: random id and state key, user, uid (bound or not).
 * TOTP_ERR_RANGE: the user name is empty or too long. TOTP_ERR_SYSTEM: no random bytes.
 */
MUST_CHECK enum totp_err enroll_begin(const char *user, bool uid_bound, uint32_t uid, int64_t now,
				      struct cred *ret_cred);

/* A new secret of SECRET_NEW_LEN random bytes. */
MUST_CHECK enum totp_err enroll_secret(struct secret *ret_secret);

/*
 * Add a token (token->id is given here: the lowest free one). TOTP_ERR_RANGE: eight are
 * there, or cred_check refuses it (same label or secret as another).
 */
MUST_CHECK enum totp_err enroll_add(struct cred *cred, const struct token *token);

/*
 * A fresh id and state key for a changed credential, and its state. Tokens that it shares
 * with the credential it was, by id, secret, type and period, keep step or counter and
 * last use; throttles, known sources and the failure history stay; a bypass that is the
 * same one stays as used as it was. What was confirmed need not be confirmed again.
 *
 * keep_spent: the recovery codes are the same ones, so spent ones stay so.
 */
MUST_CHECK enum totp_err enroll_renew(struct cred *cred, const struct cred *was,
				      const struct login_state *before, bool keep_spent,
				      struct login_state *ret_state);

/*
 * The state of a credential whose own was lost: last steps = now plus `ahead` steps, all
 * recovery codes and the bypass spent, HOTP tokens disabled. It counts as confirmed: that it
 * never was cannot be known. The credential gets a fresh id and key.
 */
MUST_CHECK enum totp_err enroll_repair(struct cred *cred, int64_t now, uint64_t ahead,
				       struct login_state *ret_state);

#endif
