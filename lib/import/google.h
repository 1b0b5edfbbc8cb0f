/*
 * The file that google-authenticator keeps for a user, ~/.google_authenticator, and that of
 * totp-cgi, which is nearly the same: a secret, options on lines that begin with '"', unused
 * scratch codes. It is read as the peer's own module reads it.
 */
#ifndef IMPORT_GOOGLE_H
#define IMPORT_GOOGLE_H

#include "import/field.h"

#define GOOGLE_FILE_MAX 65536 /* bytes; the peer reads no more */

enum google_kind { GOOGLE_AUTHENTICATOR = 0, GOOGLE_TOTPCGI };

struct google {
	struct imported imported; /* without the user; SHA1 and 6 digits, but for a fork */
	uint32_t window;          /* codes accepted in all; 0: not said */
	bool skewed;              /* it has learned that the clocks differ */
	unsigned code_count;
	struct code codes[RECOVERY_MAX]; /* scratch codes that are not used… */
	unsigned codes_left_out;         /* …and as many more than there is room for */
	bool sealed;                     /* the secret is encrypted, and is not here */
};

#define OWN_GOOGLE OWN(google_wipe)

/* Overwrite all of it with zeros. */
void google_wipe(struct google *google);

/*
 * Decode a whole file. TOTP_ERR_FORMAT: what the peer itself refuses; TOTP_ERR_RANGE: what it
 * accepts and we do not: a period below 15 s, a secret of fewer than SECRET_IMPORT_MIN bytes.
 * *why says which and what was expected, never what it held; *ret_google is wiped.
 */
MUST_CHECK enum totp_err google_decode(struct text text, enum google_kind kind,
				       struct google *ret_google, struct reason *why);

#endif
