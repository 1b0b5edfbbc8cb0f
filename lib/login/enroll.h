/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every change of a credential: make, add, replace, rename, remove, import, repair. The module,
 * totpd and the tools change a copy in memory, and store it by enroll_create, enroll_store or
 * enroll_commit; what an import or a repair stores is made by enroll_inherit or enroll_repair.
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

/* The index of the token with this label, or -1. */
int enroll_find(const struct cred *cred, const char *label);

/*
 * Changes of a credential in memory, which is unchanged on failure. TOTP_ERR_NOT_FOUND: no token
 * has this label. TOTP_ERR_RANGE: cred_check denies it (the label or the secret of another token);
 * of add also: there are CRED_TOKENS_MAX; of remove: it is the only one.
 *
 * A new token gets its id here: the lowest free one, or that of the token that it replaces, whose
 * label it also gets.
 */
MUST_CHECK enum totp_err enroll_add(struct cred *cred, const struct token *token);
MUST_CHECK enum totp_err enroll_replace(struct cred *cred, const char *label,
					const struct token *token);
MUST_CHECK enum totp_err enroll_rename(struct cred *cred, const char *label, const char *new_label);
MUST_CHECK enum totp_err enroll_remove(struct cred *cred, const char *label);

/* Take the recovery codes of `made`, of which nothing else counts. */
void enroll_set_recovery(struct cred *cred, const struct cred *made);

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

/* What a change stores. */
struct enroll_change {
	const struct cred *cred;          /* the changed copy */
	const struct login_state *before; /* NULL: the transaction's */
	uint8_t token;   /* the id of a token that stands no lower than `moving`; 0: none */
	uint64_t moving; /* the step of the code that confirmed it, or the counter after it */
	bool unread;     /* a user made it by self-service: the owner gets a notice of it */
};

/*
 * Replace the record of a locked transaction by the changed one, with what enroll_renew keeps.
 * Errors as enroll_renew and store_replace; *why says so. The transaction is over.
 */
MUST_CHECK enum totp_err enroll_commit(struct store_txn *txn, const struct enroll_change *change,
				       struct reason *why);

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
	bool in_login;           /* the code that confirmed it is also the one of a login */
};

/*
 * Make the credential. The recovery codes are returned only here, and the caller wipes them.
 * Errors as enroll_begin, enroll_add and recovery_make.
 */
MUST_CHECK enum totp_err enroll_make(const struct enroll_first *first, struct cred *ret_cred,
				     struct recovery_code ret_codes[RECOVERY_MAX]);

/*
 * Store a new credential, whose one token stands at `moving`. login_at: when the user logged in
 * with it; 0: not yet. TOTP_ERR_EXISTS: enrolled already.
 */
MUST_CHECK enum totp_err enroll_create(struct store *store, const struct cred *cred,
				       uint64_t moving, int64_t login_at, struct reason *why);

/* Make and store; *ret_count is how many recovery codes there are. *why says what failed. */
MUST_CHECK enum totp_err enroll_store(struct store *store, const struct enroll_first *first,
				      struct recovery_code ret_codes[RECOVERY_MAX],
				      uint8_t *ret_count, struct reason *why);

#endif
