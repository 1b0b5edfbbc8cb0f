/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/judge.h"

#include "login/throttle.h"
#include "otp/totp.h"

#define OFFSET_SEARCH_SECONDS  3600
#define OFFSET_SEARCH_HOURS    24
#define OFFSET_SEARCH_COUNTERS 200

enum finding {
	FOUND_FRESH = 1,  /* it is a code not used before */
	FOUND_USED = 2,   /* it is a code used before */
	FOUND_AHEAD = 4,  /* the token's last step lies in the future: a clock was set back */
	FOUND_USABLE = 8, /* the token could have agreed */
};

/* What one token says of a code. */
struct opinion {
	unsigned found;  /* of enum finding */
	uint64_t moving; /* FRESH: the token's state afterwards */
};

bool judge_is_ahead(const struct token *token, const struct token_state *state,
		    const struct policy *policy, int64_t now)
{
	uint64_t step = 0;

	return token->type == TOKEN_TOTP && token_step_at(token, now, &step) == TOTP_OK &&
	       state->moving > step + policy->window;
}

static enum totp_err ask_totp(const struct claim *claim, size_t index, struct opinion *ret_opinion)
{
	const struct token *token = &claim->cred->tokens[index];
	const struct token_state *state = &claim->state->tokens[index];
	struct hotp hotp = token_hotp(token);
	struct step_window window = {.reach = claim->policy->window, .floor = state->moving};
	struct step_match match = {0};
	bool ahead;
	enum totp_err err = token_step_at(token, claim->now, &window.centre);

	if (err == TOTP_OK)
		err = totp_find_step(&hotp, &claim->answer->code, &window, &match);
	if (err != TOTP_OK)
		return err;
	ahead = judge_is_ahead(token, state, claim->policy, claim->now);
	*ret_opinion = (struct opinion){.found = (match.found && !ahead ? FOUND_FRESH : 0u) |
						 (match.used ? FOUND_USED : 0u) |
						 (ahead ? FOUND_AHEAD : FOUND_USABLE),
					.moving = match.step};
	return TOTP_OK;
}

static enum totp_err ask_hotp(const struct claim *claim, size_t index, struct opinion *ret_opinion)
{
	const struct token *token = &claim->cred->tokens[index];
	struct hotp hotp = token_hotp(token);
	uint64_t moving = claim->state->tokens[index].moving;
	struct counter_match match = {0};
	enum totp_err err;

	if (moving == COUNTER_DISABLED)
		return TOTP_OK;
	err = hotp_find(&hotp, &claim->answer->code, moving, claim->policy->hotp_window, &match);
	if (err == TOTP_OK)
		*ret_opinion = (struct opinion){.found = (match.found ? FOUND_FRESH : 0u) |
							 (match.used ? FOUND_USED : 0u) |
							 FOUND_USABLE,
						.moving = match.counter + 1};
	return err;
}

/* Note what every success does, however it came about. */
static void rule_allow(struct ruling *ruling, enum judge_reason reason, int64_t now)
{
	ruling->verdict = VERDICT_ALLOW;
	ruling->reason = reason;
	ruling->changed = true;
	ruling->next.failures = 0;
	ruling->next.last_success = now;
}

static void count_guess(const struct claim *claim, struct ruling *ruling)
{
	struct login_state *next = &ruling->next;

	ruling->changed = true;
	throttle_count(throttle_of(next, &claim->source), claim->policy, claim->now);
	if (next->failures < UINT32_MAX)
		next->failures++;
	next->last_failure = claim->now;
	next->last_failure_source = claim->source;
}

bool judge_shape(const struct answer *answer, struct ruling *ret_ruling)
{
	*ret_ruling = (struct ruling){.token = -1};
	if (answer->kind == ANSWER_CODE || answer->kind == ANSWER_RECOVERY)
		return false;
	ret_ruling->reason = answer->kind == ANSWER_NONE       ? JUDGE_NO_ANSWER
			     : answer->kind == ANSWER_JUNK     ? JUDGE_JUNK
			     : answer->kind == ANSWER_PASSWORD ? JUDGE_PASSWORD
							       : JUDGE_NOT_A_CODE;
	return true;
}

bool judge_record(const struct cred *cred, struct ruling *ret_ruling)
{
	if (!cred->disabled)
		return false;
	*ret_ruling = (struct ruling){.token = -1, .reason = JUDGE_DISABLED};
	return true;
}

/* Ask every token, always all of them; *ret_usable counts those that could have agreed. */
static enum totp_err ask_tokens(const struct claim *claim, struct opinion opinions[CRED_TOKENS_MAX],
				unsigned *ret_usable)
{
	for (size_t i = 0; i < claim->cred->token_count; i++) {
		enum totp_err err = claim->cred->tokens[i].type == TOKEN_HOTP
					    ? ask_hotp(claim, i, &opinions[i])
					    : ask_totp(claim, i, &opinions[i]);

		if (err != TOTP_OK)
			return err;
		*ret_usable += (opinions[i].found & FOUND_USABLE) != 0;
	}
	return TOTP_OK;
}

/* The first token of which this is true, or -1. */
static int pick_token(const struct cred *cred, const struct opinion *opinions, enum finding finding)
{
	for (int i = 0; i < cred->token_count; i++)
		if (opinions[i].found & finding)
			return i;
	return -1;
}

/* Seconds until the code after the last one that was used is shown; now's if that is past. */
static uint32_t until_next(const struct token *token, const struct token_state *state, int64_t now)
{
	uint64_t step = 0;
	int64_t next;

	if (token->type != TOKEN_TOTP || token_step_at(token, now, &step) != TOTP_OK ||
	    state->moving < step)
		return 0;
	next = (int64_t)state->moving + 1 - token->offset;
	if (next > INT64_MAX / token->period) /* no clock shows its time */
		return 0;
	return (uint32_t)(next * token->period - now);
}

static enum totp_err judge_code(const struct claim *claim, struct ruling *ruling)
{
	const struct cred *cred = claim->cred;
	struct opinion opinions[CRED_TOKENS_MAX] = {0};
	struct token_state *token;
	unsigned usable = 0;
	enum totp_err err = ask_tokens(claim, opinions, &usable);

	if (err != TOTP_OK)
		return err;

	ruling->token = pick_token(cred, opinions, FOUND_FRESH);
	if (ruling->token >= 0) {
		token = &ruling->next.tokens[ruling->token];
		token->moving = opinions[ruling->token].moving;
		token->last_used = claim->now;
		rule_allow(ruling, JUDGE_CODE, claim->now);
		throttle_remember(&ruling->next, &claim->source, claim->now);
		return TOTP_OK;
	}
	/* before "used": the steps up to a last one in the future were not all used */
	ruling->token = pick_token(cred, opinions, FOUND_AHEAD);
	if (ruling->token >= 0 && (usable == 0 || opinions[ruling->token].found & FOUND_USED)) {
		ruling->reason = JUDGE_CLOCK_BACK;
		return TOTP_OK;
	}
	ruling->token = pick_token(cred, opinions, FOUND_USED);
	if (ruling->token >= 0) {
		token = &ruling->next.tokens[ruling->token];
		ruling->reason = JUDGE_USED_CODE;
		ruling->wait_seconds = until_next(&cred->tokens[ruling->token], token, claim->now);
		return TOTP_OK;
	}
	ruling->reason = JUDGE_WRONG_CODE;
	count_guess(claim, ruling);
	return TOTP_OK;
}

/* It is this recovery code, which is accepted if it is not spent. */
static void rule_recovery(const struct claim *claim, struct ruling *ruling, int index)
{
	ruling->reason = JUDGE_SPENT_RECOVERY;
	if (ruling->next.spent >> index & 1)
		return;
	ruling->next.spent |= UINT32_C(1) << index;
	rule_allow(ruling, JUDGE_RECOVERY, claim->now);
	throttle_remember(&ruling->next, &claim->source, claim->now);
}

/* It has the shape of a recovery code and is none of them: it is the bypass, or invalid. */
static enum totp_err judge_bypass(const struct claim *claim, struct ruling *ruling)
{
	bool same = false;
	enum totp_err err = bypass_is(claim->cred, &claim->answer->recovery, &same);

	if (err != TOTP_OK)
		return err;
	ruling->reason = JUDGE_WRONG_RECOVERY;
	if (!same)
		return TOTP_OK;
	ruling->reason = JUDGE_ENDED_BYPASS;
	if (bypass_left(claim->cred, &ruling->next, claim->now) == 0)
		return TOTP_OK;
	ruling->next.bypass_used++;
	rule_allow(ruling, JUDGE_BYPASS, claim->now);
	return TOTP_OK;
}

static enum totp_err judge_recovery(const struct claim *claim, struct ruling *ruling)
{
	int index = -1;
	enum totp_err err = recovery_find(claim->cred, claim->answer->recovery.text, &index);

	if (err != TOTP_OK)
		return err;
	if (index < 0)
		return judge_bypass(claim, ruling);
	rule_recovery(claim, ruling, index);
	return TOTP_OK;
}

static enum totp_err judge_digits(const struct claim *claim, struct ruling *ruling)
{
	/* eight digits may be a recovery code that was imported from another system */
	bool scratch = claim->answer->digits == SCRATCH_DIGITS && claim->cred->recovery_count > 0;
	int index = -1;
	enum totp_err err = scratch ? recovery_find(claim->cred, claim->answer->code.text, &index)
				    : TOTP_OK;

	if (err != TOTP_OK)
		return err;
	if (index >= 0) {
		rule_recovery(claim, ruling, index);
		return TOTP_OK;
	}
	err = judge_code(claim, ruling);
	/* no token could have agreed, but one of those could */
	if (err == TOTP_OK && scratch && ruling->reason == JUDGE_CLOCK_BACK)
		count_guess(claim, ruling);
	return err;
}

static enum totp_err judge_throttled(const struct claim *claim, struct ruling *ruling)
{
	struct throttle *throttle = throttle_of(&ruling->next, &claim->source);

	ruling->changed = throttle_settle(throttle, claim->now);
	ruling->wait_seconds = throttle_wait(throttle, claim->policy, claim->now);
	if (!ruling->wait_seconds)
		return judge_digits(claim, ruling);
	ruling->verdict = VERDICT_WAIT;
	ruling->reason = JUDGE_THROTTLED;
	return TOTP_OK;
}

enum totp_err judge(const struct claim *claim, struct ruling *ret_ruling)
{
	struct ruling ruling;
	bool settled = judge_shape(claim->answer, &ruling) || judge_record(claim->cred, &ruling);
	enum totp_err err;

	ruling.next = *claim->state;
	*ret_ruling = ruling;
	if (settled)
		return TOTP_OK;
	if (claim->answer->kind == ANSWER_RECOVERY)
		err = judge_recovery(claim, &ruling);
	else
		err = judge_throttled(claim, &ruling);
	if (err == TOTP_OK)
		*ret_ruling = ruling;
	return err;
}

/* A clock that is off by less than an hour; or one in local time, or of a wrong time zone. */
static enum totp_err totp_offset(const struct token *token, const struct answer *answer,
				 int64_t now, struct offset *ret_offset)
{
	struct hotp hotp = token_hotp(token);
	struct step_offset near = {0};
	uint64_t step = 0;
	enum totp_err err = token_step_at(token, now, &step);

	if (err == TOTP_OK)
		err = totp_find_offset(&hotp, &answer->code, step,
				       OFFSET_SEARCH_SECONDS / token->period, &near);
	ret_offset->found = near.found;
	ret_offset->distance = near.steps;
	for (int64_t hours = -OFFSET_SEARCH_HOURS; hours <= OFFSET_SEARCH_HOURS; hours++) {
		if (err == TOTP_OK)
			err = token_step_at(token, now + hours * 3600, &step);
		if (err == TOTP_OK)
			err = totp_find_offset(&hotp, &answer->code, step, 1, &near);
		if (err != TOTP_OK)
			return err;
		if (near.found && !ret_offset->found)
			*ret_offset = (struct offset){
				.found = true, .whole_hours = true, .distance = hours};
	}
	return TOTP_OK;
}

static enum totp_err hotp_offset(const struct token *token, const struct token_state *state,
				 const struct answer *answer, struct offset *ret_offset)
{
	struct hotp hotp = token_hotp(token);
	struct counter_match match = {0};
	enum totp_err err;

	if (state->moving == COUNTER_DISABLED)
		return TOTP_OK;
	err = hotp_find(&hotp, &answer->code, state->moving, OFFSET_SEARCH_COUNTERS, &match);
	ret_offset->found = match.found;
	ret_offset->distance = match.found ? (int64_t)(match.counter - state->moving) : 0;
	return err;
}

enum totp_err judge_offset(const struct cred *cred, const struct login_state *state,
			   const struct answer *answer, int64_t now, struct offset *ret_offset)
{
	*ret_offset = (struct offset){.found = false};
	for (int i = 0; i < cred->token_count; i++) {
		const struct token *token = &cred->tokens[i];
		struct offset offset = {.found = false};
		enum totp_err err = token->type == TOKEN_HOTP
					    ? hotp_offset(token, &state->tokens[i], answer, &offset)
					    : totp_offset(token, answer, now, &offset);

		if (err != TOTP_OK)
			return err;
		offset.token = i;
		if (!ret_offset->found)
			*ret_offset = offset;
	}
	return TOTP_OK;
}

const char *judge_reason_name(enum judge_reason reason)
{
	static const char names[JUDGE_COUNT_][20] = {
		[JUDGE_NONE] = "none",
		[JUDGE_CODE] = "code",
		[JUDGE_RECOVERY] = "recovery_code",
		[JUDGE_WRONG_CODE] = "wrong_code",
		[JUDGE_USED_CODE] = "used_code",
		[JUDGE_THROTTLED] = "throttled",
		[JUDGE_CLOCK_BACK] = "clock_back",
		[JUDGE_NO_ANSWER] = "no_answer",
		[JUDGE_JUNK] = "junk",
		[JUDGE_PASSWORD] = "password",
		[JUDGE_NOT_A_CODE] = "not_a_code",
		[JUDGE_WRONG_RECOVERY] = "wrong_recovery_code",
		[JUDGE_SPENT_RECOVERY] = "spent_recovery_code",
		[JUDGE_BYPASS] = "bypass",
		[JUDGE_ENDED_BYPASS] = "ended_bypass",
		[JUDGE_DISABLED] = "disabled",
	};

	return names[reason < JUDGE_COUNT_ ? reason : JUDGE_NONE];
}
