/* totpctl adopt USER: bind a record to the uid that the account has now. */
#include "common/ctl.h"

#include "login/enroll.h"

struct adopt {
	bool was_bound;
	uint32_t was_uid;
	bool changed;
};

static enum totp_err bind_uid(struct ctl *ctl, void *context, struct store_txn *txn,
			      struct reason *why)
{
	OWN_CRED struct cred cred = txn->cred;
	struct adopt *adopt = context;

	adopt->was_bound = cred.uid_bound;
	adopt->was_uid = cred.uid;
	adopt->changed = !cred.uid_bound || cred.uid != ctl->account.uid;
	if (!adopt->changed)
		return TOTP_OK;

	cred.uid_bound = true;
	cred.uid = ctl->account.uid;
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

static void print_adopt(const struct ctl *ctl, const struct adopt *adopt)
{
	unsigned uid = ctl->account.uid;

	if (!adopt->changed)
		printf("The record of %s belongs to uid %u already: nothing is changed.\n",
		       ctl->shown, uid);
	else if (adopt->was_bound)
		printf("The record of %s belonged to uid %u and now belongs to uid %u.\n",
		       ctl->shown, (unsigned)adopt->was_uid, uid);
	else
		printf("The record of %s was bound to no uid and now belongs to uid %u.\n",
		       ctl->shown, uid);
}

static int adopt_user(struct ctl *ctl)
{
	struct adopt adopt = {0};
	int code = ctl_open_user(ctl, "adopt records");

	if (code == TOOL_DONE && !ctl->account.known)
		code = tool_refuse(&ctl->tool, "there is no account %s: create it first",
				   ctl->shown);
	if (code == TOOL_DONE)
		code = ctl_edit(ctl, store_read, bind_uid, &adopt);
	if (code != TOOL_DONE)
		return code;
	if (adopt.changed)
		tool_log(&ctl->tool, ctl->account.name, "adopted", NULL);
	print_adopt(ctl, &adopt);
	return TOOL_DONE;
}

const struct command ctl_adopt = {
	.name = "adopt",
	.arguments = "USER",
	.help = "the account has a new uid: let it keep its tokens",
	.more = "First make sure that it is the same person: the tokens that are enrolled then\n"
		"work for the account as it is now.\n",
	.min = 1,
	.max = 1,
	.run = adopt_user,
};
