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
static DIR *open_dir(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* Called with each name in a directory. */
typedef void entry_fn(struct store *store, const char *name, store_each_fn *each, void *context);

static enum totp_err each_entry(struct store *store, int dir_fd, const char *folder, entry_fn *tell,
				store_each_fn *each, void *context, struct reason *why)
{
	OWN_DIR DIR *dir = open_dir(dir_fd);
	const struct dirent *entry;

	if (!dir)
		return reason_errno(why, "%s: cannot be listed", folder);
	while ((errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			tell(store, entry->d_name, each, context);
	return errno == 0 ? TOTP_OK : reason_errno(why, "%s: cannot be listed", folder);
}

static void tell_user(struct store *store, const char *name, store_each_fn *each, void *context)
{
	char user[CRED_USER_MAX + 1];

	(void)store;
	if (store_user_of(name, user) == TOTP_OK)
		each(context, user);
}

static void tell_stray(const char *folder, const char *name, store_each_fn *each, void *context)
{
	char path[sizeof(FILES_INVITES) + 1 + NAME_MAX + 1];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	each(context, path);
}

static void tell_stray_user(struct store *store, const char *name, store_each_fn *each,
			    void *context)
{
	char user[CRED_USER_MAX + 1];

	(void)store;
	if (store_user_of(name, user) != TOTP_OK)
		tell_stray(FILES_USERS, name, each, context);
}

static void tell_stray_invite(struct store *store, const char *name, store_each_fn *each,
			      void *context)
{
	char user[CRED_USER_MAX + 1];

	(void)store;
	if (store_user_of(name, user) != TOTP_OK)
		tell_stray(FILES_INVITES, name, each, context);
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

static void tell_stray_state(struct store *store, const char *name, store_each_fn *each,
			     void *context)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	char user[CRED_USER_MAX + 1];
	uint8_t id[CRED_ID_LEN];
	enum totp_err err = TOTP_ERR_NOT_FOUND;

	if (split_state_name(name, user, id))
		err = store_read_cred(store, user, &txn, NULL);
	if (err == TOTP_ERR_NOT_FOUND ||
	    (err == TOTP_OK && memcmp(id, txn.cred.id, sizeof(id)) != 0))
		tell_stray(FILES_STATES, name, each, context);
}

enum totp_err store_each_user(struct store *store, store_each_fn *each, void *context,
			      struct reason *why)
{
	return each_entry(store, store->users_fd, FILES_USERS, tell_user, each, context, why);
}

/* A missing directory counts as empty. */
static enum totp_err each_invite(struct store *store, entry_fn *tell, store_each_fn *each,
				 void *context, struct reason *why)
{
	OWN_FD int dir_fd = -1;
	enum totp_err err = files_open_invites(store, &dir_fd, why);

	if (err != TOTP_OK)
		return err == TOTP_ERR_NOT_FOUND ? TOTP_OK : err;
	return each_entry(store, dir_fd, FILES_INVITES, tell, each, context, why);
}

enum totp_err store_each_invite(struct store *store, store_each_fn *each, void *context,
				struct reason *why)
{
	return each_invite(store, tell_user, each, context, why);
}

enum totp_err store_each_stray(struct store *store, store_each_fn *each, void *context,
			       struct reason *why)
{
	enum totp_err err = each_entry(store, store->users_fd, FILES_USERS, tell_stray_user, each,
				       context, why);

	if (err == TOTP_OK)
		err = each_entry(store, store->states_fd, FILES_STATES, tell_stray_state, each,
				 context, why);
	if (err == TOTP_OK)
		err = each_invite(store, tell_stray_invite, each, context, why);
	return err;
}
