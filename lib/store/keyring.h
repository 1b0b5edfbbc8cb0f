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
#define KEYRING_LINE_MAX  80 /* bytes of a key's line with its end and a NUL */

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
 * Open the keyring at an absolute path: owned by root, mode 0600 or stricter, at most
 * KEYRING_BYTES_MAX. Errors as path_open_config; *why says what to do.
 */
MUST_CHECK enum totp_err keyring_open(const char *path, int *ret_fd, struct reason *why);

/* Read it. Errors also as keyring_parse. *ret_keyring is wiped then. */
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

/* The line of a new random key, which the caller wipes. Errors: those of crypto_random. */
MUST_CHECK enum totp_err keyring_new_line(int64_t now, char ret_line[KEYRING_LINE_MAX]);

/* Write a keyring as keyring_create does. text: the caller has parsed it. */
MUST_CHECK enum totp_err keyring_put_new(const char *path, struct text text, struct reason *why);

/* The same, replacing the existing one, by file_replace. */
MUST_CHECK enum totp_err keyring_put(const char *path, struct text text, struct reason *why);

#endif
