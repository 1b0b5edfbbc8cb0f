/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of a CSV import: user,base32[,algorithm,digits,period|hotp:COUNTER]. Fields are not
 * quoted; blanks around them are ignored; an empty field at the end means its default.
 */
#ifndef IMPORT_CSV_H
#define IMPORT_CSV_H

#include "import/field.h"

/*
 * Decode a line without its end. Neither an empty line nor a comment is a row: the caller
 * passes those over. TOTP_ERR_FORMAT, TOTP_ERR_RANGE: *why says which field and what was
 * expected, never what it held; *ret_row is wiped.
 */
MUST_CHECK enum totp_err csv_decode_row(struct text line, struct imported *ret_row,
					struct reason *why);

#endif
