/* SPDX-License-Identifier: BSD-2-Clause */
/* The users who have a record, and stray files: what the directories of the files engine hold. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "store/files/files.h"

enum totp_err files_each_name(int dir_fd, files_name_fn *look, void *context)
{
	/* a stream of its own: the offset of the directory's descriptor does not change */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), kept;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		fd_close(fd);
		return TOTP_ERR_SYSTEM;
	}
	while ((errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			look(context, entry->d_name);
	kept = errno;
	closedir(dir);
	errno = kept;
	return kept == 0 ? TOTP_OK : TOTP_ERR_SYSTEM;
}

/* One walk through a directory of the store. */
struct listing {
	struct store *store;
	const char *directory; /* its name, for paths and errors */
	store_each_fn *each;
	void *context;
};

static enum totp_err list_names(struct listing *listing, files_name_fn *look, struct reason *why)
{
	const struct store *store = listing->store;
	OWN_FD int fd = -1;
	enum totp_err err =
		path_open_dir(store->dir_fd, listing->directory, store->info.owner, &fd, why);

	/* a store of an older version has no invitations */
	if (err == TOTP_ERR_NOT_FOUND && strcmp(listing->directory, FILES_INVITES) == 0)
		return TOTP_OK;
	if (err == TOTP_OK && files_each_name(fd, look, listing) != TOTP_OK)
		err = reason_errno(why, "%s: cannot be listed", listing->directory);
	return err;
}

static void list_user(void *context, const char *name)
{
	const struct listing *listing = context;
	char user[CRED_USER_MAX + 1];

	if (store_user_of(name, user) == TOTP_OK)
		listing->each(listing->context, user);
}

static void list_path(const struct listing *listing, const char *name)
{
	char path[sizeof(FILES_INVITES) + 1 + NAME_MAX + 1];

	snprintf(path, sizeof(path), "%s/%s", listing->directory, name);
	listing->each(listing->context, path);
}

/* A name that is not that of a user, among records or invitations. */
static void list_stray_name(void *context, const char *name)
{
	char user[CRED_USER_MAX + 1];

	if (store_user_of(name, user) != TOTP_OK)
		list_path(context, name);
}

/* Split NAME.ID into user and credential id. */
static bool split_state_name(const char *name, char user[CRED_USER_MAX + 1],
			     uint8_t id[CRED_ID_LEN])
{
	const char *dot = strrchr(name, '.');
	char copy[STORE_NAME_MAX + 1];

	if (!dot || (size_t)(dot - name) >= sizeof(copy) ||
	    text_hex(text_of(dot + 1), id, CRED_ID_LEN) != TOTP_OK)
		return false;
	memcpy(copy, name, (size_t)(dot - name));
	copy[dot - name] = '\0';
	return store_user_of(copy, user) == TOTP_OK;
}

static void list_stray_state(void *context, const char *name)
{
	const struct listing *listing = context;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	char user[CRED_USER_MAX + 1];
	uint8_t id[CRED_ID_LEN];
	enum totp_err err = TOTP_ERR_NOT_FOUND;

	if (split_state_name(name, user, id))
		err = store_read_cred(listing->store, user, &txn, NULL);
	if (err == TOTP_ERR_NOT_FOUND ||
	    (err == TOTP_OK && memcmp(id, txn.cred.id, sizeof(id)) != 0))
		list_path(listing, name);
}

enum totp_err store_each(struct store *store, enum store_kind kind, store_each_fn *each,
			 void *context, struct reason *why)
{
	struct listing listing = {store, files_directory(kind), each, context};

	return list_names(&listing, list_user, why);
}

enum totp_err store_each_stray(struct store *store, store_each_fn *each, void *context,
			       struct reason *why)
{
	struct listing users = {store, FILES_USERS, each, context};
	struct listing states = {store, FILES_STATES, each, context};
	struct listing invites = {store, FILES_INVITES, each, context};
	enum totp_err err = list_names(&users, list_stray_name, why);

	if (err == TOTP_OK)
		err = list_names(&states, list_stray_state, why);
	return err == TOTP_OK ? list_names(&invites, list_stray_name, why) : err;
}
