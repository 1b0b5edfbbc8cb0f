/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of hardware tokens, one on each line, in the forms in which vendors deliver them: with
 * seeds in hexadecimal, for LinOTP, privacyIDEA, Duo or multiOTP; or with a header and secrets in
 * base32, for Microsoft Entra.
 */
#ifndef IMPORT_SEEDS_H
#define IMPORT_SEEDS_H

#include "import/field.h"

enum seeds_column {
	SEEDS_OTHER, /* manufacturer, model */
	SEEDS_USER,
	SEEDS_SERIAL,
	SEEDS_SECRET,
	SEEDS_PERIOD,
};

#define SEEDS_COLUMNS_MAX 8

/* The columns of a list with a header; none: it has no header. */
struct seeds_columns {
	unsigned count;
	enum seeds_column at[SEEDS_COLUMNS_MAX];
};

/* A row: the token's serial number, as it is there, and the rest. */
struct seed {
	struct text serial;
	struct imported imported; /* whose label is the serial number, if it can be one */
};

/*
 * Is this the header of a list for Microsoft Entra? upn,serial number,secret key,time interval,
 * manufacturer,model in any case and order, of which the second and third are needed. *why says
 * which column is not known; ret_columns->count is 0 then.
 */
bool seeds_is_header(struct text line);
MUST_CHECK enum totp_err seeds_decode_header(struct text line, struct seeds_columns *ret_columns,
					     struct reason *why);

/*
 * Decode a row of a list with that header: TOTP, SHA1 and 6 digits, which is all that Entra has.
 * TOTP_ERR_FORMAT, TOTP_ERR_RANGE: *why says which field and what was expected, never what it held;
 * *ret_seed is wiped.
 */
MUST_CHECK enum totp_err seeds_decode_row(struct text line, const struct seeds_columns *columns,
					  struct seed *ret_seed, struct reason *why);

/*
 * Decode a row of a list without a header:
 *   serial,seed[,hotp|totp[,digits[,period or next counter[,hash]]]]      LinOTP, privacyIDEA
 *   "serial","seed"[,"period or next counter"]                            Duo
 *   serial;manufacturer;hotp|totp;seed[;digits[;period or next counter]]  multiOTP
 * Any field may be quoted. usual: the type of a token without one. Errors as above.
 */
MUST_CHECK enum totp_err seeds_decode_hex(struct text line, enum token_type usual,
					  struct seed *ret_seed, struct reason *why);

#endif
