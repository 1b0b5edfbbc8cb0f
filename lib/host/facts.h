/* The facts that the gate decides by: which lists of the policy name the user, and the source. */
#ifndef HOST_FACTS_H
#define HOST_FACTS_H

#include "host/account.h"
#include "login/gate.h"

/*
 * Find all but `enrolled`, which the store knows. name: as it was typed, for a user whom the
 * host does not know. Groups are looked up only where the names have not decided. Where the
 * account was found by a second name of its uid, the user is required if either name is, by
 * itself or by a group, and exempt only if both are: otherwise the second name would be a way
 * around the first. Errors: those of account_in_groups.
 */
MUST_CHECK enum totp_err facts_find(const struct policy *policy, const struct account *account,
				    const char *name, const struct address *address,
				    struct gate_facts *ret_facts, struct reason *why);

#endif
