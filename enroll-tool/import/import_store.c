/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second half of an import: new records are stored all at once or not at all; existing records
 * are replaced one after the other, each under its lock. An interruption removes the new records,
 * or stops between two replacements.
 */
#include "import/import.h"

#include <string.h>

#include "common/interrupt.h"
#include "common/json.h"
#include "host/clock.h"
#include "login/enroll.h"

/* --- storing --- */

static enum totp_err next_new(void *context, size_t index, struct cred *ret_cred,
			      struct login_state *ret_state)
{
	struct import *import = context;
	OWN_DRAFT struct draft draft;
	enum totp_err err;

	progress_show(&import->progress, "importing", index + 1, import->fates[FATE_NEW]);
	if (interrupt_seen())
		return TOTP_ERR_SYSTEM;
	while (import->items[import->created].fate != FATE_NEW)
		import->created++;
	err = item_unpack(&import->items[import->created++], &draft);
	if (err == TOTP_OK) {
		*ret_cred = draft.cred;
		*ret_state = draft.state;
	}
	return err;
}

static int create_new(struct import *import)
{
	const struct tool *tool = &import->ctl->tool;
	struct reason why = {""};
	const struct store_many many = {import->fates[FATE_NEW], next_new, import};
	const char *sentence = why.text;
	size_t done = 0, told = 0;
	enum totp_err err = store_create_many(tool->store, &many, &done, &why);

	progress_clear(&import->progress);
	for (size_t i = 0; i < import->count && told < done; i++) {
		if (import->items[i].fate != FATE_NEW)
			continue;
		tool_log(tool, import->items[i].user, "imported", NULL);
		told++;
	}
	if (err == TOTP_OK)
		return TOOL_DONE;
	if (interrupt_seen())
		sentence = "interrupted";
	if (done || err == TOTP_ERR_TIMEOUT)
		return tool_refuse(tool,
				   "%s: %zu of %zu new users are imported%s; run it again for the "
				   "others",
				   sentence, done, many.count,
				   err == TOTP_ERR_TIMEOUT ? ", and perhaps more" : "");
	return interrupt_seen() ? tool_refuse(tool, "interrupted: nothing is imported")
				: tool_refuse(tool, "nothing is imported: %s", sentence);
}

/* Start from the draft each time: a login may have changed the record meanwhile. */
static enum totp_err put_in_place(struct ctl *ctl, void *context, struct store_txn *txn,
				  struct reason *why)
{
	OWN_DRAFT struct draft draft = *(const struct draft *)context;

	(void)ctl;
	enroll_inherit(&draft.cred, &draft.state, &txn->cred, &txn->state);
	return store_replace(txn, &draft.cred, &draft.state, why);
}

static int replace_one(struct import *import, const struct item *item)
{
	struct ctl *ctl = import->ctl;
	OWN_DRAFT struct draft draft;
	enum totp_err err = item_unpack(item, &draft);

	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", err_name(err));
	strcpy(ctl->account.name, item->user);
	ctl->account.known = item->known;
	text_show(text_of(item->user), ctl->shown, sizeof(ctl->shown));
	return ctl_edit(ctl, store_read, put_in_place, &draft);
}

static int replace_old(struct import *import, size_t *ret_replaced)
{
	size_t total = import->fates[FATE_REPLACE];
	int code = TOOL_DONE;

	for (size_t i = 0; i < import->count && !interrupt_seen(); i++) {
		if (import->items[i].fate != FATE_REPLACE)
			continue;
		progress_show(&import->progress, "replacing", *ret_replaced + 1, total);
		if (replace_one(import, &import->items[i]) != TOOL_DONE) {
			code = TOOL_REFUSED;
			continue;
		}
		(*ret_replaced)++;
		tool_log(&import->ctl->tool, import->items[i].user, "replaced", NULL);
	}
	progress_clear(&import->progress);
	if (interrupt_seen() && *ret_replaced < total)
		code = tool_refuse(
			&import->ctl->tool,
			"interrupted: %zu of %zu records are replaced, the others are as they were",
			*ret_replaced, total);
	return code;
}

/* --- messages --- */

static const char *const fates[] = {[FATE_NEW] = "import",
				    [FATE_REPLACE] = "replace",
				    [FATE_KEEP] = "keep",
				    [FATE_SAME] = "unchanged"};

/* "3 users imported, 1 replaced, 2 kept"; a count of 0 is printed for the first only. */
static void print_counts(const struct import *import, size_t replaced)
{
	const size_t *of = import->fates;

	printf("%zu user%s imported", of[FATE_NEW], of[FATE_NEW] == 1 ? "" : "s");
	if (replaced)
		printf(", %zu replaced", replaced);
	if (of[FATE_KEEP])
		printf(", %zu kept", of[FATE_KEEP]);
	if (of[FATE_SAME])
		printf(", %zu unchanged", of[FATE_SAME]);
	printf("\n");
}

/* Report what is not imported. An exit code. */
static int tell_left_out(const struct import *import)
{
	const struct tool *tool = &import->ctl->tool;

	if (import->bad)
		tool_refuse(tool, "%zu left out", import->bad);
	if (import->lost)
		tool_refuse(tool, "%zu thing%s not imported", import->lost,
			    import->lost == 1 ? "" : "s");
	return import->bad || import->lost || import->fates[FATE_KEEP] ? TOOL_REFUSED : TOOL_DONE;
}

static int tell_dry_run_json(const struct import *import)
{
	struct json json;
	int code;

	json_begin(&json, '[');
	for (size_t i = 0; i < import->count; i++) {
		const struct item *item = &import->items[i];

		json_open(&json, NULL, '{');
		json_text(&json, "user", item->user);
		json_text(&json, "what", fates[item->fate]);
		json_bool(&json, "account", item->known);
		json_number(&json, "tokens", item->tokens);
		json_number(&json, "recovery_codes", item->codes);
		json_close(&json, '}');
	}
	code = tool_end_json(&import->ctl->tool, &json);
	return tell_left_out(import) == TOOL_DONE ? code : TOOL_REFUSED;
}

static int tell_dry_run(const struct import *import)
{
	if (import_options.json)
		return tell_dry_run_json(import);
	for (size_t i = 0; i < import->count; i++) {
		const struct item *item = &import->items[i];
		char user[CRED_USER_MAX + 1];

		text_show(text_of(item->user), user, sizeof(user));
		printf("%-9s  %s", fates[item->fate], user);
		if (item->fate != FATE_KEEP)
			printf(": %u token%s", item->tokens, item->tokens == 1 ? "" : "s");
		if (item->fate != FATE_KEEP && item->codes)
			printf(", %u recovery code%s", item->codes, item->codes == 1 ? "" : "s");
		printf("%s\n", item->known ? "" : "; there is no such account yet");
	}
	printf("nothing is changed; it would be: ");
	print_counts(import, import->fates[FATE_REPLACE]);
	return tell_left_out(import);
}

static int store_or_report(struct import *import)
{
	const struct ctl *ctl = import->ctl;
	size_t replaced = 0;
	int code, left_out;

	if (import->bad && !import_options.keep_going) {
		if (import_options.dry_run)
			tell_dry_run(import);
		return tool_refuse(&ctl->tool,
				   "nothing is imported: %zu of %zu cannot be; correct that, or "
				   "leave them out "
				   "with --keep-going",
				   import->bad, import->count + import->bad);
	}
	if (import_options.dry_run)
		return tell_dry_run(import);

	interrupt_watch();
	code = create_new(import);
	if (code != TOOL_DONE)
		return code;
	code = replace_old(import, &replaced);
	print_counts(import, replaced);
	if (code == TOOL_DONE && interrupt_seen())
		tool_refuse(&ctl->tool, "interrupted too late: all records are stored");
	left_out = tell_left_out(import);
	return code == TOOL_DONE ? left_out : code;
}

int import_run(struct ctl *ctl, struct import *import, import_read_fn *read)
{
	struct reason why = {""};
	enum totp_err err;
	int code;

	if (import_options.json && !import_options.dry_run)
		return tool_usage(&ctl->tool, "import: --json goes with --dry-run");
	code = tool_open(&ctl->tool, "import users");
	if (code != TOOL_DONE)
		return code;
	import->ctl = ctl;
	import->now = clock_now();
	import->progress = progress_begin();
	err = read(import, &why);
	progress_clear(&import->progress);
	if (err == TOTP_OK)
		code = store_or_report(import);
	else
		code = tool_refuse(&ctl->tool, "nothing is imported: %s",
				   why.text[0] ? why.text : err_name(err));
	import_end(import);
	return code;
}
