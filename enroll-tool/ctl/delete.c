/* totpctl delete: remove a user's enrollment, so that no token and no recovery code works. */
#include "common/ctl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/prompt.h"

/* TOOL_DONE: the administrator says yes. */
static int confirm(const struct ctl *ctl)
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

static int delete (struct ctl *ctl, void *context)
{
	struct reason why = {""};
	enum totp_err err;
	bool has = true;
	int code;

	(void)context;
	err = store_has(ctl->tool.store, ctl->account.name, &has, &why);
	if (err == TOTP_OK && !has)
		return ctl_not_enrolled(ctl);
	code = ctl->yes ? TOOL_DONE : confirm(ctl);
	if (code != TOOL_DONE)
		return code;

	err = store_remove(ctl->tool.store, ctl->account.name, tool_deadline(), &why);
	if (err != TOTP_OK)
		return ctl_refuse_record(ctl, err, &why);
	tool_log(&ctl->tool, ctl->account.name, "revoked", NULL);
	printf("%s is no longer enrolled. To enroll again: totp-enroll --user %s\n", ctl->shown,
	       ctl->shown);
	return TOOL_DONE;
}

int ctl_delete(struct ctl *ctl)
{
	if (!ctl->yes && !isatty(STDIN_FILENO))
		return tool_usage(&ctl->tool,
				  "delete: without a terminal to confirm at, add --yes");
	return ctl_each_user(ctl, "delete enrollments", delete, NULL);
}
