/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl's command line: its subcommands, in the order of --help. */
#include <string.h>

#include "ctl/helpdesk.h"

static const struct command family_key = {
	.name = "key", .arguments = "SUBCOMMAND", .help = "the keys that encrypt the store"};
static const struct command family_store = {.name = "store",
					    .arguments = "SUBCOMMAND",
					    .help = "where credentials and used codes are stored"};

static const struct command family_fleet = {.name = "fleet",
					    .arguments = "SUBCOMMAND",
					    .help = "many hosts whose codes are checked together"};
static const struct command family_fleet_cert = {
	.name = "fleet cert",
	.arguments = "SUBCOMMAND",
	.help = "the certificates of verifiers, login hosts and etcd",
	.more = "All are in one DIRECTORY. Each host gets its part of it: pam_totp-fleet(7).\n"};
static const struct command family_helpdesk = {
	.name = "helpdesk",
	.arguments = "SUBCOMMAND",
	.help = "help users without being an administrator",
	.more = "It has to be the first word. For the subcommands: totpctl helpdesk --help\n"};

static const struct command_entry commands[] = {
	{"This host:\n", &ctl_init},
	{NULL, &ctl_check},
	{NULL, &ctl_policy},
	{NULL, &ctl_doctor},
	{NULL, &ctl_upgrade},
	{NULL, &family_key},
	{NULL, &ctl_key_list},
	{NULL, &ctl_key_rotate},
	{NULL, &ctl_key_backup},
	{NULL, &ctl_key_restore},
	{NULL, &ctl_key_seal},
	{NULL, &family_store},
	{NULL, &ctl_store_init},
	{NULL, &ctl_store_accept},
	{NULL, &ctl_store_status},
	{NULL, &family_fleet},
	{NULL, &family_fleet_cert},
	{NULL, &ctl_fleet_cert_ca},
	{NULL, &ctl_fleet_cert_verifier},
	{NULL, &ctl_fleet_cert_host},
	{NULL, &ctl_fleet_cert_etcd},
	{NULL, &ctl_fleet_cert_renew},
	{NULL, &ctl_fleet_cert_list},
	{"Users:\n", &ctl_list},
	{NULL, &ctl_report},
	{NULL, &ctl_metrics},
	{NULL, &ctl_log},
	{NULL, &ctl_show},
	{NULL, &ctl_test},
	{NULL, &ctl_enroll},
	{NULL, &ctl_import},
	{NULL, &ctl_import_google},
	{NULL, &ctl_import_oath},
	{NULL, &ctl_import_totpcgi},
	{NULL, &ctl_import_otpauth},
	{NULL, &ctl_import_pskc},
	{NULL, &ctl_import_tokens},
	{NULL, &ctl_import_exported},
	{NULL, &ctl_import_sealed},
	{NULL, &ctl_import_csv},
	{NULL, &ctl_export},
	{NULL, &ctl_recovery},
	{NULL, &ctl_temporary_code},
	{NULL, &ctl_resync},
	{NULL, &ctl_unlock},
	{NULL, &ctl_forget},
	{NULL, &ctl_invite},
	{NULL, &ctl_uninvite},
	{NULL, &ctl_suspend},
	{NULL, &ctl_resume},
	{NULL, &ctl_delete},
	{NULL, &family_helpdesk},
	{"Repairs that a log line asks for:\n", &ctl_repair},
	{NULL, &ctl_repair_clock},
	{NULL, &ctl_adopt},
	{0},
};

static const struct command_synonym synonyms[] = {
	{"disable", "suspend"},       {"lock", "suspend"},  {"enable", "resume"},
	{"revoke", "delete"},         {"remove", "delete"}, {"reset", "unlock"},
	{"bypass", "temporary-code"}, {"add", "enroll"},    {"users", "list"},
	{"status", "show"},           {"verify", "test"},   {0},
};

int main(int argc, char **argv)
{
	static struct ctl ctl = {.tool = {.name = "totpctl"}};
	static const struct option_row options[] = {
		{"conf", "FILE", "read this policy instead of " POLICY_FILE,
		 .text = &ctl.tool.conf},
		{0},
	};
	static const struct command_line administrator = {
		.before = "Usage: totpctl [--conf FILE] SUBCOMMAND [ARGUMENTS]\n"
			  "Manage the verification codes of this host's users.\n",
		.after = "For more about a subcommand: totpctl help SUBCOMMAND, and totpctl(8).\n"
			 "Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
		.usage = "totpctl [--conf FILE]",
		.commands = commands,
		.options = options,
		.synonyms = synonyms,
	};
	const struct command_line *line = &administrator;
	struct command_words words;
	int code = tool_begin(&ctl.tool);

	if (code != TOOL_DONE)
		return code;
	if (argc > 1 && strcmp(argv[1], family_helpdesk.name) == 0) {
		line = &helpdesk_line;
		ctl.may = helpdesk_may;
		ctl.tool.line = line->usage;
		argc--;
		argv++;
	}
	code = command_read(line, &ctl.tool, argc, argv, &words);
	if (code == TOOL_DONE && !words.done) {
		ctl.command = words.command;
		ctl.word_count = words.count;
		ctl.words = words.words;
		if (words.command->doing)
			code = tool_open(&ctl.tool, words.command->doing);
		if (code == TOOL_DONE)
			code = words.command->run ? words.command->run(&ctl)
						  : ctl_each_user(&ctl, words.command->each_user);
	}
	return tool_end(&ctl.tool, code);
}
