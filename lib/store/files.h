/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files engine: a store in a directory of this host. What follows is of this engine alone:
 * opening and making a store, and where it lies on the disk. All else is in store/store.h.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include <sys/types.h>

#include "store/keyring.h"
#include "store/store.h"

struct files_config {
	const char *dir;            /* absolute path */
	const char *keyring;        /* absolute path */
	const struct keyring *keys; /* that keyring, read before; NULL: read it when needed */
	/*
	 * readonly_login: an absolute path where states live while the disk refuses writes, made
	 * if it is missing and lost at a reboot. NULL: a write that fails denies the login.
	 *
	 * With it, a commit whose write the disk refuses (EROFS, ENOSPC, EDQUOT or EIO; the caller
	 * of our module could cause other errors) goes there, and txn->in_run says so; but not one
	 * that spends a recovery code or moves a counter, which a reboot would forget.
	 */
	const char *run_dir;
	int64_t booted; /* with run_dir: when the host came up, seconds since 1970 UTC */
	/* a hash of this host's identity, for store_check_place; NULL: none, or nobody asks */
	const uint8_t *machine;
};

/*
 * Open a store and check its directories and marker. Nothing secret is read yet.
 *
 * TOTP_ERR_NOT_FOUND, TOTP_ERR_UNSAFE, TOTP_ERR_FORMAT, TOTP_ERR_UNSUPPORTED (a newer
 * format), TOTP_ERR_SYSTEM: *why says what is wrong and how to repair it.
 */
MUST_CHECK enum totp_err files_open_for_logins(const struct files_config *config,
					       struct store **ret_store, struct reason *why);

/* The same, with all that store/store.h has. The module does without, and stays small. */
MUST_CHECK enum totp_err files_open(const struct files_config *config, struct store **ret_store,
				    struct reason *why);

/* What the calling process can do with a store. */
enum files_reach {
	FILES_NO_REACH = 0, /* not even list the users who have a record, or there is no store */
	FILES_READABLE,     /* look, but not read the keyring, lock or write */
	FILES_WRITABLE,     /* everything that a login or an enrollment does */
};

/* Find out, without opening anything; files_open says why there is no reach. */
enum files_reach files_reach(const struct files_config *config);

/*
 * Read a store's id from its marker, and nothing else: any process may that can search the
 * directory above. Errors as files_open.
 */
MUST_CHECK enum totp_err files_identify(const char *dir, uint8_t ret_id[CRED_ID_LEN],
					struct reason *why);

/* The service account that owns the records, or root where there is none. */
struct files_owner {
	uid_t uid;
	gid_t gid;
};

/*
 * Make an empty store: the directories, and last the marker that proves absence.
 *
 * machine: a hash of the host's identity, kept in the marker.
 * TOTP_ERR_EXISTS: there is a marked store (nothing is changed). A store whose making was
 * cut short is completed.
 */
MUST_CHECK enum totp_err files_setup(const char *dir, const struct files_owner *owner,
				     const uint8_t machine[SHA256_LEN], struct reason *why);

/*
 * Give an open store to the service account: the directories that root owns change their owner,
 * and a copy that the account owns replaces each valid record and invitation that root owns.
 * Everything else stays as it is. *ret_given: something was given, also on an error; done again,
 * it goes on where it stopped. TOTP_ERR_UNSAFE: neither root nor the account owns a directory.
 * TOTP_ERR_TIMEOUT: a login holds a record.
 */
MUST_CHECK enum totp_err files_give(struct store *store, const struct files_owner *owner,
				    bool *ret_given, struct reason *why);

/* The account that owns the records of an open store. */
uid_t files_owner_of(const struct store *store);

/*
 * Call `each` with the path, below the store, of every file that belongs to no record: files that
 * an interrupted write left, and states of replaced credentials. A record that cannot be opened
 * keeps its states. Errors as store_each.
 */
MUST_CHECK enum totp_err files_each_stray(struct store *store, store_each_fn *each, void *context,
					  struct reason *why);

/* --- where it lies on the disk: for reports, never to open it --- */

enum files_part {
	FILES_PART_ROOT,
	FILES_PART_MARKER,
	FILES_PART_USERS,
	FILES_PART_STATES,
	FILES_PART_INVITES,
};

#define FILES_PATH_MAX 320 /* bytes of the name of a file below the store */

/* The name of a part below the store, "" for the store itself. */
const char *files_part(enum files_part part);

/* The name of a user's credential below the store. TOTP_ERR_RANGE: as store_name. */
MUST_CHECK enum totp_err files_cred_path(const char *user, char ret_name[FILES_PATH_MAX]);

/* The same of its state. Errors as store_read_cred. */
MUST_CHECK enum totp_err files_state_path(struct store *store, const char *user,
					  char ret_name[FILES_PATH_MAX]);

#endif
