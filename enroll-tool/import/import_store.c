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
#include "record/recovery.h"

static size_t count_fate(const struct import *import, enum fate fate)
{
	size_t count = 0;

	for (size_t i = 0; i < import->count; i++)
		count += import->items[i].fate == fate;
	return count;
}

static const char *ending_of(size_t count)
{
	return count == 1 ? "" : "s";
}

/* --- storing --- */

/* The context of the store's callback. */
struct creation {
	struct import *import;
	size_t at; /* the item that comes next */
	size_t count;
};

static enum totp_err next_new(void *context, size_t index, struct cred *ret_cred,
			      struct login_state *ret_state)
{
	struct creation *creation = context;
	struct import *import = creation->import;
	OWN_NEW_TOKEN struct new_token draft;
	const struct item *item;
	enum totp_err err;

	progress_show(&import->progress, "importing", index + 1, creation->count);
	if (interrupt_seen())
		return TOTP_ERR_SYSTEM;
	while (import->items[creation->at].fate != FATE_NEW)
		creation->at++;
	item = &import->items[creation->at++];
	err = new_token_unpack(item->packed, item->len, &draft);
	if (err == TOTP_OK) {
		*ret_cred = draft.cred;
		*ret_state = draft.state;
	}
	return err;
}

static int create_new(struct import *import)
{
	struct creation creation = {.import = import, .count = count_fate(import, FATE_NEW)};
	const struct tool *tool = &import->ctl->tool;
	struct reason why = {""};
	enum totp_err err =
		store_create_many(tool->store, creation.count, next_new, &creation, &why);

	progress_clear(&import->progress);
	if (err != TOTP_OK)
		return interrupt_seen() ? tool_refuse(tool, "interrupted: nothing is imported")
					: tool_refuse(tool, "nothing is imported: %s", why.text);
	for (size_t i = 0; i < import->count; i++)
		if (import->items[i].fate == FATE_NEW)
			tool_log(tool, import->items[i].user, "imported", NULL);
	return TOOL_DONE;
}

/* Start from the draft each time: a login may have changed the record meanwhile. */
static enum totp_err put_in_place(struct ctl *ctl, void *context, struct store_txn *txn,
				  struct reason *why)
{
	OWN_NEW_TOKEN struct new_token draft = *(const struct new_token *)context;

	(void)ctl;
	enroll_inherit(&draft.cred, &draft.state, &txn->cred, &txn->state);
	return store_replace(txn, &draft.cred, &draft.state, why);
}

static int replace_one(struct import *import, const struct item *item)
{
	struct ctl *ctl = import->ctl;
	OWN_NEW_TOKEN struct new_token draft;
	enum totp_err err = new_token_unpack(item->packed, item->len, &draft);

	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", err_name(err));
	strcpy(ctl->account.name, item->user);
	ctl->account.known = item->known;
	text_printable(text_of(item->user), ctl->shown, sizeof(ctl->shown));
	return ctl_edit(ctl, store_read, put_in_place, &draft);
}

static int replace_old(struct import *import, size_t *ret_replaced)
{
	size_t total = count_fate(import, FATE_REPLACE);
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
static void print_counts(const struct import *import, size_t created, size_t replaced)
{
	size_t kept = count_fate(import, FATE_KEEP), same = count_fate(import, FATE_SAME);

	printf("%zu user%s imported", created, ending_of(created));
	if (replaced)
		printf(", %zu replaced", replaced);
	if (kept)
		printf(", %zu kept", kept);
	if (same)
		printf(", %zu unchanged", same);
	printf("\n");
}

/* Report what is not imported. An exit code. */
static int tell_left_out(const struct import *import)
{
	const struct tool *tool = &import->ctl->tool;

	if (import->bad)
		tool_refuse(tool, "%zu left out", import->bad);
	if (import->lost)
		tool_refuse(tool, "%zu thing%s not carried over", import->lost,
			    ending_of(import->lost));
	return import->bad || import->lost || count_fate(import, FATE_KEEP) ? TOOL_REFUSED
									    : TOOL_DONE;
}

static void put_item(struct json *json, const struct item *item)
{
	OWN_NEW_TOKEN struct new_token draft;

	if (new_token_unpack(item->packed, item->len, &draft) != TOTP_OK)
		return;
	json_open(json, NULL, '{');
	json_text(json, "user", item->user);
	json_text(json, "what", fates[item->fate]);
	json_bool(json, "account", item->known);
	json_number(json, "tokens", draft.cred.token_count);
	json_number(json, "recovery_codes", recovery_left(&draft.cred, &draft.state));
	json_close(json, '}');
}

static int tell_dry_run_json(const struct import *import)
{
	struct json json;
	int code;

	json_begin(&json, '[');
	for (size_t i = 0; i < import->count; i++)
		put_item(&json, &import->items[i]);
	code = json_end(&import->ctl->tool, &json);
	return tell_left_out(import) == TOOL_DONE ? code : TOOL_REFUSED;
}

static int tell_dry_run(const struct import *import)
{
	if (import_options.json)
		return tell_dry_run_json(import);
	for (size_t i = 0; i < import->count; i++) {
		const struct item *item = &import->items[i];
		OWN_NEW_TOKEN struct new_token draft;
		char user[CRED_USER_MAX + 1], text[64] = "";

		text_printable(text_of(item->user), user, sizeof(user));
		if (item->fate != FATE_KEEP &&
		    new_token_unpack(item->packed, item->len, &draft) == TOTP_OK)
			new_token_describe(&draft, text, sizeof(text));
		printf("%-9s  %s%s%s%s\n", fates[item->fate], user, text[0] ? ": " : "", text,
		       item->known ? "" : "; there is no such account yet");
	}
	printf("nothing is changed; it would be: ");
	print_counts(import, count_fate(import, FATE_NEW), count_fate(import, FATE_REPLACE));
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
	print_counts(import, count_fate(import, FATE_NEW), replaced);
	if (code == TOOL_DONE && interrupt_seen())
		tool_refuse(&ctl->tool, "interrupted too late: all records are in their place");
	left_out = tell_left_out(import);
	return code == TOOL_DONE ? left_out : code;
}

int import_run(struct ctl *ctl, struct import *import, import_read_fn *read)
{
	struct reason why = {""};
	int code;

	if (import_options.json && !import_options.dry_run)
		return tool_usage(&ctl->tool, "import: --json goes with --dry-run");
	code = tool_open(&ctl->tool, "import users");

	if (code != TOOL_DONE)
		return code;
	import->ctl = ctl;
	import->now = clock_now();
	import->progress = progress_begin();
	if (read(import, &why) == TOTP_OK) {
		progress_clear(&import->progress);
		code = store_or_report(import);
	} else {
		progress_clear(&import->progress);
		code = tool_refuse(&ctl->tool, "nothing is imported: %s", why.text);
	}
	import_end(import);
	return code;
}
