/* SPDX-License-Identifier: BSD-2-Clause */
/* The family of totpctl import: the options that its members share. */
#include "common/passphrase.h"
#include "import/owners.h"

struct import_options import_options;

const struct option_row import_option_rows[] = {
	{"dry-run", NULL, "print what would happen to each user; change nothing",
	 .flag = &import_options.dry_run},
	{"json", NULL, "with --dry-run: print an array of objects, one a user",
	 .flag = &import_options.json},
	{"replace", NULL, "replace the credentials of users who are enrolled",
	 .flag = &import_options.replace},
	{"keep-going", NULL, "if some cannot be imported, import the others",
	 .flag = &import_options.keep_going},
	{0},
};

const struct command ctl_import = {
	.name = "import",
	.arguments = "SUBCOMMAND",
	.help = "import users of another system, or of a list",
	.more = "Imported tokens stay as they were. Users who are enrolled here are left as they\n"
		"are. What cannot be imported is printed, and the exit status is then 1.\n",
	.options = import_option_rows,
};

static const struct option_row pskc_rows[] = {
	{"users", "FILE", "whose tokens they are: one serial,user a line", .text = &owners_path},
	{"passphrase-file", "FILE",
	 "do not ask, read the passphrase or key: one line, in\n"
	 "a file that others cannot read",
	 .text = &passphrase_path},
	{0},
};

const struct command ctl_import_pskc = {
	.name = "import pskc",
	.arguments = "FILE|-",
	.help = "import a PSKC file of tokens (RFC 6030)",
	.more = "The user is the container's UserId, or the one that --users has for the serial\n"
		"number. For encrypted keys it asks for the passphrase, or for the key in\n"
		"hexadecimal. A user can have several tokens.\n",
	.options = pskc_rows,
	.shared = import_option_rows,
	.run = import_pskc,
};
