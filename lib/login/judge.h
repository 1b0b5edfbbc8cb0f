/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is this answer right, and what follows from it? A pure function: no clock, no files, no
 * chance; the same inputs give the same ruling.
 */
#ifndef LOGIN_JUDGE_H
#define LOGIN_JUDGE_H

#include "login/answer.h"
#include "login/policy.h"
#include "record/state.h"

enum verdict { VERDICT_DENY = 0, VERDICT_WAIT, VERDICT_ALLOW };

enum judge_reason {
	JUDGE_NONE = 0,
	JUDGE_CODE,       /* ALLOW: a code of the window, not used before */
	JUDGE_RECOVERY,   /* ALLOW: a recovery code, now spent */
	JUDGE_WRONG_CODE, /* DENY, counted */
	JUDGE_USED_CODE,  /* DENY, not counted: right, but used before */
	JUDGE_THROTTLED,  /* WAIT */
	JUDGE_CLOCK_BACK, /* DENY: the last step lies in the future; not counted, unless it could
			   * have been a recovery code of eight digits */
	JUDGE_NO_ANSWER,  /* DENY, not counted, as those that follow */
	JUDGE_JUNK,
	JUDGE_PASSWORD,
	JUDGE_NOT_A_CODE,
	JUDGE_WRONG_RECOVERY,
	JUDGE_SPENT_RECOVERY,
	JUDGE_BYPASS,       /* ALLOW: the bypass, now used once more */
	JUDGE_ENDED_BYPASS, /* DENY, not counted: expired, or used as often as it may */
	JUDGE_DISABLED,     /* DENY, not counted, whatever the code */
	JUDGE_COUNT_
};

struct ruling {
	enum verdict verdict;
	enum judge_reason reason;
	bool changed;          /* next differs from the state and must be stored */
	int token;             /* index of the token that decided, or -1 */
	uint32_t wait_seconds; /* VERDICT_WAIT; THROTTLE_FOREVER: until unlocked. USED_CODE:
				* until the next code comes, 0: it is there, or a button's */
	struct login_state next;
};

/* What is judged: one answer to one credential. */
struct claim {
	const struct cred *cred;
	const struct login_state *state;
	const struct policy *policy;
	const struct answer *answer;
	struct source source; /* where the attempt comes from */
	int64_t now;          /* seconds since 1970 UTC */
};

/*
 * Judge one answer. The order is fixed: shape of the answer, disabled record, recovery codes and
 * the bypass, throttle (RFC 4226 section 7.3), then for each token all steps of the window (RFC
 * 6238 section 5.2) or counters of the look-ahead (RFC 4226 section 7.4), then bookkeeping. On
 * ALLOW next burns the step, the counters up to the one used, the recovery code, or one use of
 * the bypass; on a counted DENY it holds one failure more, and no counter moves; on WAIT it
 * equals the state, so waiting costs the user nothing (but for a throttle whose time lies in the
 * future: it is set to now, or it would never drain).
 *
 * A recovery code is judged whatever the clock reads and the throttle holds, and a wrong
 * one is not counted: 60 bits are not guessed. One of eight digits, imported from another system,
 * is judged like a code instead, and a wrong one is counted. A bypass is judged like a recovery
 * code while it is valid; it does not make the source a known one, since that would last longer.
 *
 * TOTP_ERR_CRYPTO, TOTP_ERR_RANGE (a time before 1970): *ret_ruling then denies.
 */
MUST_CHECK enum totp_err judge(const struct claim *claim, struct ruling *ret_ruling);

/*
 * The ruling that needs no credential: an answer that is not a code. True if there is
 * one; *ret_ruling is then a DENY that changes nothing.
 */
bool judge_shape(const struct answer *answer, struct ruling *ret_ruling);

/* Does the token's last code lie in the future, so that its codes are denied (CLOCK_BACK)? */
bool judge_is_ahead(const struct token *token, const struct token_state *state,
		    const struct policy *policy, int64_t now);

/* The ruling that needs no answer: the record is disabled. As judge_shape. */
bool judge_record(const struct cred *cred, struct ruling *ret_ruling);

/* How far from now a wrong code is right. */
struct offset {
	bool found;
	int token;        /* its index */
	bool whole_hours; /* a time zone: distance counts hours… */
	int64_t distance; /* …else steps, or codes from the next counter; < 0: in the past */
};

/*
 * For the log after a wrong code: is it the code of a step up to an hour away, of a whole
 * number of hours up to a day away (a step more or less), or of a counter beyond the
 * look-ahead? Never to accept. All tokens and all steps are always searched, so that the time
 * says nothing: it is that of 385 codes for a token of 30 s.
 */
MUST_CHECK enum totp_err judge_offset(const struct cred *cred, const struct login_state *state,
				      const struct answer *answer, int64_t now,
				      struct offset *ret_offset);

/* A stable word for logs: "code", "wrong_code", "used_code", "throttled", … */
const char *judge_reason_name(enum judge_reason reason);

#endif
