#include "store/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "base/secret.h"
#include "store/files/path.h"

#define KEY_ID_LEN 4

void keyring_wipe(struct keyring *keyring)
{
	explicit_bzero(keyring, sizeof(*keyring));
}

const struct host_key *keyring_find(const struct keyring *keyring, uint32_t id)
{
	for (size_t i = 0; i < keyring->count; i++)
		if (keyring->keys[i].id == id)
			return &keyring->keys[i];
	return NULL;
}

static enum totp_err parse_key(struct text line, struct host_key *key)
{
	struct text id, base64;
	uint8_t raw[KEY_ID_LEN] = {0};
	struct bytes in = bytes_of(raw, sizeof(raw));

	if (!text_field(&line, ' ', &id) || !text_field(&line, ' ', &base64) ||
	    text_hex(id, raw, sizeof(raw)) != TOTP_OK ||
	    crypto_key_from_base64(base64.at, base64.len, key->key) != TOTP_OK ||
	    text_date(line, &key->created) != TOTP_OK)
		return TOTP_ERR_FORMAT;
	key->id = bytes_u32(&in);
	return TOTP_OK;
}

static enum totp_err parse_line(struct text line, struct keyring *keyring, const char *name,
				unsigned number, struct reason *why)
{
	struct host_key *key = &keyring->keys[keyring->count];

	if (keyring->count == KEYRING_KEYS_MAX) {
		reason_set(why, "%s:%u: more than %d keys", name, number, KEYRING_KEYS_MAX);
		return TOTP_ERR_FORMAT;
	}
	if (parse_key(line, key) != TOTP_OK) {
		reason_set(why,
			   "%s:%u: expected an id of 8 hexadecimal digits, a key of 32 bytes "
			   "in base64 and YYYY-MM-DD, with one space between",
			   name, number);
		return TOTP_ERR_FORMAT;
	}
	if (keyring_find(keyring, key->id)) {
		reason_set(why, "%s:%u: key %08x is there twice", name, number, (unsigned)key->id);
		return TOTP_ERR_FORMAT;
	}
	keyring->count++;
	return TOTP_OK;
}

static enum totp_err parse_lines(struct text text, const char *name, struct keyring *keyring,
				 struct reason *why)
{
	struct text line;

	for (unsigned number = 1; text_line(&text, &line); number++) {
		enum totp_err err;

		if (line.len == 0 || line.at[0] == '#')
			continue;
		err = parse_line(line, keyring, name, number, why);
		if (err != TOTP_OK)
			return err;
	}
	if (keyring->count)
		return TOTP_OK;
	reason_set(why, "%s: holds no key: restore it from your backup", name);
	return TOTP_ERR_FORMAT;
}

enum totp_err keyring_parse(struct text text, const char *name, struct keyring *ret_keyring,
			    struct reason *why)
{
	enum totp_err err;

	keyring_wipe(ret_keyring);
	err = parse_lines(text, name, ret_keyring, why);
	if (err != TOTP_OK)
		keyring_wipe(ret_keyring);
	return err;
}

/* Read what is open; path: what errors call it. */
static enum totp_err read_open(int fd, const char *path, struct keyring *ret_keyring,
			       struct reason *why)
{
	char text[KEYRING_BYTES_MAX];
	size_t len = 0;
	enum totp_err err = io_read_all(fd, text, sizeof(text), &len);

	if (err == TOTP_OK)
		err = keyring_parse((struct text){text, len}, path, ret_keyring, why);
	else
		reason_set(why, "%s: %s", path, err_name(err));
	WIPE(text);
	return err;
}

enum totp_err keyring_open(const char *path, int *ret_fd, struct reason *why)
{
	enum totp_err err =
		path_open_config(path, S_IRWXG | S_IRWXO, KEYRING_BYTES_MAX, ret_fd, why);

	if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why,
			   "%s: no keyring: restore it from your backup, or run totpctl init "
			   "on a new host",
			   path);
	return err;
}

enum totp_err keyring_load(const char *path, struct keyring *ret_keyring, struct reason *why)
{
	/* taken before the open, so that a later change is noticed */
	struct io_stamp stamp = io_stamp_of(path);
	OWN_FD int fd = -1;
	enum totp_err err = keyring_open(path, &fd, why);

	keyring_wipe(ret_keyring);
	if (err == TOTP_OK)
		err = read_open(fd, path, ret_keyring, why);
	if (err == TOTP_OK)
		ret_keyring->stamp = stamp;
	return err;
}

enum totp_err keyring_load_credential(const char *folder, const char *name, uid_t owner,
				      struct keyring *ret_keyring, struct reason *why)
{
	const struct path_rule rule = {
		.owner = owner, .forbidden = S_IWGRP | S_IRWXO, .size_max = KEYRING_BYTES_MAX};
	OWN_FD int dir_fd = -1, fd = -1;
	enum totp_err err = path_open_dir(AT_FDCWD, folder, owner, &dir_fd, NULL, why);

	keyring_wipe(ret_keyring);
	if (err == TOTP_OK)
		err = path_open_file(dir_fd, name, &rule, &fd, NULL, why);
	return err == TOTP_OK ? read_open(fd, name, ret_keyring, why) : err;
}

enum totp_err keyring_new_line(int64_t now, char ret_line[KEYRING_LINE_MAX])
{
	uint8_t id[KEY_ID_LEN], key[GCM_KEY_LEN];
	char id_text[2 * KEY_ID_LEN + 1], key_text[KEY_BASE64_LEN + 1], day[11];
	enum totp_err err = crypto_random(id, sizeof(id));

	if (err == TOTP_OK)
		err = crypto_random(key, sizeof(key));
	if (err == TOTP_OK) {
		text_to_hex(id, sizeof(id), id_text);
		crypto_key_to_base64(key, key_text);
		text_to_date(now, day);
		snprintf(ret_line, KEYRING_LINE_MAX, "%s %s %s\n", id_text, key_text, day);
	}
	WIPE(key);
	WIPE(key_text);
	return err;
}

/* --- writing one --- */

enum put { PUT_NEW, PUT_ANY };

/* Write the temporary file, rename it and sync the directory. */
static enum totp_err put_file(int dir_fd, const char *temp, const char *name, struct text text,
			      enum put put)
{
	OWN_FD int fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || io_write(fd, text.at, text.len) != TOTP_OK || fsync(fd) != 0)
		return TOTP_ERR_SYSTEM;
	if (put == PUT_ANY && renameat(dir_fd, temp, dir_fd, name) != 0)
		return TOTP_ERR_SYSTEM;
	if (put == PUT_NEW &&
	    (linkat(dir_fd, temp, dir_fd, name, 0) != 0 || unlinkat(dir_fd, temp, 0) != 0))
		return TOTP_ERR_SYSTEM;
	return fsync(dir_fd) == 0 ? TOTP_OK : TOTP_ERR_SYSTEM;
}

static enum totp_err put_in(int dir_fd, const char *name, const char *path, struct text text,
			    enum put put, struct reason *why)
{
	char temp[64], random[17];
	uint8_t bytes[8];
	enum totp_err err = crypto_random(bytes, sizeof(bytes));

	if (err != TOTP_OK) {
		reason_set(why, "no random bytes: %s", err_name(err));
		return err;
	}
	text_to_hex(bytes, sizeof(bytes), random);
	snprintf(temp, sizeof(temp), "keyring~%s", random);
	err = put_file(dir_fd, temp, name, text, put);
	if (err == TOTP_OK)
		return err;

	err = errno == EEXIST ? TOTP_ERR_EXISTS : TOTP_ERR_SYSTEM;
	(void)reason_errno(why, "%s", path);
	unlinkat(dir_fd, temp, 0);
	return err;
}

static enum totp_err put(const char *path, struct text text, enum put how, struct reason *why)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	OWN_FD int dir_fd = -1;
	enum totp_err err;

	if (!slash || !slash[1] || (size_t)(slash - path) >= sizeof(folder)) {
		reason_set(why, "%s: expected an absolute path of a file", path);
		return TOTP_ERR_ARGUMENT;
	}
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	err = path_open_dir(AT_FDCWD, slash == path ? "/" : folder, 0, &dir_fd, NULL, why);
	if (err != TOTP_OK)
		return err;
	return put_in(dir_fd, slash + 1, path, text, how, why);
}

enum totp_err keyring_create(const char *path, int64_t now, struct reason *why)
{
	char line[KEYRING_LINE_MAX] = "";
	enum totp_err err = keyring_new_line(now, line);

	if (err == TOTP_OK)
		err = put(path, text_of(line), PUT_NEW, why);
	else
		reason_set(why, "no random bytes for a key: %s", err_name(err));
	WIPE(line);
	return err;
}

enum totp_err keyring_put_new(const char *path, struct text text, struct reason *why)
{
	return put(path, text, PUT_NEW, why);
}

enum totp_err keyring_put(const char *path, struct text text, struct reason *why)
{
	char *real = realpath(path, NULL); /* a link to the file stays one */
	enum totp_err err;

	if (!real)
		return reason_errno(why, "%s", path);
	err = put(real, text, PUT_ANY, why);
	free(real);
	return err;
}
