/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many lines one user can make totpd log: the first ones of each minute, and then one line
 * that reports how many more there were. Denials and accepted codes are counted separately, so
 * that nobody can hide an accepted code behind denials. Pure: no clock, no log.
 *
 * Only totpd's parent process changes a log_limit. It is in shared memory, because a worker answers
 * requests for longer than a count lasts. A child reads it, and counts the lines of its own request
 * in shared memory, too; the parent adds these counts when the request was answered. So each child
 * that runs at the same time may write one line more.
 */
#ifndef LOG_LIMIT_H
#define LOG_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_LIMIT_TIME  60000000000ull /* ns, from a user's first line on */
#define LOG_LIMIT_USERS 256            /* are counted separately; all others have as many lines */

#define LOG_LIMIT_OTHERS ((uid_t)-1)

enum log_kind { LOG_DENIED = 0, LOG_ACCEPTED, LOG_KINDS };

#define LOG_DENIED_LINES   20 /* denials and errors of one user in LOG_LIMIT_TIME */
#define LOG_ACCEPTED_LINES 60 /* accepted codes and what they changed */

/* How many lines were logged for one user, and how many were not. */
struct log_counts {
	uid_t uid;
	uint32_t written[LOG_KINDS];
	uint32_t withheld[LOG_KINDS];
	uint64_t end; /* CLOCK_MONOTONIC, ns; 0: not in use */
};

struct log_limit {
	/* the last: of all other users, when there is no more room; its uid means nothing */
	struct log_counts users[LOG_LIMIT_USERS + 1];
};

/* May a line of this kind be written for the user? Counts it in *counts as written or withheld. */
bool log_limit_allows(const struct log_limit *limit, struct log_counts *counts, uid_t uid,
		      enum log_kind kind);

/* Add what a child that has ended counted. */
void log_limit_add(struct log_limit *limit, const struct log_counts *counts, uint64_t now);

/* Is there anything to copy? */
bool log_limit_is_due(const struct log_limit *limit, uint64_t now);

/*
 * Copy the counts that end by `now` and include withheld lines; returns how many there are. The
 * uid in those of the others becomes LOG_LIMIT_OTHERS.
 */
size_t log_limit_due(const struct log_limit *limit, uint64_t now,
		     struct log_counts ret_due[LOG_LIMIT_USERS + 1]);

/* Start again for all users whose counts end by `now`. */
void log_limit_expire(struct log_limit *limit, uint64_t now);

/* Are any counts in use? */
bool log_limit_is_active(const struct log_limit *limit);

#endif
