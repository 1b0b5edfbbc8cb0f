#include "host/facts.h"

/* Is the user in a list: by name, else by group where one is listed. */
static enum totp_err find_in_list(const struct account *account, const char *name, const char *list,
				  bool decided, bool *ret_listed, struct reason *why)
{
	*ret_listed = policy_list_has_user(list, name);
	if (*ret_listed || decided || !account->known || !policy_list_has_groups(list))
		return TOTP_OK;
	return account_in_groups(account, list, ret_listed, why);
}

enum totp_err facts_find(const struct policy *policy, const struct account *account,
			 const char *name, const struct address *address,
			 struct gate_facts *ret_facts, struct reason *why)
{
	const char *called = account->known ? account->name : name;
	enum totp_err err;

	*ret_facts = (struct gate_facts){.known = account->known};
	ret_facts->trusted = policy_networks_have(policy->trusted_networks, address);
	err = find_in_list(account, called, policy->required_for, false, &ret_facts->required, why);
	if (err == TOTP_OK)
		err = find_in_list(account, called, policy->exempt, ret_facts->required,
				   &ret_facts->exempt, why);
	return err;
}
