/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl upgrade: write records of the newest version that this totpctl knows. Until then a
 * program that is newer than the store writes what the older one reads, so that an older program
 * can be installed again. The version of the store changes first and the records follow, one
 * after the other and each under its lock: an older program refuses the store as a whole, and
 * never half of it. It can be interrupted, and run again, at any point.
 */
#include "common/ctl.h"

#include <string.h>

#include "common/enrolled.h"
#include "common/interrupt.h"
#include "login/enroll.h"
#include "common/progress.h"

struct upgrade {
	struct ctl *ctl;
	struct enrolled *enrolled;    /* with a record of an older version */
	size_t older, current, other; /* records by version; those that cannot be read */
	size_t done;
	struct progress progress;
};

/* --- counting --- */

static void count_record(void *context, const struct store_row *row)
{
	struct upgrade *upgrade = context;
	bool older = row->cred_opens && row->txn->cred.version < record_version_newest;

	progress_show(&upgrade->progress, "reading  ", row->number, row->total);
	upgrade->older += older;
	upgrade->current += row->cred_opens && !older;
	if (older)
		enrolled_add(upgrade->enrolled, row->user);
	if (row->cred_opens)
		return;
	upgrade->other++; /* a version that is not known here, or unreadable */
	progress_clear(&upgrade->progress);
	tool_refuse(&upgrade->ctl->tool, "%s: %s", row->user,
		    row->why->text[0] ? row->why->text : err_name(row->err));
}

static int count_records(struct upgrade *upgrade)
{
	const struct tool *tool = &upgrade->ctl->tool;
	struct reason why = {""};
	enum totp_err err = store_each_credential(tool->store, count_record, upgrade, &why);

	progress_clear(&upgrade->progress);
	if (err == TOTP_OK && upgrade->enrolled->no_memory)
		err = TOTP_ERR_NOMEM;
	if (err != TOTP_OK)
		return tool_result(tool, err, &why);
	printf("%zu record%s of version %u, %zu of an older one\n", upgrade->current,
	       upgrade->current == 1 ? "" : "s", (unsigned)record_version_newest, upgrade->older);
	return TOOL_DONE;
}

/* --- writing --- */

/* The store writes its own version; nothing else changes. */
static enum totp_err write_again(struct ctl *ctl, void *context, struct store_txn *txn,
				 struct reason *why)
{
	bool *changed = context;
	OWN_CRED struct cred cred = txn->cred;

	(void)ctl;
	*changed = txn->cred.version < record_version_newest;
	if (!*changed)
		return TOTP_OK;
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

static int upgrade_record(struct upgrade *upgrade, const char *user)
{
	struct ctl *ctl = upgrade->ctl;
	struct reason why = {""};
	bool changed = false;
	enum totp_err err;

	strcpy(ctl->account.name, user);
	text_show(text_of(user), ctl->shown, sizeof(ctl->shown));
	err = ctl_edit_record(ctl, store_read, write_again, &changed, &why);
	if (err == TOTP_ERR_NOT_FOUND) /* removed meanwhile */
		return TOOL_DONE;
	if (err != TOTP_OK)
		return ctl_refuse_record(ctl, err, &why);
	upgrade->done += changed;
	return TOOL_DONE;
}

static int upgrade_records(struct upgrade *upgrade)
{
	const struct enrolled *enrolled = upgrade->enrolled;
	int code = TOOL_DONE;

	for (size_t i = 0; i < enrolled->count && !interrupt_seen(); i++) {
		if (upgrade_record(upgrade, enrolled->users[i]) != TOOL_DONE)
			code = TOOL_REFUSED;
		progress_show(&upgrade->progress, "upgrading", i + 1, enrolled->count);
	}
	progress_clear(&upgrade->progress);
	printf("%zu record%s upgraded\n", upgrade->done, upgrade->done == 1 ? "" : "s");
	if (upgrade->done < upgrade->older && interrupt_seen())
		return tool_refuse(&upgrade->ctl->tool,
				   "interrupted: every record opens; run it again for the others");
	return code;
}

static int upgrade_store(struct ctl *ctl)
{
	OWN_ENROLLED struct enrolled enrolled = {0};
	struct upgrade upgrade = {.ctl = ctl, .enrolled = &enrolled, .progress = progress_begin()};
	struct reason why = {""};
	int code = count_records(&upgrade);

	if (code != TOOL_DONE)
		return code;
	interrupt_watch();
	if (store_info(ctl->tool.store)->version != record_version_newest) {
		if (store_set_newest(ctl->tool.store, tool_deadline(), &why) != TOTP_OK)
			return tool_refuse(&ctl->tool, "%s", why.text);
		tool_log(&ctl->tool, NULL, "upgraded", NULL);
	}
	if (upgrade.older)
		code = upgrade_records(&upgrade);
	return upgrade.other ? TOOL_REFUSED : code;
}

const struct command ctl_upgrade = {
	.name = "upgrade",
	.help = "write the store in the newest format",
	.more = "Until you run this, a new totpctl writes what the version before it can read.\n"
		"First make sure that only the new version runs: restart totpd. Afterwards an\n"
		"older version rejects the store. If it is interrupted, run it again.\n",
	.doing = "upgrade records",
	.run = upgrade_store,
};
