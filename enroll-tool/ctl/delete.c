/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl delete: remove a user's enrollment, so that no token and no recovery code works. */
#include "common/ctl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/prompt.h"

static struct {
	bool yes;
} options;

static const struct option_row option_rows[] = {
	{"yes", NULL, "do not ask for confirmation", .flag = &options.yes}, {0}};

/* TOOL_DONE: the answer is yes. */
static int confirm_deletion(const struct ctl *ctl)
{
	char line[PROMPT_MAX], question[CRED_USER_MAX + 64];
	const struct prompt prompt = {.question = question, .out = STDOUT_FILENO};
	bool got = false;

	snprintf(question, sizeof(question), "Delete %s's enrollment? [y/N] ", ctl->shown);
	if (prompt_line(&prompt, line, &got) != TOTP_OK)
		return tool_refuse(&ctl->tool, "the answer cannot be read: %s", strerror(errno));
	if (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0)
		return TOOL_DONE;
	return tool_refuse(&ctl->tool, "%s is still enrolled: nothing was changed", ctl->shown);
}

static int delete_user(struct ctl *ctl)
{
	struct reason why = {""};
	enum totp_err err;
	bool has = true;
	int code;

	err = tool_enrolled(&ctl->tool, ctl->account.name, &has, &why);
	if (err == TOTP_OK && !has)
		return ctl_not_enrolled(ctl);
	code = options.yes ? TOOL_DONE : confirm_deletion(ctl);
	if (code != TOOL_DONE)
		return code;

	err = store_remove(ctl->tool.store, ctl->account.name, tool_deadline(), &why);
	if (err != TOTP_OK)
		return ctl_refuse_record(ctl, err, &why);
	tool_log(&ctl->tool, ctl->account.name, "revoked", NULL);
	tool_say(&ctl->tool, SAY_DONE, "revoked",
		 "%s is no longer enrolled. To enroll again: totp-enroll --user %s", ctl->shown,
		 ctl->shown);
	return TOOL_DONE;
}

static int delete_users(struct ctl *ctl)
{
	int code;

	if (!options.yes && (tool_json || !isatty(STDIN_FILENO)))
		return tool_usage(&ctl->tool,
				  "delete: without a terminal to confirm at, add --yes");
	code = tool_open(&ctl->tool, "delete enrollments");
	return code == TOOL_DONE ? ctl_each_user(ctl, delete_user) : code;
}

const struct command ctl_delete = {
	.name = "delete",
	.arguments = "USER...",
	.help = "delete enrollments: tokens and recovery codes",
	.more = "The policy decides what happens at the user's next login: see 'enforce' and\n"
		"'exempt' in pam_totp.conf(5). To enroll a new phone: totp-enroll --user USER\n",
	.options = option_rows,
	.shared = ctl_json_rows,
	.run = delete_users,
};
