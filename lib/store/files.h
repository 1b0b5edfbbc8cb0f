/*
 * What the parts of the files engine share. The store's own account is less trusted than
 * root: every file below the store is opened with the rules of store/path.h and its bytes
 * are hostile until a seal or a MAC has said otherwise.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "store/store.h"

#define FILES_MARKER     "STORE"
#define FILES_USERS      "users"
#define FILES_STATES     "state"
#define FILES_MARKER_MAX 256
/* NAME, '.', the credential id in hexadecimal */
#define FILES_STATE_NAME_MAX (STORE_NAME_MAX + 1 + 2 * CRED_ID_LEN + 1)
/* NAME, '~', 16 random hexadecimal digits */
#define FILES_TEMP_NAME_MAX (STORE_NAME_MAX + 1 + 16 + 1)

struct store {
	int users_fd;
	int states_fd;
	uid_t owner; /* the service account, or root: who owns users/ */
	gid_t group;
	uint8_t machine[SHA256_LEN];
	const char *keyring_path;
	bool has_keys; /* loaded when first needed */
	struct keyring keyring;
	char text[]; /* what keyring_path points into */
};

/* Load the keyring unless it is there. TOTP_ERR_NOT_FOUND never comes back. */
MUST_CHECK enum totp_err files_need_keys(struct store *store, struct reason *why);

/* The user whose record has this name; the inverse of store_name. TOTP_ERR_FORMAT: none has. */
MUST_CHECK enum totp_err files_user_of(const char *name, char ret_user[CRED_USER_MAX + 1]);

/* The name of a credential's state file. TOTP_ERR_RANGE: as store_name. */
MUST_CHECK enum totp_err files_state_name(const char *user, const uint8_t id[CRED_ID_LEN],
					  char ret_name[FILES_STATE_NAME_MAX]);

/*
 * Give a temporary file its name, which no file may have yet. Where a file system knows no
 * RENAME_NOREPLACE, link and unlink do the same; between the two a reader sees two links
 * and refuses. TOTP_ERR_EXISTS: there is one; TOTP_ERR_SYSTEM: errno.
 */
MUST_CHECK enum totp_err files_name_new(int dir_fd, const char *temp, const char *name);

/* What errors say of a file below the store: "users/NAME" beside the sentence. */
void files_prefix(struct reason *why, const char *folder);

#endif
