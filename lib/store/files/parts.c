/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the parts of a store lie, and which key sealed a record: what reports about it name. */
#include <stdio.h>

#include "record/seal.h"
#include "store/files/files.h"

const char *files_part(enum files_part part)
{
	static const char *const names[] = {[FILES_PART_ROOT] = "",
					    [FILES_PART_MARKER] = FILES_MARKER,
					    [FILES_PART_USERS] = FILES_USERS,
					    [FILES_PART_STATES] = FILES_STATES,
					    [FILES_PART_INVITES] = FILES_INVITES};

	return names[part];
}

enum totp_err files_cred_path(const char *user, char ret_name[FILES_PATH_MAX])
{
	char name[STORE_NAME_MAX + 1];
	enum totp_err err = store_name(user, name);

	if (err == TOTP_OK)
		snprintf(ret_name, FILES_PATH_MAX, FILES_USERS "/%s", name);
	return err;
}

enum totp_err files_state_path(struct store *store, const char *user, char ret_name[FILES_PATH_MAX])
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err err = store_read_cred(store, user, 0, &txn, NULL);

	if (err == TOTP_OK)
		snprintf(ret_name, FILES_PATH_MAX, FILES_STATES "/%s",
			 files_place(&txn)->state_name);
	return err;
}

uid_t files_owner_of(const struct store *store)
{
	return ((const struct files_store *)(const void *)store)->owner;
}
