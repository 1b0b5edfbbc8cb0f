/* SPDX-License-Identifier: BSD-2-Clause */
/* Users who may enroll although the last day for it has passed: the store knows them. */
#ifndef LOGIN_INVITATION_H
#define LOGIN_INVITATION_H

#include "login/attempt.h"
#include "login/gate.h"

/*
 * Does it depend on an invitation whether this user may enroll there? The policy lets people
 * enroll there, the last day has passed, and the user has no record.
 */
bool invitation_is_needed(const struct policy *policy, const struct gate_facts *facts,
			  enum enroll_place place, int64_t now);

/*
 * Has this user an invitation that holds? Of the attempt, user, uid and now count. Errors as
 * store_invite_get; that there is none is no error.
 */
MUST_CHECK enum totp_err invitation_holds(struct store *store, const struct attempt *who,
					  bool *ret_holds, struct reason *why);

/*
 * Does it still hold, as it did before the user was asked? TOTP_ERR_FORBIDDEN, after a sentence, if
 * not; others as invitation_holds.
 */
MUST_CHECK enum totp_err invitation_check(struct store *store, const struct attempt *who,
					  struct reason *why);

/*
 * Fill in facts->invited, of a user whose other facts are known. The store is read only
 * where invitation_is_needed by the attempt's policy. An invitation that cannot be read is an
 * error, as store_invite_get has it, and facts->invited is false.
 */
MUST_CHECK enum totp_err invitation_find(struct store *store, const struct attempt *who,
					 enum enroll_place place, struct gate_facts *facts,
					 struct reason *why);

#endif
