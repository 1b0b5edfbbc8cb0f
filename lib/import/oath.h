/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of users.oath, the file of pam_oath:
 * TYPE USER PASSWORD HEXKEY [COUNTER [LASTOTP [TIMESTAMP]]], with any blanks between.
 */
#ifndef IMPORT_OATH_H
#define IMPORT_OATH_H

#include "import/field.h"

/*
 * Decode a line without its end, which is neither empty nor a comment; it has no step of the code
 * that was used last.
 * TOTP_ERR_FORMAT, TOTP_ERR_RANGE: *why says which field and what was expected, never what it
 * held; *ret_imported is wiped.
 */
MUST_CHECK enum totp_err oath_decode(struct text line, struct imported *ret_imported,
				     struct reason *why);

#endif
