/* SPDX-License-Identifier: BSD-2-Clause */
/* Which users are asked for a code: decided before the prompt, from facts alone. */
#ifndef LOGIN_GATE_H
#define LOGIN_GATE_H

#include "login/policy.h"

/* What the host knows of the user who logs in. */
struct gate_facts {
	bool known;    /* to NSS */
	bool required; /* named in required_for, or in one of its groups */
	bool exempt;   /* named in exempt, or in one of its groups */
	bool trusted;  /* comes from a network of trusted_networks */
	bool enrolled; /* has a record in the store, valid or damaged… */
	bool pending;  /* …which waits for its first code; looked for if gate_wants_record */
	bool unfit;    /* the name is too long for a record */
	bool invited;  /* has an invitation that holds; looked for once gate_is_closed */
};

enum gate_verdict {
	GATE_REFUSE = 0,
	GATE_ASK,
	GATE_SKIP,
	GATE_ENROLL, /* not asked, but enrolled once the other modules allow */
};

enum gate_reason {
	GATE_REASON_NONE = 0,
	GATE_REASON_REQUIRED,      /* ask: required_for, or enforce, says so */
	GATE_REASON_ENROLLED,      /* ask: not required, but enrolled */
	GATE_REASON_UNKNOWN,       /* ask: no account, or a name service that did not say so */
	GATE_REASON_EXEMPT,        /* skip */
	GATE_REASON_MUST_ENROLL,   /* enroll: required, not enrolled, and may do it in the login */
	GATE_REASON_TRUSTED,       /* skip: from a trusted network, whoever it is */
	GATE_REASON_NOT_REQUIRED,  /* skip: neither required nor enrolled */
	GATE_REASON_NOT_CONFIRMED, /* skip: not required, and the record waits for its first code */
};

/*
 * Decide. now: seconds since 1970 UTC. A user who is both required by name or group and
 * exempt is required; an exempt one is not asked, enrolled or not. A user whom NSS does not know
 * is asked (and denied): a name service that fails may answer "no such user". Pure.
 */
enum gate_verdict gate(const struct policy *policy, const struct gate_facts *facts, int64_t now,
		       enum gate_reason *ret_reason);

/*
 * Must this user give a code at `now`, enrolled or not? From the date of enforce on, and while
 * the clock reads a time before 2020: it was never set, and the date is not known.
 */
bool gate_requires(const struct policy *policy, const struct gate_facts *facts, int64_t now);

/* Would the verdict be another one if the record were pending? */
bool gate_wants_record(const struct policy *policy, const struct gate_facts *facts, int64_t now);

/* Does the verdict hold whatever the store says of the user? */
bool gate_needs_no_record(const struct policy *policy, const struct gate_facts *facts, int64_t now);

/* Has the last day passed on which users could enroll without an invitation? */
bool gate_is_closed(const struct policy *policy, int64_t now);

/* Where users enroll themselves. */
enum enroll_place { ENROLL_IN_LOGIN = 0, ENROLL_BY_TOOL };

/*
 * May this user enroll there? The policy allows it (in the login the PAM line as well), the host
 * knows the user, who has no record, and enroll_until has not passed or the user is invited.
 */
bool gate_may_enroll(const struct policy *policy, const struct gate_facts *facts,
		     enum enroll_place place, int64_t now);

/*
 * Days until a code is required of a user who is not asked today, rounded up; 0: no date is set,
 * or the clock is not.
 */
unsigned gate_days_left(const struct policy *policy, int64_t now);

/* A stable word for logs: "required", "enrolled", "unknown", "exempt", "must_enroll",
 * "trusted_network", "not_required", "not_confirmed". */
const char *gate_reason_name(enum gate_reason reason);

#endif
