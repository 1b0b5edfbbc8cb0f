/*
 * totpctl upgrade: records of the newest version that this totpctl knows. Until then a program
 * that is newer than the store writes what the older one reads, so that one can go back. The
 * store is told first and the records follow, one after the other and each under its lock: an
 * older program refuses the store as a whole, and never half of it. It can be interrupted, and
 * run again, at any point.
 */
#include "common/ctl.h"

#include <string.h>

#include "common/enrolled.h"
#include "common/interrupt.h"
#include "login/enroll.h"
#include "common/progress.h"

struct upgrade {
	struct ctl *ctl;
	struct enrolled enrolled;
	size_t older, current, other; /* records by version; those that cannot be read */
	size_t done;
	struct progress progress;
};

static void upgrade_end(struct upgrade *upgrade)
{
	enrolled_end(&upgrade->enrolled);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* --- what there is --- */

/* One that this program does not know, or cannot read, is named. */
static void refuse_record(struct upgrade *upgrade, const char *user, enum totp_err err,
			  const struct reason *why)
{
	char shown[CRED_USER_MAX + 1];

	upgrade->other++;
	progress_clear(&upgrade->progress);
	text_printable(text_of(user), shown, sizeof(shown));
	tool_refuse(&upgrade->ctl->tool, "%s: %s", shown, why->text[0] ? why->text : err_name(err));
}

static void count_record(struct upgrade *upgrade, const char *user)
{
	struct store *store = upgrade->ctl->tool.store;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	enum totp_err err = store_read_cred(store, user, &txn, &why);

	if (err == TOTP_ERR_NOT_FOUND)
		return; /* removed meanwhile */
	if (err != TOTP_OK)
		refuse_record(upgrade, user, err, &why);
	else if (txn.cred.version < record_version_newest)
		upgrade->older++;
	else
		upgrade->current++;
}

static int count_records(struct upgrade *upgrade)
{
	int code = enrolled_list(&upgrade->ctl->tool, &upgrade->enrolled);

	for (size_t i = 0; code == TOOL_DONE && i < upgrade->enrolled.count; i++) {
		count_record(upgrade, upgrade->enrolled.users[i]);
		progress_show(&upgrade->progress, "reading  ", i + 1, upgrade->enrolled.count);
	}
	progress_clear(&upgrade->progress);
	if (code != TOOL_DONE)
		return code;
	printf("%zu record%s of version %u, %zu of an older one\n", upgrade->current,
	       plural(upgrade->current), (unsigned)record_version_newest, upgrade->older);
	return code;
}

/* --- writing --- */

/* The store writes its own version: that alone is what changes. */
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
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	bool changed = false;
	int code;

	if (store_read_cred(ctl->tool.store, user, &txn, NULL) != TOTP_OK ||
	    txn.cred.version >= record_version_newest)
		return TOOL_DONE; /* told, removed or new */
	store_end(&txn);
	strcpy(ctl->account.name, user);
	text_printable(text_of(user), ctl->shown, sizeof(ctl->shown));
	code = ctl_edit(ctl, store_read, write_again, &changed);
	upgrade->done += code == TOOL_DONE && changed;
	return code;
}

static int upgrade_records(struct upgrade *upgrade)
{
	const struct enrolled *enrolled = &upgrade->enrolled;
	int code = TOOL_DONE;

	for (size_t i = 0; i < enrolled->count && !interrupt_seen(); i++) {
		if (upgrade_record(upgrade, enrolled->users[i]) != TOOL_DONE)
			code = TOOL_REFUSED;
		progress_show(&upgrade->progress, "upgrading", i + 1, enrolled->count);
	}
	progress_clear(&upgrade->progress);
	printf("%zu record%s upgraded\n", upgrade->done, plural(upgrade->done));
	if (upgrade->done < upgrade->older && interrupt_seen())
		return tool_refuse(&upgrade->ctl->tool,
				   "interrupted: every record opens; run it again for the others");
	return code;
}

static int tell_store(const struct upgrade *upgrade)
{
	const struct tool *tool = &upgrade->ctl->tool;
	struct reason why = {""};

	if (store_version(tool->store) == record_version_newest)
		return TOOL_DONE;
	if (store_set_newest(tool->store, &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	tool_log(tool, NULL, "upgraded", NULL);
	return TOOL_DONE;
}

int ctl_upgrade(struct ctl *ctl)
{
	OWN(upgrade_end) struct upgrade upgrade = {.ctl = ctl, .progress = progress_begin()};
	int code = tool_open(&ctl->tool, "upgrade records");

	if (code == TOOL_DONE)
		code = count_records(&upgrade);
	if (code != TOOL_DONE)
		return code;
	interrupt_watch();
	code = tell_store(&upgrade);
	if (code == TOOL_DONE && upgrade.older)
		code = upgrade_records(&upgrade);
	return upgrade.other ? TOOL_REFUSED : code;
}
