/* SPDX-License-Identifier: BSD-2-Clause */
/* The users who have a record, their records, and stray files: what the directories hold. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
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
	struct files_store *store;
	const char *directory; /* its name, for paths and errors */
	store_each_fn *each;
	void *context;
};

static enum totp_err list_names(struct listing *listing, files_name_fn *look, struct reason *why)
{
	const struct files_store *store = listing->store;
	OWN_FD int fd = -1;
	enum totp_err err =
		path_open_dir(store->dir_fd, listing->directory, store->owner, &fd, why);

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

enum totp_err files_each(struct store *store, enum store_kind kind, store_each_fn *each,
			 void *context, struct reason *why)
{
	struct listing listing = {files_of(store), files_directory(kind), each, context};

	return list_names(&listing, list_user, why);
}

/* --- records --- */

/* The names of all users. */
struct roll {
	char **users;
	size_t count, room;
	bool no_memory;
};

static void add_user(void *context, const char *user)
{
	struct roll *roll = context;
	char *copy = NULL;

	if (!roll->no_memory &&
	    array_room(&roll->users, roll->count, &roll->room, sizeof(*roll->users)))
		copy = strdup(user);
	if (copy)
		roll->users[roll->count++] = copy;
	roll->no_memory |= !copy;
}

static void roll_end(struct roll *roll)
{
	for (size_t i = 0; i < roll->count; i++)
		free(roll->users[i]);
	free(roll->users);
}

static int compare_users(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_row(struct store *store, store_row_fn *each, void *context, struct store_row row)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};

	row.txn = &txn;
	row.why = &why;
	row.err = store_read(store, row.user, 0, &txn, &why);
	row.refusal = row.err == TOTP_ERR_SYSTEM ? errno : 0;
	if (row.err == TOTP_ERR_NOT_FOUND) /* removed meanwhile */
		return;
	row.cred_opens = row.err == TOTP_OK ||
			 store_read_cred(store, row.user, 0, &txn, NULL) == TOTP_OK;
	each(context, &row);
}

enum totp_err files_each_credential(struct store *store, store_row_fn *each, void *context,
				    struct reason *why)
{
	OWN(roll_end) struct roll roll = {.count = 0};
	enum totp_err err = files_each(store, STORE_RECORD, add_user, &roll, why);

	if (err == TOTP_OK && roll.no_memory)
		err = reason_err(why, TOTP_ERR_NOMEM, "%s", err_name(TOTP_ERR_NOMEM));
	if (roll.count)
		qsort(roll.users, roll.count, sizeof(*roll.users), compare_users);
	for (size_t i = 0; err == TOTP_OK && i < roll.count; i++)
		read_row(store, each, context,
			 (struct store_row){
				 .user = roll.users[i], .number = i + 1, .total = roll.count});
	return err;
}

/* --- strays --- */

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
		err = store_read_cred(&listing->store->store, user, 0, &txn, NULL);
	if (err == TOTP_ERR_NOT_FOUND ||
	    (err == TOTP_OK && memcmp(id, txn.cred.id, sizeof(id)) != 0))
		list_path(listing, name);
}

enum totp_err files_each_stray(struct store *store, store_each_fn *each, void *context,
			       struct reason *why)
{
	struct listing users = {files_of(store), FILES_USERS, each, context};
	struct listing states = {files_of(store), FILES_STATES, each, context};
	struct listing invites = {files_of(store), FILES_INVITES, each, context};
	enum totp_err err = list_names(&users, list_stray_name, why);

	if (err == TOTP_OK)
		err = list_names(&states, list_stray_state, why);
	return err == TOTP_OK ? list_names(&invites, list_stray_name, why) : err;
}
