/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How an engine is written: for engines and the store itself. An engine fills in two tables; each
 * verb keeps the promise that store/store.h makes for the function of its name. Arguments are as
 * there, and these are checked before:
 *
 *   - a transaction has its store; its place holds zeros or what the engine left there
 *   - commit, replace and remove_by come after a begin that succeeded, whose deadline is in
 *     txn->deadline; commit and remove_by not after read_cred
 *   - replace: the same user, another id
 *
 * The store itself ends a transaction (`end`) after a call that ends it, and after a failed read.
 *
 * A shared engine writes STORE_NONCE_LEN new random bytes with each state, before the slot and
 * outside it. Two hosts that judge the same code in the same second produce the same state: without
 * a nonce each would take the other's write for its own after a lost answer, and both would allow
 * the login. A directory has a lock instead, and no nonce in its files.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/store.h"
#include "store/vault.h"

#define STORE_NONCE_LEN 16

/* What each program needs, the module too. */
struct store_engine {
	void (*close)(struct store *store); /* all but the vault, and free it */
	enum totp_err (*look)(struct store_txn *txn, const char *user, uint64_t deadline,
			      struct reason *why);
	/* txn->cred_only: read_cred */
	enum totp_err (*read)(struct store_txn *txn, const char *user, uint64_t deadline,
			      struct reason *why);
	enum totp_err (*begin)(struct store_txn *txn, uint64_t deadline, struct reason *why);
	enum totp_err (*commit)(struct store_txn *txn, const struct login_state *next,
				struct reason *why);
	void (*end)(struct store_txn *txn); /* leaves zeros in the place */
	enum totp_err (*create)(struct store *store, const struct cred *cred,
				const struct login_state *state, uint64_t deadline,
				struct reason *why);
	enum totp_err (*invite_get)(struct store *store, const char *user, uint64_t deadline,
				    struct invite *ret_invite, struct reason *why);
};

/* What totpd and the tools need besides: the module is smaller without it. */
struct store_admin {
	enum totp_err (*replace)(struct store_txn *txn, const struct cred *cred,
				 const struct login_state *state, struct reason *why);
	enum totp_err (*remove_by)(struct store_txn *txn, const struct login_state *next,
				   struct reason *why);
	enum totp_err (*create_many)(struct store *store, const struct store_many *many,
				     size_t *ret_done, struct reason *why);
	enum totp_err (*remove)(struct store *store, const char *user, uint64_t deadline,
				struct reason *why);
	enum totp_err (*invite_put)(struct store *store, const struct invite *invite,
				    uint64_t deadline, struct reason *why);
	enum totp_err (*invite_remove)(struct store *store, const char *user, uint64_t deadline,
				       struct reason *why);
	enum totp_err (*each)(struct store *store, enum store_kind kind, store_each_fn *each,
			      void *context, struct reason *why);
	enum totp_err (*each_credential)(struct store *store, store_row_fn *each, void *context,
					 struct reason *why);
	enum totp_err (*set_newest)(struct store *store, uint64_t deadline, struct reason *why);
	enum totp_err (*check_place)(struct store *store, uint64_t deadline, struct reason *why);
	enum totp_err (*accept_place)(struct store *store, int64_t now, uint64_t deadline,
				      struct reason *why);
	enum totp_err (*each_key)(struct store *store, store_key_fn *each, void *context,
				  struct reason *why);
	enum totp_err (*key_of)(struct store *store, const char *user, uint32_t *ret_key_id);
	enum totp_err (*claim_keys)(struct store *store, struct reason *why);
	enum totp_err (*seal_with)(struct store *store, uint32_t key_id, uint64_t deadline,
				   struct reason *why);
	enum totp_err (*reseal)(struct store *store, const struct store_reseal *reseal,
				struct reason *why);
};

/* What every engine's own struct begins with. */
struct store {
	const struct store_engine *engine;
	const struct store_admin *admin; /* NULL in the module */
	struct store_info info;
	struct vault vault;
};

#endif
