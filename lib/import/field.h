/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of several other systems have in common: words, names, numbers and secrets, and
 * the token that each reader makes of them.
 */
#ifndef IMPORT_FIELD_H
#define IMPORT_FIELD_H

#include <time.h>

#include "base/bytes.h"
#include "record/cred.h"

/* A token of another system, and what that knows beside it. The caller sets when it was made. */
struct imported {
	char user[CRED_USER_MAX + 1]; /* whose it is there; may be empty */
	struct token token;           /* without id, and perhaps without label */
	uint64_t moving; /* the last step used, 0 for none known; or the next counter */

	unsigned code_count;
	struct code codes[RECOVERY_MAX]; /* scratch codes that are not used… */
	unsigned codes_left_out;         /* …and as many more than there is room for */
	unsigned unknown_lines;          /* that mean nothing… */
	uint32_t unknown_line;           /* …and the first of them, counted from 1 */
	uint32_t window;                 /* codes accepted in all; 0: not said */
	bool skewed;                     /* it has learned that the clocks differ */
	bool cut;                        /* bits of its base32 that are not 0 are dropped */
	bool sealed;                     /* the secret is encrypted, and is not here */
	bool prefixed;                   /* a password of its own stands before the code */
	bool used;                       /* there is a code that was used last… */
	struct code last;                /* …and this is it… */
	struct tm when; /* …at this local time of the host that wrote it; tm_mday 0: not said */
};

#define OWN_IMPORTED OWN(imported_wipe)

/* Overwrite all of it with zeros. */
void imported_wipe(struct imported *imported);

/* Take the next word off *rest, with the blanks before it; an empty one when there is none. */
struct text field_word(struct text *rest);

/* Does the text begin with this? */
bool field_begins(struct text text, const char *start);

/* Without the blanks and line ends that XML allows around any text. */
struct text field_xml_trim(struct text text);

/* base64_append of what stands between blanks and line ends, which XML allows anywhere in it. */
MUST_CHECK enum totp_err field_xml_base64(struct text text, struct buffer *out);

/* A user name. TOTP_ERR_FORMAT: *why says what was expected. */
MUST_CHECK enum totp_err field_user(struct text text, char ret_user[CRED_USER_MAX + 1],
				    struct reason *why);

/* What errors call a number, and which ones are accepted. */
struct field_range {
	const char *name;
	uint64_t min, max;
};

/* text_number, and *why says what was expected. */
MUST_CHECK enum totp_err field_number(struct text text, const struct field_range *range,
				      uint64_t *ret_number, struct reason *why);

/*
 * A secret in base32, as base32_decode_cut reads it, and *why says what was expected. name: what
 * the sentence calls it.
 */
MUST_CHECK enum totp_err field_base32(struct text text, const char *name, struct imported *imported,
				      struct reason *why);

/* The same in hexadecimal. */
MUST_CHECK enum totp_err field_hex(struct text text, const char *name, struct secret *ret_secret,
				   struct reason *why);

/*
 * What a decoder of secrets returned, with a sentence; a secret of fewer than SECRET_IMPORT_MIN
 * bytes is TOTP_ERR_RANGE. name, encoding: what the sentence calls them.
 */
MUST_CHECK enum totp_err field_secret(enum totp_err err, const struct secret *secret,
				      const char *name, const char *encoding, struct reason *why);

#endif
