/* The users who have a record, and stray files: what the directories of the files engine hold. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/files/files.h"

#define OWN_DIR OWN(dir_end)

static void dir_end(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* A stream of its own: the offset of the directory's descriptor does not change. */
static DIR *open_stream(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* One walk through a directory of the store. */
struct listing {
	struct store *store;
	const char *directory; /* its name, for paths and errors */
	store_each_fn *each;
	void *context;
};

/* Called with each name in the directory. */
typedef void entry_fn(const struct listing *listing, const char *name);

static enum totp_err each_entry(const struct listing *listing, int dir_fd, entry_fn *look,
				struct reason *why)
{
	OWN_DIR DIR *dir = open_stream(dir_fd);
	const struct dirent *entry;

	if (!dir)
		return reason_errno(why, "%s: cannot be listed", listing->directory);
	while ((errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			look(listing, entry->d_name);
	return errno == 0 ? TOTP_OK : reason_errno(why, "%s: cannot be listed", listing->directory);
}

static void list_user(const struct listing *listing, const char *name)
{
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

/* A name that is no user's, among records or invitations. */
static void list_stray_name(const struct listing *listing, const char *name)
{
	char user[CRED_USER_MAX + 1];

	if (store_user_of(name, user) != TOTP_OK)
		list_path(listing, name);
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

static void list_stray_state(const struct listing *listing, const char *name)
{
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

enum totp_err store_each_user(struct store *store, store_each_fn *each, void *context,
			      struct reason *why)
{
	const struct listing listing = {store, FILES_USERS, each, context};

	return each_entry(&listing, store->users_fd, list_user, why);
}

/* A missing directory counts as empty. */
static enum totp_err each_invite(const struct listing *listing, entry_fn *look, struct reason *why)
{
	OWN_FD int dir_fd = -1;
	enum totp_err err = files_open_invites(listing->store, &dir_fd, why);

	if (err != TOTP_OK)
		return err == TOTP_ERR_NOT_FOUND ? TOTP_OK : err;
	return each_entry(listing, dir_fd, look, why);
}

enum totp_err store_each_invite(struct store *store, store_each_fn *each, void *context,
				struct reason *why)
{
	const struct listing listing = {store, FILES_INVITES, each, context};

	return each_invite(&listing, list_user, why);
}

enum totp_err store_each_stray(struct store *store, store_each_fn *each, void *context,
			       struct reason *why)
{
	const struct listing users = {store, FILES_USERS, each, context};
	const struct listing states = {store, FILES_STATES, each, context};
	const struct listing invites = {store, FILES_INVITES, each, context};
	enum totp_err err = each_entry(&users, store->users_fd, list_stray_name, why);

	if (err == TOTP_OK)
		err = each_entry(&states, store->states_fd, list_stray_state, why);
	if (err == TOTP_OK)
		err = each_invite(&invites, list_stray_name, why);
	return err;
}
