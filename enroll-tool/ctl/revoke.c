/* totpctl revoke USER: no token and no recovery code of the user works any more. */
#include "common/ctl.h"

int ctl_revoke(struct ctl *ctl)
{
	struct reason why = {""};
	enum totp_err err;
	int code = ctl_open_user(ctl, "revoke tokens");

	if (code != TOOL_DONE)
		return code;
	err = store_remove(ctl->tool.store, ctl->account.name, tool_deadline(), &why);
	if (err != TOTP_OK)
		return ctl_refuse_record(ctl, err, &why);

	tool_log(&ctl->tool, ctl->account.name, "revoked", NULL);
	printf("%s is no longer enrolled. To enrol again: totp-enroll --user %s\n", ctl->shown,
	       ctl->shown);
	return TOOL_DONE;
}
