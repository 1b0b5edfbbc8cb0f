/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl list: one line for each enrolled user, with a word about those who cannot log in. */
#include "common/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/enrolled.h"
#include "host/clock.h"
#include "host/source.h"
#include "common/json.h"
#include "login/judge.h"
#include "login/throttle.h"
#include "common/names.h"
#include "otp/uri.h"
#include "common/progress.h"
#include "record/recovery.h"

static struct {
	bool json;
} options;

static const struct option_row option_rows[] = {
	{"json", NULL, "print an array of objects, one for each user", .flag = &options.json}, {0}};

struct list {
	struct ctl *ctl;
	struct names *names; /* read when there are many: a few are looked up one at a time */
	int64_t now;
	struct json json; /* --json */
	size_t printed, unread;
	struct progress progress;
};

#define FEW 16

/* One user. */
struct entry {
	const char *user;
	const char *status; /* one word */
	struct account account;
	enum totp_err err; /* of reading the record */
	struct reason why;
	const struct store_txn *txn;
};

/* --- one user --- */

/* The longest wait of any of the user's throttles. */
static uint32_t longest_wait(const struct list *list, const struct login_state *state)
{
	const struct policy *policy = &list->ctl->tool.policy;
	uint32_t longest = 0, wait;

	for (size_t i = 0; i < SOURCE_CLASSES; i++) {
		wait = throttle_wait(&state->shared[i], policy, list->now);
		longest = wait > longest ? wait : longest;
	}
	for (size_t i = 0; i < state->known_count; i++) {
		wait = throttle_wait(&state->known[i].throttle, policy, list->now);
		longest = wait > longest ? wait : longest;
	}
	return longest;
}

static const char *status_word(const struct list *list, const struct entry *entry)
{
	const struct login_state *state = &entry->txn->state;
	const struct cred *cred = &entry->txn->cred;
	uint32_t wait;

	if (entry->err != TOTP_OK)
		return "unreadable";
	if (!entry->account.known)
		return "no-account";
	if (cred->uid_bound && cred->uid != entry->account.uid)
		return "other-uid";
	if (cred->disabled)
		return "disabled";
	for (size_t i = 0; i < cred->token_count; i++)
		if (judge_is_ahead(&cred->tokens[i], &state->tokens[i], &list->ctl->tool.policy,
				   list->now))
			return "clock"; /* its codes are denied until repair-clock */
	wait = longest_wait(list, state);
	if (wait)
		return wait == THROTTLE_FOREVER ? "locked" : "throttled";
	if (state_is_pending(state, cred))
		return "pending";
	return bypass_left(cred, state, list->now) ? "bypass" : "ok";
}

/* --- for people --- */

static void list_line(const struct entry *entry)
{
	const struct login_state *state = &entry->txn->state;
	const struct cred *cred = &entry->txn->cred;
	char user[CRED_USER_MAX + 1], last[WHEN_MAX], left[16] = "-";
	struct reason why = entry->why;

	text_printable(text_of(entry->user), user, sizeof(user));
	if (entry->err != TOTP_OK) {
		printf("%-16s  %-10s  %s\n", user, entry->status, tool_harmless(why.text));
		return;
	}
	if (cred->recovery_count)
		snprintf(left, sizeof(left), "%u of %u", recovery_left(cred, state),
			 (unsigned)cred->recovery_count);
	printf("%-16s  %-10s  %-25s  %-8s  ", user, entry->status,
	       when_iso(state->last_success, last), left);
	for (size_t i = 0; i < cred->token_count; i++)
		printf("%s%s%s", i ? ", " : "", cred->tokens[i].label,
		       cred->tokens[i].type == TOKEN_HOTP ? " (HOTP)" : "");
	printf("\n");
}

/* --- for programs --- */

static void list_time(struct json *json, const char *name, int64_t when)
{
	char text[WHEN_MAX];

	json_text(json, name, when ? when_iso(when, text) : NULL);
}

static void list_token(struct json *json, const struct token *token,
		       const struct token_state *state)
{
	json_open(json, NULL, '{');
	json_text(json, "label", token->label);
	json_text(json, "type", token->type == TOKEN_HOTP ? "hotp" : "totp");
	json_text(json, "algorithm", crypto_alg_name(token->alg));
	json_number(json, "digits", token->digits);
	if (token->type == TOKEN_TOTP)
		json_number(json, "period", token->period);
	list_time(json, "added", token->created);
	list_time(json, "last_used", state->last_used);
	json_close(json, '}');
}

/* source: a known one, or NULL; `others` then says which sources that are not known. */
static void list_throttle(struct json *json, const struct list *list, const char *source,
			  const char *others, const struct throttle *throttle)
{
	const struct policy *policy = &list->ctl->tool.policy;
	struct throttle left = ctl_throttle_at(throttle, policy, list->now);
	uint32_t wait = throttle_wait(throttle, policy, list->now);

	json_open(json, NULL, '{');
	json_text(json, "source", source);
	json_text(json, "others", others);
	json_number(json, "failed_tries", left.burst.used);
	json_number(json, "failed_tries_long", left.total.used);
	json_bool(json, "locked", wait == THROTTLE_FOREVER);
	json_number(json, "wait_seconds", wait == THROTTLE_FOREVER ? 0 : wait);
	json_close(json, '}');
}

static void list_temporary_code(struct json *json, const struct list *list, const struct cred *cred,
				const struct login_state *state)
{
	if (cred->bypass.uses == 0) {
		json_text(json, "bypass", NULL);
		return;
	}
	json_open(json, "bypass", '{');
	list_time(json, "made", cred->bypass.created);
	list_time(json, "until", cred->bypass.expires);
	json_number(json, "uses", cred->bypass.uses);
	json_number(json, "uses_left", bypass_left(cred, state, list->now));
	json_close(json, '}');
}

static void list_record(struct json *json, const struct list *list, const struct cred *cred,
			const struct login_state *state)
{
	char source[SOURCE_TEXT_MAX];

	list_time(json, "enrolled", cred->created);
	list_time(json, "last_login", state->last_success);
	json_number(json, "failures", state->failures);
	json_number(json, "recovery_codes", cred->recovery_count);
	json_number(json, "recovery_codes_left", recovery_left(cred, state));
	json_bool(json, "disabled", cred->disabled);
	json_bool(json, "pending", state_is_pending(state, cred));
	list_temporary_code(json, list, cred, state);
	json_open(json, "tokens", '[');
	for (size_t i = 0; i < cred->token_count; i++)
		list_token(json, &cred->tokens[i], &state->tokens[i]);
	json_close(json, ']');
	json_open(json, "throttles", '[');
	for (size_t i = 0; i < (state->one_class ? 1 : SOURCE_CLASSES); i++)
		list_throttle(json, list, NULL,
			      state->one_class ? "all" : source_class_name((enum source_class)i),
			      &state->shared[i]);
	for (size_t i = 0; i < state->known_count; i++) {
		source_text(&state->known[i].source, source);
		list_throttle(json, list, source, NULL, &state->known[i].throttle);
	}
	json_close(json, ']');
}

static void list_object(struct json *json, const struct list *list, const struct entry *entry)
{
	json_open(json, NULL, '{');
	json_text(json, "user", entry->user);
	json_text(json, "status", entry->status);
	json_text(json, "error", entry->err == TOTP_OK ? NULL : entry->why.text);
	if (entry->err == TOTP_OK)
		list_record(json, list, &entry->txn->cred, &entry->txn->state);
	json_close(json, '}');
}

/* --- the list --- */

static void print_user(void *context, const struct store_row *row)
{
	struct list *list = context;
	struct entry entry = {
		.user = row->user, .err = row->err, .why = *row->why, .txn = row->txn};

	if (list->printed == FEW)
		list->names = names_load();
	if (entry.err == TOTP_OK)
		entry.err = names_find(list->names, entry.user, &entry.account, &entry.why);
	entry.status = status_word(list, &entry);
	if (options.json)
		list_object(&list->json, list, &entry);
	else if (list->printed == 0)
		printf("%-16s  %-10s  %-25s  %-8s  %s\n", "USER", "STATUS", "LAST LOGIN",
		       "RECOVERY", "TOKENS");
	if (!options.json)
		list_line(&entry);
	list->printed++;
	list->unread += entry.err != TOTP_OK;
	progress_show(&list->progress, "reading records", row->number, row->total);
}

static int list_users(struct ctl *ctl)
{
	struct list list = {.ctl = ctl, .now = clock_now()};
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
