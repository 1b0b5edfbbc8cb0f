/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl helpdesk: what people who are no administrators may do as root, through sudo or pkexec.
 *
 * They choose every word after "helpdesk"; neither sudo nor polkit looks at one. So no subcommand
 * here has an option that reads or writes a file, --conf is no option, and accounts that can become
 * root are left alone: a help desk that could make a temporary code for one would be root.
 */
#include "ctl/helpdesk.h"

#include <errno.h>
#include <unistd.h>

#include "host/conf.h"

static const struct command_entry commands[] = {
	{"Users:\n", &ctl_list}, {NULL, &ctl_show},   {NULL, &ctl_temporary_code},
	{NULL, &ctl_unlock},     {NULL, &ctl_invite}, {NULL, &ctl_uninvite},
	{NULL, &ctl_suspend},    {NULL, &ctl_resume}, {0},
};

const struct command_line helpdesk_line = {
	.before = "Usage: totpctl helpdesk SUBCOMMAND\n\n"
		  "Help users, except root and the accounts that " HELPDESK_FILE "\n"
		  "exempts.\n",
	.after = "For more about a subcommand: totpctl helpdesk help SUBCOMMAND.\n",
	.usage = "totpctl helpdesk",
	.commands = commands,
};

static int refuse_account(const struct ctl *ctl, const char *because)
{
	return tool_say(&ctl->tool, SAY_ERROR, "not_allowed",
			"%s %s: only an administrator can do this", ctl->shown, because);
}

int helpdesk_may(const struct ctl *ctl)
{
	const struct account *account = &ctl->account;
	struct tool tool = ctl->tool; /* messages are about the same user */
	struct reason why = {""};
	bool exempt = true;

	if (ctl->command == &ctl_show)
		return TOOL_DONE;
	if (!account->known)
		return tool_say(&tool, SAY_ERROR, "no_account", "there is no account %s",
				ctl->shown);
	if (account->uid == 0)
		return refuse_account(ctl, "has uid 0");
	if (access(HELPDESK_FILE, F_OK) != 0 && errno == ENOENT)
		return tool_say(&tool, SAY_ERROR, "policy",
				HELPDESK_FILE
				": there is no such file, so the help desk can change "
				"nobody: an administrator installs it, see HELP DESK "
				"in totpctl(8)");
	if (conf_load(HELPDESK_FILE, true, &tool.policy, tool_policy_mistake, &tool) != TOTP_OK)
		return TOOL_REFUSED;
	if (account_is_listed(account, account->name, tool.policy.exempt, &exempt, &why) != TOTP_OK)
		return tool_refuse(&tool, HELPDESK_FILE ": %s", why.text);
	return exempt ? refuse_account(ctl, "is exempt in " HELPDESK_FILE) : TOOL_DONE;
}
