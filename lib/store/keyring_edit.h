/*
 * Changing single lines of a keyring's text: comments, and the order of what is not touched,
 * stay as an administrator left them.
 *
 * A rotation takes more than one step and may be cut short at any, so it leaves a mark in the
 * keyring itself, a comment that names the key it goes from and the one it goes to. First the
 * new key is the second, which opens only; then it is the first; then the old one goes, and
 * with it the mark.
 */
#ifndef STORE_KEYRING_EDIT_H
#define STORE_KEYRING_EDIT_H

#include "store/keyring.h"

struct keyring_text {
	size_t len;
	char text[KEYRING_BYTES_MAX];
};

#define OWN_KEYRING_TEXT OWN(keyring_text_wipe)

void keyring_text_wipe(struct keyring_text *text);

/* The same bytes, for keyring_parse and keyring_put. */
struct text keyring_text_of(const struct keyring_text *text);

/* Take over text that keyring_parse has accepted. TOTP_ERR_RANGE: it is too long. */
MUST_CHECK enum totp_err keyring_text_set(struct keyring_text *text, struct text from);

/* Read the text of the keyring at `path`. Errors as keyring_load. */
MUST_CHECK enum totp_err keyring_text_load(const char *path, struct keyring_text *ret_text,
					   struct reason *why);

/* A rotation that is under way. */
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
