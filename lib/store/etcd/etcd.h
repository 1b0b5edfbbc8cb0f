/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the etcd engine share. */
#ifndef STORE_ETCD_ETCD_H
#define STORE_ETCD_ETCD_H

#include "store/engine.h"
#include "store/etcd.h"
#include "store/etcd/meta.h"
#include "store/etcd/value.h"

#define ETCD_WORK_MS 30000 /* how long a tool waits for one request of many */

struct etcd_store {
	struct store store; /* first: see store/engine.h */
	struct etcd_client *client;
	char prefix[ETCD_PREFIX_MAX];
	struct etcd_meta meta;  /* as last read… */
	uint64_t meta_revision; /* …at this revision */
	struct etcd_key meta_key;
	bool claimed;                  /* store_claim_keys, … */
	uint8_t work[STORE_NONCE_LEN]; /* …by this value */
};

/* What a transaction remembers: the revisions of what it has read, 0 for what is not there. */
struct etcd_place {
	uint64_t meta_revision;
	uint64_t cred_revision;
	uint64_t state_revision;
	bool has_read; /* store_look has: cred and state are those of txn->cred.user */
};

_Static_assert(sizeof(struct etcd_place) <= STORE_PLACE_LEN, "a place has room for it");

struct etcd_store *etcd_store_of(struct store *store);
struct etcd_place *etcd_place_of(struct store_txn *txn);

extern const struct store_engine etcd_engine;
extern const struct store_admin etcd_admin;

/* --- asking --- */

/*
 * Read the meta key by a request whose compare cannot hold: a member, or a proxy, that ignores what
 * it does not know would say that it holds, and would confirm any commit. Errors as
 * etcd_client_ask; TOTP_ERR_PEER: it does so.
 */
MUST_CHECK enum totp_err etcd_ask_for_meta(struct etcd_store *etcd, uint64_t deadline,
					   struct etcd_answer *ret_answer, struct reason *why);

/*
 * Read what an answer says of a store, whether or not it is ours. TOTP_ERR_UNSAFE: there is none;
 * never TOTP_ERR_NOT_FOUND, which would be taken for a user's. TOTP_ERR_UNSUPPORTED,
 * TOTP_ERR_FORMAT.
 */
MUST_CHECK enum totp_err etcd_read_meta(const struct etcd_store *etcd,
					const struct etcd_result *result,
					struct etcd_meta *ret_meta, struct reason *why);

/* Does the store belong to the cluster that answered? TOTP_ERR_OTHER_STORE. */
MUST_CHECK enum totp_err etcd_check_cluster(const struct etcd_store *etcd,
					    const struct etcd_meta *meta, uint64_t cluster,
					    struct reason *why);

/* It is this, of that revision, from now on. */
void etcd_take_meta(struct etcd_store *etcd, const struct etcd_meta *meta, uint64_t revision);

/* Put the meta key if it was last changed at `revision`. Errors as etcd_put. */
MUST_CHECK enum totp_err etcd_put_meta(struct etcd_store *etcd, const struct etcd_meta *meta,
				       uint64_t revision, uint64_t deadline, struct reason *why);

/* An operation that reads the meta key: result `index` of an answer, for etcd_see_meta. */
struct etcd_op etcd_range_meta(const struct etcd_store *etcd);

/* Nothing has changed the meta key since it was last seen. */
struct etcd_compare etcd_meta_unchanged(const struct etcd_store *etcd);

/*
 * Take in the meta key that an answer has. TOTP_ERR_OTHER_STORE: the store belongs to another
 * cluster, or this is another store than was opened. Others as etcd_read_meta.
 */
MUST_CHECK enum totp_err etcd_see_meta(struct etcd_store *etcd, const struct etcd_answer *answer,
				       size_t index, struct reason *why);

/*
 * A change that puts a value which nobody else can have put: `success` ends with reading it back,
 * and `failure` begins with reading the same key.
 */
struct etcd_change {
	struct etcd_request request;
	struct piece own;
};

/*
 * TOTP_OK: our value is there, put by this request, which may have been sent more than once.
 * TOTP_ERR_STALE: it is not; the answer has the results of `failure`. Others as etcd_client_ask:
 * unknown after TOTP_ERR_TIMEOUT and TOTP_ERR_PEER. TOTP_ERR_OTHER_STORE: another cluster answered.
 */
MUST_CHECK enum totp_err etcd_put(struct etcd_store *etcd, const struct etcd_change *change,
				  uint64_t deadline, struct etcd_answer *ret_answer,
				  struct reason *why);

/*
 * Do `op` on a single key, if it is there: results are the meta key, and the operation's.
 * TOTP_ERR_NOT_FOUND: a compare has proved that it is not there, which is more than a missing part
 * of an answer. Others as etcd_client_ask and etcd_see_meta.
 */
MUST_CHECK enum totp_err etcd_ask_if_there(struct etcd_store *etcd, const struct etcd_op *op,
					   uint64_t deadline, struct etcd_answer *ret_answer,
					   struct reason *why);

/* The same, for a tool that reads. */
MUST_CHECK enum totp_err etcd_read_box(struct etcd_store *etcd, struct piece key,
				       struct etcd_answer *ret_answer, struct reason *why);

/*
 * Make ready to seal: the keyring is current, and the key that the store says seals. Its promise
 * is kept by comparing etcd_meta_unchanged in the same transaction. TOTP_ERR_SEAL: the keyring
 * lacks it; TOTP_ERR_STALE and others as vault_renew.
 */
MUST_CHECK enum totp_err etcd_begin_sealing(struct etcd_store *etcd, struct reason *why);

/*
 * Say why etcd_keys gave no keys; returns err. Only with TOTP_ERR_RANGE, a name that is too long,
 * there can be no record.
 */
enum totp_err etcd_no_keys(enum totp_err err, struct reason *why);

/* --- records --- */

/*
 * Decode what was read, into a fresh transaction that has its store, and remember its revisions.
 * Errors as store_read.
 */
MUST_CHECK enum totp_err etcd_decode_record(struct store_txn *txn, const char *user,
					    const struct etcd_result *cred,
					    const struct etcd_result *state, struct reason *why);

/* A record as it is written. */
struct etcd_writing {
	struct etcd_keys keys;
	uint8_t box[VAULT_BOX_MAX];
	uint8_t state[ETCD_STATE_MAX];
	size_t box_len, state_len;
};

/* Encode and seal, in the store's version. Errors as store_create. */
MUST_CHECK enum totp_err etcd_encode_record(struct etcd_store *etcd, const struct cred *cred,
					    const struct login_state *state,
					    struct etcd_writing *ret_writing, struct reason *why);

/* --- the verbs, as store/engine.h has them --- */

enum totp_err etcd_look(struct store_txn *txn, const char *user, uint64_t deadline,
			struct reason *why);
enum totp_err etcd_read(struct store_txn *txn, const char *user, uint64_t deadline,
			struct reason *why);
enum totp_err etcd_begin(struct store_txn *txn, uint64_t deadline, struct reason *why);
enum totp_err etcd_commit(struct store_txn *txn, const struct login_state *next,
			  struct reason *why);
void etcd_end(struct store_txn *txn);
enum totp_err etcd_create(struct store *store, const struct cred *cred,
			  const struct login_state *state, uint64_t deadline, struct reason *why);
enum totp_err etcd_replace(struct store_txn *txn, const struct cred *cred,
			   const struct login_state *state, struct reason *why);
enum totp_err etcd_remove_by(struct store_txn *txn, const struct login_state *next,
			     struct reason *why);
enum totp_err etcd_remove(struct store *store, const char *user, uint64_t deadline,
			  struct reason *why);
enum totp_err etcd_create_many(struct store *store, const struct store_many *many, size_t *ret_done,
			       struct reason *why);
enum totp_err etcd_invite_get(struct store *store, const char *user, uint64_t deadline,
			      struct invite *ret_invite, struct reason *why);
enum totp_err etcd_invite_put(struct store *store, const struct invite *invite, uint64_t deadline,
			      struct reason *why);
enum totp_err etcd_invite_remove(struct store *store, const char *user, uint64_t deadline,
				 struct reason *why);
enum totp_err etcd_each(struct store *store, enum store_kind kind, store_each_fn *each,
			void *context, struct reason *why);
enum totp_err etcd_each_credential(struct store *store, store_row_fn *each, void *context,
				   struct reason *why);
enum totp_err etcd_each_key(struct store *store, store_key_fn *each, void *context,
			    struct reason *why);
enum totp_err etcd_key_id_of(struct store *store, const char *user, uint32_t *ret_key_id);
enum totp_err etcd_claim_keys(struct store *store, struct reason *why);
void etcd_release_keys(struct etcd_store *etcd); /* does nothing if they are not claimed */
enum totp_err etcd_reseal(struct store *store, const struct store_reseal *reseal,
			  struct reason *why);
enum totp_err etcd_set_newest(struct store *store, uint64_t deadline, struct reason *why);
enum totp_err etcd_seal_with(struct store *store, uint32_t key_id, uint64_t deadline,
			     struct reason *why);
enum totp_err etcd_check_place(struct store *store, uint64_t deadline, struct reason *why);
enum totp_err etcd_accept_place(struct store *store, int64_t now, uint64_t deadline,
				struct reason *why);

#endif
