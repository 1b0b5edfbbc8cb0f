/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where credentials and login states live, whatever the engine. This is what every engine
 * promises; tests/unit/test-store-contract.c checks it:
 *
 *   - a user is found, or proved absent, or there is an error; an error is never absence
 *   - read, lock, judge, commit: of any number of processes, at most one commits on top
 *     of a given state, and what was committed survives a power cut
 *   - a failed write leaves the old or the new record, never a mixture
 *   - no call waits longer than its deadline
 *
 * lib/store/files/ implements this header by a directory on this host. The store uses no clock
 * but the monotonic one, no NSS and no syslog: it returns a sentence for the administrator in
 * *why.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <sys/types.h>

#include "record/cred.h"
#include "record/invite.h"
#include "record/state.h"
#include "store/keyring.h"

#define STORE_NAME_MAX 200 /* bytes of an encoded user name */
/* the same, '.', and the credential's id in hexadecimal */
#define STORE_STATE_NAME_MAX (STORE_NAME_MAX + 1 + 2 * CRED_ID_LEN)
#define STORE_LOCK_WAIT_MS   2000
#define STORE_TRIES          8 /* how often a record may be replaced meanwhile */

struct store_config {
	const char *dir;            /* absolute path */
	const char *keyring;        /* absolute path */
	const struct keyring *keys; /* that keyring, read before; NULL: read it when needed */
	/*
	 * readonly_login: an absolute path where states live while the disk refuses writes, made
	 * if it is missing and lost at a reboot. NULL: a write that fails denies the login.
	 */
	const char *run_dir;
	int64_t booted; /* with run_dir: when the host came up, seconds since 1970 UTC */
};

struct store;

/*
 * One user's record, read and perhaps locked. The caller declares it
 * `OWN_TXN struct store_txn txn = STORE_TXN_NONE` and reads cred and state; the rest
 * belongs to the engine.
 */
struct store_txn {
	struct cred cred;
	struct login_state state;
	bool torn;   /* a write of the state was cut short: see state_raise */
	bool in_run; /* after a commit: the disk refused, and the state is in run_dir */
	struct store *store;
	int cred_fd;
	int state_fd;
	char state_name[STORE_STATE_NAME_MAX + 1]; /* of the state's file */
	int run_fd;                                /* the state in run_dir, or -1 */
	uint64_t disk_sequence;                    /* of the state on the disk… */
	uint64_t run_sequence;                     /* …and in run_dir, 0 for none */
	bool read_only;                            /* state_fd cannot be written to */
	bool locked;
	bool cred_only; /* the state was not asked for */
};

#define STORE_TXN_NONE \
	{ \
		.cred_fd = -1, .state_fd = -1, .run_fd = -1 \
	}
#define OWN_TXN   OWN(store_end)
#define OWN_STORE OWN(store_scope_end)

/*
 * Make an empty store: the directories, and last the marker that proves absence.
 *
 * service_uid, service_gid: the account that owns the records; 0 where there is none.
 * machine: a hash of the host's identity, kept in the marker.
 * TOTP_ERR_EXISTS: there is a marked store (nothing is changed). A store whose making was
 * cut short is completed.
 */
MUST_CHECK enum totp_err store_setup(const char *dir, uid_t service_uid, gid_t service_gid,
				     const uint8_t machine[SHA256_LEN], struct reason *why);

/*
 * Give an open store to the service account: the directories that root owns change their owner,
 * and a copy that the account owns replaces each valid record and invitation that root owns.
 * Everything else stays as it is. *ret_given: something was given, also on an error; done again,
 * it goes on where it stopped. TOTP_ERR_UNSAFE: neither root nor the account owns a directory.
 * TOTP_ERR_TIMEOUT: a login holds a record.
 */
MUST_CHECK enum totp_err store_give(struct store *store, uid_t uid, gid_t gid, bool *ret_given,
				    struct reason *why);

/*
 * Open a store and check its directories and marker. Nothing secret is read yet.
 *
 * TOTP_ERR_NOT_FOUND, TOTP_ERR_UNSAFE, TOTP_ERR_FORMAT, TOTP_ERR_UNSUPPORTED (a newer
 * format), TOTP_ERR_SYSTEM: *why says what is wrong and how to repair it.
 */
MUST_CHECK enum totp_err store_open(const struct store_config *config, struct store **ret_store,
				    struct reason *why);

/* What the calling process can do with a store. */
enum store_reach {
	STORE_NO_REACH = 0, /* not even list the users who have a record, or there is no store */
	STORE_READABLE,     /* look, but not read the keyring, lock or write */
	STORE_WRITABLE,     /* everything that a login or an enrollment does */
};

/* Find out, without opening anything; store_open says why there is no reach. */
enum store_reach store_reach(const struct store_config *config);

/*
 * Read a store's id from its marker, and nothing else: any process may that can search the
 * directory above. Errors as store_open.
 */
MUST_CHECK enum totp_err store_identify(const char *dir, uint8_t ret_id[CRED_ID_LEN],
					struct reason *why);

/* Close, wiping the keys; accepts NULL; returns NULL. */
struct store *store_close(struct store *store);
void store_scope_end(struct store **store);

struct store_info {
	uint8_t version; /* of the records that are written here; older ones may lie beside them */
	uint8_t id[CRED_ID_LEN];     /* random */
	uint8_t machine[SHA256_LEN]; /* a hash of the machine that the store belongs to */
	uid_t owner;                 /* of the records: the service account, or root */
	/*
	 * With run_dir: no code of this time or before is known to be unused, since run_dir forgets
	 * at a reboot. Seconds since 1970 UTC; 0 without run_dir.
	 */
	int64_t since;
	bool lacks_key; /* a record has been read whose key the keyring lacks, or has changed */
};

/* What is known of an open store. */
const struct store_info *store_info(const struct store *store);

/*
 * From now on write records of record_version_newest here; those that are there stay as they
 * are until they are replaced. An older program rejects the store from then on. Errors as
 * file_replace.
 */
MUST_CHECK enum totp_err store_set_newest(struct store *store, struct reason *why);

/*
 * The store belongs to another machine from now on: it was moved, or restored from a backup.
 * Errors as file_replace.
 */
MUST_CHECK enum totp_err store_set_machine(struct store *store, const uint8_t machine[SHA256_LEN],
					   struct reason *why);

/*
 * Is there a record of this user, valid or damaged? *ret_has = false proves absence.
 * TOTP_ERR_RANGE: the name is too long to have one. TOTP_ERR_SYSTEM.
 */
MUST_CHECK enum totp_err store_has(struct store *store, const char *user, bool *ret_has,
				   struct reason *why);

typedef void store_each_fn(void *context, const char *name);

enum store_kind { STORE_RECORD, STORE_INVITE };

/*
 * Call `each` with every user who has a record or an invitation, valid or damaged, in no order.
 * TOTP_ERR_SYSTEM: errno; the list is incomplete.
 */
MUST_CHECK enum totp_err store_each(struct store *store, enum store_kind kind, store_each_fn *each,
				    void *context, struct reason *why);

/*
 * Call `each` with the path, below the store, of every file that belongs to no record: files that
 * an interrupted write left, and states of replaced credentials. A record that cannot be opened
 * keeps its states. Errors as above.
 */
MUST_CHECK enum totp_err store_each_stray(struct store *store, store_each_fn *each, void *context,
					  struct reason *why);

/*
 * Read a user's credential and state; nothing is locked. *txn is a fresh STORE_TXN_NONE,
 * or one that was ended.
 *
 * TOTP_ERR_NOT_FOUND: the store is healthy and has no such user (a proof of absence).
 * TOTP_ERR_SEAL, _FORMAT, _RANGE, _UNSAFE, _UNSUPPORTED: the record is not acceptable;
 * TOTP_ERR_SYSTEM: errno. *why has the sentence to log. A state that is missing or does
 * not verify is TOTP_ERR_SEAL and names `totpctl repair`. TOTP_ERR_STALE: the record was replaced
 * at each of STORE_TRIES tries. On error the transaction is over.
 */
MUST_CHECK enum totp_err store_read(struct store *store, const char *user, struct store_txn *txn,
				    struct reason *why);

/*
 * As store_read, but for the credential alone, whatever has become of its state:
 * txn->state is zeros. For repair and replacement; it cannot be committed.
 */
MUST_CHECK enum totp_err store_read_cred(struct store *store, const char *user,
					 struct store_txn *txn, struct reason *why);

/*
 * Open a credential that another store may have sealed, with the keyring here. Errors as
 * store_read; *why has a sentence unless it does not open: it was changed, or is another user's.
 */
MUST_CHECK enum totp_err store_unseal(struct store *store, const char *user, struct bytes box,
				      struct cred *ret_cred, struct reason *why);

/*
 * Make what was read current and keep it so until commit, replace or end. A shared
 * engine remembers the revision instead. Between lock and commit no program waits for a person.
 *
 * deadline: CLOCK_MONOTONIC, ns. TOTP_ERR_STALE: the record was replaced or removed since
 * it was read: end the transaction and begin again. TOTP_ERR_TIMEOUT: the lock was not
 * had in time. Others as store_read.
 */
MUST_CHECK enum totp_err store_lock(struct store_txn *txn, uint64_t deadline, struct reason *why);

/*
 * Commit the next state of a locked transaction. On TOTP_OK it is durable and the lock is
 * gone. TOTP_ERR_STALE: the record was removed meanwhile, or, in a shared engine, another process
 * committed first: begin again. On any other error the old or the new state is in place, and the
 * caller must not allow the login. next->sequence is set by the engine.
 *
 * With run_dir, and a disk that refuses the write (EROFS, ENOSPC, EDQUOT or EIO; the caller of
 * our module could cause other errors), the state goes there and txn->in_run says so; but not one
 * that spends a recovery code or moves a counter, which a reboot would forget.
 */
MUST_CHECK enum totp_err store_commit(struct store_txn *txn, const struct login_state *next,
				      struct reason *why);

/* One transaction, from store_read on. */
typedef enum totp_err store_try_fn(void *context, struct reason *why);

/*
 * Call `one_try` until it returns something else than TOTP_ERR_STALE, at most STORE_TRIES times.
 * *why then has a sentence, also for TOTP_ERR_STALE.
 */
MUST_CHECK enum totp_err store_retry(store_try_fn *one_try, void *context, struct reason *why);

/* Unlock, close and wipe; for OWN_TXN, or before beginning again. */
void store_end(struct store_txn *txn);

/*
 * Store a new user's credential and first state, which uses up an invitation. cred->id and
 * state->cred_id agree. TOTP_ERR_EXISTS: the user has a record already, which is unchanged.
 * Any other error: no record was made.
 */
MUST_CHECK enum totp_err store_create(struct store *store, const struct cred *cred,
				      const struct login_state *state, struct reason *why);

/*
 * Replace the record of a locked transaction (or, after store_read_cred, of one whose
 * state is lost) by a new credential, with a new id, and its state. On error the old
 * record is in place, but for TOTP_ERR_UNCERTAIN: the new one is, and a power cut may
 * bring the old one back. The transaction is over either way.
 */
MUST_CHECK enum totp_err store_replace(struct store_txn *txn, const struct cred *cred,
				       const struct login_state *state, struct reason *why);

/*
 * store_commit, and remove the record under the same lock, so that it is the one that was judged.
 * Errors as store_remove; TOTP_ERR_STALE as store_commit. The transaction is over.
 */
MUST_CHECK enum totp_err store_remove_by(struct store_txn *txn, const struct login_state *next,
					 struct reason *why);

/*
 * Remove a user's record, valid or damaged, and any invitation.
 * TOTP_ERR_NOT_FOUND: proved absent. TOTP_ERR_UNCERTAIN: it is gone, but a power cut may bring
 * it back, or the invitation stays; on other errors it is there. A login that holds it past the
 * deadline (users can stop their own su) does not keep it: the record is removed, and that
 * login's commit is TOTP_ERR_STALE.
 */
MUST_CHECK enum totp_err store_remove(struct store *store, const char *user, uint64_t deadline,
				      struct reason *why);

/* Gives the index-th credential of a bulk creation, and its state; *ret_state is zeros, and if
 * it stays so it becomes state_init's. */
typedef enum totp_err store_next_fn(void *context, size_t index, struct cred *ret_cred,
				    struct login_state *ret_state);

/*
 * Create many at once, with two waits for the disk in all. Either all appear or, on an
 * error, none stays (but for a power cut between the two waits, after which some are
 * there, each whole). *why names the user. TOTP_ERR_EXISTS: one has a record.
 */
MUST_CHECK enum totp_err store_create_many(struct store *store, size_t count, store_next_fn *next,
					   void *context, struct reason *why);

/* --- the keys that seal records --- */

/* A record or invitation, and the key that sealed it. */
struct store_sealed {
	enum store_kind kind;
	const char *user;
	enum totp_err err; /* TOTP_ERR_FORMAT: no sealed file, no key opens it; others: see why */
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
 * Reserve the keyring for this process until store_close, since two that change it at once would
 * lose keys. TOTP_ERR_TIMEOUT: another process has it. TOTP_ERR_SYSTEM.
 */
MUST_CHECK enum totp_err store_claim_keys(struct store *store, struct reason *why);

/*
 * Wait for all processes that seal records with a keyring read before this call: later records
 * are sealed under the key that is the first now.
 * TOTP_ERR_TIMEOUT, TOTP_ERR_SYSTEM.
 */
MUST_CHECK enum totp_err store_await_sealers(struct store *store, uint64_t deadline,
					     struct reason *why);

/* TOTP_OK: the user's is sealed by the keyring's first key now. Any other: as store_read;
 * TOTP_ERR_STALE: it was replaced meanwhile. */
typedef void store_told_fn(void *context, const char *user, enum totp_err err,
			   const struct reason *why);

struct store_reseal {
	enum store_kind kind;
	char *const *users;
	size_t count;
	unsigned wait_ms;    /* for a login that holds a record */
	store_told_fn *told; /* called once for each user… */
	void *context;       /* …with this */
};

/*
 * Seal these users' files of a kind again, under the keyring's first key. The contents of a
 * record, its id and its state stay as they are, and logins go on; a login that holds its record
 * for longer than wait_ms loses it, and its commit is TOTP_ERR_STALE. On TOTP_OK everything that
 * was reported is durable, in earlier calls too.
 *
 * The keys must be claimed, or it is TOTP_ERR_ARGUMENT. Any other error: the disk refuses; each
 * record is as it was or sealed again, whole.
 */
MUST_CHECK enum totp_err store_reseal(struct store *store, const struct store_reseal *reseal,
				      struct reason *why);

/*
 * Invitations, at most one for each user; enrolled users need none. Each is sealed under the
 * host's key, so that a process which can only write to the store cannot create one. A store of
 * an older version has none.
 *
 * put: replaces an existing one. TOTP_ERR_UNCERTAIN: it is replaced, but a power cut may bring
 * the old one, or none, back; on any other error nothing has changed.
 * get, remove: TOTP_ERR_NOT_FOUND: there is none. Other errors as store_read, and never a proof
 * of absence. The caller checks whether it is valid (invite_holds).
 */
MUST_CHECK enum totp_err store_invite_put(struct store *store, const struct invite *invite,
					  struct reason *why);
MUST_CHECK enum totp_err store_invite_get(struct store *store, const char *user,
					  struct invite *ret_invite, struct reason *why);
MUST_CHECK enum totp_err store_invite_remove(struct store *store, const char *user,
					     struct reason *why);

/* --- where it lies on the disk: for reports, never to open it --- */

enum store_part { STORE_DIRECTORY, STORE_MARKER, STORE_USERS, STORE_STATES, STORE_INVITES };

#define STORE_FILE_MAX 320 /* bytes of the name of a file below the store */

/* The name of a part below the store, "" for the store itself. */
const char *store_part(enum store_part part);

/* The name of a user's credential below the store. TOTP_ERR_RANGE: as store_name. */
MUST_CHECK enum totp_err store_cred_file(const char *user, char ret_name[STORE_FILE_MAX]);

/* The same of its state. Errors as store_read_cred. */
MUST_CHECK enum totp_err store_state_file(struct store *store, const char *user,
					  char ret_name[STORE_FILE_MAX]);

/*
 * Which key sealed the user's record; nothing is opened. TOTP_ERR_FORMAT: it is no sealed file.
 * Others as store_read.
 */
MUST_CHECK enum totp_err store_key_of(struct store *store, const char *user, uint32_t *ret_key_id);

/*
 * Encode a user name as a file name: lower-case letters, digits, '_', '-' and '.' stay,
 * every other byte and a leading dot become %xx. TOTP_ERR_RANGE: empty, or more than
 * STORE_NAME_MAX bytes encoded.
 */
MUST_CHECK enum totp_err store_name(const char *user, char ret_name[STORE_NAME_MAX + 1]);

/* The user whose record has this name; the reverse of store_name. TOTP_ERR_FORMAT: none has. */
MUST_CHECK enum totp_err store_user_of(const char *name, char ret_user[CRED_USER_MAX + 1]);

#endif
