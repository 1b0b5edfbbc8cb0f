/* Who may enrol although the last day for it has passed: the store knows. */
#ifndef LOGIN_INVITATION_H
#define LOGIN_INVITATION_H

#include "login/gate.h"
#include "store/store.h"

/*
 * Fill in facts->invited, of a user whose other facts are known. The store is read only
 * where it decides: the policy lets people enrol there, the last day has passed, and the user
 * has no record. uid: the account's. An invitation that cannot be read is an
 * error, as store_invite_get has it, and facts->invited is false.
 */
MUST_CHECK enum totp_err invitation_find(struct store *store, const struct policy *policy,
					 enum enroll_place place, const char *user, uint32_t uid,
					 int64_t now, struct gate_facts *facts, struct reason *why);

#endif
