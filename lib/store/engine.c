/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of store/store.h: what is the same for all engines, and the engine's verbs. */
#include "store/engine.h"

#include <errno.h>
#include <string.h>

#include "base/io.h"

struct store *store_close(struct store *store)
{
	if (store) {
		keyring_wipe(&store->vault.keyring);
		store->engine->close(store);
	}
	return NULL;
}

void store_scope_end(struct store **store)
{
	*store = store_close(*store);
}

const struct store_info *store_info(const struct store *store)
{
	return &store->info;
}

uint64_t store_deadline(const struct store *store)
{
	return io_deadline(store->info.wait_ms);
}

bool store_lacks_key(const struct store *store)
{
	return store->vault.lacks_key;
}

/* --- one record --- */

enum totp_err store_look(struct store *store, const char *user, uint64_t deadline,
			 struct store_txn *txn, struct reason *why)
{
	txn->store = store;
	return store->engine->look(txn, user, deadline, why);
}

static enum totp_err read_record(struct store *store, const char *user, uint64_t deadline,
				 struct store_txn *txn, struct reason *why)
{
	enum totp_err err;

	txn->store = store;
	txn->torn = txn->in_run = false;
	err = store->engine->read(txn, user, deadline, why);
	if (err != TOTP_OK)
		store_end(txn);
	return err;
}

enum totp_err store_read(struct store *store, const char *user, uint64_t deadline,
			 struct store_txn *txn, struct reason *why)
{
	txn->cred_only = false;
	return read_record(store, user, deadline, txn, why);
}

enum totp_err store_read_cred(struct store *store, const char *user, uint64_t deadline,
			      struct store_txn *txn, struct reason *why)
{
	memset(&txn->state, 0, sizeof(txn->state));
	txn->cred_only = true;
	return read_record(store, user, deadline, txn, why);
}

void store_end(struct store_txn *txn)
{
	int kept = errno;

	if (txn->store)
		txn->store->engine->end(txn);
	txn->store = NULL;
	txn->cred_only = txn->begun = false;
	cred_wipe(&txn->cred);
	errno = kept;
}

enum totp_err store_begin(struct store_txn *txn, uint64_t deadline, struct reason *why)
{
	enum totp_err err = TOTP_ERR_ARGUMENT;

	txn->deadline = deadline;
	if (txn->store)
		err = txn->store->engine->begin(txn, deadline, why);
	txn->begun = err == TOTP_OK;
	return err;
}

enum totp_err store_commit(struct store_txn *txn, const struct login_state *next,
			   struct reason *why)
{
	enum totp_err err = TOTP_ERR_ARGUMENT;

	if (txn->begun && !txn->cred_only)
		err = txn->store->engine->commit(txn, next, why);
	store_end(txn);
	return err;
}

enum totp_err store_replace(struct store_txn *txn, const struct cred *cred,
			    const struct login_state *state, struct reason *why)
{
	enum totp_err err = TOTP_ERR_ARGUMENT;

	if (txn->begun && strcmp(cred->user, txn->cred.user) == 0 &&
	    memcmp(cred->id, txn->cred.id, sizeof(cred->id)) != 0)
		err = txn->store->admin->replace(txn, cred, state, why);
	else
		reason_set(why, "cannot replace the record: %s", err_name(err));
	store_end(txn);
	return err;
}

enum totp_err store_remove_by(struct store_txn *txn, const struct login_state *next,
			      struct reason *why)
{
	enum totp_err err = TOTP_ERR_ARGUMENT;

	if (txn->begun && !txn->cred_only)
		err = txn->store->admin->remove_by(txn, next, why);
	store_end(txn);
	return err;
}

enum totp_err store_create(struct store *store, const struct cred *cred,
			   const struct login_state *state, uint64_t deadline, struct reason *why)
{
	return store->engine->create(store, cred, state, deadline, why);
}

enum totp_err store_remove(struct store *store, const char *user, uint64_t deadline,
			   struct reason *why)
{
	return store->admin->remove(store, user, deadline, why);
}

enum totp_err store_invite_put(struct store *store, const struct invite *invite, uint64_t deadline,
			       struct reason *why)
{
	return store->admin->invite_put(store, invite, deadline, why);
}

enum totp_err store_invite_get(struct store *store, const char *user, uint64_t deadline,
			       struct invite *ret_invite, struct reason *why)
{
	return store->engine->invite_get(store, user, deadline, ret_invite, why);
}

enum totp_err store_invite_remove(struct store *store, const char *user, uint64_t deadline,
				  struct reason *why)
{
	return store->admin->invite_remove(store, user, deadline, why);
}

/* --- the whole store --- */

enum totp_err store_create_many(struct store *store, const struct store_many *many,
				size_t *ret_done, struct reason *why)
{
	*ret_done = 0;
	return many->count ? store->admin->create_many(store, many, ret_done, why) : TOTP_OK;
}

enum totp_err store_each(struct store *store, enum store_kind kind, store_each_fn *each,
			 void *context, struct reason *why)
{
	return store->admin->each(store, kind, each, context, why);
}

enum totp_err store_each_credential(struct store *store, store_row_fn *each, void *context,
				    struct reason *why)
{
	return store->admin->each_credential(store, each, context, why);
}

enum totp_err store_set_newest(struct store *store, uint64_t deadline, struct reason *why)
{
	return store->admin->set_newest(store, deadline, why);
}

enum totp_err store_check_place(struct store *store, uint64_t deadline, struct reason *why)
{
	return store->admin->check_place(store, deadline, why);
}

enum totp_err store_accept_place(struct store *store, int64_t now, uint64_t deadline,
				 struct reason *why)
{
	return store->admin->accept_place(store, now, deadline, why);
}

/* --- keys --- */

enum totp_err store_unseal(struct store *store, const char *user, struct bytes box,
			   struct cred *ret_cred, struct reason *why)
{
	return vault_open_cred(&store->vault, user, box, ret_cred, why);
}

enum totp_err store_each_key(struct store *store, store_key_fn *each, void *context,
			     struct reason *why)
{
	return store->admin->each_key(store, each, context, why);
}

enum totp_err store_key_of(struct store *store, const char *user, uint32_t *ret_key_id)
{
	return store->admin->key_of(store, user, ret_key_id);
}

enum totp_err store_claim_keys(struct store *store, struct reason *why)
{
	return store->admin->claim_keys(store, why);
}

enum totp_err store_seal_with(struct store *store, uint32_t key_id, uint64_t deadline,
			      struct reason *why)
{
	return store->admin->seal_with(store, key_id, deadline, why);
}

enum totp_err store_reseal(struct store *store, const struct store_reseal *reseal,
			   struct reason *why)
{
	return store->admin->reseal(store, reseal, why);
}
