/*
 * Invitations of the files engine: one sealed file for each user, in a directory that a store of
 * an older version lacks. They are read only at a login of a user who is not enrolled and must
 * enroll after the last day for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/files.h"
#include "store/files/path.h"

#define BOX_MAX    (INVITE_BYTES_MAX + SEAL_OVERHEAD)
#define READ_TRIES 8

enum totp_err files_open_invites(const struct store *store, int *ret_fd, struct reason *why)
{
	return path_open_dir(store->dir_fd, FILES_INVITES, store->owner, ret_fd, NULL, why);
}

/* --- reading --- */

static enum totp_err open_box(struct store *store, const char *user, const uint8_t *box, size_t len,
			      struct invite *ret_invite, struct reason *why)
{
	uint8_t plain[INVITE_BYTES_MAX];
	size_t plain_len = 0;
	struct invite invite = {.user = ""};
	enum totp_err err =
		files_unseal(store, user, box, len, plain, sizeof(plain), &plain_len, why);

	if (err == TOTP_OK)
		err = invite_decode(plain, plain_len, &invite);
	if (err == TOTP_OK && strcmp(invite.user, user) != 0)
		err = TOTP_ERR_SEAL;
	if (err == TOTP_OK)
		*ret_invite = invite;
	else if (why->text[0] == '\0')
		reason_set(why, "cannot be opened (%s): totpctl uninvite, then invite again",
			   err_name(err));
	return err;
}

static enum totp_err read_box(struct store *store, int dir_fd, const char *user, const char *name,
			      struct invite *ret_invite, struct reason *why)
{
	const struct path_rule rule = {
		.owner = store->owner, .forbidden = S_IRWXG | S_IRWXO, .size_max = BOX_MAX};
	uint8_t box[BOX_MAX];
	struct reason cause = {""};
	size_t len = 0;
	OWN_FD int fd = -1;
	enum totp_err err = path_open_file(dir_fd, name, &rule, &fd, NULL, why);

	if (err != TOTP_OK) {
		files_prefix(why, FILES_INVITES);
		return err;
	}
	err = io_read_all(fd, box, sizeof(box), &len);
	if (err != TOTP_OK)
		reason_set(&cause, "cannot be read (%s)", err_name(err));
	else
		err = open_box(store, user, box, len, ret_invite, &cause);
	/* replaced since it was opened, perhaps so that its key could go */
	if (err == TOTP_ERR_SEAL && !files_is_still(dir_fd, name, fd))
		err = TOTP_ERR_STALE;
	if (err != TOTP_OK)
		reason_set(why, FILES_INVITES "/%s: %.200s", name, cause.text);
	return err;
}

enum totp_err store_invite_get(struct store *store, const char *user, struct invite *ret_invite,
			       struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	OWN_FD int dir_fd = -1;
	unsigned tries = 0;
	enum totp_err err;

	if (store_name(user, name) != TOTP_OK)
		return TOTP_ERR_NOT_FOUND; /* none can have that name */
	err = files_open_invites(store, &dir_fd, why);
	if (err != TOTP_OK)
		return err;
	do
		err = read_box(store, dir_fd, user, name, ret_invite, why);
	while (err == TOTP_ERR_STALE && tries++ < READ_TRIES);
	return err;
}

/* --- writing --- */

/* Open the directory, and make it if it is missing. */
static enum totp_err need_folder(const struct store *store, int *ret_fd, struct reason *why)
{
	enum totp_err err = files_open_invites(store, ret_fd, why);

	if (err != TOTP_ERR_NOT_FOUND)
		return err;
	err = files_make_dir(store->dir_fd, FILES_INVITES, S_IRWXU, store->owner, store->group,
			     ret_fd, why);
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
	char temp[FILES_TEMP_NAME_MAX];
	OWN_FD int dir_fd = -1;
	enum totp_err err = need_folder(store, &dir_fd, why);

	if (err == TOTP_OK)
		err = files_temp_name(name, temp);
	if (err != TOTP_OK)
		return err;
	err = files_put(store, dir_fd, temp, box, len, DURABLE_NOW);
	if (err == TOTP_OK && renameat(dir_fd, temp, dir_fd, name) != 0) {
		int kept = errno;

		unlinkat(dir_fd, temp, 0);
		errno = kept;
		err = TOTP_ERR_SYSTEM;
	}
	if (err != TOTP_OK) {
		(void)reason_errno(why, FILES_INVITES "/%s: cannot write", name);
		return TOTP_ERR_SYSTEM;
	}
	if (fsync(dir_fd) == 0)
		return TOTP_OK;
	(void)reason_errno(why, FILES_INVITES "/%s: written, but the disk does not confirm it",
			   name);
	return TOTP_ERR_UNCERTAIN;
}

enum totp_err store_invite_put(struct store *store, const struct invite *invite, struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	uint8_t box[BOX_MAX];
	size_t len = 0;
	enum totp_err err = store_name(invite->user, name);

	if (err != TOTP_OK) {
		reason_set(why, "user name too long for a record");
		return err;
	}
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
	err = files_open_invites(store, &dir_fd, why);
	if (err != TOTP_OK)
		return err;
	err = files_begin_change(store, why);
	if (err == TOTP_OK && (unlinkat(dir_fd, name, 0) != 0 || fsync(dir_fd) != 0))
		err = reason_errno(why, FILES_INVITES "/%s: cannot remove", name);
	files_end_change(store);
	return err;
}
