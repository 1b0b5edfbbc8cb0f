/* SPDX-License-Identifier: BSD-2-Clause */
#include "enroll/request.h"

#include <string.h>
#include <unistd.h>

#include "common/command.h"
#include "otp/totp.h"
#include "otp/uri.h"

/* --- options --- */

static struct request given = {.label = "phone", .confirm = true};
static const char *conf, *added, *removed, *qr, *algorithm, *secret;
static bool no_confirm;

static bool check_name(const struct option_row *row, const char *value, struct reason *why)
{
	return uri_check_name("a name", text_of(value), row->max, why) == TOTP_OK;
}

static bool check_label(const struct option_row *row, const char *value, struct reason *why)
{
	(void)row;
	reason_set(why,
		   "expected 1 to %d printable ASCII characters without quotes, backslashes and "
		   "question marks",
		   CRED_LABEL_MAX);
	return cred_label_is_good(text_of(value));
}

static const struct option_row save_rows[] = {
	{"save", "FILE", "write recovery codes to a new file, not to the screen",
	 .text = &given.save},
	{0},
};

static const struct option_row enroll_rows[] = {
	{"label", "TEXT", "its name in lists and logs (phone)", .text = &given.label,
	 .check = check_label},
	{"save", "FILE", "write recovery codes to a new file, not to the screen",
	 .text = &given.save},
	{"force", NULL, "root: replace the tokens that the user has", .flag = &given.force},
	{"add", "LABEL", .text = &added, .check = check_label},
	{"remove", "LABEL", "root: the same as the subcommands", .text = &removed,
	 .check = check_label},
	{0},
};

/* Of a secret, how it is shown, and how it is stored. */
static const struct option_row secret_rows[] = {
	{"qr", "KIND", "the picture: auto, ansi, utf8, ascii or none (auto)", .text = &qr},
	{"qr-invert", NULL, "with utf8 or ascii: for dark text on a light window",
	 .flag = &given.screen.invert},
	{"svg", "FILE", .text = &given.svg},
	{"png", "FILE", "write the picture to a new file, too", .text = &given.png},
	{"issuer", "TEXT", .text = &given.issuer, .max = URI_ISSUER_MAX, .check = check_name},
	{"account", "TEXT", "the names that the phone shows", .text = &given.account,
	 .max = URI_ACCOUNT_MAX, .check = check_name},
	{"algorithm", "NAME", .text = &algorithm},
	{"digits", "N", .number = &given.digits, .min = CODE_DIGITS_MIN, .max = CODE_DIGITS_MAX},
	{"period", "SECONDS", "many phone apps ignore these: better left alone",
	 .number = &given.period, .min = TOTP_PERIOD_MIN, .max = TOTP_PERIOD_MAX},
	{"secret", "-", "read a token's secret, in base32, from standard input", .text = &secret},
	{"hotp", NULL, "the codes depend on a counter", .flag = &given.hotp},
	{"counter", "N", "with --hotp: the counter of its next code", .number = &given.counter,
	 .max = UINT32_MAX},
	{"no-confirm", NULL, "root: store at once, without a code from the phone",
	 .flag = &no_confirm},
	{0},
};

static const struct option_row shared_rows[] = {
	{"user", "NAME", "root: the user to enroll", .text = &given.user},
	{"conf", "FILE", "read this policy instead of " POLICY_FILE, .text = &conf},
	{"json", NULL, "for programs: print objects, one on each line", .flag = &tool_json},
	{0},
};

/* --- subcommands --- */

static const struct command commands[] = {
	[REQUEST_ENROLL] = {.name = "enroll",
			    .help = "set up your phone: scan a QR code, type a code",
			    .options = enroll_rows,
			    .shared = secret_rows},
	[REQUEST_STATUS] = {.name = "status",
			    .help = "show your phones, recovery codes left, wrong codes"},
	[REQUEST_TEST] = {.name = "test", .help = "check a code without logging in; it is used up"},
	[REQUEST_ADD] = {.name = "add",
			 .arguments = "LABEL",
			 .help = "add another phone or token to those that you have",
			 .shared = secret_rows},
	[REQUEST_REPLACE] = {.name = "replace",
			     .arguments = "[LABEL]",
			     .help = "set up a new phone; the old one works until then",
			     .shared = secret_rows},
	[REQUEST_RENAME] = {.name = "rename",
			    .arguments = "LABEL NEW",
			    .help = "give a phone or token another name"},
	[REQUEST_REMOVE] = {.name = "remove",
			    .arguments = "LABEL",
			    .help = "remove a phone or token: its codes are denied"},
	[REQUEST_RECOVERY] = {.name = "recovery",
			      .help = "make new recovery codes; the old ones become invalid",
			      .options = save_rows},
	[REQUEST_DELETE] = {.name = "delete",
			    .help = "delete your enrollment, if no code is required"},
};

static const struct command_entry entries[] = {
	{"", &commands[REQUEST_ENROLL]},    {NULL, &commands[REQUEST_STATUS]},
	{NULL, &commands[REQUEST_TEST]},    {NULL, &commands[REQUEST_ADD]},
	{NULL, &commands[REQUEST_REPLACE]}, {NULL, &commands[REQUEST_RENAME]},
	{NULL, &commands[REQUEST_REMOVE]},  {NULL, &commands[REQUEST_RECOVERY]},
	{NULL, &commands[REQUEST_DELETE]},  {0},
};

static const struct command_synonym synonyms[] = {
	{"disable", "delete"}, {"list", "status"}, {"show", "status"},
	{"new", "replace"},    {"verify", "test"}, {0},
};

/* Words that are one of a few. */
static int check_choices(const struct tool *tool)
{
	if (qr && !screen_qr_of(qr, &given.screen.qr))
		return tool_usage(tool, "--qr: expected auto, ansi, utf8, ascii or none");
	if (algorithm && uri_algorithm_of(text_of(algorithm), &given.algorithm) != TOTP_OK)
		return tool_usage(tool, "--algorithm: expected SHA1, SHA256 or SHA512");
	if (secret && strcmp(secret, "-") != 0)
		return tool_usage(tool, "--secret: expected -, and the secret on standard input, "
					"since every user of this host can see arguments");
	given.secret = secret != NULL;
	return TOOL_DONE;
}

/* Options that contradict each other. */
static int check_together(const struct tool *tool)
{
	if ((added || removed) && tool->subcommand)
		return tool_usage(tool, "--add and --remove go without a subcommand");
	if (added && removed)
		return tool_usage(tool, "--add and --remove: expected only one of them");
	if (added && given.force)
		return tool_usage(tool, "--add and --force: one adds a token, the other replaces");
	if (added && given.save)
		return tool_usage(tool, "--add and --save: the recovery codes stay as they are");
	if (removed && (given.force || secret || given.hotp || given.svg || given.png ||
			no_confirm || given.screen.invert || algorithm || given.digits ||
			given.period || given.issuer || given.account || given.save))
		return tool_usage(tool, "--remove takes no option of an enrollment");
	if (given.hotp && given.period)
		return tool_usage(tool, "--hotp and --period: a counter has no period");
	if (!given.hotp && given.counter)
		return tool_usage(tool, "--counter goes with --hotp");
	return TOOL_DONE;
}

static int take_labels(const struct tool *tool, const struct command_words *words)
{
	struct reason why = {""};

	for (int i = 0; i < words->count; i++)
		if (!check_label(NULL, words->words[i], &why))
			return tool_usage(tool, "%s: %s", words->command->name, why.text);
	given.named = words->count > 0;
	if (words->count > 0)
		given.label = words->words[0];
	if (words->count > 1)
		given.new_label = words->words[1];
	return TOOL_DONE;
}

int request_parse(struct tool *tool, int argc, char **argv, struct request *ret_request)
{
	const struct command_line line = {
		.before = "Usage: totp-enroll [SUBCOMMAND] [OPTION...]\n"
			  "Manage the codes from your phone that logins here ask for.\n",
		.after = "Without a subcommand: enroll, or status if you are enrolled.\n"
			 "To change anything you need a current code or a recovery code.\n"
			 "For more about a subcommand: totp-enroll help SUBCOMMAND, and "
			 "totp-enroll(1).\n"
			 "Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
		.usage = "totp-enroll",
		.commands = entries,
		.usual = &commands[REQUEST_ENROLL],
		.options = shared_rows,
		.synonyms = synonyms,
		.hint = geteuid() == 0 ? "to enroll a user: --user NAME" : NULL,
	};
	struct command_words words;
	int code = command_read(&line, tool, argc, argv, &words);

	if (code == TOOL_DONE)
		code = check_choices(tool);
	if (code == TOOL_DONE)
		code = check_together(tool);
	if (code == TOOL_DONE)
		code = take_labels(tool, &words);
	if (code != TOOL_DONE)
		return code;
	if (added || removed)
		given.label = added ? added : removed;
	given.what = words.command ? (enum request_what)(words.command - commands)
		     : added       ? REQUEST_ADD
		     : removed     ? REQUEST_REMOVE
				   : REQUEST_NOTHING;
	given.add = given.what == REQUEST_ADD;
	given.confirm = !no_confirm;
	given.json = tool_json;
	given.done = words.done;
	tool->conf = conf;
	*ret_request = given;
	return TOOL_DONE;
}
