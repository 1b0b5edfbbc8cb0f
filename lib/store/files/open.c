/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a store of the files engine: its directories and the marker that proves it whole. */
#include "store/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"

/* What follows the name on a line such as "id HEX"; nothing: it is another line. */
static struct text value_of(struct text line, const char *name)
{
	size_t len = strlen(name);

	if (line.len <= len || memcmp(line.at, name, len) != 0)
		return (struct text){"", 0};
	return (struct text){line.at + len, line.len - len};
}

/* What the marker says. */
struct marker {
	struct store_info info;
	uint8_t machine[SHA256_LEN];
};

static enum totp_err parse_marker(struct text text, const char *dir, struct marker *marker,
				  struct reason *why)
{
	struct text line[3] = {{"", 0}, {"", 0}, {"", 0}};
	uint64_t version = 0;

	for (size_t i = 0; i < 3; i++)
		text_line(&text, &line[i]);
	if (text_number(value_of(line[0], FILES_TITLE), RECORD_VERSION_FIRST, UINT32_MAX,
			&version) == TOTP_OK &&
	    version > record_version_newest)
		return reason_err(why, TOTP_ERR_UNSUPPORTED,
				  "%s/" FILES_MARKER ": made by a newer version of pam_totp", dir);
	marker->info.version = (uint8_t)version;
	if (version &&
	    text_hex(value_of(line[1], "id "), marker->info.id, sizeof(marker->info.id)) ==
		    TOTP_OK &&
	    text_hex(value_of(line[2], "machine "), marker->machine, sizeof(marker->machine)) ==
		    TOTP_OK &&
	    text.len == 0)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_FORMAT,
			  "%s/" FILES_MARKER ": damaged: restore it from your backup", dir);
}

static enum totp_err read_marker(int dir_fd, const char *dir, struct marker *ret_marker,
				 struct reason *why)
{
	const struct path_rule rule = {.forbidden = S_IWGRP | S_IWOTH,
				       .size_max = FILES_MARKER_MAX};
	char text[FILES_MARKER_MAX];
	size_t len = 0;
	OWN_FD int fd = -1;
	enum totp_err err = path_open_file(dir_fd, FILES_MARKER, &rule, &fd, why);

	if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why,
			   "%s: no marker " FILES_MARKER ": is the file system mounted? On a "
			   "new host run totpctl init",
			   dir);
	if (err != TOTP_OK)
		return err;
	err = io_read_all(fd, text, sizeof(text), &len);
	if (err != TOTP_OK)
		return reason_errno(why, "%s/" FILES_MARKER ": cannot read", dir);
	return parse_marker((struct text){text, len}, dir, ret_marker, why);
}

/* Open what a marked store has. That one of these is missing proves nothing absent. */
static enum totp_err open_records(struct files_store *store, int dir_fd, struct reason *why)
{
	struct stat st;
	enum totp_err err = path_open_any_dir(dir_fd, FILES_USERS, &store->users_fd, &st, why);

	if (err == TOTP_OK) {
		store->owner = st.st_uid;
		store->group = st.st_gid;
		err = path_open_dir(dir_fd, FILES_STATES, store->owner, &store->states_fd, why);
	}
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_UNSAFE : err;
}

static enum totp_err open_dirs(struct files_store *store, const char *dir, struct reason *why)
{
	struct marker marker = {.info = {.version = 0}};
	OWN_FD int dir_fd = -1;
	enum totp_err err = path_open_dir(AT_FDCWD, dir, 0, &dir_fd, why);

	if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why,
			   "%s: no store: is the file system mounted? On a new host run "
			   "totpctl init",
			   dir);
	if (err == TOTP_OK)
		err = read_marker(dir_fd, dir, &marker, why);
	if (err == TOTP_OK)
		err = open_records(store, dir_fd, why);
	if (err != TOTP_OK)
		return err;
	store->store.info = marker.info;
	store->store.info.wait_ms = STORE_WAIT_MS;
	memcpy(store->made_on, marker.machine, sizeof(store->made_on));
	store->dir_fd = fd_take(&dir_fd);
	return TOTP_OK;
}

enum totp_err files_identify(const char *dir, uint8_t ret_id[CRED_ID_LEN], struct reason *why)
{
	OWN_FD int dir_fd = -1;
	struct marker marker = {.info = {.version = 0}};
	enum totp_err err = path_open_dir(AT_FDCWD, dir, 0, &dir_fd, why);

	if (err == TOTP_OK)
		err = read_marker(dir_fd, dir, &marker, why);
	if (err == TOTP_OK)
		memcpy(ret_id, marker.info.id, sizeof(marker.info.id));
	return err;
}

static enum totp_err look(struct store_txn *txn, const char *user, uint64_t deadline,
			  struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	struct stat st;
	enum totp_err err = store_name(user, name);

	(void)deadline;
	if (err != TOTP_OK)
		return reason_err(why, err, "user name too long for a record");
	if (fstatat(files_of(txn->store)->users_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return TOTP_OK;
	return errno == ENOENT ? TOTP_ERR_NOT_FOUND : reason_errno(why, FILES_USERS "/%s", name);
}

static void close_store(struct store *opened)
{
	struct files_store *store = files_of(opened);

	fd_close(store->dir_fd);
	fd_close(store->users_fd);
	fd_close(store->states_fd);
	fd_close(store->run_fd);
	free(store);
}

static const struct store_engine engine = {
	.close = close_store,
	.look = look,
	.read = files_read,
	.begin = files_begin,
	.commit = files_commit,
	.end = files_end,
	.create = files_create,
	.invite_get = files_invite_get,
};

enum totp_err files_open_for_logins(const struct files_config *config, struct store **ret_store,
				    struct reason *why)
{
	size_t path_len = strlen(config->keyring) + 1, dir_len = strlen(config->dir) + 1;
	struct files_store *store = calloc(1, sizeof(*store) + path_len + dir_len);
	OWN_STORE struct store *opened = NULL;
	enum totp_err err;

	if (!store)
		return reason_err(why, TOTP_ERR_NOMEM, "%s", err_name(TOTP_ERR_NOMEM));
	opened = &store->store;
	opened->engine = &engine;
	store->dir_fd = store->users_fd = store->states_fd = store->run_fd = -1;
	memcpy(store->text, config->keyring, path_len);
	store->dir = memcpy(store->text + path_len, config->dir, dir_len);
	vault_begin(&opened->vault, store->text, config->keys);
	err = open_dirs(store, config->dir, why);
	if (err == TOTP_OK && config->run_dir)
		err = files_run_open(store, config, why);
	if (err != TOTP_OK)
		return err;

	*ret_store = opened;
	opened = NULL;
	return TOTP_OK;
}
