/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/facts.h"

#include "store/store.h"

static const char *subject_name(const struct facts_subject *subject)
{
	if (subject->account->known)
		return subject->account->name;
	return subject->typed_name ? subject->typed_name : "";
}

/*
 * Is the user in the list? For an account with a second name: by both names, or by either.
 */
static enum totp_err find_in_list(const struct facts_subject *subject, const char *list, bool both,
				  bool *ret_listed, struct reason *why)
{
	const struct account *account = subject->account;
	struct account second = {.known = true, .uid = account->uid, .gid = account->alias_gid};
	enum totp_err err =
		account_is_listed(account, subject_name(subject), list, ret_listed, why);

	if (err != TOTP_OK || *ret_listed != both || !account->alias[0])
		return err;
	memcpy(second.name, account->alias, sizeof(second.name));
	return account_is_listed(&second, second.name, list, ret_listed, why);
}

enum totp_err facts_find(const struct policy *policy, const struct facts_subject *subject,
			 struct gate_facts *ret_facts, struct reason *why)
{
	const struct account *account = subject->account;
	const char *name = subject_name(subject);
	char encoded[STORE_NAME_MAX + 1];
	enum totp_err err;

	*ret_facts = (struct gate_facts){.known = account->known,
					 .unfit = store_name(name, encoded) != TOTP_OK};
	ret_facts->trusted = subject->address &&
			     policy_networks_have(policy->trusted_networks, subject->address);
	err = find_in_list(subject, policy->required_for, false, &ret_facts->required, why);
	if (err == TOTP_OK && !ret_facts->required)
		err = find_in_list(subject, policy->exempt, true, &ret_facts->exempt, why);
	else if (err == TOTP_OK)
		ret_facts->exempt = policy_list_has(policy->exempt, text_of(name));
	return err;
}
