/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl suspend, resume: deny every code of a user for a time, and keep the enrollment. */
#include "common/ctl.h"

#include "login/enroll.h"

struct suspension {
	bool wanted;
	bool was; /* before */
};

static enum totp_err set_suspended(struct ctl *ctl, void *context, struct store_txn *txn,
				   struct reason *why)
{
	struct suspension *suspension = context;
	OWN_CRED struct cred cred = txn->cred;

	(void)ctl;
	suspension->was = cred.disabled;
	if (suspension->was == suspension->wanted)
		return TOTP_OK;
	cred.disabled = suspension->wanted;
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

static int suspend_or_resume(struct ctl *ctl)
{
	bool suspend = ctl->command == &ctl_suspend;
	struct suspension suspension = {.wanted = suspend};
	int code = ctl_edit(ctl, store_read, set_suspended, &suspension);

	if (code != TOOL_DONE)
		return code;
	if (suspension.was == suspend) {
		tool_say(&ctl->tool, SAY_DONE, "unchanged", "%s is %s.", ctl->shown,
			 suspend ? "suspended already" : "not suspended");
		return TOOL_DONE;
	}
	tool_log(&ctl->tool, ctl->account.name, suspend ? "disabled" : "enabled", NULL);
	if (suspend)
		tool_say(&ctl->tool, SAY_DONE, "disabled",
			 "Every code of %s is denied until: %s resume %s", ctl->shown,
			 ctl_line(ctl), ctl->shown);
	else
		tool_say(&ctl->tool, SAY_DONE, "enabled", "Codes of %s are accepted again.",
			 ctl->shown);
	return TOOL_DONE;
}

const struct command ctl_suspend = {
	.name = "suspend",
	.arguments = "USER...",
	.help = "deny every code of users, and keep their enrollment",
	.more = "Recovery codes and temporary codes are denied too, and so is a login from a\n"
		"remembered address. Logins that the policy asks for no code are not affected.\n",
	.options = ctl_json_rows,
	.doing = "suspend users",
	.each_user = suspend_or_resume,
};

const struct command ctl_resume = {
	.name = "resume",
	.arguments = "USER...",
	.help = "accept the codes of suspended users again",
	.options = ctl_json_rows,
	.doing = "resume users",
	.each_user = suspend_or_resume,
};
