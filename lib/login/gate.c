/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/gate.h"

#define CLOCK_UNSET_BEFORE 1577836800 /* 2020-01-01 */

bool gate_requires(const struct policy *policy, const struct gate_facts *facts, int64_t now)
{
	if (facts->required)
		return true;
	if (facts->exempt)
		return false;
	switch (policy->enforce) {
	case ENFORCE_REQUIRED:
		return true;
	case ENFORCE_OPTIONAL:
		return false;
	case ENFORCE_FROM:
		return now >= policy->enforce_from || now < CLOCK_UNSET_BEFORE;
	}
	return true;
}

bool gate_is_closed(const struct policy *policy, int64_t now)
{
	return policy->enroll_until != 0 && now >= policy->enroll_until + 86400;
}

/* Nobody enrolls while the clock is not set. */
bool gate_may_enroll(const struct policy *policy, const struct gate_facts *facts,
		     enum enroll_place place, int64_t now)
{
	bool open = place == ENROLL_BY_TOOL ? policy->enroll_tool
					    : policy->enroll_in_account && policy->enroll_login;

	return open && facts->known && !facts->unfit && !facts->enrolled &&
	       now >= CLOCK_UNSET_BEFORE && (facts->invited || !gate_is_closed(policy, now));
}

unsigned gate_days_left(const struct policy *policy, int64_t now)
{
	if (policy->enforce != ENFORCE_FROM || now < CLOCK_UNSET_BEFORE ||
	    now >= policy->enforce_from)
		return 0;
	return (unsigned)((policy->enforce_from - now + 86399) / 86400);
}

static const struct {
	char name[16]; /* in the log */
	enum gate_verdict verdict;
} reasons[] = {
	[GATE_REASON_NONE] = {"none", GATE_REFUSE},
	[GATE_REASON_REQUIRED] = {"required", GATE_ASK},
	[GATE_REASON_ENROLLED] = {"enrolled", GATE_ASK},
	[GATE_REASON_UNKNOWN] = {"unknown", GATE_ASK},
	[GATE_REASON_EXEMPT] = {"exempt", GATE_SKIP},
	[GATE_REASON_MUST_ENROLL] = {"must_enroll", GATE_ENROLL},
	[GATE_REASON_TRUSTED] = {"trusted_network", GATE_SKIP},
	[GATE_REASON_NOT_REQUIRED] = {"not_required", GATE_SKIP},
	[GATE_REASON_NOT_CONFIRMED] = {"not_confirmed", GATE_SKIP},
};

static enum gate_reason reason_of(const struct policy *policy, const struct gate_facts *facts,
				  int64_t now)
{
	if (facts->trusted)
		return GATE_REASON_TRUSTED;
	if (gate_requires(policy, facts, now))
		return gate_may_enroll(policy, facts, ENROLL_IN_LOGIN, now)
			       ? GATE_REASON_MUST_ENROLL
			       : GATE_REASON_REQUIRED;
	if (facts->exempt)
		return GATE_REASON_EXEMPT;
	if (facts->enrolled && !facts->pending)
		return GATE_REASON_ENROLLED;
	if (!facts->known)
		return GATE_REASON_UNKNOWN;
	return facts->enrolled ? GATE_REASON_NOT_CONFIRMED : GATE_REASON_NOT_REQUIRED;
}

enum gate_verdict gate(const struct policy *policy, const struct gate_facts *facts, int64_t now,
		       enum gate_reason *ret_reason)
{
	*ret_reason = reason_of(policy, facts, now);
	return reasons[*ret_reason].verdict;
}

bool gate_wants_record(const struct policy *policy, const struct gate_facts *facts, int64_t now)
{
	return reason_of(policy, facts, now) == GATE_REASON_ENROLLED;
}

bool gate_needs_no_record(const struct policy *policy, const struct gate_facts *facts, int64_t now)
{
	enum gate_reason reason = reason_of(policy, facts, now);

	return reason == GATE_REASON_TRUSTED || reason == GATE_REASON_EXEMPT;
}

const char *gate_reason_name(enum gate_reason reason)
{
	return reasons[reason].name;
}
