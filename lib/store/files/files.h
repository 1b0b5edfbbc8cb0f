/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the files engine share. The store's own account is less trusted than root:
 * every file below the store is opened with the rules of base/path.h, and its bytes are
 * hostile until a seal or a MAC has verified them.
 */
#ifndef STORE_FILES_FILES_H
#define STORE_FILES_FILES_H

#include "base/file.h"
#include "base/path.h"
#include "store/engine.h"
#include "store/files.h"

#define FILES_MARKER        "STORE"
#define FILES_TITLE         "pam_totp store " /* and the version */
#define FILES_USERS         "users"
#define FILES_STATES        "state"
#define FILES_INVITES       "invites"
#define FILES_MARKER_MAX    256
#define FILES_TEMP_NAME_MAX (STORE_NAME_MAX + FILE_TEMP_LEN + 1)
/* a user's name, '.', and the credential's id in hexadecimal */
#define FILES_STATE_NAME_MAX (STORE_NAME_MAX + 1 + 2 * CRED_ID_LEN)

struct files_store {
	struct store store; /* first: the two are one */
	const char *dir;
	int dir_fd;
	int users_fd;
	int states_fd;
	int run_fd; /* run_dir/state, or -1: there is no readonly_login */
	uid_t owner;
	gid_t group;
	bool claimed;                /* claim_keys */
	uint8_t made_on[SHA256_LEN]; /* the machine in the marker; zeros: made without one… */
	uint8_t here[SHA256_LEN];    /* …and this one; zeros: not known */
	char text[];                 /* the paths of the keyring and of the store */
};

static inline struct files_store *files_of(struct store *store)
{
	return (struct files_store *)(void *)store;
}

/* What a transaction has open, in its place. */
struct files_place {
	bool open; /* or nothing below counts */
	bool locked;
	bool read_only;                            /* state_fd cannot be written to */
	int cred_fd;                               /* the user's record, as it was read */
	int state_fd;                              /* or -1 */
	int run_fd;                                /* the state in run_dir, or -1 */
	uint64_t disk_sequence;                    /* of the state on the disk… */
	uint64_t run_sequence;                     /* …and in run_dir, 0 for none */
	char state_name[FILES_STATE_NAME_MAX + 1]; /* of the state's file */
} __attribute__((may_alias));

_Static_assert(sizeof(struct files_place) <= STORE_PLACE_LEN, "a transaction has room for it");

static inline struct files_place *files_place(struct store_txn *txn)
{
	return (struct files_place *)(void *)&txn->place;
}

/* The verbs, as store/store.h has them. */
MUST_CHECK enum totp_err files_read(struct store_txn *txn, const char *user, uint64_t deadline,
				    struct reason *why);
MUST_CHECK enum totp_err files_begin(struct store_txn *txn, uint64_t deadline, struct reason *why);
MUST_CHECK enum totp_err files_commit(struct store_txn *txn, const struct login_state *next,
				      struct reason *why);
void files_end(struct store_txn *txn);
MUST_CHECK enum totp_err files_create(struct store *store, const struct cred *cred,
				      const struct login_state *state, uint64_t deadline,
				      struct reason *why);
MUST_CHECK enum totp_err files_replace(struct store_txn *txn, const struct cred *cred,
				       const struct login_state *state, struct reason *why);
MUST_CHECK enum totp_err files_remove_by(struct store_txn *txn, const struct login_state *next,
					 struct reason *why);
MUST_CHECK enum totp_err files_create_many(struct store *store, const struct store_many *many,
					   size_t *ret_done, struct reason *why);
MUST_CHECK enum totp_err files_remove(struct store *store, const char *user, uint64_t deadline,
				      struct reason *why);
MUST_CHECK enum totp_err files_invite_put(struct store *store, const struct invite *invite,
					  uint64_t deadline, struct reason *why);
MUST_CHECK enum totp_err files_invite_get(struct store *store, const char *user, uint64_t deadline,
					  struct invite *ret_invite, struct reason *why);
MUST_CHECK enum totp_err files_invite_remove(struct store *store, const char *user,
					     uint64_t deadline, struct reason *why);
MUST_CHECK enum totp_err files_each(struct store *store, enum store_kind kind, store_each_fn *each,
				    void *context, struct reason *why);
MUST_CHECK enum totp_err files_each_credential(struct store *store, store_row_fn *each,
					       void *context, struct reason *why);
MUST_CHECK enum totp_err files_each_key(struct store *store, store_key_fn *each, void *context,
					struct reason *why);
MUST_CHECK enum totp_err files_key_of(struct store *store, const char *user, uint32_t *ret_key_id);
MUST_CHECK enum totp_err files_claim_keys(struct store *store, struct reason *why);
MUST_CHECK enum totp_err files_seal_with(struct store *store, uint32_t key_id, uint64_t deadline,
					 struct reason *why);
MUST_CHECK enum totp_err files_reseal(struct store *store, const struct store_reseal *reseal,
				      struct reason *why);

/*
 * Begin and end a change of sealed files (records and invitations). A process that changes them
 * holds the lock of the directory of records, shared, so that a rotation of keys can wait for the
 * processes that began before, and can replace a file while no other process does. Errors:
 * TOTP_ERR_TIMEOUT, TOTP_ERR_SYSTEM. files_end_change keeps errno, and does nothing if nothing
 * was begun.
 */
MUST_CHECK enum totp_err files_begin_change(struct files_store *store, uint64_t deadline,
					    struct reason *why);
void files_end_change(struct files_store *store);

/* files_begin_change, and make the keyring the current one: its first key then seals. */
MUST_CHECK enum totp_err files_begin_sealing(struct files_store *store, uint64_t deadline,
					     struct reason *why);

/* The same lock, exclusive: no other process changes sealed files meanwhile. */
MUST_CHECK enum totp_err files_begin_alone(struct files_store *store, uint64_t deadline,
					   struct reason *why);

/* Wait a little longer each time; the jitter of many waiters comes from the scheduler. */
void files_pause(unsigned tries);

/* A new file that the store's account owns, and that it alone may read. */
struct file_new files_new(const struct files_store *store, int dir_fd, const char *name,
			  enum file_durable durable);

/* The rule for such a file, opened for reading. */
struct path_rule files_rule(const struct files_store *store, off_t size_max);

/*
 * Replace the file that `fd` has open by a new one, while no other process changes sealed files.
 * TOTP_ERR_STALE: the name belongs to another file by now, or to none, and stays so.
 * TOTP_ERR_TIMEOUT; TOTP_ERR_SYSTEM: errno.
 */
MUST_CHECK enum totp_err files_replace_if_same(struct files_store *store, int dir_fd,
					       const char *temp, const char *name, int fd);

/*
 * Make a directory unless it exists, set its owner and mode, and open it. TOTP_ERR_UNSAFE: it
 * exists, and neither root nor the owner owns it.
 */
MUST_CHECK enum totp_err files_make_dir(const struct file_new *dir, int *ret_fd,
					struct reason *why);

typedef void files_name_fn(void *context, const char *name);

/* Call `look` with each name in the directory. TOTP_ERR_SYSTEM: errno; some were left out. */
MUST_CHECK enum totp_err files_each_name(int dir_fd, files_name_fn *look, void *context);

/* The directory of a kind of files. TOTP_ERR_NOT_FOUND: an older store has no invitations. */
const char *files_directory(enum store_kind kind);
MUST_CHECK enum totp_err files_open_dir(const struct files_store *store, enum store_kind kind,
					int *ret_fd, struct reason *why);

/* A user's record or invitation as it lies on the disk. */
struct files_box {
	enum store_kind kind;
	int dir_fd; /* the directory of the kind */
	const char *user;
	char name[STORE_NAME_MAX + 1];
	int fd; /* the caller closes it */
	uint8_t bytes[VAULT_BOX_MAX];
	size_t len;
};

/* Read it; the caller has set kind, dir_fd and user. On error fd is -1 if it was not opened. */
MUST_CHECK enum totp_err files_read_box(const struct files_store *store, struct files_box *box,
					struct reason *why);

/*
 * Return the error that opening the box gave, with a sentence, in which `cause` is used if it has
 * text; TOTP_ERR_STALE if the file was replaced meanwhile, perhaps so that its key could go.
 */
MUST_CHECK enum totp_err files_opened_box(const struct files_box *box, enum totp_err err,
					  const struct reason *cause, struct reason *why);

/* The name of a credential's state file. TOTP_ERR_RANGE: as store_name. */
MUST_CHECK enum totp_err files_state_name(const char *user, const uint8_t id[CRED_ID_LEN],
					  char ret_name[FILES_STATE_NAME_MAX + 1]);

/* Lock a file, waiting until the deadline. TOTP_ERR_TIMEOUT, TOTP_ERR_SYSTEM. */
MUST_CHECK enum totp_err files_take_lock(int fd, uint64_t deadline, struct reason *why);

/* Is `name` still the file that fd has open? */
bool files_is_still(int dir_fd, const char *name, int fd);

/* Is the credential of a transaction still the user's? */
bool files_cred_is_still(struct store_txn *txn);

/* Read the state that the transaction has open into txn->state. Errors as store_read. */
MUST_CHECK enum totp_err files_load_state(struct store_txn *txn, struct reason *why);

/* Take back the locks of a transaction, which goes on without them. */
void files_let_go(struct files_place *place);

/* Overwrite one slot of a state file, and wait for the disk. TOTP_ERR_SYSTEM: errno. */
MUST_CHECK enum totp_err files_write_slot(int fd, const uint8_t slot[STATE_SLOT_LEN],
					  uint64_t sequence);

/* Put what is known of a store into its marker. put: file_put_new or file_replace. */
MUST_CHECK enum totp_err files_put_marker(
	int dir_fd, const struct store_info *info, const uint8_t machine[SHA256_LEN],
	enum totp_err (*put)(const struct file_new *, const void *, size_t), struct reason *why);

/*
 * The states in run_dir, which apply for as long as the disk refuses writes. A process that
 * changes a record locks the file there first, whether the disk can be written or not, so that
 * changes stay in order whatever the disk does between them. All but files_run_open do nothing
 * without readonly_login.
 */
MUST_CHECK enum totp_err files_run_open(struct files_store *store,
					const struct files_config *config, struct reason *why);

/*
 * Merge the state in run_dir into txn->state, which is that of the disk. Any error denies the
 * login.
 */
MUST_CHECK enum totp_err files_run_load(struct store_txn *txn, struct reason *why);

/* Lock the file, which is made if it is missing. Errors as store_begin. */
MUST_CHECK enum totp_err files_run_lock(struct store_txn *txn, uint64_t deadline,
					struct reason *why);

/* The disk refused with this errno: write the state to run_dir, if that is allowed. */
MUST_CHECK enum totp_err files_run_commit(struct store_txn *txn, const struct login_state *next,
					  int refusal, struct reason *why);

/* The state on the disk is complete: empty the file in run_dir. */
void files_run_clear(const struct files_place *place);

/* The record was replaced or removed: remove its file. */
void files_run_remove(const struct files_store *store, const struct files_place *place);

/* Put the directory before a sentence that begins with a file's name: "users/NAME: ...". */
void files_prefix(struct reason *why, const char *directory);

#endif
