/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts and groups, as the host's name service knows them. */
#ifndef HOST_ACCOUNT_H
#define HOST_ACCOUNT_H

#include <sys/types.h>

#include "base/text.h"
#include "record/cred.h"

#define SERVICE_ACCOUNT "_pam_totp"

#define ACCOUNT_NAME_MAX 255 /* bytes; only CRED_USER_MAX of them can be enrolled */

struct account {
	bool known;
	char name[ACCOUNT_NAME_MAX + 1]; /* canonical: that of the uid */
	uid_t uid;
	gid_t gid;
	/* account_find: if the name that was asked for is a second name of the uid, and not only
	 * another spelling of the first, this name; else "" */
	char alias[ACCOUNT_NAME_MAX + 1];
	gid_t alias_gid;
};

/*
 * Look up a user: getpwuid(getpwnam(name)->pw_uid)->pw_name, because some name services answer in
 * the spelling that was asked. For a user who does not exist: TOTP_OK, with known = false and an
 * empty name. TOTP_ERR_SYSTEM: the name service failed. TOTP_ERR_RANGE: a name is longer than
 * ACCOUNT_NAME_MAX. *why, without the name.
 */
MUST_CHECK enum totp_err account_find(const char *name, struct account *ret_account,
				      struct reason *why);

/* The account of a uid. Errors and *ret_account as above. */
MUST_CHECK enum totp_err account_of_uid(uid_t uid, struct account *ret_account, struct reason *why);

/*
 * Is the account a member of one of the list's @groups, as its primary or another group?
 * TOTP_ERR_NOT_FOUND: a group does not exist. TOTP_ERR_SYSTEM: the name service failed; an error
 * is never "not a member", as far as the C library reports it (getgrouplist returns what it has
 * found so far; so the list of members of each group counts, too). *why names the group.
 */
MUST_CHECK enum totp_err account_in_groups(const struct account *account, const char *list,
					   bool *ret_member, struct reason *why);

/*
 * Is the account in the list, by this name or by one of the @groups? Groups are looked up only if
 * the list does not name it, and only for a known account. Errors as account_in_groups.
 */
MUST_CHECK enum totp_err account_is_listed(const struct account *account, const char *name,
					   const char *list, bool *ret_listed, struct reason *why);

/* Does every @group of the list exist? Errors as account_in_groups. */
MUST_CHECK enum totp_err account_groups_exist(const char *list, struct reason *why);

#endif
