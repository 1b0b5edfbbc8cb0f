/* totpctl disable, enable: refuse every code of a user for a time, and keep what is enrolled. */
#include "common/ctl.h"

#include "login/enroll.h"

struct switching {
	bool disabled; /* what is wanted */
	bool was;      /* it is so already */
};

static enum totp_err set_disabled(struct ctl *ctl, void *context, struct store_txn *txn,
				  struct reason *why)
{
	struct switching *switching = context;
	OWN_CRED struct cred cred = txn->cred;
	struct login_state state;
	enum totp_err err;

	(void)ctl;
	switching->was = cred.disabled == switching->disabled;
	if (switching->was)
		return TOTP_OK;
	cred.disabled = switching->disabled;
	err = enroll_renew(&cred, &txn->cred, &txn->state, &state);
	return err == TOTP_OK ? store_replace(txn, &cred, &state, why) : err;
}

static int switch_user(struct ctl *ctl, const char *doing, bool disabled)
{
	struct switching switching = {.disabled = disabled};
	int code = ctl_open_user(ctl, doing);

	if (code == TOOL_DONE)
		code = ctl_edit(ctl, store_read, set_disabled, &switching);
	if (code != TOOL_DONE)
		return code;
	if (switching.was)
		printf("%s is %s already.\n", ctl->shown, disabled ? "disabled" : "enabled");
	else
		tool_log(&ctl->tool, ctl->account.name, disabled ? "disabled" : "enabled", NULL);
	if (!switching.was && disabled)
		printf("Every code of %s is refused until: totpctl enable %s\n", ctl->shown,
		       ctl->shown);
	else if (!switching.was)
		printf("Codes of %s are accepted again.\n", ctl->shown);
	return TOOL_DONE;
}

int ctl_disable(struct ctl *ctl)
{
	return switch_user(ctl, "disable users", true);
}

int ctl_enable(struct ctl *ctl)
{
	return switch_user(ctl, "enable users", false);
}
