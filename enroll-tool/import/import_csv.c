/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import csv FILE|-, the users of a list, one a line; and totpctl import tokens FILE|-, a
 * list of hardware tokens as their vendors deliver it. Both read a list for Microsoft Entra, which
 * has users and serial numbers.
 */
#include "import/csv.h"
#include "import/owners.h"
#include "import/seeds.h"

static struct {
	bool totp;
} options;

struct csv_import {
	struct import import; /* first: the reader gets a pointer to it */
	bool of_users;        /* import csv */
	bool begun;           /* the first row was read */
	struct seeds_columns columns;
	struct owners owners;
};

static enum totp_err add_seed(struct csv_import *csv, const struct place *place, struct seed *seed,
			      struct reason *fault, struct reason *why)
{
	struct imported *imported = &seed->imported;
	struct text owner = owners_find(&csv->owners, seed->serial);
	char name[CRED_USER_MAX + 1];
	enum totp_err err;

	if (owner.len)
		return field_user(owner, imported->user, fault) == TOTP_OK
			       ? import_token(&csv->import, place, imported, why)
			       : TOTP_OK;
	if (!imported->user[0]) {
		reason_set(fault, "no user: --users FILE names the users of serial numbers");
		return TOTP_OK;
	}
	strcpy(name, imported->user);
	err = import_person(&csv->import, name, imported->user, why);
	return err == TOTP_OK ? import_token(&csv->import, place, imported, why) : err;
}

static enum totp_err read_user(struct import *import, const struct place *place, struct text line,
			       struct reason *fault, struct reason *why)
{
	OWN_IMPORTED struct imported row;

	if (csv_decode_row(line, &row, fault) != TOTP_OK)
		return TOTP_OK;
	return import_token(import, place, &row, why);
}

static enum totp_err read_row(struct import *import, const struct place *place, struct text line,
			      struct reason *fault, struct reason *why)
{
	struct csv_import *csv = (struct csv_import *)import;
	bool first = !csv->begun;
	struct seed seed;
	enum totp_err err;

	csv->begun = true;
	if (first && seeds_is_header(line)) {
		struct reason what = {""};

		import->gather = true;
		err = seeds_decode_header(line, &csv->columns, &what);
		return err == TOTP_OK ? err
				      : reason_err(why, err, "%.120s:%u: %s", place->file,
						   (unsigned)place->line, what.text);
	}
	if (csv->of_users && !csv->columns.count)
		return read_user(import, place, line, fault, why);
	err = csv->columns.count ? seeds_decode_row(line, &csv->columns, &seed, fault)
				 : seeds_decode_hex(line, options.totp ? TOKEN_TOTP : TOKEN_HOTP,
						    &seed, fault);
	err = err == TOTP_OK ? add_seed(csv, place, &seed, fault, why) : TOTP_OK;
	WIPE(seed);
	return err;
}

static enum totp_err read_csv(struct import *import, struct reason *why)
{
	struct csv_import *csv = (struct csv_import *)import;
	enum totp_err err = owners_read(import, &csv->owners, why);

	if (err == TOTP_OK)
		err = reader_lines(import, read_row, why);
	if (err == TOTP_OK)
		owners_tell_unused(import, &csv->owners);
	return err;
}

static int import_csv(struct ctl *ctl)
{
	struct csv_import csv = {.of_users = true};

	return import_run(ctl, &csv.import, read_csv);
}

static int import_tokens(struct ctl *ctl)
{
	struct csv_import csv = {.import = {.gather = true}};
	int code = import_run(ctl, &csv.import, read_csv);

	owners_end(&csv.owners);
	return code;
}

const struct command ctl_import_csv = {
	.name = "import csv",
	.arguments = "FILE|-",
	.help = "enroll the users of a list",
	.more = "One user on each line: user,base32[,algorithm,digits,period]. The defaults of\n"
		"the last three are SHA1, 6 and 30. A counter-based token has hotp:COUNTER\n"
		"instead of a period. Empty lines and those that begin with '#' are skipped.\n",
	.shared = import_option_rows,
	.run = import_csv,
};

static const struct option_row option_rows[] = {
	{"users", "FILE", "whose tokens they are: one serial,user a line", .text = &owners_path},
	{"totp", NULL, "tokens without a type are time-based", .flag = &options.totp},
	{0},
};

const struct command ctl_import_tokens = {
	.name = "import tokens",
	.arguments = "FILE|-",
	.help = "import a list of hardware tokens",
	.more = "A list for Microsoft Entra with its header, in base32; or seeds in hexadecimal:\n"
		"serial,seed[,hotp|totp[,digits[,period or counter[,hash]]]], also as Duo and\n"
		"multiOTP have it. A user can have several tokens.\n",
	.options = option_rows,
	.shared = import_option_rows,
	.run = import_tokens,
};
