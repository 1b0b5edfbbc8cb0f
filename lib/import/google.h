/* SPDX-License-Identifier: BSD-2-Clause */
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

/*
 * Decode a whole file. It does not say whose it is, and algorithm and digits are SHA1 and 6, but
 * for a fork. TOTP_ERR_FORMAT: what the peer itself refuses; TOTP_ERR_RANGE: what it
 * accepts and we do not: a period below 15 s, a secret of fewer than SECRET_IMPORT_MIN bytes.
 * *why says which and what was expected, never what it held; *ret_imported is wiped.
 */
MUST_CHECK enum totp_err google_decode(struct text text, enum google_kind kind,
				       struct imported *ret_imported, struct reason *why);

#endif
