/* totpctl import csv FILE|-: the users of a list, one a line. */
#include "import/reader.h"
#include "import/csv.h"

static enum totp_err new_token_of(const struct csv_row *row, int64_t now,
				  struct new_token *ret_draft, struct reason *why)
{
	struct token token = {.type = row->hotp ? TOKEN_HOTP : TOKEN_TOTP,
			      .alg = row->alg,
			      .digits = row->digits,
			      .period = row->period,
			      .created = now,
			      .secret = row->secret};
	enum totp_err err = new_token_begin(text_of(row->user), now, ret_draft);

	if (err == TOTP_OK)
		err = new_token_add(ret_draft, &token, row->counter, why);
	WIPE(token);
	return err;
}

static enum totp_err read_line(struct import *import, const struct place *place, struct text line,
			       struct reason *why)
{
	OWN_NEW_TOKEN struct new_token draft;
	struct reason fault = {""};
	struct csv_row row;
	enum totp_err err = csv_decode_row(line, &row, &fault);

	if (err != TOTP_OK) {
		import_bad(import, place, "%s", fault.text);
		return TOTP_OK;
	}
	err = new_token_of(&row, import->now, &draft, why);
	csv_row_wipe(&row);
	return err == TOTP_OK ? import_add(import, place, &draft, why) : err;
}

static enum totp_err read_csv(struct import *import, struct reason *why)
{
	return reader_lines(import, import->ctl->words[0], read_line, why);
}

static int import_csv(struct ctl *ctl)
{
	struct import import = {0};

	return import_run(ctl, &import, read_csv);
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
