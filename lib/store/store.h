/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where credentials and login states live, whatever the engine. This is what every engine
 * promises; tests/unit/test-store-contract.c checks it:
 *
 *   - a user is found, or proved absent, or there is an error; an error is never absence
 *   - read, begin, judge, commit: of any number of processes, on any number of hosts for a shared
 *     engine, at most one commits on top of a given state, and what was committed survives a power
 *     cut
 *   - a failed write leaves the old or the new record, never a mixture
 *   - no call waits longer than its deadline (CLOCK_MONOTONIC, ns). TOTP_ERR_TIMEOUT of a call
 *     that writes means unknown: it was done, or was not, or will be. The caller denies, and never
 *     reports success.
 *
 * store/files.h opens a directory on this host, the one engine that the module links. How an engine
 * is written is in store/engine.h. The store uses no clock but the monotonic one, no NSS and no
 * syslog: it returns a sentence for the administrator in *why.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "record/cred.h"
#include "record/invite.h"
#include "record/state.h"

#define STORE_NAME_MAX  200  /* bytes of an encoded user name */
#define STORE_WAIT_MS   2000 /* how long a login waits for a directory */
#define STORE_TRIES     8    /* how often a record may be replaced meanwhile */
#define STORE_PLACE_LEN 288  /* bytes that an engine has in a transaction */

struct store;

/*
 * One user's record, read and perhaps begun to be changed. The caller declares it
 * `OWN_TXN struct store_txn txn = STORE_TXN_NONE` and reads what comes before `store`; the rest
 * belongs to the store, which is closed after the transaction has ended.
 */
struct store_txn {
	struct cred cred;
	struct login_state state;
	bool torn;   /* a write of the state was cut short: see state_raise */
	bool in_run; /* after a commit: the disk refused, and the state is lost at a reboot */
	struct store *store;
	bool cred_only; /* the state was not asked for */
	bool begun;
	uint64_t deadline; /* as store_begin has it, for what ends the transaction */
	union {
		uint64_t aligned;
		unsigned char bytes[STORE_PLACE_LEN];
	} place; /* the engine's alone; zeros: it holds nothing */
};

#define STORE_TXN_NONE \
	{ \
		.store = NULL \
	}
#define OWN_TXN   OWN(store_end)
#define OWN_STORE OWN(store_scope_end)

/* Close, wiping the keys; accepts NULL; returns NULL. */
struct store *store_close(struct store *store);
void store_scope_end(struct store **store);

struct store_info {
	uint8_t version; /* of the records that are written here; older ones may lie beside them */
	uint8_t id[CRED_ID_LEN]; /* random */
	/*
	 * No code of this time or before is known to be unused: the store is a restored backup, or
	 * forgets states at a reboot. Seconds since 1970 UTC; 0: all are known.
	 */
	int64_t since;
	unsigned wait_ms; /* how long a login waits for this store */
};

/* What is known of an open store. */
const struct store_info *store_info(const struct store *store);

/* When a login that asks the store now gives up: CLOCK_MONOTONIC, ns. */
uint64_t store_deadline(const struct store *store);

/* Has a record been read whose key the keyring lacks, or has the keyring changed? */
bool store_lacks_key(const struct store *store);

/* --- reading --- */

/*
 * Is there a record of this user, valid or damaged? TOTP_OK: there is. TOTP_ERR_NOT_FOUND is the
 * proof that there is none. TOTP_ERR_RANGE: the name is too long to have one. Others are errors,
 * and *why has the sentence to log.
 *
 * *txn is a fresh STORE_TXN_NONE, or one that was ended. An engine may read the record meanwhile;
 * a store_read of the same user in this transaction then asks nobody again.
 */
MUST_CHECK enum totp_err store_look(struct store *store, const char *user, uint64_t deadline,
				    struct store_txn *txn, struct reason *why);

/*
 * Read a user's credential and state. *txn is as for store_look, or comes from it.
 *
 * TOTP_ERR_NOT_FOUND: the store is healthy and has no such user (a proof of absence).
 * TOTP_ERR_SEAL, _FORMAT, _RANGE, _UNSAFE, _UNSUPPORTED: the record is not acceptable;
 * TOTP_ERR_SYSTEM: errno. *why has the sentence to log. A state that is missing or does
 * not verify is TOTP_ERR_SEAL and names `totpctl repair`. TOTP_ERR_STALE: the record was replaced
 * at each of STORE_TRIES tries. On error the transaction is over.
 */
MUST_CHECK enum totp_err store_read(struct store *store, const char *user, uint64_t deadline,
				    struct store_txn *txn, struct reason *why);

/*
 * As store_read, but for the credential alone, whatever has become of its state:
 * txn->state is zeros. For repair and replacement; it cannot be committed.
 */
MUST_CHECK enum totp_err store_read_cred(struct store *store, const char *user, uint64_t deadline,
					 struct store_txn *txn, struct reason *why);

/* Close and wipe, with nothing changed; for OWN_TXN, or before reading again. */
void store_end(struct store_txn *txn);

/* --- changing one record --- */

/*
 * From here to commit, replace, remove_by or end, either nobody else commits, or ours is
 * TOTP_ERR_STALE. The files engine locks the record, and makes what was read current; a shared
 * engine compares revisions when it writes. Meanwhile no program waits for a person.
 *
 * deadline: for this call, and for the one that ends the transaction. TOTP_ERR_STALE: the record
 * was replaced or removed since it was read: end the transaction and read again. TOTP_ERR_TIMEOUT:
 * the lock was not had in time. Others as store_read.
 */
MUST_CHECK enum totp_err store_begin(struct store_txn *txn, uint64_t deadline, struct reason *why);

/*
 * Commit the next state of a transaction that was begun. On TOTP_OK it is durable. TOTP_ERR_STALE:
 * the record was removed meanwhile, or, in a shared engine, another process committed first: read
 * again. On any other error the old or the new state is in place, and the caller must not allow the
 * login. next->sequence is set by the engine. The transaction is over either way.
 * TOTP_ERR_ARGUMENT: it was not begun.
 *
 * Where states may live until a reboot while the disk refuses writes (readonly_login), txn->in_run
 * says that this one does.
 */
MUST_CHECK enum totp_err store_commit(struct store_txn *txn, const struct login_state *next,
				      struct reason *why);

/*
 * Replace the record of a transaction that was begun by a new credential, with a new id, and its
 * state; after store_read_cred too. TOTP_ERR_STALE as store_commit. On other errors the old record
 * is in place, but for TOTP_ERR_TIMEOUT (unknown) and TOTP_ERR_UNCERTAIN: the new one is, and a
 * power cut may bring the old one back. The transaction is over either way.
 */
MUST_CHECK enum totp_err store_replace(struct store_txn *txn, const struct cred *cred,
				       const struct login_state *state, struct reason *why);

/*
 * store_commit, and remove the record with it, so that it is the one that was judged.
 * Errors as store_remove; TOTP_ERR_STALE as store_commit. The transaction is over.
 */
MUST_CHECK enum totp_err store_remove_by(struct store_txn *txn, const struct login_state *next,
					 struct reason *why);

/* One transaction, from store_read on. */
typedef enum totp_err store_try_fn(void *context, struct reason *why);

/*
 * Call `one_try` until it returns something else than TOTP_ERR_STALE, at most STORE_TRIES times:
 * every program changes a record through this. *why then has a sentence, also for TOTP_ERR_STALE.
 */
MUST_CHECK enum totp_err store_retry(store_try_fn *one_try, void *context, struct reason *why);

/* --- creating and removing --- */

/*
 * Store a new user's credential and first state, which uses up an invitation. cred->id and
 * state->cred_id agree. TOTP_ERR_EXISTS: the user has a record already, which is unchanged.
 * TOTP_ERR_TIMEOUT: unknown. Any other error: no record was made.
 */
MUST_CHECK enum totp_err store_create(struct store *store, const struct cred *cred,
				      const struct login_state *state, uint64_t deadline,
				      struct reason *why);

/* Gives the index-th credential of a bulk creation, and its state; *ret_state is zeros, and if
 * it stays so it becomes state_init's. */
typedef enum totp_err store_next_fn(void *context, size_t index, struct cred *ret_cred,
				    struct login_state *ret_state);

struct store_many {
	size_t count;
	store_next_fn *next;
	void *context;
};

/*
 * Create many at once. A directory: with two waits for the disk in all, and either all appear or,
 * on an error, none stays (but for a power cut between the two waits, after which some are there,
 * each whole). A shared engine: in the order given, each record whole; on an error the first
 * *ret_done are there, and the caller goes on with the others when it is run again. *ret_done is
 * always set. *why names the user. TOTP_ERR_EXISTS: one has a record.
 */
MUST_CHECK enum totp_err store_create_many(struct store *store, const struct store_many *many,
					   size_t *ret_done, struct reason *why);

/*
 * Remove a user's record, valid or damaged, and any invitation.
 * TOTP_ERR_NOT_FOUND: proved absent. TOTP_ERR_UNCERTAIN: it is gone, but a power cut may bring
 * it back, or the invitation stays; TOTP_ERR_TIMEOUT: unknown; on other errors it is there. A login
 * that holds it past the deadline (users can stop their own su) does not keep it: the record is
 * removed, and that login's commit is TOTP_ERR_STALE.
 */
MUST_CHECK enum totp_err store_remove(struct store *store, const char *user, uint64_t deadline,
				      struct reason *why);

/*
 * Invitations, at most one for each user; enrolled users need none. Each is sealed under the
 * host's key, so that a process which can only write to the store cannot create one. A store of
 * an older version has none.
 *
 * put: replaces an existing one. TOTP_ERR_UNCERTAIN: it is replaced, but a power cut may bring
 * the old one, or none, back; TOTP_ERR_TIMEOUT: unknown; on any other error nothing has changed.
 * get, remove: TOTP_ERR_NOT_FOUND: there is none. Other errors as store_read, and never a proof
 * of absence. The caller checks whether it is valid (invite_holds).
 */
MUST_CHECK enum totp_err store_invite_put(struct store *store, const struct invite *invite,
					  uint64_t deadline, struct reason *why);
MUST_CHECK enum totp_err store_invite_get(struct store *store, const char *user, uint64_t deadline,
					  struct invite *ret_invite, struct reason *why);
MUST_CHECK enum totp_err store_invite_remove(struct store *store, const char *user,
					     uint64_t deadline, struct reason *why);

/*
 * --- the whole store ---
 *
 * A walk has no deadline, since it may take minutes: it ends with an error when the engine does not
 * answer. Its function may call everything above on the same store.
 */

enum store_kind { STORE_RECORD, STORE_INVITE };

typedef void store_each_fn(void *context, const char *name);

/*
 * Call `each` with every user who has a record or an invitation, valid or damaged, in no order.
 * TOTP_ERR_SYSTEM: errno; the list is incomplete.
 */
MUST_CHECK enum totp_err store_each(struct store *store, enum store_kind kind, store_each_fn *each,
				    void *context, struct reason *why);

/* One user's record, as a walk reads it. */
struct store_row {
	const char *user;
	/*
	 * As store_read, but never TOTP_ERR_NOT_FOUND. After an error txn->state is zeros, and
	 * txn->cred is good if cred_opens.
	 */
	enum totp_err err;
	int refusal; /* errno, after TOTP_ERR_SYSTEM */
	bool cred_opens;
	struct store_txn *txn;
	const struct reason *why;
	size_t number, total; /* from 1; total is 0 if the engine cannot know it */
};

typedef void store_row_fn(void *context, const struct store_row *row);

/*
 * Read every record and call `each` with it; in the order of names in a directory, in none in a
 * shared engine. Errors as store_each. What `each` changes in row->txn stays there: the walk ends
 * the transaction.
 */
MUST_CHECK enum totp_err store_each_credential(struct store *store, store_row_fn *each,
					       void *context, struct reason *why);

/*
 * From now on write records of record_version_newest here; those that are there stay as they
 * are until they are replaced. An older program rejects the store from then on. Errors as
 * file_replace.
 */
MUST_CHECK enum totp_err store_set_newest(struct store *store, uint64_t deadline,
					  struct reason *why);

/*
 * Is this the store that it was? TOTP_ERR_OTHER_STORE: it was copied to another machine, or
 * restored from a backup, and *why says so; TOTP_ERR_NOT_FOUND: it was made where that could not be
 * known, or cannot be known here.
 */
MUST_CHECK enum totp_err store_check_place(struct store *store, uint64_t deadline,
					   struct reason *why);

/*
 * It is, from now on. A shared engine denies every code from before `now`, also where an earlier
 * call had a later one; for a directory the caller raises each state first. TOTP_ERR_ARGUMENT: this
 * machine has no identity. Others as store_set_newest.
 */
MUST_CHECK enum totp_err store_accept_place(struct store *store, int64_t now, uint64_t deadline,
					    struct reason *why);

/* --- the keys that seal records --- */

/*
 * Open a credential that another store may have sealed, with the keyring here. Errors as
 * store_read; *why has a sentence unless it does not open: it was changed, or is another user's.
 */
MUST_CHECK enum totp_err store_unseal(struct store *store, const char *user, struct bytes box,
				      struct cred *ret_cred, struct reason *why);

/* A record or invitation, and the key that sealed it. */
struct store_sealed {
	enum store_kind kind;
	const char *user;
	enum totp_err err; /* TOTP_ERR_FORMAT: not sealed, no key opens it; others: see why */
	uint32_t key_id;   /* if err is TOTP_OK */
	struct reason why;
};

typedef void store_key_fn(void *context, const struct store_sealed *sealed);

/*
 * Call `each` with every record and invitation and the key that sealed it, in no order. No seal
 * is opened, so damaged ones are included. TOTP_ERR_SYSTEM: errno; the list is incomplete.
 */
MUST_CHECK enum totp_err store_each_key(struct store *store, store_key_fn *each, void *context,
					struct reason *why);

/*
 * Which key sealed the user's record; nothing is opened. TOTP_ERR_FORMAT: it is not sealed.
 * Others as store_read.
 */
MUST_CHECK enum totp_err store_key_of(struct store *store, const char *user, uint32_t *ret_key_id);

/*
 * Reserve the keyring for this process until store_close, since two that change it at once would
 * lose keys. Advisory. TOTP_ERR_TIMEOUT: another process has it. TOTP_ERR_SYSTEM.
 */
MUST_CHECK enum totp_err store_claim_keys(struct store *store, struct reason *why);

/*
 * When this returns TOTP_OK nothing is sealed under another key than this one any more, which is
 * the first of the keyring; what other keys have sealed stays. A directory waits for the processes
 * that began with an older keyring; in a shared engine their writes fail from now on.
 * TOTP_ERR_ARGUMENT: the keyring's first key is another. TOTP_ERR_TIMEOUT, TOTP_ERR_SYSTEM.
 */
MUST_CHECK enum totp_err store_seal_with(struct store *store, uint32_t key_id, uint64_t deadline,
					 struct reason *why);

/* TOTP_OK: the user's is sealed by the keyring's first key now. Any other: as store_read;
 * TOTP_ERR_STALE: it was replaced meanwhile. */
typedef void store_told_fn(void *context, const char *user, enum totp_err err,
			   const struct reason *why);

struct store_reseal {
	enum store_kind kind;
	char *const *users;
	size_t count;
	store_told_fn *told; /* called once for each user… */
	void *context;       /* …with this */
};

/*
 * Seal these users' boxes of a kind again, under the keyring's first key. The contents of a
 * record, its id and its state stay as they are, and logins go on; in a directory a login that
 * holds its record for longer than STORE_WAIT_MS loses it, and its commit is TOTP_ERR_STALE. On
 * TOTP_OK everything that was reported is durable, in earlier calls too.
 *
 * The keys must be claimed, or it is TOTP_ERR_ARGUMENT. Any other error: the engine refuses; each
 * record is as it was or sealed again, whole.
 */
MUST_CHECK enum totp_err store_reseal(struct store *store, const struct store_reseal *reseal,
				      struct reason *why);

/* --- names --- */

/*
 * Encode a user name as a file name, and a key: lower-case letters, digits, '_', '-' and '.' stay,
 * every other byte and a leading dot become %xx. TOTP_ERR_RANGE: empty, or more than
 * STORE_NAME_MAX bytes encoded.
 */
MUST_CHECK enum totp_err store_name(const char *user, char ret_name[STORE_NAME_MAX + 1]);

/* The user whose record has this name; the reverse of store_name. TOTP_ERR_FORMAT: none has. */
MUST_CHECK enum totp_err store_user_of(const char *name, char ret_user[CRED_USER_MAX + 1]);

#endif
