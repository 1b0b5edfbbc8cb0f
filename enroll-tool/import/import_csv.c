/* totpctl import csv FILE|-: the users of a list, one a line. */
#include "import/reader.h"
#include "import/csv.h"

static enum totp_err read_row(struct import *import, const struct place *place, struct text line,
			      struct reason *why)
{
	OWN_NEW_TOKEN struct new_token draft;
	struct reason fault = {""};
	struct csv_row row;
	struct token token;
	enum totp_err err = csv_decode_row(line, &row, &fault);

	if (err != TOTP_OK) {
		import_bad(import, place, "%s", fault.text);
		return TOTP_OK;
	}
	token = (struct token){.type = row.hotp ? TOKEN_HOTP : TOKEN_TOTP,
			       .alg = row.alg,
			       .digits = row.digits,
			       .period = row.period,
			       .created = import->now,
			       .secret = row.secret};
	err = new_token_make(text_of(row.user), &token, row.counter, &draft, why);
	WIPE(token);
	csv_row_wipe(&row);
	return err == TOTP_OK ? import_add(import, place, &draft, why) : err;
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
	.min = 1,
	.max = 1,
	.shared = import_option_rows,
	.run = import_csv,
};
