/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl recovery USER: new recovery codes instead of all that there were. With --save they are
 * on the disk before the old ones become invalid. The codes that are printed are those that are
 * stored, however often a login comes between.
 */
#include "common/ctl.h"

#include "login/enroll.h"
#include "common/recovery_file.h"
#include "common/interrupt.h"

static struct {
	const char *save;
} options;

static const struct option_row option_rows[] = {
	{"save", "FILE", "write them to this new file instead, readable by its owner only",
	 .text = &options.save},
	{0},
};

static enum totp_err replace_codes(struct ctl *ctl, void *context, struct store_txn *txn,
				   struct reason *why)
{
	OWN_CRED struct cred cred = txn->cred;

	(void)ctl;
	enroll_set_recovery(&cred, context);
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

/* made: only the hashes of its recovery codes count. */
static int make_new_codes(const struct ctl *ctl, struct cred *ret_made,
			  struct recovery_code ret_codes[RECOVERY_MAX])
{
	unsigned count = ctl->tool.policy.recovery_codes;
	enum totp_err err;

	if (count == 0)
		return tool_say(&ctl->tool, SAY_ERROR, "no_recovery_codes",
				"the policy has recovery_codes = 0, so this host makes none");
	err = recovery_make(ret_made, count, ret_codes);
	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "no codes could be made: %s", err_name(err));
	return TOOL_DONE;
}

static int replace_and_print(struct ctl *ctl, struct cred *made, const struct recovery_code *codes)
{
	OWN_OUTFILE struct outfile file = OUTFILE_NONE;
	const struct recovery_file page = {ctl->account.name, codes, made->recovery_count};
	int code = outfile_create(&ctl->tool, options.save, &file);

	if (code == TOOL_DONE && options.save)
		code = recovery_file_save(&ctl->tool, &page, &file);
	if (code == TOOL_DONE)
		code = ctl_edit(ctl, store_read, replace_codes, made);
	if (code != TOOL_DONE)
		return code;
	tool_log(&ctl->tool, ctl->account.name, "recovery-codes-made", NULL);
	return recovery_file_hand_out(&ctl->tool, &page, &file);
}

static int make_recovery_codes(struct ctl *ctl)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_CRED struct cred made = {.version = 0};
	struct recovery_code codes[RECOVERY_MAX];
	struct reason why = {""};
	/* before a file is made */
	enum totp_err err =
		store_read(ctl->tool.store, ctl->account.name, tool_deadline(), &txn, &why);
	int code;

	store_end(&txn);
	if (err != TOTP_OK && err != TOTP_ERR_STALE)
		return ctl_refuse_record(ctl, err, &why);
	code = make_new_codes(ctl, &made, codes);
	if (code == TOOL_DONE) {
		interrupt_hold(); /* codes that are stored are printed */
		code = replace_and_print(ctl, &made, codes);
	}
	WIPE(codes);
	return code;
}

const struct command ctl_recovery = {
	.name = "recovery",
	.arguments = "USER",
	.help = "make new recovery codes; the old ones become invalid",
	.more = "They are shown once, on a page that can be printed.\n",
	.options = option_rows,
	.shared = ctl_json_rows,
	.doing = "make recovery codes",
	.each_user = make_recovery_codes,
};
