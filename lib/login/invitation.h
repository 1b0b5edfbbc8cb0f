/* Users who may enroll although the last day for it has passed: the store knows them. */
#ifndef LOGIN_INVITATION_H
#define LOGIN_INVITATION_H

#include "login/gate.h"
#include "store/store.h"

/*
 * Does it depend on an invitation whether this user may enroll there? The policy lets people
 * enroll there, the last day has passed, and the user has no record.
 */
bool invitation_is_needed(const struct policy *policy, const struct gate_facts *facts,
			  enum enroll_place place, int64_t now);

/* Is there an invitation of this user's which holds at `now`? Errors as store_invite_get; that
 * there is none is no error. */
MUST_CHECK enum totp_err invitation_holds(struct store *store, const char *user, uint32_t uid,
					  int64_t now, bool *ret_holds, struct reason *why);

/*
 * Fill in facts->invited, of a user whose other facts are known. The store is read only
 * where invitation_is_needed. uid: the account's. An invitation that cannot be read is an
 * error, as store_invite_get has it, and facts->invited is false.
 */
MUST_CHECK enum totp_err invitation_find(struct store *store, const struct policy *policy,
					 enum enroll_place place, const char *user, uint32_t uid,
					 int64_t now, struct gate_facts *facts, struct reason *why);

#endif
