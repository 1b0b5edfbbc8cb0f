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

static enum totp_err parse_marker(struct text text, const char *dir, struct store_info *marker,
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
	marker->version = (uint8_t)version;
	if (version &&
	    text_hex(value_of(line[1], "id "), marker->id, sizeof(marker->id)) == TOTP_OK &&
	    text_hex(value_of(line[2], "machine "), marker->machine, sizeof(marker->machine)) ==
		    TOTP_OK &&
	    text.len == 0)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_FORMAT,
			  "%s/" FILES_MARKER ": damaged: restore it from your backup", dir);
}

static enum totp_err read_marker(int dir_fd, const char *dir, struct store_info *ret_marker,
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
static enum totp_err open_records(struct store *store, int dir_fd, struct reason *why)
{
	struct stat st;
	enum totp_err err = path_open_any_dir(dir_fd, FILES_USERS, &store->users_fd, &st, why);

	if (err == TOTP_OK) {
		store->info.owner = st.st_uid;
		store->group = st.st_gid;
		err = path_open_dir(dir_fd, FILES_STATES, store->info.owner, &store->states_fd,
				    why);
	}
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_UNSAFE : err;
}

static enum totp_err open_dirs(struct store *store, const char *dir, struct reason *why)
{
	OWN_FD int dir_fd = -1;
	enum totp_err err = path_open_dir(AT_FDCWD, dir, 0, &dir_fd, why);

	if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why,
			   "%s: no store: is the file system mounted? On a new host run "
			   "totpctl init",
			   dir);
	if (err == TOTP_OK)
		err = read_marker(dir_fd, dir, &store->info, why);
	if (err == TOTP_OK)
		err = open_records(store, dir_fd, why);
	if (err == TOTP_OK)
		store->dir_fd = fd_take(&dir_fd);
	return err;
}

enum totp_err store_identify(const char *dir, uint8_t ret_id[CRED_ID_LEN], struct reason *why)
{
	OWN_FD int dir_fd = -1;
	struct store_info marker = {.version = 0};
	enum totp_err err = path_open_dir(AT_FDCWD, dir, 0, &dir_fd, why);

	if (err == TOTP_OK)
		err = read_marker(dir_fd, dir, &marker, why);
	if (err == TOTP_OK)
		memcpy(ret_id, marker.id, sizeof(marker.id));
	return err;
}

enum totp_err store_open(const struct store_config *config, struct store **ret_store,
			 struct reason *why)
{
	size_t path_len = strlen(config->keyring) + 1;
	OWN_STORE struct store *store = calloc(1, sizeof(*store) + path_len);
	enum totp_err err;

	if (!store)
		return reason_err(why, TOTP_ERR_NOMEM, "%s", err_name(TOTP_ERR_NOMEM));
	store->dir_fd = store->users_fd = store->states_fd = store->run_fd = -1;
	memcpy(store->text, config->keyring, path_len);
	store->keyring_path = store->text;
	if (config->keys) {
		store->keyring = *config->keys;
		store->has_keys = store->given = true;
	}
	err = open_dirs(store, config->dir, why);
	if (err == TOTP_OK && config->run_dir)
		err = files_run_open(store, config, why);
	if (err != TOTP_OK)
		return err;

	*ret_store = store;
	store = NULL;
	return TOTP_OK;
}

struct store *store_close(struct store *store)
{
	if (!store)
		return NULL;
	fd_close(store->dir_fd);
	fd_close(store->users_fd);
	fd_close(store->states_fd);
	fd_close(store->run_fd);
	keyring_wipe(&store->keyring);
	free(store);
	return NULL;
}

void store_scope_end(struct store **store)
{
	*store = store_close(*store);
}

const struct store_info *store_info(const struct store *store)
{
	return &store->info;
}

enum totp_err store_has(struct store *store, const char *user, bool *ret_has, struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	struct stat st;
	enum totp_err err = store_name(user, name);

	if (err != TOTP_OK)
		return reason_err(why, err, "user name too long for a record");
	if (fstatat(store->users_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		*ret_has = true;
		return TOTP_OK;
	}
	if (errno != ENOENT)
		return reason_errno(why, FILES_USERS "/%s", name);
	*ret_has = false;
	return TOTP_OK;
}
