/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invitations of the files engine: one sealed file for each user, in a directory that a store of
 * an older version lacks. They are read only at a login of a user who is not enrolled and must
 * enroll after the last day for it.
 */
#include <unistd.h>

#include "store/files/files.h"

/* --- reading --- */

/* What is to be read, and where to. */
struct reading {
	struct files_store *store;
	int dir_fd;
	const char *user;
	struct invite *invite;
};

static enum totp_err read_invite(void *context, struct reason *why)
{
	const struct reading *reading = context;
	struct files_box box = {
		.kind = STORE_INVITE, .dir_fd = reading->dir_fd, .user = reading->user};
	struct reason cause = {""};
	enum totp_err err = files_read_box(reading->store, &box, why);

	if (err == TOTP_OK) {
		err = vault_open_invite(&reading->store->store.vault, reading->user,
					bytes_of(box.bytes, box.len), reading->invite, &cause);
		err = files_opened_box(&box, err, &cause, why);
	}
	fd_close(box.fd);
	return err;
}

enum totp_err files_invite_get(struct store *opened, const char *user, uint64_t deadline,
			       struct invite *ret_invite, struct reason *why)
{
	struct files_store *store = files_of(opened);
	char name[STORE_NAME_MAX + 1];
	OWN_FD int dir_fd = -1;
	enum totp_err err;

	(void)deadline;
	if (store_name(user, name) != TOTP_OK)
		return TOTP_ERR_NOT_FOUND; /* none can have that name */
	err = files_open_dir(store, STORE_INVITE, &dir_fd, why);
	if (err != TOTP_OK)
		return err;
	return store_retry(read_invite, &(struct reading){store, dir_fd, user, ret_invite}, why);
}

/* --- writing --- */

/* Open the directory, and make it if it is missing. */
static enum totp_err open_or_make_invites(const struct files_store *store, int *ret_fd,
					  struct reason *why)
{
	struct file_new dir = files_new(store, store->dir_fd, FILES_INVITES, FILE_DURABLE);
	enum totp_err err = files_open_dir(store, STORE_INVITE, ret_fd, why);

	if (err != TOTP_ERR_NOT_FOUND)
		return err;
	dir.mode = S_IRWXU;
	err = files_make_dir(&dir, ret_fd, why);
	if (err == TOTP_OK && fsync(store->dir_fd) != 0)
		err = reason_errno(why, FILES_INVITES ": cannot make the directory");
	return err;
}

static enum totp_err put_box(const struct files_store *store, const char *name, const uint8_t *box,
			     size_t len, struct reason *why)
{
	struct file_new file;
	OWN_FD int dir_fd = -1;
	enum totp_err err = open_or_make_invites(store, &dir_fd, why);

	if (err != TOTP_OK)
		return err;
	file = files_new(store, dir_fd, name, FILE_DURABLE);
	err = file_replace(&file, box, len);
	if (err == TOTP_ERR_UNCERTAIN)
		(void)reason_errno(
			why, FILES_INVITES "/%s: written, but the disk does not confirm it", name);
	else if (err != TOTP_OK)
		(void)reason_errno(why, FILES_INVITES "/%s: cannot write", name);
	return err;
}

enum totp_err files_invite_put(struct store *opened, const struct invite *invite, uint64_t deadline,
			       struct reason *why)
{
	struct files_store *store = files_of(opened);
	char name[STORE_NAME_MAX + 1];
	uint8_t box[VAULT_BOX_MAX];
	size_t len = 0;
	enum totp_err err = store_name(invite->user, name);

	if (err != TOTP_OK)
		return reason_err(why, err, "user name too long for a record");
	err = files_begin_sealing(store, deadline, why);
	if (err == TOTP_OK) {
		err = vault_seal_invite(&opened->vault, invite, box, &len);
		if (err == TOTP_OK)
			err = put_box(store, name, box, len, why);
		else
			reason_set(why, "no invitation could be made: %s", err_name(err));
	}
	files_end_change(store);
	return err;
}

enum totp_err files_invite_remove(struct store *opened, const char *user, uint64_t deadline,
				  struct reason *why)
{
	struct files_store *store = files_of(opened);
	char name[STORE_NAME_MAX + 1];
	OWN_FD int dir_fd = -1;
	enum totp_err err;

	if (store_name(user, name) != TOTP_OK)
		return TOTP_ERR_NOT_FOUND;
	err = files_open_dir(store, STORE_INVITE, &dir_fd, why);
	if (err != TOTP_OK)
		return err;
	err = files_begin_change(store, deadline, why);
	if (err == TOTP_OK && (unlinkat(dir_fd, name, 0) != 0 || fsync(dir_fd) != 0))
		err = reason_errno(why, FILES_INVITES "/%s: cannot remove", name);
	files_end_change(store);
	return err;
}
