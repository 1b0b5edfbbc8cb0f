/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host keys that seal credentials: a text file, one key a line: id (8 hexadecimal
 * digits), base64 of 32 bytes, day of creation. The first key is the active one, which seals; all
 * others only open. Empty lines and lines that begin with '#' are ignored.
 */
#ifndef STORE_KEYRING_H
#define STORE_KEYRING_H

#include <sys/types.h>

#include "base/io.h"
#include "base/text.h"
#include "record/seal.h"

#define KEYRING_KEYS_MAX  32
#define KEYRING_BYTES_MAX 4096

struct keyring {
	size_t count;
	struct host_key keys[KEYRING_KEYS_MAX];
	struct io_stamp stamp; /* of the file it was loaded from */
};

#define OWN_KEYRING OWN(keyring_wipe)

/* Overwrite all of it with zeros. */
void keyring_wipe(struct keyring *keyring);

/*
 * Parse a keyring. name: what errors call it. TOTP_ERR_FORMAT: *why names the line and
 * what was expected (never what it held): a bad line, an id twice, no key, too many.
 */
MUST_CHECK enum totp_err keyring_parse(struct text text, const char *name,
				       struct keyring *ret_keyring, struct reason *why);

/*
 * Read the keyring at an absolute path: owned by root, mode 0600 or stricter, at most
 * KEYRING_BYTES_MAX. Errors as path_open_config and keyring_parse; *why says what to do, and
 * *ret_keyring is wiped.
 */
MUST_CHECK enum totp_err keyring_load(const char *path, struct keyring *ret_keyring,
				      struct reason *why);

/*
 * The same of a keyring that a service manager hands over as the credential `name` (CREDENTIALS
 * in systemd.exec(5)): root or `owner` owns the file, and the group may read it, since that is
 * how its access list appears.
 */
MUST_CHECK enum totp_err keyring_load_credential(const char *directory, const char *name,
						 uid_t owner, struct keyring *ret_keyring,
						 struct reason *why);

/* The key of that id, or NULL. */
const struct host_key *keyring_find(const struct keyring *keyring, uint32_t id);

/*
 * Make a keyring of one new random key and write it to `path`, which must not exist. Errors as
 * file_put_new, and of its directory those of path_open_dir.
 * now: seconds since 1970, for the day of creation.
 */
MUST_CHECK enum totp_err keyring_create(const char *path, int64_t now, struct reason *why);

/* Write a keyring as keyring_create does. text: the caller has parsed it. */
MUST_CHECK enum totp_err keyring_put_new(const char *path, struct text text, struct reason *why);

/* The same, replacing the existing one, by file_replace. */
MUST_CHECK enum totp_err keyring_put(const char *path, struct text text, struct reason *why);

/* --- changing single lines: comments, and the order of all other lines, stay --- */

struct keyring_text {
	size_t len;
	char text[KEYRING_BYTES_MAX];
};

#define OWN_KEYRING_TEXT OWN(keyring_text_wipe)

void keyring_text_wipe(struct keyring_text *text);

/* The same bytes, for keyring_parse and keyring_put. */
struct text keyring_text_of(const struct keyring_text *text);

/* Read the keyring at `path`, text and keys. Errors as keyring_load. */
MUST_CHECK enum totp_err keyring_text_load(const char *path, struct keyring_text *ret_text,
					   struct keyring *ret_keyring, struct reason *why);

/*
 * A rotation that is under way. It takes more than one step and may be cut short at any, so it
 * leaves a mark in the keyring itself, a comment that names both keys. First the new key is the
 * second, which opens only; then it is the first; then the old one goes, and with it the mark.
 */
struct keyring_rotation {
	uint32_t from, to;
	bool promoted; /* `to` is the first key */
};

/* Read the mark. False: there is none, or its new key is not there. */
bool keyring_rotation_of(const struct keyring_text *text, struct keyring_rotation *ret_rotation);

/*
 * Begin one: a new random key as the second line, and the mark. TOTP_ERR_RANGE: no room for
 * another key. TOTP_ERR_SYSTEM: no random bytes. *why says so, and *text is of no use then.
 */
MUST_CHECK enum totp_err keyring_rotation_begin(struct keyring_text *text, int64_t now,
						struct keyring_rotation *ret_rotation,
						struct reason *why);

/* Make the new key the first. TOTP_ERR_FORMAT: it is not there; TOTP_ERR_RANGE: no room. */
MUST_CHECK enum totp_err keyring_rotation_promote(struct keyring_text *text,
						  struct keyring_rotation *rotation);

/* Take the old key away, if it is there, and the mark. */
void keyring_rotation_end(struct keyring_text *text, const struct keyring_rotation *rotation);

/* Add a key as the last line; it opens only. TOTP_ERR_RANGE: there is no room. */
MUST_CHECK enum totp_err keyring_text_add(struct keyring_text *text, const struct host_key *key);

#endif
