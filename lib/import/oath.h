/*
 * One line of users.oath, the file of pam_oath:
 * TYPE USER PASSWORD HEXKEY [COUNTER [LASTOTP [TIMESTAMP]]], with any blanks between.
 */
#ifndef IMPORT_OATH_H
#define IMPORT_OATH_H

#include <time.h>

#include "import/field.h"

struct oath {
	struct imported imported; /* without the last step used */
	bool prefixed;            /* a password of the peer's own stands before the code */
	bool used;                /* there is a code that was used last… */
	struct code last;         /* …and this is it… */
	struct tm when; /* …at this local time of the host that wrote it; tm_mday 0: not said */
};

#define OWN_OATH OWN(oath_wipe)

/* Overwrite all of it with zeros. */
void oath_wipe(struct oath *oath);

/*
 * Is this line a user's? Its first word is then HOTP, or begins with "HOTP/"; all others are
 * comments.
 */
bool oath_is_row(struct text line);

/*
 * Decode a user's line, without its end. TOTP_ERR_FORMAT, TOTP_ERR_RANGE: *why says which
 * field and what was expected, never what it held; *ret_oath is wiped.
 */
MUST_CHECK enum totp_err oath_decode(struct text line, struct oath *ret_oath, struct reason *why);

#endif
