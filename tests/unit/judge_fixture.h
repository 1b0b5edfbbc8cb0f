/* SPDX-License-Identifier: BSD-2-Clause */
/* One user's record before and after a login, and answers judged against it. */
#ifndef JUDGE_FIXTURE_H
#define JUDGE_FIXTURE_H

#include "store_fixture.h"

#include "login/judge.h"
#include "login/throttle.h"
#include "otp/totp.h"

#define T    1800000000 /* a step begins here: divisible by 30, 60 and 300 */
#define STEP 60000000   /* its number for a period of 30 s */

/* One user's record, as a login finds it and leaves it. */
struct record {
	struct cred cred;
	struct login_state state;
	struct policy policy;
	struct source source;
};

/* noinline: otherwise the frames of both would become one large frame */
static __attribute__((noinline, unused)) struct record record_of_one_token(void)
{
	struct record r = {.cred = cred_of("alice", 1),
			   .source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}}};

	policy_default(&r.policy);
	r.state = state_of(&r.cred);
	return r;
}

static inline void add_token(struct record *r, uint8_t n, uint16_t period, enum hmac_alg alg,
			     uint8_t digits)
{
	struct token *token = &r->cred.tokens[r->cred.token_count];

	*token = r->cred.tokens[0];
	token->id = (uint8_t)(r->cred.token_count + 1);
	snprintf(token->label, sizeof(token->label), "token %u", n);
	memset(token->secret.data, n, token->secret.len);
	token->period = period;
	token->alg = alg;
	token->digits = digits;
	r->cred.token_count++;
	r->state = state_of(&r->cred);
}

/* The code of a token at a step; valid until the fourth call after it. */
static inline const char *code_of(const struct record *r, size_t token, uint64_t step)
{
	static struct code codes[4];
	static unsigned next;
	struct code *code = &codes[next++ % 4];
	const struct token *t = &r->cred.tokens[token];

	*code = (struct code){0};
	assert_ok(hotp_code(&(struct hotp){t->alg, t->digits, &t->secret}, step, code));
	return code->text;
}

/* Judge an answer to the record, which stays as it is. */
static __attribute__((noinline, unused)) enum totp_err judge_answer(const struct record *r,
								    const struct answer *answer,
								    int64_t now,
								    struct ruling *ret_ruling)
{
	const struct claim claim = {.cred = &r->cred,
				    .state = &r->state,
				    .policy = &r->policy,
				    .answer = answer,
				    .source = r->source,
				    .now = now};

	return judge(&claim, ret_ruling);
}

/* Judge an answer and keep the resulting state. */
static __attribute__((noinline, unused)) struct ruling answer(struct record *r, const char *text,
							      int64_t now)
{
	struct login_state before = r->state;
	struct ruling ruling;
	struct answer parsed;

	answer_parse(text, NULL, &parsed);
	assert_ok(judge_answer(r, &parsed, now, &ruling));
	if (!ruling.changed)
		assert_memory_equal(&before, &ruling.next, sizeof(before));
	assert_memory_equal(&before, &r->state, sizeof(before)); /* its input is not its output */
	r->state = ruling.next;
	return ruling;
}

#define assert_ruling(expected_verdict, expected_reason, got) \
	do { \
		struct ruling seen_ = (got); \
		assert_string_equal(judge_reason_name(JUDGE_##expected_reason), \
				    judge_reason_name(seen_.reason)); \
		assert_int_equal(VERDICT_##expected_verdict, seen_.verdict); \
	} while (0)

#endif
