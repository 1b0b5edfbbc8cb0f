/* SPDX-License-Identifier: BSD-2-Clause */
/* One answer tries to log one user in: read, lock, judge, commit; again while stale. */
#ifndef LOGIN_ATTEMPT_H
#define LOGIN_ATTEMPT_H

#include "login/judge.h"
#include "store/store.h"

/*
 * What is done instead of the commit if an answer is right: it makes `next`, in which the answer
 * is used up, durable together with a change of the record. cred is a copy. May be called again,
 * from the start, when a race was lost.
 */
struct attempt_act {
	enum totp_err (*run)(void *context, struct store_txn *txn, const struct cred *cred,
			     const struct login_state *next, struct reason *why);
	void *context;
};

/* One answer of one user. */
struct attempt {
	const char *user;
	uint32_t uid;
	struct source source;
	int64_t now; /* seconds since 1970 UTC, taken once, when the answer had arrived */
	const struct policy *policy;
	const struct answer *answer;   /* not for attempt_look */
	const struct attempt_act *act; /* NULL: none */
	bool tells; /* the user sees messages: notices are shown, and need not be kept */
	bool (*is_awaited)(const void *context); /* does the client still wait? NULL: yes */
	const void *context;
};

/* What the log says of it. No code, no secret. */
struct outcome {
	enum verdict verdict;
	enum judge_reason reason;
	char label[CRED_LABEL_MAX + 1];      /* of the token that decided, or "" */
	uint32_t wait_seconds;               /* as in struct ruling */
	bool off;                            /* the code is that of another step or counter… */
	bool off_hours;                      /* …or of another time zone… */
	int64_t offset;                      /* …so many (hours) away, of the token in label… */
	enum token_type off_type;            /* …which is of this type */
	uint32_t failures;                   /* since the last success, this login left out… */
	int64_t last_failure;                /* …the last of them, seconds since 1970 UTC… */
	struct source failure_source;        /* …and where it came from */
	unsigned recovery_left;              /* JUDGE_RECOVERY: codes that are not spent */
	unsigned bypass_left;                /* JUDGE_BYPASS: uses that are left… */
	int64_t bypass_expires;              /* …and when it ends, seconds since 1970 UTC */
	bool in_run;                         /* the disk refused, and the state is in run_dir */
	struct notice notices[NOTICE_KINDS]; /* ALLOW: what self-service did, for the message */
	bool torn; /* a cut-short write was found, and repaired if stored */
};

/*
 * Leave out that a wrong code is a future one: a reader who is not root could find the code by
 * trying. That a code is an old one stays: it helps its owner, whose clock is slow.
 */
void outcome_hide_future(struct outcome *outcome);

#define OUTCOME_DETAIL_MAX 200
#define OUTCOME_TIME_MAX   32

/* "deny", "wait" or "allow", for the log. */
const char *outcome_word(const struct outcome *outcome);

/* "2026-01-31 14:32 UTC": in no zone that a set-uid program's caller could choose. */
const char *outcome_time(int64_t when, char text[OUTCOME_TIME_MAX]);

/* What an administrator should know beside the reason itself: a sentence, or "". */
void outcome_explain(const struct outcome *outcome, char ret_detail[OUTCOME_DETAIL_MAX]);

/*
 * *ret_outcome is always written, VERDICT_DENY first; it becomes VERDICT_ALLOW only after
 * the state that burns the code is durable. A refusal is reported only after the failure
 * was counted durably, so guessing in parallel counts every guess. A throttled login, or one
 * whose credential is disabled, is denied without waiting for the lock.
 *
 * Errors, all of which refuse: those of the store; TOTP_ERR_UNSAFE: the credential
 * belongs to another uid; TOTP_ERR_STALE: STORE_TRIES races lost; TOTP_ERR_FORBIDDEN: the answer
 * is a bypass, which allows no act and is not used up (*why is a sentence for the user); an error
 * of the act; TOTP_ERR_TIMEOUT: the lock was not free in time, or the client waits no longer:
 * then the answer is neither judged, nor used up, nor counted; or a shared store did not answer in
 * time: then it may have been used up. *why holds a sentence for the log.
 * Waits until store_deadline of the store in all.
 */
MUST_CHECK enum totp_err attempt(struct store *store, const struct attempt *who,
				 struct outcome *ret_outcome, struct reason *why);

/*
 * Take as used what may have been: codes up to now after a write that was cut short, and
 * with readonly_login those that may have been taken just before the host came up again.
 */
void attempt_raise(struct store_txn *txn, const struct policy *policy, int64_t now);

/*
 * Is this the account that the record was made for? A name can be deleted and created again.
 * TOTP_ERR_UNSAFE, after a sentence.
 */
MUST_CHECK enum totp_err attempt_check_uid(const struct cred *cred, uint32_t uid,
					   struct reason *why);

/* What a record says before anybody is asked. */
struct look {
	bool remembered;   /* logged in from this address less than policy->remember seconds ago */
	int64_t last_here; /* when that was, whatever the policy; 0: never, or it does not count */
	bool pending;      /* waits for its first code */
};

/* Does a login from this address at `last_here` make a code unnecessary at `now`? */
bool attempt_remembers(const struct policy *policy, int64_t last_here, int64_t now);

/*
 * Look at a user's record. Nothing is written, so a login that is allowed because it is
 * remembered does not extend the time. A local caller, an unknown source and a time in the future
 * are never remembered. A disabled record is neither remembered nor pending; a record whose last
 * write was cut short is not pending, since that write may have been of its first code.
 *
 * *txn: as for store_read; the caller ends it. Errors, all of which refuse: those of store_read;
 * TOTP_ERR_UNSAFE: another uid. TOTP_ERR_NOT_FOUND: revoked.
 */
MUST_CHECK enum totp_err attempt_look(struct store *store, const struct attempt *who,
				      struct store_txn *txn, struct look *ret_look,
				      struct reason *why);

#endif
