/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl forget USER...: remember no address any more, so that the next login from each needs a
 * code again. For a stolen laptop or phone, and for a bastion host that proved to be shared.
 * Tokens, recovery codes and the throttles of the addresses stay.
 */
#include "common/ctl.h"

#include <string.h>

#include "login/enroll.h"

struct forgetting {
	bool remembered; /* an address was */
	bool in_run;     /* a restart of the host undoes it */
};

static enum totp_err forget(struct ctl *ctl, void *context, struct store_txn *txn,
			    struct reason *why)
{
	struct forgetting *forgetting = context;
	struct login_state next = txn->state;
	enum totp_err err;

	(void)ctl;
	forgetting->remembered = enroll_forget(&next);
	if (!forgetting->remembered)
		return TOTP_OK;
	err = store_commit(txn, &next, why);
	forgetting->in_run = txn->in_run;
	return err;
}

static int forget_user(struct ctl *ctl)
{
	struct forgetting forgetting = {0};
	int code = ctl_edit(ctl, store_read, forget, &forgetting);

	if (code != TOOL_DONE)
		return code;
	if (!forgetting.remembered) {
		tool_say(&ctl->tool, SAY_DONE, "unchanged",
			 "No address of %s is remembered: nothing is changed.", ctl->shown);
		return TOOL_DONE;
	}
	tool_log(&ctl->tool, ctl->account.name, "forgotten", NULL);
	tool_say(&ctl->tool, SAY_DONE, "forgotten",
		 "%s needs a code at the next login from each address.", ctl->shown);
	if (forgetting.in_run)
		return tool_say(&ctl->tool, SAY_ERROR, "in_run_dir",
				"%s: the disk cannot be written, so a restart of this host undoes "
				"that: run it again when the disk is repaired",
				ctl->shown);
	return TOOL_DONE;
}

const struct command ctl_forget = {
	.name = "forget",
	.arguments = "USER...",
	.help = "ask for a code again from every address",
	.more = "Ends what 'remember' in pam_totp.conf(5) allows, for example after a theft.\n"
		"Tokens and recovery codes stay as they are.\n",
	.options = ctl_json_rows,
	.doing = "forget addresses",
	.each_user = forget_user,
};
