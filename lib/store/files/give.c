/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving a store to the service account when it was made before the account existed.
 *
 * The directories go first: from then on root's programs accept files of root and of the
 * account, so logins go on meanwhile, and also if this was cut short. But from then on the
 * account can link any file of root into them, and unlink it at any moment, so no check of a
 * file that is found there can show that it is the store's. Therefore no file that is found
 * changes its owner: each record and invitation that opens is copied into a new file of the
 * account, which takes its name. Anything else stays as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/files.h"
#include "base/path.h"

#define COPY_MAX STATE_FILE_LEN /* bytes; no file of a store is longer */
#define WAIT_MS  10000          /* for a login that holds a record */

struct giving {
	struct files_store *store;
	const struct files_owner *to;
	const char *user; /* whose record is copied now */
	size_t given;
	enum totp_err err; /* of the first record that could not be given to the account */
	struct reason *why;
};

static enum totp_err give_directory(struct giving *giving, const char *directory)
{
	OWN_FD int fd = -1;
	struct stat st;
	enum totp_err err =
		path_open_dir(giving->store->dir_fd, directory, giving->to->uid, &fd, giving->why);

	if (err != TOTP_OK)
		return err;
	if (fstat(fd, &st) == 0 && st.st_uid == giving->to->uid)
		return TOTP_OK;
	/* safe: a directory has one name, and it lies in a directory that root owns */
	if (fchown(fd, giving->to->uid, giving->to->gid) != 0)
		return reason_errno(giving->why, "%s: cannot change the owner", directory);
	giving->given++;
	return TOTP_OK;
}

/* A file that root owns: `fd` has it open, and dir_fd is the directory that holds its name. */
struct found {
	int dir_fd;
	const char *name;
	int fd;
	bool is_state;
};

/* Lock the copy of a login state as a login does. */
static enum totp_err hold_copy(const struct giving *giving, const struct found *found,
			       const char *temp, int *ret_fd)
{
	struct path_rule rule = files_rule(giving->store, COPY_MAX);
	enum totp_err err;

	rule.flags = O_RDWR;
	err = path_open_file(found->dir_fd, temp, &rule, ret_fd, NULL);
	if (err != TOTP_OK)
		return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_STALE : err;
	return files_take_lock(*ret_fd, io_deadline(WAIT_MS), NULL);
}

/*
 * Replace the file by a copy. No login changes the copy of a state before the disk has its name: a
 * power cut would bring the former file back, where the code that was used is unused.
 * TOTP_ERR_STALE: it was removed or replaced meanwhile.
 */
static enum totp_err give_copy(struct giving *giving, const struct found *found)
{
	uint8_t bytes[COPY_MAX];
	char temp[FILES_TEMP_NAME_MAX + 2 * CRED_ID_LEN + 1];
	struct file_new copy;
	OWN_FD int copy_fd = -1;
	struct stat st;
	size_t len = 0;
	enum totp_err err;

	if (fstat(found->fd, &st) != 0)
		return TOTP_ERR_SYSTEM;
	if (st.st_uid != 0)
		return TOTP_OK;
	err = io_pread(found->fd, bytes, sizeof(bytes), 0, &len);
	if (err != TOTP_OK)
		return err;
	snprintf(temp, sizeof(temp), "%s~give", found->name);
	if (unlinkat(found->dir_fd, temp, 0) != 0 && errno != ENOENT)
		return TOTP_ERR_SYSTEM;
	copy = files_new(giving->store, found->dir_fd, temp, FILE_DURABLE);
	err = file_write(&copy, bytes, len);
	if (err != TOTP_OK)
		return err;
	if (found->is_state)
		err = hold_copy(giving, found, temp, &copy_fd);
	if (err == TOTP_OK)
		err = files_replace_if_same(giving->store, found->dir_fd, temp, found->name,
					    found->fd);
	if (err != TOTP_OK) {
		unlinkat(found->dir_fd, temp, 0);
		return err;
	}
	giving->given++;
	return found->is_state && fsync(found->dir_fd) != 0 ? TOTP_ERR_SYSTEM : TOTP_OK;
}

/* No login accepts it, whoever owns it: it stays as it is. */
static bool is_unacceptable(enum totp_err err)
{
	return err == TOTP_ERR_SEAL || err == TOTP_ERR_FORMAT || err == TOTP_ERR_RANGE ||
	       err == TOTP_ERR_UNSAFE || err == TOTP_ERR_UNSUPPORTED;
}

/*
 * The state was not opened: a record that has none is given without it. TOTP_ERR_STALE: it can be
 * opened now.
 */
static enum totp_err look_for_state(struct files_store *store, const struct files_place *place)
{
	const struct path_rule rule = files_rule(store, COPY_MAX);
	OWN_FD int fd = -1;
	enum totp_err err = path_open_file(store->states_fd, place->state_name, &rule, &fd, NULL);

	if (err == TOTP_OK)
		return TOTP_ERR_STALE;
	return err == TOTP_ERR_NOT_FOUND || is_unacceptable(err) ? TOTP_OK : err;
}

/*
 * The credential first: a login that opens the new one waits for the lock of the old state, and
 * then finds that it was replaced.
 */
static enum totp_err give_record_once(void *context, struct reason *why)
{
	struct giving *giving = context;
	const char *user = giving->user;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct files_store *store = giving->store;
	const struct files_place *place = files_place(&txn);
	char name[STORE_NAME_MAX + 1];
	struct reason unreadable = {""};
	enum totp_err err = store_read_cred(&store->store, user, 0, &txn, &unreadable);

	if (err != TOTP_OK)
		return is_unacceptable(err) ? TOTP_OK : err;
	err = store_begin(&txn, io_deadline(WAIT_MS), why);
	if (err == TOTP_OK && place->state_fd < 0)
		err = look_for_state(store, place);
	if (err == TOTP_OK)
		err = store_name(user, name);
	if (err == TOTP_OK)
		err = give_copy(giving,
				&(struct found){store->users_fd, name, place->cred_fd, false});
	if (err == TOTP_OK && place->state_fd >= 0)
		err = give_copy(giving, &(struct found){store->states_fd, place->state_name,
							place->state_fd, true});
	return err;
}

static enum totp_err give_invite_once(void *context, struct reason *why)
{
	struct giving *giving = context;
	struct files_box box = {.kind = STORE_INVITE, .user = giving->user, .fd = -1};
	OWN_FD int dir_fd = -1;
	OWN_FD int fd = -1;
	struct invite invite;
	enum totp_err err = files_invite_get(&giving->store->store, giving->user, 0, &invite, why);

	if (err == TOTP_OK)
		err = files_open_dir(giving->store, STORE_INVITE, &dir_fd, why);
	box.dir_fd = dir_fd;
	if (err == TOTP_OK)
		err = files_read_box(giving->store, &box, why);
	fd = box.fd;
	if (err != TOTP_OK)
		return is_unacceptable(err) ? TOTP_OK : err;
	return give_copy(giving, &(struct found){dir_fd, box.name, fd, false});
}

/* Report the first error, with the file's name. */
static void give_one(struct giving *giving, const char *user, const char *directory,
		     store_try_fn *give_once)
{
	struct reason unused = {""};
	enum totp_err err;

	giving->user = user;
	err = store_retry(give_once, giving, &unused);
	if (err == TOTP_OK || err == TOTP_ERR_NOT_FOUND || giving->err != TOTP_OK)
		return;
	giving->err = err;
	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(giving->why, "%s/%.100s: cannot change the owner", directory,
				   user);
	else
		reason_set(giving->why, "%s/%.100s: cannot change the owner: %s", directory, user,
			   err_name(err));
}

static void give_record(void *context, const char *user)
{
	give_one(context, user, FILES_USERS, give_record_once);
}

static void give_invite(void *context, const char *user)
{
	give_one(context, user, FILES_INVITES, give_invite_once);
}

enum totp_err files_give(struct store *opened, const struct files_owner *owner, bool *ret_given,
			 struct reason *why)
{
	static const char *const directories[] = {FILES_USERS, FILES_STATES, FILES_INVITES};
	struct files_store *store = files_of(opened);
	OWN_FD int invites_fd = -1;
	struct reason unused;
	struct giving giving = {store, owner, .why = why ? why : &unused};
	enum totp_err err = TOTP_OK;

	for (size_t i = 0; i < 3 && err == TOTP_OK; i++) {
		err = give_directory(&giving, directories[i]);
		if (err == TOTP_ERR_NOT_FOUND && i == 2) /* a store of before there were any */
			err = TOTP_OK;
	}
	if (err == TOTP_OK) {
		store->owner = owner->uid; /* of the files that are written from now on */
		store->group = owner->gid;
		err = files_each(opened, STORE_RECORD, give_record, &giving, why);
	}
	if (err == TOTP_OK)
		err = files_each(opened, STORE_INVITE, give_invite, &giving, why);
	if (err == TOTP_OK)
		err = giving.err;
	*ret_given = giving.given > 0;
	if (err != TOTP_OK)
		return err;
	/* the copies of records and invitations are on the disk, but not yet their names */
	err = files_open_dir(store, STORE_INVITE, &invites_fd, NULL);
	if (fsync(store->users_fd) != 0 || (err == TOTP_OK && fsync(invites_fd) != 0))
		return reason_errno(why, "the disk does not confirm the records");
	return TOTP_OK;
}
