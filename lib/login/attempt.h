/* One answer tries to log one user in: read, lock, judge, commit; again while stale. */
#ifndef LOGIN_ATTEMPT_H
#define LOGIN_ATTEMPT_H

#include "login/judge.h"
#include "store/store.h"

#define ATTEMPT_TRIES 8

/* Who tries, from where, when. */
struct attempt {
	const char *user;
	uint32_t uid;
	struct source source;
	int64_t now; /* seconds since 1970 UTC, taken once, when the answer had arrived */
};

/* What the log says of it. No code, no secret. */
struct outcome {
	enum verdict verdict;
	enum judge_reason reason;
	char label[CRED_LABEL_MAX + 1]; /* of the token that decided, or "" */
	uint32_t wait_seconds;          /* VERDICT_WAIT */
	bool off;                       /* the code is that of another step or counter… */
	int64_t offset;                 /* …so many away, of the token in label… */
	enum token_type off_type;       /* …which is of this type */
	uint32_t failures;              /* since the last success, this login left out… */
	int64_t last_failure;           /* …the last of them, seconds since 1970 UTC… */
	struct source failure_source;   /* …and where it came from */
	unsigned recovery_left;         /* JUDGE_RECOVERY: codes that are not spent */
	bool in_run;                    /* the disk refused, and the state is in run_dir */
	bool torn;                      /* a cut-short write was found, and repaired if stored */
};

#define OUTCOME_DETAIL_MAX 200

/* "deny", "wait" or "allow", for the log. */
const char *outcome_word(const struct outcome *outcome);

/* What an administrator should know beside the reason itself: a sentence, or "". */
void outcome_explain(const struct outcome *outcome, char ret_detail[OUTCOME_DETAIL_MAX]);

/*
 * *ret_outcome is always written, VERDICT_DENY first; it becomes VERDICT_ALLOW only after
 * the state that burns the code is durable. A refusal is reported only after the failure
 * was counted durably, so guessing in parallel counts every guess. A source whose
 * throttle is full is told so without waiting for the lock.
 *
 * Errors, all of which refuse: those of the store; TOTP_ERR_UNSAFE: the credential
 * belongs to another uid; TOTP_ERR_STALE: ATTEMPT_TRIES races lost. *why holds a sentence
 * for the log. Waits at most STORE_LOCK_WAIT_MS in all.
 */
MUST_CHECK enum totp_err attempt(struct store *store, const struct policy *policy,
				 const struct attempt *who, const struct answer *answer,
				 struct outcome *ret_outcome, struct reason *why);

/*
 * What is done in the place of the commit where an answer is right: it makes `next`, in which
 * the answer is used up, durable together with a change of the record. cred is a copy. May be
 * called again, from the start, when a race was lost.
 */
struct attempt_act {
	enum totp_err (*run)(void *context, struct store_txn *txn, const struct cred *cred,
			     const struct login_state *next, struct reason *why);
	void *context;
};

/* As attempt, with an act. An error of it is one of the attempt. */
MUST_CHECK enum totp_err attempt_act(struct store *store, const struct policy *policy,
				     const struct attempt *who, const struct answer *answer,
				     const struct attempt_act *act, struct outcome *ret_outcome,
				     struct reason *why);

/*
 * Take as used what may have been: codes up to now after a write that was cut short, and
 * with readonly_login those that may have been taken just before the host came up again.
 */
void attempt_raise(struct store_txn *txn, const struct policy *policy, int64_t now);

/*
 * Did this user log in from this address less than policy->remember seconds ago? Nothing
 * is written, so a login that is let in for it does not prolong it. Never true of a local
 * caller, an unknown place, or a time in the future.
 *
 * Errors, all of which refuse: those of store_read but TOTP_ERR_STALE, which is tried
 * again; TOTP_ERR_UNSAFE: another uid. TOTP_ERR_NOT_FOUND: revoked.
 */
MUST_CHECK enum totp_err attempt_remembered(struct store *store, const struct policy *policy,
					    const struct attempt *who, bool *ret_remembered,
					    struct reason *why);

#endif
