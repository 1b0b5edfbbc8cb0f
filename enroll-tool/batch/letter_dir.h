/*
 * The folder of letters: new, or empty and its owner's alone. What is put there goes again
 * unless all of it is kept.
 */
#ifndef BATCH_LETTER_DIR_H
#define BATCH_LETTER_DIR_H

#include "store/store.h"
#include "common/tool.h"

#define LETTERS_NAME_MAX (STORE_NAME_MAX + sizeof(".html"))

struct letters {
	const char *dir; /* as it was named; NULL: none */
	int fd;
	bool made; /* by us */
};

#define LETTERS_NONE \
	{ \
		.fd = -1 \
	}

/* Make the folder, or see to it that it is empty and nobody else's. An exit code, after a
 * sentence, here and below. */
MUST_CHECK int letters_open(const struct tool *tool, const char *dir, struct letters *ret_letters);

/* The file of a user's letter, by the store's encoding of the name, in which no byte leads
 * elsewhere. TOTP_ERR_RANGE: as store_name. */
MUST_CHECK enum totp_err letters_name(const char *user, char ret_name[LETTERS_NAME_MAX]);

/* Write one, for its owner alone. */
MUST_CHECK int letters_put(const struct tool *tool, const struct letters *letters, const char *user,
			   const char *text, size_t len);

/* Wait until the disk has all of them. */
MUST_CHECK int letters_sync(const struct tool *tool, const struct letters *letters);

/* Remove a user's letter, if it is there. */
void letters_drop(const struct letters *letters, const char *user);

/* Close the folder; `empty` removes it, if it was made. */
void letters_close(struct letters *letters, bool empty);

#endif
