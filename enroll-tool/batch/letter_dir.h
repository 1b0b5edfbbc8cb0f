/*
 * The directory of letters: new, or empty and accessible to its owner only. Letters are removed
 * again unless all of them are kept.
 */
#ifndef BATCH_LETTER_DIR_H
#define BATCH_LETTER_DIR_H

#include "store/store.h"
#include "common/tool.h"

#define LETTER_DIR_NAME_MAX (STORE_NAME_MAX + sizeof(".html"))

struct letter_dir {
	const char *dir; /* as it was named; NULL: none */
	int fd;
	bool made; /* by us */
};

#define LETTER_DIR_NONE ((struct letter_dir){.fd = -1})

/* Make the directory, or check that it is empty and belongs to nobody else. An exit code, after a
 * message, here and below. */
MUST_CHECK int letter_dir_open(const struct tool *tool, const char *dir,
			       struct letter_dir *ret_letters);

/* The file of a user's letter, by the store's encoding of the name, in which no byte leads
 * elsewhere. TOTP_ERR_RANGE: as store_name. */
MUST_CHECK enum totp_err letter_dir_name(const char *user, char ret_name[LETTER_DIR_NAME_MAX]);

/* Write one, for its owner alone. */
MUST_CHECK int letter_dir_put(const struct tool *tool, const struct letter_dir *letters,
			      const char *user, const char *text, size_t len);

/* Wait until the disk has all of them. */
MUST_CHECK int letter_dir_sync(const struct tool *tool, const struct letter_dir *letters);

/* Remove a user's letter, if it is there. */
void letter_dir_drop(const struct letter_dir *letters, const char *user);

/* Close the directory; `empty` removes it if it was made. */
void letter_dir_close(struct letter_dir *letters, bool empty);

#endif
