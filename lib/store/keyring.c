/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/keyring.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/io.h"
#include "base/secret.h"
#include "base/path.h"

#define KEY_LINE_MAX 80 /* bytes of a key's line with its end and a NUL */
#define MARK         "# rotating from "

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

static bool read_id(struct text text, uint32_t *ret_id)
{
	uint8_t raw[4] = {0};
	struct bytes in = bytes_of(raw, sizeof(raw));
	bool good = text_hex(text, raw, sizeof(raw)) == TOTP_OK;

	*ret_id = bytes_u32(&in);
	return good;
}

static enum totp_err parse_key(struct text line, struct host_key *key)
{
	struct text id, base64;

	if (!text_field(&line, ' ', &id) || !text_field(&line, ' ', &base64) ||
	    !read_id(id, &key->id) ||
	    crypto_key_from_base64(base64.at, base64.len, key->key) != TOTP_OK ||
	    text_date(line, &key->created) != TOTP_OK)
		return TOTP_ERR_FORMAT;
	return TOTP_OK;
}

static enum totp_err parse_line(struct text line, struct keyring *keyring, const char *name,
				unsigned number, struct reason *why)
{
	struct host_key *key = &keyring->keys[keyring->count];

	if (keyring->count == KEYRING_KEYS_MAX)
		return reason_err(why, TOTP_ERR_FORMAT, "%s:%u: more than %d keys", name, number,
				  KEYRING_KEYS_MAX);
	if (parse_key(line, key) != TOTP_OK)
		return reason_err(
			why, TOTP_ERR_FORMAT,
			"%s:%u: expected an id of 8 hexadecimal digits, a key of 32 bytes "
			"in base64 and YYYY-MM-DD, with one space between",
			name, number);
	if (keyring_find(keyring, key->id))
		return reason_err(why, TOTP_ERR_FORMAT, "%s:%u: key %08x is there twice", name,
				  number, (unsigned)key->id);
	keyring->count++;
	return TOTP_OK;
}

enum totp_err keyring_parse(struct text text, const char *name, struct keyring *ret_keyring,
			    struct reason *why)
{
	struct text line;
	enum totp_err err = TOTP_OK;

	keyring_wipe(ret_keyring);
	for (unsigned number = 1; err == TOTP_OK && text_line(&text, &line); number++)
		if (line.len && line.at[0] != '#')
			err = parse_line(line, ret_keyring, name, number, why);
	if (err == TOTP_OK && ret_keyring->count == 0)
		err = reason_err(why, TOTP_ERR_FORMAT,
				 "%s: holds no key: restore it from your backup", name);
	if (err != TOTP_OK)
		keyring_wipe(ret_keyring);
	return err;
}

void keyring_text_wipe(struct keyring_text *text)
{
	explicit_bzero(text, sizeof(*text));
}

struct text keyring_text_of(const struct keyring_text *text)
{
	return (struct text){text->text, text->len};
}

/* Read what is open; path: what errors call it. */
static enum totp_err read_open(int fd, const char *path, struct keyring_text *ret_text,
			       struct keyring *ret_keyring, struct reason *why)
{
	enum totp_err err = io_read_all(fd, ret_text->text, sizeof(ret_text->text), &ret_text->len);

	if (err == TOTP_OK)
		err = keyring_parse(keyring_text_of(ret_text), path, ret_keyring, why);
	else
		reason_set(why, "%s: %s", path, err_name(err));
	if (err != TOTP_OK)
		keyring_text_wipe(ret_text);
	return err;
}

enum totp_err keyring_text_load(const char *path, struct keyring_text *ret_text,
				struct keyring *ret_keyring, struct reason *why)
{
	/* taken before the open, so that a later change is noticed */
	struct io_stamp stamp = io_stamp_of(path);
	OWN_FD int fd = -1;
	enum totp_err err = path_open_config(path, S_IRWXG | S_IRWXO, KEYRING_BYTES_MAX, &fd, why);

	keyring_wipe(ret_keyring);
	ret_text->len = 0;
	if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why,
			   "%s: no keyring: restore it from your backup, or run totpctl init "
			   "on a new host",
			   path);
	if (err == TOTP_OK)
		err = read_open(fd, path, ret_text, ret_keyring, why);
	if (err == TOTP_OK)
		ret_keyring->stamp = stamp;
	return err;
}

enum totp_err keyring_load(const char *path, struct keyring *ret_keyring, struct reason *why)
{
	OWN_KEYRING_TEXT struct keyring_text text;

	return keyring_text_load(path, &text, ret_keyring, why);
}

enum totp_err keyring_load_credential(const char *directory, const char *name, uid_t owner,
				      struct keyring *ret_keyring, struct reason *why)
{
	const struct path_rule rule = {
		.owner = owner, .forbidden = S_IWGRP | S_IRWXO, .size_max = KEYRING_BYTES_MAX};
	OWN_KEYRING_TEXT struct keyring_text text;
	OWN_FD int dir_fd = -1, fd = -1;
	enum totp_err err = path_open_dir(AT_FDCWD, directory, owner, &dir_fd, why);

	keyring_wipe(ret_keyring);
	if (err == TOTP_OK)
		err = path_open_file(dir_fd, name, &rule, &fd, why);
	return err == TOTP_OK ? read_open(fd, name, &text, ret_keyring, why) : err;
}

static void write_line(const struct host_key *key, char ret_line[KEY_LINE_MAX])
{
	char base64[KEY_BASE64_LEN + 1], day[11];

	crypto_key_to_base64(key->key, base64);
	text_to_date(key->created, day);
	snprintf(ret_line, KEY_LINE_MAX, "%08x %s %s\n", (unsigned)key->id, base64, day);
	WIPE(base64);
}

/* The line of a new random key, which the caller wipes. */
static enum totp_err make_line(int64_t now, char ret_line[KEY_LINE_MAX])
{
	struct host_key key = {.created = now};
	enum totp_err err = crypto_random(&key.id, sizeof(key.id));

	if (err == TOTP_OK)
		err = crypto_random(key.key, sizeof(key.key));
	if (err == TOTP_OK)
		write_line(&key, ret_line);
	WIPE(key);
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

	if (!slash || !slash[1] || (size_t)(slash - path) >= sizeof(directory))
		return reason_err(why, TOTP_ERR_ARGUMENT, "%s: expected an absolute path of a file",
				  path);
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
	char line[KEY_LINE_MAX] = "";
	enum totp_err err = make_line(now, line);

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

/* --- changing single lines --- */

/* A line with its end, by where it begins. */
struct place {
	size_t at, len;
};

typedef bool line_fn(struct text line, uint32_t id);

static bool is_key(struct text line, uint32_t id)
{
	uint32_t found;

	return line.len > 8 && read_id((struct text){line.at, 8}, &found) && found == id;
}

static bool is_any_key(struct text line, uint32_t unused)
{
	(void)unused;
	return line.len > 0 && line.at[0] != '#';
}

static bool is_mark(struct text line, uint32_t unused)
{
	(void)unused;
	return line.len >= sizeof(MARK) - 1 && memcmp(line.at, MARK, sizeof(MARK) - 1) == 0;
}

/* The first line that is so. */
static bool find_line(const struct keyring_text *text, line_fn *is, uint32_t id,
		      struct place *ret_place)
{
	struct text rest = keyring_text_of(text), line;

	while (text_line(&rest, &line)) {
		if (!is(line, id))
			continue;
		ret_place->at = (size_t)(line.at - text->text);
		ret_place->len = text->len - rest.len - ret_place->at;
		return true;
	}
	return false;
}

static void remove_line(struct keyring_text *text, struct place place)
{
	char *at = text->text + place.at;
	size_t after = text->len - place.at - place.len;

	memmove(at, at + place.len, after);
	explicit_bzero(at + after, place.len);
	text->len -= place.len;
}

/* Insert whole lines at the beginning of one, or at the end. */
static enum totp_err insert_lines(struct keyring_text *text, size_t at, const char *lines)
{
	size_t len = strlen(lines);

	if (text->len + len > sizeof(text->text))
		return TOTP_ERR_RANGE;
	memmove(text->text + at + len, text->text + at, text->len - at);
	memcpy(text->text + at, lines, len);
	text->len += len;
	return TOTP_OK;
}

/* The last line may have been left without its end. */
static enum totp_err end_last_line(struct keyring_text *text)
{
	if (text->len == 0 || text->text[text->len - 1] == '\n')
		return TOTP_OK;
	return insert_lines(text, text->len, "\n");
}

static size_t count_keys(const struct keyring_text *text)
{
	struct text rest = keyring_text_of(text), line;
	size_t count = 0;

	while (text_line(&rest, &line))
		count += is_any_key(line, 0);
	return count;
}

enum totp_err keyring_text_add(struct keyring_text *text, const struct host_key *key)
{
	char line[KEY_LINE_MAX];
	enum totp_err err = count_keys(text) < KEYRING_KEYS_MAX ? end_last_line(text)
								: TOTP_ERR_RANGE;

	write_line(key, line);
	if (err == TOTP_OK)
		err = insert_lines(text, text->len, line);
	WIPE(line);
	return err;
}

/* --- rotation --- */

/* "# rotating from 0123abcd to 89abcdef: …" */
static bool read_mark(const struct keyring_text *text, struct keyring_rotation *rotation)
{
	static const char between[] = " to ";
	const size_t from_at = sizeof(MARK) - 1, to_at = from_at + 8 + sizeof(between) - 1;
	struct place place;
	const char *at;

	if (!find_line(text, is_mark, 0, &place) || place.len < to_at + 8)
		return false;
	at = text->text + place.at;
	return read_id((struct text){at + from_at, 8}, &rotation->from) &&
	       memcmp(at + from_at + 8, between, sizeof(between) - 1) == 0 &&
	       read_id((struct text){at + to_at, 8}, &rotation->to) &&
	       rotation->from != rotation->to;
}

bool keyring_rotation_of(const struct keyring_text *text, struct keyring_rotation *ret_rotation)
{
	struct keyring_rotation rotation;
	struct place first, to;

	if (!read_mark(text, &rotation) || !find_line(text, is_key, rotation.to, &to) ||
	    !find_line(text, is_any_key, 0, &first))
		return false;
	rotation.promoted = first.at == to.at;
	*ret_rotation = rotation;
	return true;
}

/* The new key's line after the first one, and the mark before that. */
static enum totp_err add_second(struct keyring_text *text, const char *line)
{
	char mark[128];
	struct place first;
	enum totp_err err;

	if (!find_line(text, is_any_key, 0, &first))
		return TOTP_ERR_FORMAT;
	snprintf(mark, sizeof(mark), MARK "%.8s to %.8s: totpctl key rotate goes on with it\n",
		 text->text + first.at, line);
	err = insert_lines(text, first.at + first.len, line);
	return err == TOTP_OK ? insert_lines(text, first.at, mark) : err;
}

static enum totp_err add_new_key(struct keyring_text *text, int64_t now)
{
	char line[KEY_LINE_MAX] = "";
	struct place place;
	enum totp_err err = end_last_line(text);

	while (find_line(text, is_mark, 0, &place)) /* of a key that is not there any more */
		remove_line(text, place);
	if (err == TOTP_OK)
		err = make_line(now, line);
	if (err == TOTP_OK)
		err = add_second(text, line);
	WIPE(line);
	return err;
}

enum totp_err keyring_rotation_begin(struct keyring_text *text, int64_t now,
				     struct keyring_rotation *ret_rotation, struct reason *why)
{
	OWN_KEYRING struct keyring keyring = {.count = 0};
	enum totp_err err;

	if (count_keys(text) >= KEYRING_KEYS_MAX)
		return reason_err(why, TOTP_ERR_RANGE,
				  "%d keys are there already: take away one that seals nothing",
				  KEYRING_KEYS_MAX);
	err = add_new_key(text, now);
	if (err != TOTP_OK)
		return reason_err(why, err, "no key can be added: %s", err_name(err));
	/* an id by chance like another's, say, must not reach the disk */
	err = keyring_parse(keyring_text_of(text), "the new keyring", &keyring, why);
	if (err == TOTP_OK && !keyring_rotation_of(text, ret_rotation))
		err = TOTP_ERR_FORMAT;
	return err;
}

enum totp_err keyring_rotation_promote(struct keyring_text *text, struct keyring_rotation *rotation)
{
	char line[KEY_LINE_MAX] = "";
	struct place first, to;
	enum totp_err err = end_last_line(text);

	if (err != TOTP_OK)
		return err;
	if (!find_line(text, is_key, rotation->to, &to) || to.len >= sizeof(line))
		return TOTP_ERR_FORMAT;
	memcpy(line, text->text + to.at, to.len);
	remove_line(text, to);
	if (!find_line(text, is_any_key, 0, &first))
		first.at = 0;
	err = insert_lines(text, first.at, line);
	WIPE(line);
	rotation->promoted |= err == TOTP_OK;
	return err;
}

void keyring_rotation_end(struct keyring_text *text, const struct keyring_rotation *rotation)
{
	struct place place;

	if (find_line(text, is_key, rotation->from, &place))
		remove_line(text, place);
	while (find_line(text, is_mark, 0, &place))
		remove_line(text, place);
}
