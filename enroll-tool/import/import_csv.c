/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl import csv FILE|-: the users of a list, one a line. */
#include "import/csv.h"
#include "import/import.h"

static enum totp_err read_row(struct import *import, const struct place *place, struct text line,
			      struct reason *fault, struct reason *why)
{
	OWN_IMPORTED struct imported row;

	if (csv_decode_row(line, &row, fault) != TOTP_OK)
		return TOTP_OK;
	return import_token(import, place, &row, why);
}

static int import_csv(struct ctl *ctl)
{
	return reader_run(ctl, false, read_row);
}

const struct command ctl_import_csv = {
	.name = "import csv",
	.arguments = "FILE|-",
	.help = "enroll the users of a list",
	.more = "One user a line: user,base32[,algorithm,digits,period]; without the last three\n"
		"SHA1, 6 and 30. A counter-based token has hotp:COUNTER for its period. Empty\n"
		"lines and those that begin with '#' are skipped; '-' is standard input.\n",
	.shared = import_option_rows,
	.run = import_csv,
};
