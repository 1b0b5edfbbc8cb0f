/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/entry.h"

#include "host/clock.h"
#include "host/source.h"
#include "login/judge.h"
#include "login/throttle.h"
#include "otp/uri.h"
#include "record/recovery.h"

/* The longest wait of any of the user's throttles. */
static uint32_t longest_wait(const struct entry *entry)
{
	const struct login_state *state = &entry->txn->state;
	uint32_t longest = 0, wait;

	for (size_t i = 0; i < SOURCE_CLASSES; i++) {
		wait = throttle_wait(&state->shared[i], entry->policy, entry->now);
		longest = wait > longest ? wait : longest;
	}
	for (size_t i = 0; i < state->known_count; i++) {
		wait = throttle_wait(&state->known[i].throttle, entry->policy, entry->now);
		longest = wait > longest ? wait : longest;
	}
	return longest;
}

static const char *status_word(const struct entry *entry)
{
	const struct login_state *state = &entry->txn->state;
	const struct cred *cred = &entry->txn->cred;
	uint32_t wait;

	if (entry->err != TOTP_OK)
		return "unreadable";
	if (!entry->account.known && !policy_is_verifier(entry->policy))
		return "no-account";
	if (entry->account.known && cred->uid_bound && cred->uid != entry->account.uid)
		return "other-uid";
	if (cred->disabled)
		return "disabled";
	for (size_t i = 0; i < cred->token_count; i++)
		if (judge_is_ahead(&cred->tokens[i], &state->tokens[i], entry->policy, entry->now))
			return "clock"; /* its codes are denied until repair-clock */
	wait = longest_wait(entry);
	if (wait)
		return wait == THROTTLE_FOREVER ? "locked" : "throttled";
	if (state_is_pending(state, cred))
		return "pending";
	return bypass_left(cred, state, entry->now) ? "bypass" : "ok";
}

void entry_judge(struct entry *entry, const struct tool *tool, const struct names *names)
{
	entry->policy = &tool->policy;
	entry->now = clock_now();
	if (entry->err == TOTP_OK)
		entry->err = names_find(names, entry->user, &entry->account, &entry->why);
	entry->status = status_word(entry);
}

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
	json_text(json, "algorithm", crypto_alg_name(token->alg));
	json_number(json, "digits", token->digits);
	if (token->type == TOKEN_TOTP)
		json_number(json, "period", token->period);
	put_time(json, "added", token->created);
	put_time(json, "last_used", state->last_used);
	json_close(json, '}');
}

/* source: a known one, or NULL; `others` then says which sources that are not known. */
static void put_throttle(struct json *json, const struct entry *entry, const char *source,
			 const char *others, const struct throttle *throttle)
{
	struct throttle left = ctl_throttle_at(throttle, entry->policy, entry->now);
	uint32_t wait = throttle_wait(throttle, entry->policy, entry->now);

	json_open(json, NULL, '{');
	json_text(json, "source", source);
	json_text(json, "others", others);
	json_number(json, "failed_tries", left.burst.used);
	json_number(json, "failed_tries_long", left.total.used);
	json_bool(json, "locked", wait == THROTTLE_FOREVER);
	json_number(json, "wait_seconds", wait == THROTTLE_FOREVER ? 0 : wait);
	json_close(json, '}');
}

static void put_temporary_code(struct json *json, const struct entry *entry)
{
	const struct bypass *bypass = &entry->txn->cred.bypass;

	if (bypass->uses == 0) {
		json_text(json, "bypass", NULL);
		return;
	}
	json_open(json, "bypass", '{');
	put_time(json, "made", bypass->created);
	put_time(json, "until", bypass->expires);
	json_number(json, "uses", bypass->uses);
	json_number(json, "uses_left",
		    bypass_left(&entry->txn->cred, &entry->txn->state, entry->now));
	json_close(json, '}');
}

static void put_record(struct json *json, const struct entry *entry)
{
	const struct cred *cred = &entry->txn->cred;
	const struct login_state *state = &entry->txn->state;
	char source[SOURCE_TEXT_MAX];

	put_time(json, "enrolled", cred->created);
	put_time(json, "last_login", state->last_success);
	json_number(json, "failures", state->failures);
	json_number(json, "recovery_codes", cred->recovery_count);
	json_number(json, "recovery_codes_left", recovery_left(cred, state));
	json_bool(json, "disabled", cred->disabled);
	json_bool(json, "pending", state_is_pending(state, cred));
	put_temporary_code(json, entry);
	json_open(json, "tokens", '[');
	for (size_t i = 0; i < cred->token_count; i++)
		put_token(json, &cred->tokens[i], &state->tokens[i]);
	json_close(json, ']');
	json_open(json, "throttles", '[');
	for (size_t i = 0; i < (state->one_class ? 1 : SOURCE_CLASSES); i++)
		put_throttle(json, entry, NULL,
			     state->one_class ? "all" : source_class_name((enum source_class)i),
			     &state->shared[i]);
	for (size_t i = 0; i < state->known_count; i++) {
		source_text(&state->known[i].source, source);
		put_throttle(json, entry, source, NULL, &state->known[i].throttle);
	}
	json_close(json, ']');
}

void entry_put(struct json *json, const struct entry *entry)
{
	json_text(json, "status", entry->status);
	json_text(json, "error", entry->err == TOTP_OK ? NULL : entry->why.text);
	if (entry->err == TOTP_OK)
		put_record(json, entry);
}
