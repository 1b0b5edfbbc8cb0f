/*
 * totpctl recovery USER: new recovery codes, in the place of all that there were. They are
 * made and, where --save is given, written to the disk before the old ones go; what is told
 * is what is stored, however often a login comes between.
 */
#include "common/ctl.h"

#include "login/enroll.h"
#include "common/recovery_file.h"
#include "common/interrupt.h"

struct new_codes {
	struct cred made; /* nothing of it but the recovery codes' hashes counts */
	struct recovery_code codes[RECOVERY_MAX];
};

#define OWN_NEW_CODES OWN(new_codes_wipe)

static void new_codes_wipe(struct new_codes *new)
{
	WIPE(*new);
}

static enum totp_err replace_codes(struct ctl *ctl, void *context, struct store_txn *txn,
				   struct reason *why)
{
	const struct cred *made = &((const struct new_codes *)context)->made;
	OWN_CRED struct cred cred = txn->cred;

	(void)ctl;
	enroll_set_recovery(&cred, made);
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

static int make_codes(struct ctl *ctl, struct new_codes *new)
{
	unsigned count = ctl->tool.policy.recovery_codes;
	enum totp_err err;

	if (count == 0)
		return tool_refuse(&ctl->tool,
				   "the policy has recovery_codes = 0: none are given out here");
	err = recovery_make(&new->made, count, new->codes);
	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "no codes could be made: %s", err_name(err));
	return TOOL_DONE;
}

/* Refuse who has no sound record before a file is made for them. */
static int check_record(const struct ctl *ctl)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	enum totp_err err = store_read(ctl->tool.store, ctl->account.name, &txn, &why);

	return err == TOTP_OK || err == TOTP_ERR_STALE ? TOOL_DONE
						       : ctl_refuse_record(ctl, err, &why);
}

static int replace_and_tell(struct ctl *ctl, struct new_codes *new)
{
	OWN_OUTFILE struct outfile file = OUTFILE_NONE;
	const struct recovery_file sheet = {ctl->account.name, new->codes,
					    new->made.recovery_count};
	int code = outfile_create(&ctl->tool, ctl->save, &file);

	if (code == TOOL_DONE && ctl->save)
		code = recovery_file_save(&ctl->tool, &sheet, &file);
	if (code == TOOL_DONE)
		code = ctl_edit(ctl, store_read, replace_codes, new);
	if (code != TOOL_DONE)
		return code;
	tool_log(&ctl->tool, ctl->account.name, "recovery-codes-made", NULL);
	return recovery_file_hand_out(&ctl->tool, &sheet, &file);
}

int ctl_recovery(struct ctl *ctl)
{
	OWN_NEW_CODES struct new_codes new = {0};
	int code = ctl_open_user(ctl, "make recovery codes");

	if (code == TOOL_DONE)
		code = check_record(ctl);
	if (code == TOOL_DONE)
		code = make_codes(ctl, &new);
	if (code != TOOL_DONE)
		return code;
	interrupt_hold(); /* what is stored is reported */
	return replace_and_tell(ctl, &new);
}
