#include "store/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/io.h"
#include "base/secret.h"
#include "base/path.h"

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

enum totp_err keyring_load_credential(const char *directory, const char *name, uid_t owner,
				      struct keyring *ret_keyring, struct reason *why)
{
	const struct path_rule rule = {
		.owner = owner, .forbidden = S_IWGRP | S_IRWXO, .size_max = KEYRING_BYTES_MAX};
	OWN_FD int dir_fd = -1, fd = -1;
	enum totp_err err = path_open_dir(AT_FDCWD, directory, owner, &dir_fd, why);

	keyring_wipe(ret_keyring);
	if (err == TOTP_OK)
		err = path_open_file(dir_fd, name, &rule, &fd, why);
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

/* put: file_put_new or file_replace. path: what errors call it. */
static enum totp_err put_keyring(const char *path, struct text text,
				 enum totp_err (*put)(const struct file_new *, const void *,
						      size_t),
				 struct reason *why)
{
	struct file_new file = {
		.mode = S_IRUSR | S_IWUSR, .uid = FILE_SAME_OWNER, .gid = FILE_SAME_GROUP};
	char directory[4096];
	const char *slash = strrchr(path, '/');
	OWN_FD int dir_fd = -1;
	enum totp_err err;

	if (!slash || !slash[1] || (size_t)(slash - path) >= sizeof(directory)) {
		reason_set(why, "%s: expected an absolute path of a file", path);
		return TOTP_ERR_ARGUMENT;
	}
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = '\0';
	err = path_open_dir(AT_FDCWD, slash == path ? "/" : directory, 0, &dir_fd, why);
	if (err != TOTP_OK)
		return err;
	file.dir_fd = dir_fd;
	file.name = slash + 1;
	err = put(&file, text.at, text.len);
	if (err != TOTP_OK)
		(void)reason_errno(why, "%s", path);
	return err;
}

enum totp_err keyring_create(const char *path, int64_t now, struct reason *why)
{
	char line[KEYRING_LINE_MAX] = "";
	enum totp_err err = keyring_new_line(now, line);

	if (err == TOTP_OK)
		err = put_keyring(path, text_of(line), file_put_new, why);
	else
		reason_set(why, "no random bytes for a key: %s", err_name(err));
	WIPE(line);
	return err;
}

enum totp_err keyring_put_new(const char *path, struct text text, struct reason *why)
{
	return put_keyring(path, text, file_put_new, why);
}

enum totp_err keyring_put(const char *path, struct text text, struct reason *why)
{
	char *real = realpath(path, NULL); /* a link to the file stays one */
	enum totp_err err;

	if (!real)
		return reason_errno(why, "%s", path);
	err = put_keyring(real, text, file_replace, why);
	free(real);
	return err;
}
