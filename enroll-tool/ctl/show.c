/* totpctl show USER: all that an administrator may know of a record; never a secret. */
#include "common/ctl.h"

#include <stdarg.h>

#include "host/clock.h"
#include "host/source.h"
#include "login/throttle.h"
#include "otp/uri.h"
#include "record/recovery.h"

static void print_row(const char *name, const char *format, ...) PRINTF_LIKE(2);

static void print_row(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("%-15s", name);
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

static void print_uid(const struct ctl *ctl, const struct cred *cred)
{
	const struct account *account = &ctl->account;

	if (!cred->uid_bound && account->known)
		print_row("uid", "not bound to one; the account has %u (bind it: totpctl adopt %s)",
			  (unsigned)account->uid, ctl->shown);
	else if (!cred->uid_bound)
		print_row("uid", "not bound to one; there is no such account yet");
	else if (!account->known)
		print_row("uid", "%u; there is no such account", (unsigned)cred->uid);
	else if (account->uid != cred->uid)
		print_row("uid",
			  "%u, but the account has %u, so logins are refused: if it is the\n"
			  "%15ssame person, run totpctl adopt %s",
			  (unsigned)cred->uid, (unsigned)account->uid, "", ctl->shown);
	else
		print_row("uid", "%u", (unsigned)cred->uid);
}

static void print_token(const struct token *token, const struct token_state *state)
{
	char added[WHEN_MAX], used[WHEN_MAX];
	const char *algorithm = uri_algorithm_name(token->alg);

	if (token->type == TOKEN_TOTP)
		print_row("token", "\"%s\": TOTP, %s, %u digits, %u seconds", token->label,
			  algorithm, token->digits, token->period);
	else
		print_row("token", "\"%s\": HOTP, %s, %u digits%s", token->label, algorithm,
			  token->digits,
			  state && state->moving == COUNTER_DISABLED ? "; void" : "");
	if (token->offset)
		print_row("  clock", "%+d steps off", (int)token->offset);
	print_row("  added", "%s", when_iso(token->created, added));
	if (state)
		print_row("  last used", "%s", when_iso(state->last_used, used));
	if (token->secret.len < SECRET_GOOD_MIN)
		print_row("  weak", "a secret of %zu bytes; %d or more are good", token->secret.len,
			  SECRET_GOOD_MIN);
}

static void print_recovery(const struct cred *cred, const struct login_state *state)
{
	if (cred->recovery_count)
		print_row("recovery codes", "%u of %u left", recovery_left(cred, state),
			  (unsigned)cred->recovery_count);
}

static void print_bypass(const struct cred *cred, const struct login_state *state, int64_t now)
{
	const struct bypass *bypass = &cred->bypass;
	unsigned left = bypass_left(cred, state, now);
	char made[WHEN_MAX], until[WHEN_MAX];

	if (bypass->uses == 0)
		return;
	if (left)
		print_row("temporary code", "%u of %u uses left, until %s", left,
			  (unsigned)bypass->uses, when_iso(bypass->expires, until));
	else if (state->bypass_used >= bypass->uses)
		print_row("temporary code", "used up");
	else if (now < bypass->expires)
		print_row("temporary code", "refused: the clock was set back to before it was "
					    "made");
	else
		print_row("temporary code", "ended %s", when_iso(bypass->expires, until));
	print_row("  made", "%s", when_iso(bypass->created, made));
}

static void print_throttle(const struct throttle *throttle, const struct policy *policy,
			   int64_t now)
{
	struct throttle left = ctl_throttle_at(throttle, policy, now);
	uint32_t wait = throttle_wait(throttle, policy, now);
	char text[WHEN_MAX];

	print_row("  failed tries", "%u of %u, in the long run %u of %u", (unsigned)left.burst.used,
		  (unsigned)policy->attempts, (unsigned)left.total.used,
		  (unsigned)policy->attempts_total);
	if (wait == THROTTLE_FOREVER)
		print_row("  next try", "refused until totpctl unlock");
	else if (wait)
		print_row("  next try", "in %s, or after totpctl unlock",
			  when_duration(wait, text));
}

static void print_known(const struct known_source *known, const struct policy *policy, int64_t now)
{
	char source[SOURCE_TEXT_MAX], last[WHEN_MAX];

	source_text(&known->source, source);
	print_row("known place", "%s", source);
	print_row("  last login", "%s",
		  known->last_success ? when_iso(known->last_success, last) : "forgotten");
	print_throttle(&known->throttle, policy, now);
}

static void print_failures(const struct login_state *state)
{
	char when[WHEN_MAX], source[SOURCE_TEXT_MAX];

	if (state->failures == 0) {
		print_row("failures", "none since then");
		return;
	}
	source_text(&state->last_failure_source, source);
	print_row("failures", "%u since then", (unsigned)state->failures);
	print_row("  the last", "%s from %s", when_iso(state->last_failure, when), source);
}

/* state: NULL where it is lost; the credential is shown all the same. */
static void print_cred(const struct ctl *ctl, const struct cred *cred,
		       const struct login_state *state)
{
	char enrolled[WHEN_MAX], alias[ACCOUNT_NAME_MAX + 1];

	text_printable(text_of(ctl->account.alias), alias, sizeof(alias));
	if (alias[0])
		print_row("user", "%s (%s is another name of uid %u)", ctl->shown, alias,
			  (unsigned)ctl->account.uid);
	else
		print_row("user", "%s", ctl->shown);
	print_uid(ctl, cred);
	print_row("enrolled", "%s", when_iso(cred->created, enrolled));
	if (cred->disabled)
		print_row("suspended", "every code is denied until: totpctl resume %s", ctl->shown);
	if (state && state_is_pending(state, cred))
		print_row("pending",
			  "waits for the first right code; until then no code is asked "
			  "for\n%15swhere none is required",
			  "");
	for (size_t i = 0; i < cred->token_count; i++)
		print_token(&cred->tokens[i], state ? &state->tokens[i] : NULL);
}

static void print_state(const struct store_txn *txn, const struct policy *policy, int64_t now)
{
	const struct login_state *state = &txn->state;
	char last[WHEN_MAX];

	print_recovery(&txn->cred, state);
	print_bypass(&txn->cred, state, now);
	print_row("last login", "%s", when_iso(state->last_success, last));
	print_failures(state);
	for (size_t i = 0; i < state->known_count; i++)
		print_known(&state->known[i], policy, now);
	for (size_t i = 0; i < (state->one_class ? 1 : SOURCE_CLASSES); i++) {
		print_row("other places", "%s",
			  state->one_class ? "any that never logged in as this user"
					   : source_class_text((enum source_class)i));
		print_throttle(&state->shared[i], policy, now);
	}
	if (txn->torn)
		print_row("note", "a write was cut short; the next login puts it right");
}

static int show_damaged(const struct ctl *ctl, enum totp_err err, const struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	if (err == TOTP_ERR_NOT_FOUND)
		return ctl_not_enrolled(ctl);
	if (store_read_cred(ctl->tool.store, ctl->account.name, &txn, NULL) == TOTP_OK)
		print_cred(ctl, &txn.cred, NULL);
	fflush(stdout);
	return ctl_refuse_record(ctl, err, why);
}

int ctl_show(struct ctl *ctl)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	enum totp_err err;
	int code = ctl_open_user(ctl, "look at records");

	if (code != TOOL_DONE)
		return code;
	err = store_read(ctl->tool.store, ctl->account.name, &txn, &why);
	if (err != TOTP_OK)
		return show_damaged(ctl, err, &why);
	print_cred(ctl, &txn.cred, &txn.state);
	print_state(&txn, &ctl->tool.policy, clock_now());
	return TOOL_DONE;
}
