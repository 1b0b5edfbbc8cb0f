/* SPDX-License-Identifier: BSD-2-Clause */
/* The facts that the gate needs: is the user in a list of the policy, and the source trusted? */
#ifndef HOST_FACTS_H
#define HOST_FACTS_H

#include "host/account.h"
#include "login/gate.h"

/* The user who logs in, and from where. */
struct facts_subject {
	const struct account *account;
	const char *typed_name;        /* for an account that is not known; or NULL */
	const struct address *address; /* NULL: no address */
};

/*
 * Find all but `enrolled`, which the store knows. Groups are looked up only if the names do not
 * decide. If the account was found by a second name of its uid, the user is required if either
 * name is, by itself or by a group, and exempt only if both are: otherwise the second name would
 * be a way around the first. Errors: those of account_in_groups.
 */
MUST_CHECK enum totp_err facts_find(const struct policy *policy,
				    const struct facts_subject *subject,
				    struct gate_facts *ret_facts, struct reason *why);

#endif
