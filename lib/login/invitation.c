/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/invitation.h"

bool invitation_is_needed(const struct policy *policy, const struct gate_facts *facts,
			  enum enroll_place place, int64_t now)
{
	struct gate_facts invited = *facts;

	invited.invited = true; /* would it help? */
	return gate_is_closed(policy, now) && gate_may_enroll(policy, &invited, place, now);
}

enum totp_err invitation_holds(struct store *store, const struct attempt *who, bool *ret_holds,
			       struct reason *why)
{
	struct invite invite;
	enum totp_err err = store_invite_get(store, who->user, store_deadline(store), &invite, why);

	*ret_holds = err == TOTP_OK && invite_holds(&invite, who->uid, who->now);
	return err == TOTP_ERR_NOT_FOUND ? TOTP_OK : err;
}

enum totp_err invitation_check(struct store *store, const struct attempt *who, struct reason *why)
{
	bool holds = false;
	enum totp_err err = invitation_holds(store, who, &holds, why);

	if (err != TOTP_OK || holds)
		return err;
	return reason_err(why, TOTP_ERR_FORBIDDEN, "the invitation was taken back, or has ended");
}

enum totp_err invitation_find(struct store *store, const struct attempt *who,
			      enum enroll_place place, struct gate_facts *facts, struct reason *why)
{
	facts->invited = false;
	if (!invitation_is_needed(who->policy, facts, place, who->now))
		return TOTP_OK;
	return invitation_holds(store, who, &facts->invited, why);
}
