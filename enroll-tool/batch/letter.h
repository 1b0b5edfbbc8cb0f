/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The letter that gives a user the secret: one page of paper, as an HTML file that needs no other
 * file. A reader of it has the codes, so the caller wipes its text.
 */
#ifndef BATCH_LETTER_H
#define BATCH_LETTER_H

#include "common/svg.h"
#include "common/tool.h"
#include "otp/uri.h"
#include "store/store.h"

#define LETTER_MAX (SVG_MAX + 16384)

extern const char letter_template[]; /* letter.html.in */

struct letter {
	const char *user; /* who logs in, as the name service has it */
	const struct otp_uri *uri;
	int64_t made;      /* seconds since 1970 UTC */
	const char *help;  /* what to do if something does not work, or "" */
	bool must_confirm; /* the enrollment waits for its first code */
};

/*
 * Write it. Names are whatever an account may be called: nothing in them is markup.
 * TOTP_ERR_UNSUPPORTED, TOTP_ERR_RANGE, TOTP_ERR_NOMEM: there is no picture; *why says so.
 * TOTP_ERR_FORMAT: issuer or account is none, as uri_write.
 */
MUST_CHECK enum totp_err letter_write(const struct letter *letter, char ret_text[LETTER_MAX],
				      size_t *ret_len, struct reason *why);

/* --- their directory --- */

#define LETTER_DIR_NAME_MAX (STORE_NAME_MAX + sizeof(".html"))

/*
 * New, or empty and accessible to its owner only. Letters go again unless all are kept. Named "-"
 * it is standard output, from which nothing goes again.
 */
struct letter_dir {
	const char *dir; /* as it was named; NULL: none */
	int fd;          /* -1 for standard output */
	bool made;       /* by us */
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
