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

enum gate_verdict gate(const struct policy *policy, const struct gate_facts *facts, int64_t now,
		       enum gate_reason *ret_reason)
{
	if (facts->trusted) {
		*ret_reason = GATE_REASON_TRUSTED;
		return GATE_SKIP;
	}
	if (gate_requires(policy, facts, now) &&
	    gate_may_enroll(policy, facts, ENROLL_IN_LOGIN, now)) {
		*ret_reason = GATE_REASON_MUST_ENROLL;
		return GATE_ENROLL;
	}
	if (gate_requires(policy, facts, now)) {
		*ret_reason = GATE_REASON_REQUIRED;
		return GATE_ASK;
	}
	if (facts->exempt) {
		*ret_reason = GATE_REASON_EXEMPT;
		return GATE_SKIP;
	}
	if (facts->enrolled && !facts->pending) {
		*ret_reason = GATE_REASON_ENROLLED;
		return GATE_ASK;
	}
	if (!facts->known) {
		*ret_reason = GATE_REASON_UNKNOWN;
		return GATE_ASK;
	}
	*ret_reason = facts->enrolled ? GATE_REASON_NOT_CONFIRMED : GATE_REASON_NOT_REQUIRED;
	return GATE_SKIP;
}

bool gate_wants_record(const struct policy *policy, const struct gate_facts *facts, int64_t now)
{
	enum gate_reason reason;

	gate(policy, facts, now, &reason);
	return reason == GATE_REASON_ENROLLED;
}

bool gate_needs_no_record(const struct policy *policy, const struct gate_facts *facts, int64_t now)
{
	enum gate_reason reason;

	gate(policy, facts, now, &reason);
	return reason == GATE_REASON_TRUSTED || reason == GATE_REASON_EXEMPT;
}

const char *gate_reason_name(enum gate_reason reason)
{
	switch (reason) {
	case GATE_REASON_NONE:
		break;
	case GATE_REASON_REQUIRED:
		return "required";
	case GATE_REASON_ENROLLED:
		return "enrolled";
	case GATE_REASON_UNKNOWN:
		return "unknown";
	case GATE_REASON_MUST_ENROLL:
		return "must_enroll";
	case GATE_REASON_EXEMPT:
		return "exempt";
	case GATE_REASON_TRUSTED:
		return "trusted_network";
	case GATE_REASON_NOT_REQUIRED:
		return "not_required";
	case GATE_REASON_NOT_CONFIRMED:
		return "not_confirmed";
	}
	return "none";
}
