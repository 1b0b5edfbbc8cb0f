#include "login/invitation.h"

enum totp_err invitation_find(struct store *store, const struct policy *policy,
			      enum enroll_place place, const char *user, uint32_t uid, int64_t now,
			      struct gate_facts *facts, struct reason *why)
{
	struct invite invite;
	enum totp_err err;

	facts->invited = true; /* would it help? */
	if (!gate_is_closed(policy, now) || !gate_may_enroll(policy, facts, place, now)) {
		facts->invited = false;
		return TOTP_OK;
	}
	facts->invited = false;
	err = store_invite_get(store, user, &invite, why);
	if (err != TOTP_OK)
		return err == TOTP_ERR_NOT_FOUND ? TOTP_OK : err;
	facts->invited = invite_holds(&invite, uid, now);
	return TOTP_OK;
}
