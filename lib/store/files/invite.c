/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invitations of the files engine: one sealed file for each user, in a directory that a store of
 * an older version lacks. They are read only at a login of a user who is not enrolled and must
 * enroll after the last day for it.
 */
#include <unistd.h>

#include "store/files/files.h"

#define BOX_MAX (INVITE_BYTES_MAX + SEAL_OVERHEAD)

/* --- reading --- */

/* What is to be read, and where to. */
struct reading {
	struct store *store;
	int dir_fd;
	const char *user;
	struct invite *invite;
};

static enum totp_err read_invite(void *context, struct reason *why)
{
	const struct reading *reading = context;
	struct files_box box = {
		.kind = STORE_INVITE, .dir_fd = reading->dir_fd, .user = reading->user};
	uint8_t bytes[INVITE_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	struct invite invite = {.user = ""};
	struct reason cause = {""};
	enum totp_err err = files_read_box(reading->store, &box, why);

	if (err == TOTP_OK) {
		err = files_unseal(reading->store, reading->user, bytes_of(box.bytes, box.len),
				   &plain, &cause);
		if (err == TOTP_OK)
			err = invite_decode(plain.data, plain.len, &invite);
		if (err == TOTP_OK && strcmp(invite.user, reading->user) != 0)
			err = TOTP_ERR_SEAL;
		if (err == TOTP_OK)
			*reading->invite = invite;
		err = files_opened_box(&box, err, &cause, why);
	}
	fd_close(box.fd);
	return err;
}

enum totp_err store_invite_get(struct store *store, const char *user, struct invite *ret_invite,
			       struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	OWN_FD int dir_fd = -1;
	enum totp_err err;

	if (store_name(user, name) != TOTP_OK)
		return TOTP_ERR_NOT_FOUND; /* none can have that name */
	err = files_open_dir(store, STORE_INVITE, &dir_fd, why);
	if (err != TOTP_OK)
		return err;
	return store_retry(read_invite, &(struct reading){store, dir_fd, user, ret_invite}, why);
}

/* --- writing --- */

/* Open the directory, and make it if it is missing. */
static enum totp_err open_or_make_invites(const struct store *store, int *ret_fd,
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

static enum totp_err seal_invite(const struct store *store, const struct invite *invite,
				 uint8_t ret_box[BOX_MAX], size_t *ret_len, struct reason *why)
{
	uint8_t plain[INVITE_BYTES_MAX];
	size_t len = 0;
	enum totp_err err = invite_encode(invite, plain, &len);

	if (err == TOTP_OK)
		err = seal_close(&store->keyring.keys[0], invite->user, plain, len, ret_box);
	if (err != TOTP_OK)
		reason_set(why, "no invitation could be made: %s", err_name(err));
	*ret_len = len + SEAL_OVERHEAD;
	return err;
}

static enum totp_err put_box(const struct store *store, const char *name, const uint8_t *box,
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

enum totp_err store_invite_put(struct store *store, const struct invite *invite, struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	uint8_t box[BOX_MAX];
	size_t len = 0;
	enum totp_err err = store_name(invite->user, name);

	if (err != TOTP_OK)
		return reason_err(why, err, "user name too long for a record");
	err = files_begin_sealing(store, why);
	if (err == TOTP_OK)
		err = seal_invite(store, invite, box, &len, why);
	if (err == TOTP_OK)
		err = put_box(store, name, box, len, why);
	files_end_change(store);
	return err;
}

enum totp_err store_invite_remove(struct store *store, const char *user, struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	OWN_FD int dir_fd = -1;
	enum totp_err err;

	if (store_name(user, name) != TOTP_OK)
		return TOTP_ERR_NOT_FOUND;
	err = files_open_dir(store, STORE_INVITE, &dir_fd, why);
	if (err != TOTP_OK)
		return err;
	err = files_begin_change(store, why);
	if (err == TOTP_OK && (unlinkat(dir_fd, name, 0) != 0 || fsync(dir_fd) != 0))
		err = reason_errno(why, FILES_INVITES "/%s: cannot remove", name);
	files_end_change(store);
	return err;
}
