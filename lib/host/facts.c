#include "host/facts.h"

#include "store/store.h"

/* The account under its second name, or one that is not known. */
static struct account second_of(const struct account *account)
{
	struct account second = {
		.known = account->alias[0] != '\0', .uid = account->uid, .gid = account->alias_gid};

	memcpy(second.name, account->alias, sizeof(second.name));
	return second;
}

/* Is the user in a list: by name, else by group where one is listed. */
static enum totp_err find_in_list(const struct account *account, const char *name, const char *list,
				  bool decided, bool *ret_listed, struct reason *why)
{
	*ret_listed = policy_list_has_user(list, name);
	if (*ret_listed || decided || !account->known || !policy_list_has_groups(list))
		return TOTP_OK;
	return account_in_groups(account, list, ret_listed, why);
}

/* Is either name of the account in a list? name: the canonical one, or what was typed. */
static enum totp_err is_required(const struct account *account, const char *name, const char *list,
				 bool *ret_listed, struct reason *why)
{
	const struct account second = second_of(account);
	enum totp_err err = find_in_list(account, name, list, false, ret_listed, why);

	if (err != TOTP_OK || *ret_listed || !second.known)
		return err;
	return find_in_list(&second, second.name, list, false, ret_listed, why);
}

/* Are both names of the account in the list? */
static enum totp_err is_exempt(const struct account *account, const char *name, const char *list,
			       bool *ret_listed, struct reason *why)
{
	const struct account second = second_of(account);
	enum totp_err err = find_in_list(account, name, list, false, ret_listed, why);

	if (err != TOTP_OK || !*ret_listed || !second.known)
		return err;
	return find_in_list(&second, second.name, list, false, ret_listed, why);
}

static bool is_unfit(const char *name)
{
	char encoded[STORE_NAME_MAX + 1];

	return store_name(name, encoded) != TOTP_OK;
}

enum totp_err facts_find(const struct policy *policy, const struct account *account,
			 const char *name, const struct address *address,
			 struct gate_facts *ret_facts, struct reason *why)
{
	const char *called = account->known ? account->name : name;
	enum totp_err err;

	*ret_facts = (struct gate_facts){.known = account->known, .unfit = is_unfit(called)};
	ret_facts->trusted = policy_networks_have(policy->trusted_networks, address);
	err = is_required(account, called, policy->required_for, &ret_facts->required, why);
	if (err == TOTP_OK && !ret_facts->required)
		err = is_exempt(account, called, policy->exempt, &ret_facts->exempt, why);
	else if (err == TOTP_OK)
		ret_facts->exempt = policy_list_has_user(policy->exempt, called);
	return err;
}
