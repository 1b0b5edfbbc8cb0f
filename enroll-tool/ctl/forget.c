/*
 * totpctl forget USER...: end what is remembered, so that the next login from each address
 * needs a code again. For a stolen laptop or phone, and for a bastion that turned out to be
 * shared. Tokens, recovery codes and the places' own throttles stay.
 */
#include "common/ctl.h"

#include <string.h>

#include "login/enroll.h"

struct forgetting {
	bool remembered; /* an address was */
	bool in_run;     /* a reboot undoes it */
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

static int forget_user(struct ctl *ctl, void *context)
{
	struct forgetting forgetting = {0};
	int code = ctl_edit(ctl, store_read, forget, &forgetting);

	(void)context;
	if (code != TOOL_DONE)
		return code;
	if (!forgetting.remembered) {
		printf("%s logged in from no address that could be remembered: nothing is "
		       "changed.\n",
		       ctl->shown);
		return TOOL_DONE;
	}
	tool_log(&ctl->tool, ctl->account.name, "forgotten", NULL);
	printf("%s needs a code at the next login from each address.\n", ctl->shown);
	if (forgetting.in_run)
		return tool_refuse(&ctl->tool,
				   "%s: the disk refuses to be written to, so a restart of this "
				   "host undoes that: run it again when the disk is repaired",
				   ctl->shown);
	return TOOL_DONE;
}

int ctl_forget(struct ctl *ctl)
{
	return ctl_each_user(ctl, "forget addresses", forget_user, NULL);
}
