/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl show USER: the enrollment of a user, without its secrets. */
#include "ctl/entry.h"

#include <stdarg.h>

#include "host/clock.h"
#include "host/source.h"
#include "login/judge.h"
#include "login/throttle.h"
#include "otp/uri.h"
#include "record/recovery.h"

static PRINTF_LIKE(2) void show_row(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("%-15s", name);
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

static void show_uid(const struct ctl *ctl, const struct cred *cred)
{
	const struct account *account = &ctl->account;

	if (!cred->uid_bound && account->known)
		show_row("uid", "not bound to one; the account has %u (bind it: totpctl adopt %s)",
			 (unsigned)account->uid, ctl->shown);
	else if (!cred->uid_bound)
		show_row("uid", "not bound to one; there is no such account yet");
	else if (!account->known)
		show_row("uid", "%u; there is no such account", (unsigned)cred->uid);
	else if (account->uid != cred->uid)
		show_row("uid",
			 "%u, but the account has %u, so logins are denied: if it is the\n"
			 "%15ssame person, run totpctl adopt %s",
			 (unsigned)cred->uid, (unsigned)account->uid, "", ctl->shown);
	else
		show_row("uid", "%u", (unsigned)cred->uid);
}

static void show_token(const struct ctl *ctl, const struct token *token,
		       const struct token_state *state)
{
	char added[WHEN_MAX], used[WHEN_MAX], until[WHEN_MAX];
	const char *algorithm = crypto_alg_name(token->alg);

	if (token->type == TOKEN_TOTP)
		show_row("token", "\"%s\": TOTP, %s, %u digits, %u seconds", token->label,
			 algorithm, token->digits, token->period);
	else
		show_row("token", "\"%s\": HOTP, %s, %u digits%s", token->label, algorithm,
			 token->digits,
			 state && state->moving == COUNTER_DISABLED ? "; no longer valid" : "");
	if (token->offset)
		show_row("  clock", "%+d steps off", (int)token->offset);
	show_row("  added", "%s", when_iso(token->created, added));
	if (state)
		show_row("  last used", "%s", when_iso(state->last_used, used));
	if (state && judge_is_ahead(token, state, &ctl->tool.policy, clock_now()))
		show_row("  in the future",
			 "its last code is of a later time than this host's clock, so its codes\n"
			 "%15sare denied until %s: set the clock right, then run\n"
			 "%15stotpctl repair-clock %s",
			 "", when_iso(ctl_next_code_at(token, state->moving), until), "",
			 ctl->shown);
	if (token->secret.len < SECRET_GOOD_MIN)
		show_row("  weak", "a secret of %zu bytes; %d or more are good", token->secret.len,
			 SECRET_GOOD_MIN);
}

static void show_temporary_code(const struct cred *cred, const struct login_state *state,
				int64_t now)
{
	const struct bypass *bypass = &cred->bypass;
	unsigned left = bypass_left(cred, state, now);
	char made[WHEN_MAX], until[WHEN_MAX];

	if (bypass->uses == 0)
		return;
	if (left)
		show_row("temporary code", "%u of %u uses left, until %s", left,
			 (unsigned)bypass->uses, when_iso(bypass->expires, until));
	else if (state->bypass_used >= bypass->uses)
		show_row("temporary code", "used up");
	else if (now < bypass->expires)
		show_row("temporary code", "denied: the clock was set back to before it was "
					   "made");
	else
		show_row("temporary code", "ended %s", when_iso(bypass->expires, until));
	show_row("  made", "%s", when_iso(bypass->created, made));
}

static void show_throttle(const struct ctl *ctl, const struct throttle *throttle, int64_t now)
{
	const struct policy *policy = &ctl->tool.policy;
	struct throttle left = ctl_throttle_at(throttle, policy, now);
	uint32_t wait = throttle_wait(throttle, policy, now);
	char text[WHEN_MAX];

	show_row("  wrong codes", "%u of %u, in the long run %u of %u", (unsigned)left.burst.used,
		 (unsigned)policy->attempts, (unsigned)left.total.used,
		 (unsigned)policy->attempts_total);
	if (wait == THROTTLE_FOREVER)
		show_row("  next try", "denied until %s unlock", ctl_line(ctl));
	else if (wait)
		show_row("  next try", "in %s, or after %s unlock", when_duration(wait, text),
			 ctl_line(ctl));
}

/* state: NULL if it is lost. */
static void show_cred(const struct ctl *ctl, const struct cred *cred,
		      const struct login_state *state)
{
	char enrolled[WHEN_MAX], alias[ACCOUNT_NAME_MAX + 1];

	text_show(text_of(ctl->account.alias), alias, sizeof(alias));
	if (alias[0])
		show_row("user", "%s (%s is another name of uid %u)", ctl->shown, alias,
			 (unsigned)ctl->account.uid);
	else
		show_row("user", "%s", ctl->shown);
	show_uid(ctl, cred);
	show_row("enrolled", "%s", when_iso(cred->created, enrolled));
	if (cred->disabled)
		show_row("suspended", "every code is denied until: %s resume %s", ctl_line(ctl),
			 ctl->shown);
	if (state && state_is_pending(state, cred))
		show_row("pending",
			 "waits for the first correct code; until then no code is asked "
			 "for\n%15swhere none is required",
			 "");
	for (size_t i = 0; i < cred->token_count; i++)
		show_token(ctl, &cred->tokens[i], state ? &state->tokens[i] : NULL);
}

static void show_state(const struct ctl *ctl, const struct store_txn *txn, int64_t now)
{
	const struct login_state *state = &txn->state;
	char when[WHEN_MAX], source[SOURCE_TEXT_MAX];

	if (txn->cred.recovery_count)
		show_row("recovery codes", "%u of %u left", recovery_left(&txn->cred, state),
			 (unsigned)txn->cred.recovery_count);
	show_temporary_code(&txn->cred, state, now);
	show_row("last login", "%s", when_iso(state->last_success, when));
	if (state->failures == 0) {
		show_row("failures", "none since then");
	} else {
		source_text(&state->last_failure_source, source);
		show_row("failures", "%u since then", (unsigned)state->failures);
		show_row("  the last", "%s from %s", when_iso(state->last_failure, when), source);
	}
	for (size_t i = 0; i < state->known_count; i++) {
		const struct known_source *known = &state->known[i];

		source_text(&known->source, source);
		show_row("known source", "%s", source);
		show_row("  last login", "%s",
			 known->last_success ? when_iso(known->last_success, when) : "forgotten");
		show_throttle(ctl, &known->throttle, now);
	}
	for (size_t i = 0; i < (state->one_class ? 1 : SOURCE_CLASSES); i++) {
		show_row("other sources", "%s",
			 state->one_class ? "any where this user never logged in"
					  : source_class_text((enum source_class)i));
		show_throttle(ctl, &state->shared[i], now);
	}
	if (txn->torn)
		show_row("note", "a write was cut short; the next login puts it right");
}

static int show_object(const struct ctl *ctl)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct entry entry = {.user = ctl->account.name, .txn = &txn};
	struct json json;
	int code;

	entry.err = store_read(ctl->tool.store, entry.user, tool_deadline(), &txn, &entry.why);
	if (entry.err == TOTP_ERR_NOT_FOUND)
		return ctl_not_enrolled(ctl);
	entry_judge(&entry, &ctl->tool, NULL);
	tool_begin_json(&ctl->tool, &json, "user");
	entry_put(&json, &entry);
	code = tool_end_json(&ctl->tool, &json);
	return entry.err == TOTP_OK ? code : TOOL_REFUSED;
}

static int show_user(struct ctl *ctl)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	enum totp_err err;

	if (tool_json)
		return show_object(ctl);
	err = store_read(ctl->tool.store, ctl->account.name, tool_deadline(), &txn, &why);

	if (err == TOTP_ERR_NOT_FOUND)
		return ctl_not_enrolled(ctl);
	if (err != TOTP_OK) {
		/* without its state the credential is shown all the same */
		if (store_read_cred(ctl->tool.store, ctl->account.name, tool_deadline(), &txn,
				    NULL) == TOTP_OK)
			show_cred(ctl, &txn.cred, NULL);
		fflush(stdout);
		return ctl_refuse_record(ctl, err, &why);
	}
	show_cred(ctl, &txn.cred, &txn.state);
	show_state(ctl, &txn, clock_now());
	return TOOL_DONE;
}

const struct command ctl_show = {
	.name = "show",
	.arguments = "USER...",
	.help = "tokens, wrong codes and waits; never a secret",
	.options = ctl_json_rows,
	.doing = "look at records",
	.each_user = show_user,
};
