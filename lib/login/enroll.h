/*
 * Making and changing credentials: new ones, and what a new one keeps of the one before.
 * Pure but for the random bytes of new secrets, ids and keys.
 */
#ifndef LOGIN_ENROLL_H
#define LOGIN_ENROLL_H

#include "record/cred.h"
#include "record/recovery.h"
#include "store/store.h"

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
 * last use; throttles, known sources and the failure history stay; a recovery code that is
 * the same one stays spent, and a bypass as used as it was. A confirmed credential need not be
 * confirmed again.
 *
 * A change that removes a token or a recovery code, or disables, enables or adopts, also does
 * what enroll_forget does.
 */
MUST_CHECK enum totp_err enroll_renew(struct cred *cred, const struct cred *was,
				      const struct login_state *before,
				      struct login_state *ret_state);

/*
 * No address is remembered any more: a login from each needs a code again. The places stay
 * known, with their own throttles, or a stranger could keep the owner out of them. Returns
 * whether any was remembered.
 */
bool enroll_forget(struct login_state *state);

/*
 * A credential from elsewhere, with its state, replaces one of this host: what this host knows is
 * kept. A token whose secret was here stands at the later of both steps or counters, and its
 * clock is as far off as was found here. A recovery code that was here and spent is spent; a
 * bypass is as used as it is in either, and goes if the record has it no more. Throttles, known
 * sources and the failure history are this host's, and no address is remembered. A disabled user
 * stays disabled, and a user who had to give codes still has to.
 */
void enroll_inherit(struct cred *cred, struct login_state *state, const struct cred *was,
		    const struct login_state *before);

/*
 * The state of a credential whose own was lost: last steps = now plus `ahead` steps, all
 * recovery codes and the bypass spent, HOTP tokens disabled. It counts as confirmed: that it
 * never was cannot be known. The credential gets a fresh id and key.
 */
MUST_CHECK enum totp_err enroll_repair(struct cred *cred, int64_t now, uint64_t ahead,
				       struct login_state *ret_state);

/* A first enrollment: the one token, and its step or counter after the code that confirmed it. */
struct enroll_first {
	const char *user;
	uint32_t uid;
	int64_t now; /* seconds since 1970 UTC */
	struct token token;
	uint64_t moving;         /* the code's step, or the counter after it */
	unsigned recovery_codes; /* how many to make */
};

/*
 * Make the credential and store it. The recovery codes are returned only here, and the caller
 * wipes them; *ret_count is how many. TOTP_ERR_EXISTS: enrolled already. Others are those of
 * enroll_add, recovery_make and store_create. *why says so.
 */
MUST_CHECK enum totp_err enroll_store(struct store *store, const struct enroll_first *first,
				      struct recovery_code ret_codes[RECOVERY_MAX],
				      uint8_t *ret_count, struct reason *why);

#endif
