/* SPDX-License-Identifier: BSD-2-Clause */
#include "log_limit.h"

static const uint32_t lines[LOG_KINDS] = {
	[LOG_DENIED] = LOG_DENIED_LINES,
	[LOG_ACCEPTED] = LOG_ACCEPTED_LINES,
};

/* The index of the user's counts; else of unused ones; else of those that all others share. */
static size_t find_counts(const struct log_limit *limit, uid_t uid)
{
	size_t unused = LOG_LIMIT_USERS;

	for (size_t i = 0; i < LOG_LIMIT_USERS; i++) {
		const struct log_counts *counts = &limit->users[i];

		if (counts->end && counts->uid == uid)
			return i;
		if (!counts->end && unused == LOG_LIMIT_USERS)
			unused = i;
	}
	return unused;
}

bool log_limit_allows(const struct log_limit *limit, struct log_counts *counts, uid_t uid,
		      enum log_kind kind)
{
	size_t index = find_counts(limit, uid);
	const struct log_counts *before = &limit->users[index];
	/* a verifier answers more users in a minute than are counted separately */
	uint32_t most = index == LOG_LIMIT_USERS ? LOG_LIMIT_USERS * lines[kind] : lines[kind];
	bool allowed = before->written[kind] + counts->written[kind] < most;

	counts->uid = uid;
	if (allowed)
		counts->written[kind]++;
	else
		counts->withheld[kind]++;
	return allowed;
}

void log_limit_add(struct log_limit *limit, const struct log_counts *counts, uint64_t now)
{
	struct log_counts *sum = &limit->users[find_counts(limit, counts->uid)];
	uint32_t count = 0;

	for (size_t kind = 0; kind < LOG_KINDS; kind++) {
		sum->written[kind] += counts->written[kind];
		sum->withheld[kind] += counts->withheld[kind];
		count += counts->written[kind] + counts->withheld[kind];
	}
	if (count == 0 || sum->end)
		return;
	sum->uid = counts->uid;
	sum->end = now + LOG_LIMIT_TIME;
}

static bool has_ended(const struct log_counts *counts, uint64_t now)
{
	return counts->end && now >= counts->end;
}

static bool is_due(const struct log_counts *counts, uint64_t now)
{
	return has_ended(counts, now) &&
	       (counts->withheld[LOG_DENIED] || counts->withheld[LOG_ACCEPTED]);
}

bool log_limit_is_due(const struct log_limit *limit, uint64_t now)
{
	for (size_t i = 0; i <= LOG_LIMIT_USERS; i++)
		if (is_due(&limit->users[i], now))
			return true;
	return false;
}

size_t log_limit_due(const struct log_limit *limit, uint64_t now,
		     struct log_counts ret_due[LOG_LIMIT_USERS + 1])
{
	size_t count = 0;

	for (size_t i = 0; i <= LOG_LIMIT_USERS; i++) {
		const struct log_counts *counts = &limit->users[i];

		if (!is_due(counts, now))
			continue;
		ret_due[count] = *counts;
		if (i == LOG_LIMIT_USERS)
			ret_due[count].uid = LOG_LIMIT_OTHERS;
		count++;
	}
	return count;
}

void log_limit_expire(struct log_limit *limit, uint64_t now)
{
	for (size_t i = 0; i <= LOG_LIMIT_USERS; i++)
		if (has_ended(&limit->users[i], now))
			limit->users[i] = (struct log_counts){0};
}

bool log_limit_is_active(const struct log_limit *limit)
{
	for (size_t i = 0; i <= LOG_LIMIT_USERS; i++)
		if (limit->users[i].end)
			return true;
	return false;
}
