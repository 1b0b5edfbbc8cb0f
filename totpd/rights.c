/* SPDX-License-Identifier: BSD-2-Clause */
#include "rights.h"

#include "host/source.h"

static enum totp_err is_listed(const char *list, uid_t uid, bool *ret_listed, struct reason *why)
{
	struct account asker = {0};
	enum totp_err err = TOTP_OK;

	*ret_listed = false;
	if (!list[0])
		return TOTP_OK;
	err = account_of_uid(uid, &asker, why);
	if (err != TOTP_OK || !asker.known)
		return err;
	return account_is_listed(&asker, asker.name, list, ret_listed, why);
}

enum totp_err rights_check(const struct policy *policy, const struct peer *peer, enum wire_op op,
			   const struct account *account, struct reason *why)
{
	bool listed = false;
	enum totp_err err = TOTP_OK;

	if (peer->root && peer->uid == 0)
		return TOTP_OK;
	if (!peer->root && peer->uid != RIGHTS_NOBODY) {
		if (account->known && account->uid == peer->uid && op != WIRE_ENROLL_IN_LOGIN)
			return TOTP_OK;
		if (op == WIRE_LOOK || op == WIRE_CHECK)
			err = is_listed(policy->may_check, peer->uid, &listed, why);
		if (err != TOTP_OK || listed)
			return err;
	}
	reason_set(why, "uid %u may not ask that%s", (unsigned)peer->uid,
		   peer->uid == RIGHTS_NOBODY ? ": the client may be in a user namespace"
		   : op == WIRE_ENROLL_IN_LOGIN
			   ? ": only root may"
			   : " about another user: see may_check in pam_totp.conf(5)");
	return TOTP_ERR_FORBIDDEN;
}

enum totp_err rights_check_host(const struct policy *policy, const char *host, enum wire_op op,
				struct reason *why)
{
	const char *list = policy->hosts_self, *key = "hosts_self";

	if (op == WIRE_LOOK || op == WIRE_CHECK) {
		list = policy->hosts;
		key = "hosts";
	} else if (op == WIRE_ENROLL || op == WIRE_ENROLL_IN_LOGIN) {
		list = policy->hosts_enroll;
		key = "hosts_enroll";
	}
	if (policy_hosts_have(policy->hosts, host) && policy_hosts_have(list, host))
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_FORBIDDEN,
			  "the verifier does not allow the host %s to ask that: see %s in "
			  "pam_totp.conf(5)",
			  host, policy_hosts_have(policy->hosts, host) ? key : "hosts");
}

enum totp_err rights_source(const struct policy *policy, const struct peer *peer,
			    const struct source *told, struct source *ret_source,
			    struct reason *why)
{
	bool is_address = told->kind == SOURCE_IPV4 || told->kind == SOURCE_IPV6;
	bool counts = peer->root;
	enum totp_err err = TOTP_OK;

	if (!peer->root && is_address)
		err = is_listed(policy->may_tell_source, peer->uid, &counts, why);
	*ret_source = counts ? *told : source_of_uid(peer->uid);
	return err;
}
