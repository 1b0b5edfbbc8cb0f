/*
 * One line of a CSV import: user,base32[,algorithm,digits,period|hotp:COUNTER]. Fields are not
 * quoted; blanks around them are ignored; an empty field at the end means its default.
 */
#ifndef IMPORT_CSV_H
#define IMPORT_CSV_H

#include "record/cred.h"

struct csv_row {
	char user[CRED_USER_MAX + 1];
	enum hmac_alg alg; /* default SHA1 */
	uint8_t digits;    /* default 6 */
	bool hotp;
	uint16_t period;      /* seconds, default 30; 0 for HOTP */
	uint32_t counter;     /* HOTP: the next one */
	struct secret secret; /* SECRET_IMPORT_MIN bytes or more */
};

/* Overwrite all of it with zeros. */
void csv_row_wipe(struct csv_row *row);

/*
 * Decode a line without its end. Neither an empty line nor a comment is a row: the caller
 * passes those over. TOTP_ERR_FORMAT, TOTP_ERR_RANGE: *why says which field and what was
 * expected, never what it held; *ret_row is wiped.
 */
MUST_CHECK enum totp_err csv_decode_row(struct text line, struct csv_row *ret_row,
					struct reason *why);

#endif
