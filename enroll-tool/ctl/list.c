/* totpctl list: everybody who is enrolled, one line each, and who of them cannot log in. */
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

struct list {
	struct ctl *ctl;
	const struct names *names;
	int64_t now;
	struct json json; /* --json */
	size_t printed, unread;
};

/* One user, as a line of the list tells it. */
struct entry {
	const char *user;
	const char *status; /* one word */
	struct account account;
	enum totp_err err; /* of reading the record */
	struct reason why;
	struct store_txn txn;
};

/* --- one of them --- */

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

/* Is a token's last code one of a time to come? Its codes are denied until repair-clock. */
static bool is_ahead(const struct list *list, const struct cred *cred,
		     const struct login_state *state)
{
	bool ahead = false;

	for (size_t i = 0; i < cred->token_count; i++)
		ahead |= judge_is_ahead(&cred->tokens[i], &state->tokens[i],
					&list->ctl->tool.policy, list->now);
	return ahead;
}

static const char *status_of(const struct list *list, const struct entry *entry)
{
	const struct cred *cred = &entry->txn.cred;
	uint32_t wait;

	if (entry->err != TOTP_OK)
		return "unreadable";
	if (!entry->account.known)
		return "no-account";
	if (cred->uid_bound && cred->uid != entry->account.uid)
		return "other-uid";
	if (cred->disabled)
		return "disabled";
	if (is_ahead(list, cred, &entry->txn.state))
		return "clock";
	wait = longest_wait(list, &entry->txn.state);
	if (wait)
		return wait == THROTTLE_FOREVER ? "locked" : "throttled";
	if (state_is_pending(&entry->txn.state, cred))
		return "pending";
	return bypass_left(cred, &entry->txn.state, list->now) ? "bypass" : "ok";
}

/* False: the user went meanwhile. */
static bool find_entry(const struct list *list, const char *user, struct entry *entry)
{
	enum totp_err err = TOTP_OK;

	*entry = (struct entry){.user = user, .txn = STORE_TXN_NONE};
	entry->err = store_read(list->ctl->tool.store, user, &entry->txn, &entry->why);
	if (!names_find(list->names, user, &entry->account))
		err = account_find(user, &entry->account,
				   entry->err == TOTP_OK ? &entry->why : NULL);
	if (entry->err == TOTP_OK)
		entry->err = err;
	entry->status = status_of(list, entry);
	return entry->err != TOTP_ERR_NOT_FOUND;
}

/* --- for people --- */

static void print_line(const struct entry *entry)
{
	const struct login_state *state = &entry->txn.state;
	const struct cred *cred = &entry->txn.cred;
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

static void put_time(struct json *json, const char *name, int64_t when)
{
	char text[WHEN_MAX];

	json_text(json, name, when ? when_iso(when, text) : NULL);
}

static void put_token(struct json *json, const struct token *token, const struct token_state *state)
{
	json_open(json, NULL, '{');
	json_text(json, "label", token->label);
	json_text(json, "type", token->type == TOKEN_HOTP ? "hotp" : "totp");
	json_text(json, "algorithm", uri_algorithm_name(token->alg));
	json_number(json, "digits", token->digits);
	if (token->type == TOKEN_TOTP)
		json_number(json, "period", token->period);
	put_time(json, "added", token->created);
	put_time(json, "last_used", state->last_used);
	json_close(json, '}');
}

/* source: of a known place, or NULL, and `others` says which places that are not known. */
static void put_throttle(struct json *json, const struct list *list, const char *source,
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

static void put_bypass(struct json *json, const struct list *list, const struct cred *cred,
		       const struct login_state *state)
{
	if (cred->bypass.uses == 0) {
		json_text(json, "bypass", NULL);
		return;
	}
	json_open(json, "bypass", '{');
	put_time(json, "made", cred->bypass.created);
	put_time(json, "until", cred->bypass.expires);
	json_number(json, "uses", cred->bypass.uses);
	json_number(json, "uses_left", bypass_left(cred, state, list->now));
	json_close(json, '}');
}

static void put_record(struct json *json, const struct list *list, const struct cred *cred,
		       const struct login_state *state)
{
	char source[SOURCE_TEXT_MAX];

	put_time(json, "enrolled", cred->created);
	put_time(json, "last_login", state->last_success);
	json_number(json, "failures", state->failures);
	json_number(json, "recovery_codes", cred->recovery_count);
	json_number(json, "recovery_codes_left", recovery_left(cred, state));
	json_bool(json, "disabled", cred->disabled);
	json_bool(json, "pending", state_is_pending(state, cred));
	put_bypass(json, list, cred, state);
	json_open(json, "tokens", '[');
	for (size_t i = 0; i < cred->token_count; i++)
		put_token(json, &cred->tokens[i], &state->tokens[i]);
	json_close(json, ']');
	json_open(json, "throttles", '[');
	for (size_t i = 0; i < (state->one_class ? 1 : SOURCE_CLASSES); i++)
		put_throttle(json, list, NULL,
			     state->one_class ? "all" : source_class_name((enum source_class)i),
			     &state->shared[i]);
	for (size_t i = 0; i < state->known_count; i++) {
		source_text(&state->known[i].source, source);
		put_throttle(json, list, source, NULL, &state->known[i].throttle);
	}
	json_close(json, ']');
}

static void put_entry(struct json *json, const struct list *list, const struct entry *entry)
{
	json_open(json, NULL, '{');
	json_text(json, "user", entry->user);
	json_text(json, "status", entry->status);
	json_text(json, "error", entry->err == TOTP_OK ? NULL : entry->why.text);
	if (entry->err == TOTP_OK)
		put_record(json, list, &entry->txn.cred, &entry->txn.state);
	json_close(json, '}');
}

/* --- all of them --- */

static void print_user(struct list *list, const char *user)
{
	struct entry entry;
	bool json = list->ctl->json;

	if (!find_entry(list, user, &entry))
		return;
	if (json)
		put_entry(&list->json, list, &entry);
	else if (list->printed == 0)
		printf("%-16s  %-10s  %-25s  %-8s  %s\n", "USER", "STATUS", "LAST LOGIN",
		       "RECOVERY", "TOKENS");
	if (!json)
		print_line(&entry);
	list->printed++;
	list->unread += entry.err != TOTP_OK;
	store_end(&entry.txn);
}

int ctl_list(struct ctl *ctl)
{
	struct list list = {.ctl = ctl, .now = clock_now()};
	OWN_ENROLLED struct enrolled enrolled = {0};
	OWN_NAMES struct names *names = NULL;
	struct progress progress;
	int code = tool_open(&ctl->tool, "list records");

	if (code == TOOL_DONE)
		code = enrolled_list(&ctl->tool, &enrolled);
	if (code != TOOL_DONE)
		return code;
	if (enrolled.count > 16) /* for a few, looking them up is less */
		names = names_load();
	list.names = names;
	/* on the same terminal the lines themselves tell */
	progress = isatty(STDOUT_FILENO) ? (struct progress){.on = false} : progress_begin();
	if (ctl->json) {
		json_begin(&list.json);
		json_open(&list.json, NULL, '[');
	}
	for (size_t i = 0; i < enrolled.count; i++) {
		print_user(&list, enrolled.users[i]);
		progress_show(&progress, "reading records", i + 1, enrolled.count);
	}
	progress_clear(&progress);
	if (ctl->json) {
		json_close(&list.json, ']');
		code = json_end(&ctl->tool, &list.json);
	} else if (list.printed == 0) {
		printf("Nobody is enrolled.\n");
	}
	if (list.unread)
		return tool_refuse(&ctl->tool,
				   "%zu of %zu records cannot be read; 'totpctl doctor' "
				   "says what to do",
				   list.unread, list.printed);
	return code;
}
