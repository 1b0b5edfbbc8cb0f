#include "login/judge.h"

#include "login/throttle.h"
#include "otp/totp.h"

#define OFFSET_SEARCH_SECONDS  3600
#define OFFSET_SEARCH_HOURS    24
#define OFFSET_SEARCH_COUNTERS 200

/* What one token says of a code. */
struct opinion {
	bool found;      /* it is a code not used before… */
	uint64_t moving; /* …after which the token's state is this */
	bool used;       /* it is a code used before */
	bool ahead;      /* its last step lies in the future: a clock was set back */
	bool usable;     /* it could have agreed */
};

static struct totp_params params_of(const struct token *token)
{
	return (struct totp_params){.alg = token->alg, .digits = token->digits};
}

bool judge_is_ahead(const struct token *token, const struct token_state *state,
		    const struct policy *policy, int64_t now)
{
	uint64_t step = 0;

	return token->type == TOKEN_TOTP && token_step_at(token, now, &step) == TOTP_OK &&
	       state->moving > step + policy->window;
}

static enum totp_err ask_totp(const struct token *token, const struct token_state *state,
			      const struct policy *policy, const struct code *code, int64_t now,
			      struct opinion *ret_opinion)
{
	struct totp_params params = params_of(token);
	struct step_window window = {.reach = policy->window, .floor = state->moving};
	struct step_match match = {0};
	bool ahead;
	enum totp_err err = token_step_at(token, now, &window.centre);

	if (err == TOTP_OK)
		err = totp_find_step(&params, &token->secret, code, &window, &match);
	if (err != TOTP_OK)
		return err;
	ahead = judge_is_ahead(token, state, policy, now);
	*ret_opinion = (struct opinion){.found = match.found && !ahead,
					.moving = match.step,
					.used = match.used,
					.ahead = ahead,
					.usable = !ahead};
	return TOTP_OK;
}

static enum totp_err ask_hotp(const struct token *token, const struct token_state *state,
			      const struct policy *policy, const struct code *code,
			      struct opinion *ret_opinion)
{
	struct counter_match match = {0};
	enum totp_err err;

	if (state->moving == COUNTER_DISABLED)
		return TOTP_OK;
	err = hotp_find(token->alg, &token->secret, token->digits, code, state->moving,
			policy->hotp_window, &match);
	if (err == TOTP_OK)
		*ret_opinion = (struct opinion){.found = match.found,
						.moving = match.counter + 1,
						.used = match.used,
						.usable = true};
	return err;
}

/* Note what every success does, however it came about. */
static void note_success(struct ruling *ruling, enum judge_reason reason, int64_t now)
{
	ruling->verdict = VERDICT_ALLOW;
	ruling->reason = reason;
	ruling->changed = true;
	ruling->next.failures = 0;
	ruling->next.last_success = now;
}

static void rule_allow(struct ruling *ruling, const struct source *source, int64_t now,
		       uint64_t moving)
{
	struct token_state *token = &ruling->next.tokens[ruling->token];

	token->moving = moving;
	token->last_used = now;
	note_success(ruling, JUDGE_CODE, now);
	throttle_remember(&ruling->next, source, now);
}

static void count_guess(struct ruling *ruling, const struct policy *policy,
			const struct source *source, int64_t now)
{
	struct login_state *next = &ruling->next;

	ruling->changed = true;
	throttle_count(throttle_of(next, source), policy, now);
	if (next->failures < UINT32_MAX)
		next->failures++;
	next->last_failure = now;
	next->last_failure_source = *source;
}

bool judge_shape(const struct answer *answer, struct ruling *ret_ruling)
{
	*ret_ruling = (struct ruling){.token = -1};
	switch (answer->kind) {
	case ANSWER_CODE:
	case ANSWER_RECOVERY:
		return false;
	case ANSWER_NONE:
		ret_ruling->reason = JUDGE_NO_ANSWER;
		return true;
	case ANSWER_JUNK:
		ret_ruling->reason = JUDGE_JUNK;
		return true;
	case ANSWER_PASSWORD:
		ret_ruling->reason = JUDGE_PASSWORD;
		return true;
	case ANSWER_OTHER:
		break;
	}
	ret_ruling->reason = JUDGE_NOT_A_CODE;
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
static enum totp_err ask_tokens(const struct cred *cred, const struct login_state *state,
				const struct policy *policy, const struct code *code, int64_t now,
				struct opinion opinions[CRED_TOKENS_MAX], unsigned *ret_usable)
{
	for (size_t i = 0; i < cred->token_count; i++) {
		const struct token *token = &cred->tokens[i];
		enum totp_err err =
			token->type == TOKEN_HOTP
				? ask_hotp(token, &state->tokens[i], policy, code, &opinions[i])
				: ask_totp(token, &state->tokens[i], policy, code, now,
					   &opinions[i]);

		if (err != TOTP_OK)
			return err;
		*ret_usable += opinions[i].usable;
	}
	return TOTP_OK;
}

/* The first token whose code this is: a fresh one before a used one. */
static int pick_token(const struct cred *cred, const struct opinion *opinions, bool fresh)
{
	for (int i = 0; i < cred->token_count; i++)
		if (fresh ? opinions[i].found : opinions[i].used)
			return i;
	return -1;
}

static int first_ahead(const struct cred *cred, const struct opinion *opinions)
{
	for (int i = 0; i < cred->token_count; i++)
		if (opinions[i].ahead)
			return i;
	return -1;
}

/* Seconds until the code after the last one that was used is shown; now's if that is past. */
static uint32_t until_next(const struct token *token, const struct token_state *state, int64_t now)
{
	uint64_t step = 0;
	int64_t begins;

	if (token->type != TOKEN_TOTP || token_step_at(token, now, &step) != TOTP_OK ||
	    state->moving < step)
		return 0;
	begins = ((int64_t)state->moving + 1 - token->offset) * token->period;
	return (uint32_t)(begins - now);
}

static enum totp_err judge_code(const struct cred *cred, const struct policy *policy,
				const struct answer *answer, const struct source *source,
				int64_t now, struct ruling *ruling)
{
	struct opinion opinions[CRED_TOKENS_MAX] = {0};
	unsigned usable = 0;
	enum totp_err err =
		ask_tokens(cred, &ruling->next, policy, &answer->code, now, opinions, &usable);

	if (err != TOTP_OK)
		return err;

	ruling->token = pick_token(cred, opinions, true);
	if (ruling->token >= 0) {
		rule_allow(ruling, source, now, opinions[ruling->token].moving);
		return TOTP_OK;
	}
	/* before "used": the steps up to a last one in the future were not all used */
	ruling->token = first_ahead(cred, opinions);
	if (ruling->token >= 0 && (usable == 0 || opinions[ruling->token].used)) {
		ruling->reason = JUDGE_CLOCK_BACK;
		return TOTP_OK;
	}
	ruling->token = pick_token(cred, opinions, false);
	if (ruling->token >= 0) {
		ruling->reason = JUDGE_USED_CODE;
		ruling->wait_seconds = until_next(&cred->tokens[ruling->token],
						  &ruling->next.tokens[ruling->token], now);
		return TOTP_OK;
	}
	ruling->reason = JUDGE_WRONG_CODE;
	count_guess(ruling, policy, source, now);
	return TOTP_OK;
}

/* It is this recovery code, which is accepted if it is not spent. */
static void rule_recovery(struct ruling *ruling, const struct source *source, int64_t now,
			  int index)
{
	ruling->reason = JUDGE_SPENT_RECOVERY;
	if (ruling->next.spent >> index & 1)
		return;
	ruling->next.spent |= UINT32_C(1) << index;
	note_success(ruling, JUDGE_RECOVERY, now);
	throttle_remember(&ruling->next, source, now);
}

/* It has the shape of a recovery code and is none of them: it is the bypass, or invalid. */
static enum totp_err judge_bypass(const struct cred *cred, const struct answer *answer, int64_t now,
				  struct ruling *ruling)
{
	bool same = false;
	enum totp_err err = bypass_is(cred, &answer->recovery, &same);

	if (err != TOTP_OK)
		return err;
	ruling->reason = JUDGE_WRONG_RECOVERY;
	if (!same)
		return TOTP_OK;
	ruling->reason = JUDGE_ENDED_BYPASS;
	if (bypass_left(cred, &ruling->next, now) == 0)
		return TOTP_OK;
	ruling->next.bypass_used++;
	note_success(ruling, JUDGE_BYPASS, now);
	return TOTP_OK;
}

static enum totp_err judge_recovery(const struct cred *cred, const struct answer *answer,
				    const struct source *source, int64_t now, struct ruling *ruling)
{
	int index = -1;
	enum totp_err err = recovery_find(cred, &answer->recovery, &index);

	if (err != TOTP_OK)
		return err;
	if (index < 0)
		return judge_bypass(cred, answer, now, ruling);
	rule_recovery(ruling, source, now, index);
	return TOTP_OK;
}

/* Eight digits may be a recovery code that was imported from another system. */
static bool may_be_scratch(const struct cred *cred, const struct answer *answer)
{
	return answer->digits == SCRATCH_DIGITS && cred->recovery_count > 0;
}

static enum totp_err judge_digits(const struct cred *cred, const struct policy *policy,
				  const struct answer *answer, const struct source *source,
				  int64_t now, struct ruling *ruling)
{
	bool scratch = may_be_scratch(cred, answer);
	int index = -1;
	enum totp_err err = scratch ? recovery_find_scratch(cred, &answer->code, &index) : TOTP_OK;

	if (err != TOTP_OK)
		return err;
	if (index >= 0) {
		rule_recovery(ruling, source, now, index);
		return TOTP_OK;
	}
	err = judge_code(cred, policy, answer, source, now, ruling);
	/* no token could have agreed, but one of those could */
	if (err == TOTP_OK && scratch && ruling->reason == JUDGE_CLOCK_BACK)
		count_guess(ruling, policy, source, now);
	return err;
}

static enum totp_err judge_throttled(const struct cred *cred, const struct policy *policy,
				     const struct answer *answer, const struct source *source,
				     int64_t now, struct ruling *ruling)
{
	struct throttle *throttle = throttle_of(&ruling->next, source);

	ruling->changed = throttle_settle(throttle, now);
	ruling->wait_seconds = throttle_wait(throttle, policy, now);
	if (!ruling->wait_seconds)
		return judge_digits(cred, policy, answer, source, now, ruling);
	ruling->verdict = VERDICT_WAIT;
	ruling->reason = JUDGE_THROTTLED;
	return TOTP_OK;
}

enum totp_err judge(const struct cred *cred, const struct login_state *state,
		    const struct policy *policy, const struct answer *answer,
		    const struct source *source, int64_t now, struct ruling *ret_ruling)
{
	struct ruling ruling;
	enum totp_err err;

	if (judge_shape(answer, &ruling) || judge_record(cred, &ruling)) {
		*ret_ruling = ruling;
		ret_ruling->next = *state;
		return TOTP_OK;
	}
	*ret_ruling = (struct ruling){.token = -1, .next = *state};
	ruling = *ret_ruling;
	if (answer->kind == ANSWER_RECOVERY)
		err = judge_recovery(cred, answer, source, now, &ruling);
	else
		err = judge_throttled(cred, policy, answer, source, now, &ruling);
	if (err == TOTP_OK)
		*ret_ruling = ruling;
	return err;
}

static enum totp_err near_offset(const struct token *token, const struct answer *answer,
				 int64_t now, struct offset *offset)
{
	struct totp_params params = params_of(token);
	uint64_t step = 0;
	enum totp_err err = token_step_at(token, now, &step);

	if (err != TOTP_OK)
		return err;
	return totp_find_offset(&params, &token->secret, &answer->code, step,
				OFFSET_SEARCH_SECONDS / token->period, &offset->found,
				&offset->distance);
}

/* A hardware clock in local time, or a wrong time zone. */
static enum totp_err zone_offset(const struct token *token, const struct answer *answer,
				 int64_t now, struct offset *offset)
{
	struct totp_params params = params_of(token);

	for (int64_t hours = -OFFSET_SEARCH_HOURS; hours <= OFFSET_SEARCH_HOURS; hours++) {
		bool same = false;
		int64_t distance = 0;
		uint64_t step = 0;
		enum totp_err err = token_step_at(token, now + hours * 3600, &step);

		if (err == TOTP_OK)
			err = totp_find_offset(&params, &token->secret, &answer->code, step, 1,
					       &same, &distance);
		if (err != TOTP_OK)
			return err;
		if (same && !offset->found)
			*offset = (struct offset){
				.found = true, .whole_hours = true, .distance = hours};
	}
	return TOTP_OK;
}

static enum totp_err totp_offset(const struct token *token, const struct answer *answer,
				 int64_t now, struct offset *ret_offset)
{
	enum totp_err err = near_offset(token, answer, now, ret_offset);

	return err == TOTP_OK ? zone_offset(token, answer, now, ret_offset) : err;
}

static enum totp_err hotp_offset(const struct token *token, const struct token_state *state,
				 const struct answer *answer, struct offset *ret_offset)
{
	struct counter_match match = {0};
	enum totp_err err;

	if (state->moving == COUNTER_DISABLED)
		return TOTP_OK;
	err = hotp_find(token->alg, &token->secret, token->digits, &answer->code, state->moving,
			OFFSET_SEARCH_COUNTERS, &match);
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
	switch (reason) {
	case JUDGE_NONE:
		break;
	case JUDGE_CODE:
		return "code";
	case JUDGE_RECOVERY:
		return "recovery_code";
	case JUDGE_WRONG_CODE:
		return "wrong_code";
	case JUDGE_USED_CODE:
		return "used_code";
	case JUDGE_THROTTLED:
		return "throttled";
	case JUDGE_CLOCK_BACK:
		return "clock_back";
	case JUDGE_NO_ANSWER:
		return "no_answer";
	case JUDGE_JUNK:
		return "junk";
	case JUDGE_PASSWORD:
		return "password";
	case JUDGE_NOT_A_CODE:
		return "not_a_code";
	case JUDGE_WRONG_RECOVERY:
		return "wrong_recovery_code";
	case JUDGE_COUNT_:
		break;
	case JUDGE_SPENT_RECOVERY:
		return "spent_recovery_code";
	case JUDGE_BYPASS:
		return "bypass";
	case JUDGE_ENDED_BYPASS:
		return "ended_bypass";
	case JUDGE_DISABLED:
		return "disabled";
	}
	return "none";
}
