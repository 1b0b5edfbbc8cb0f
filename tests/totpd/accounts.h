/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A name service of tests of totpd, instead of the host's: there are root, alice (1000) and bob
 * (1001), and nobody else. Lists name users, and no group has a member; @missing is none.
 */
#ifndef TESTS_TOTPD_ACCOUNTS_H
#define TESTS_TOTPD_ACCOUNTS_H

#include <string.h>

#include "host/account.h"
#include "login/policy.h"

static const struct account accounts[] = {
	{.known = true, .name = "root"},
	{.known = true, .name = "alice", .uid = 1000},
	{.known = true, .name = "bob", .uid = 1001},
};
#define ACCOUNTS (sizeof(accounts) / sizeof(accounts[0]))

enum totp_err account_find(const char *name, struct account *ret_account, struct reason *why)
{
	(void)why;
	*ret_account = (struct account){.known = false};
	for (size_t i = 0; i < ACCOUNTS; i++)
		if (strcmp(accounts[i].name, name) == 0)
			*ret_account = accounts[i];
	return TOTP_OK;
}

enum totp_err account_of_uid(uid_t uid, struct account *ret_account, struct reason *why)
{
	(void)why;
	*ret_account = (struct account){.known = false};
	for (size_t i = 0; i < ACCOUNTS; i++)
		if (accounts[i].uid == uid)
			*ret_account = accounts[i];
	return TOTP_OK;
}

enum totp_err account_in_groups(const struct account *account, const char *list, bool *ret_member,
				struct reason *why)
{
	(void)account;
	(void)list;
	(void)why;
	*ret_member = false;
	return TOTP_OK;
}

enum totp_err account_is_listed(const struct account *account, const char *name, const char *list,
				bool *ret_listed, struct reason *why)
{
	(void)account;
	*ret_listed = policy_list_has(list, text_of(name));
	if (strstr(list, "@missing"))
		return reason_err(why, TOTP_ERR_NOT_FOUND, "group missing does not exist");
	return TOTP_OK;
}

enum totp_err account_groups_exist(const char *list, struct reason *why)
{
	(void)list;
	(void)why;
	return TOTP_OK;
}

#endif
