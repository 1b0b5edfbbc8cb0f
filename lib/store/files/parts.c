/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the parts of a store lie, and which key sealed a record: what reports about it name. */
#include <stdio.h>

#include "record/seal.h"
#include "store/files/files.h"

const char *store_part(enum store_part part)
{
	static const char *const names[] = {[STORE_DIRECTORY] = "",
					    [STORE_MARKER] = FILES_MARKER,
					    [STORE_USERS] = FILES_USERS,
					    [STORE_STATES] = FILES_STATES,
					    [STORE_INVITES] = FILES_INVITES};

	return names[part];
}

enum totp_err store_cred_file(const char *user, char ret_name[STORE_FILE_MAX])
{
	char name[STORE_NAME_MAX + 1];
	enum totp_err err = store_name(user, name);

	if (err == TOTP_OK)
		snprintf(ret_name, STORE_FILE_MAX, FILES_USERS "/%s", name);
	return err;
}

enum totp_err store_state_file(struct store *store, const char *user, char ret_name[STORE_FILE_MAX])
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err err = store_read_cred(store, user, &txn, NULL);

	if (err == TOTP_OK)
		snprintf(ret_name, STORE_FILE_MAX, FILES_STATES "/%s", txn.state_name);
	return err;
}

enum totp_err store_key_of(struct store *store, const char *user, uint32_t *ret_key_id)
{
	struct files_box box = {.kind = STORE_RECORD, .dir_fd = store->users_fd, .user = user};
	enum totp_err err = files_read_box(store, &box, NULL);

	fd_close(box.fd);
	return err == TOTP_OK ? seal_key_id(bytes_of(box.bytes, box.len), ret_key_id) : err;
}
