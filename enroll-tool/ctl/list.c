/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl list: one line for each enrolled user, with a word about those who cannot log in. */
#include "ctl/entry.h"

#include <unistd.h>

#include "common/progress.h"
#include "common/term.h"
#include "record/recovery.h"

static struct {
	bool json;
} options;

static const struct option_row option_rows[] = {
	{"json", NULL, "print an array of objects, one for each user", .flag = &options.json}, {0}};

struct list {
	struct ctl *ctl;
	struct names *names; /* read when there are many: a few are looked up one at a time */
	struct json json;    /* --json */
	size_t printed, unread;
	struct progress progress;
};

#define FEW 16

static void list_line(const struct entry *entry)
{
	const struct login_state *state = &entry->txn->state;
	const struct cred *cred = &entry->txn->cred;
	char user[CRED_USER_MAX + 1], last[WHEN_MAX], left[16] = "-";
	struct reason why = entry->why;

	text_show(text_of(entry->user), user, sizeof(user));
	term_column(stdout, user, 16);
	if (entry->err != TOTP_OK) {
		printf("  %-10s  %s\n", entry->status, tool_harmless(why.text));
		return;
	}
	if (cred->recovery_count)
		snprintf(left, sizeof(left), "%u of %u", recovery_left(cred, state),
			 (unsigned)cred->recovery_count);
	printf("  %-10s  %-25s  %-8s  ", entry->status, when_iso(state->last_success, last), left);
	for (size_t i = 0; i < cred->token_count; i++)
		printf("%s%s%s", i ? ", " : "", cred->tokens[i].label,
		       cred->tokens[i].type == TOKEN_HOTP ? " (HOTP)" : "");
	printf("\n");
}

static void print_user(void *context, const struct store_row *row)
{
	struct list *list = context;
	struct entry entry = {
		.user = row->user, .err = row->err, .why = *row->why, .txn = row->txn};

	if (list->printed == FEW)
		list->names = names_load();
	entry_judge(&entry, &list->ctl->tool, list->names);
	if (options.json) {
		json_open(&list->json, NULL, '{');
		json_text(&list->json, "user", entry.user);
		entry_put(&list->json, &entry);
		json_close(&list->json, '}');
	} else {
		if (list->printed == 0)
			printf("%-16s  %-10s  %-25s  %-8s  %s\n", "USER", "STATUS", "LAST LOGIN",
			       "RECOVERY", "TOKENS");
		list_line(&entry);
	}
	list->printed++;
	list->unread += entry.err != TOTP_OK;
	progress_show(&list->progress, "reading records", row->number, row->total);
}

static int list_users(struct ctl *ctl)
{
	struct list list = {.ctl = ctl};
	struct reason why = {""};
	enum totp_err err;
	int code;

	/* on the same terminal the lines show the progress */
	list.progress = isatty(STDOUT_FILENO) ? (struct progress){.on = false} : progress_begin();
	if (options.json)
		json_begin(&list.json, '[');
	err = store_each_credential(ctl->tool.store, print_user, &list, &why);
	progress_clear(&list.progress);
	names_scope_end(&list.names);
	code = options.json ? tool_end_json(&ctl->tool, &list.json) : TOOL_DONE;
	if (err != TOTP_OK)
		return tool_result(&ctl->tool, err, &why);
	if (!options.json && list.printed == 0)
		printf("Nobody is enrolled.\n");
	if (list.unread)
		return tool_refuse(&ctl->tool,
				   "%zu of %zu records cannot be read; 'totpctl doctor' "
				   "says what to do",
				   list.unread, list.printed);
	return code;
}

const struct command ctl_list = {
	.name = "list",
	.help = "all enrolled users, and those of them who cannot log in",
	.options = option_rows,
	.doing = "list records",
	.run = list_users,
};
