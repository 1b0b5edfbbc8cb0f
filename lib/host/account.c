/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <strings.h>

#include "login/policy.h"

#define ENTRY_FIRST 2048
#define ENTRY_MAX   (4 << 20) /* a group with very many members */
#define GROUPS_MAX  65536

enum lookup { USER_BY_NAME, USER_BY_UID, GROUP_BY_NAME };

/* An entry of the name service, which points into the buffer. */
struct entry {
	bool found;
	union {
		struct passwd user;
		struct group group;
	} as;
	char *buf;
};

#define OWN_ENTRY OWN(entry_free)

static void entry_free(struct entry *entry)
{
	free(entry->buf);
	entry->buf = NULL;
}

/* Returns an errno: ERANGE if the buffer is too small. */
static int look_up_once(enum lookup lookup, const void *key, struct entry *entry, size_t cap)
{
	struct passwd *user = NULL;
	struct group *group = NULL;
	int code = EINVAL;

	switch (lookup) {
	case USER_BY_NAME:
		code = getpwnam_r(key, &entry->as.user, entry->buf, cap, &user);
		break;
	case USER_BY_UID:
		code = getpwuid_r(*(const uid_t *)key, &entry->as.user, entry->buf, cap, &user);
		break;
	case GROUP_BY_NAME:
		code = getgrnam_r(key, &entry->as.group, entry->buf, cap, &group);
		break;
	}
	entry->found = user || group;
	return code;
}

/* Look up, with a buffer that grows as long as it is too small. */
static enum totp_err entry_find(enum lookup lookup, const void *key, struct entry *entry,
				struct reason *why)
{
	for (size_t cap = ENTRY_FIRST; cap <= ENTRY_MAX; cap *= 2) {
		char *grown = realloc(entry->buf, cap);
		int code;

		if (!grown)
			return TOTP_ERR_NOMEM;
		entry->buf = grown;
		do
			code = look_up_once(lookup, key, entry, cap);
		while (code == EINTR);
		if (code == ERANGE)
			continue;
		if (code == 0)
			return TOTP_OK;
		errno = code;
		(void)reason_errno(why, "the name service failed");
		return TOTP_ERR_SYSTEM;
	}
	return reason_err(why, TOTP_ERR_SYSTEM, "the name service has an entry that is too large");
}

enum totp_err account_of_uid(uid_t uid, struct account *ret_account, struct reason *why)
{
	OWN_ENTRY struct entry entry = {.found = false};
	struct account account = {0};
	enum totp_err err = entry_find(USER_BY_UID, &uid, &entry, why);

	if (err != TOTP_OK)
		return err;
	if (entry.found) {
		account.known = true;
		account.uid = entry.as.user.pw_uid;
		account.gid = entry.as.user.pw_gid;
		err = text_copy(text_of(entry.as.user.pw_name), account.name, sizeof(account.name));
	}
	if (err == TOTP_OK)
		*ret_account = account;
	else
		reason_set(why, "the name of uid %u is longer than %d bytes", (unsigned)uid,
			   ACCOUNT_NAME_MAX);
	return err;
}

/* A name service may answer in the spelling that was asked: that is no other name. */
static enum totp_err note_alias(const struct passwd *entry, struct account *account,
				struct reason *why)
{
	enum totp_err err;

	if (strcasecmp(entry->pw_name, account->name) == 0)
		return TOTP_OK;
	account->alias_gid = entry->pw_gid;
	err = text_copy(text_of(entry->pw_name), account->alias, sizeof(account->alias));
	if (err != TOTP_OK)
		reason_set(why, "a name of uid %u is longer than %d bytes", (unsigned)account->uid,
			   ACCOUNT_NAME_MAX);
	return err;
}

enum totp_err account_find(const char *name, struct account *ret_account, struct reason *why)
{
	OWN_ENTRY struct entry entry = {.found = false};
	struct account account = {0};
	enum totp_err err = entry_find(USER_BY_NAME, name, &entry, why);

	/* the canonical entry: some name services answer in the spelling that was asked */
	if (err == TOTP_OK && entry.found)
		err = account_of_uid(entry.as.user.pw_uid, &account, why);
	if (err == TOTP_OK && entry.found && !account.known) {
		reason_set(why, "the name service knows the user, but not uid %u",
			   (unsigned)entry.as.user.pw_uid);
		err = TOTP_ERR_SYSTEM;
	}
	if (err == TOTP_OK && entry.found)
		err = note_alias(&entry.as.user, &account, why);
	if (err == TOTP_OK)
		*ret_account = account;
	return err;
}

/*
 * A group of the policy: its gid, and whether its own list of members names the account.
 * TOTP_ERR_NOT_FOUND: there is no such group.
 */
static enum totp_err find_group(struct text name, const struct account *account, gid_t *ret_gid,
				bool *ret_listed, struct reason *why)
{
	OWN_ENTRY struct entry entry = {.found = false};
	char group[POLICY_LIST_MAX];
	enum totp_err err = text_copy(name, group, sizeof(group));

	if (err == TOTP_OK)
		err = entry_find(GROUP_BY_NAME, group, &entry, why);
	if (err != TOTP_OK)
		return err;
	if (!entry.found)
		return reason_err(why, TOTP_ERR_NOT_FOUND,
				  "group %.100s of the policy does not exist", group);
	*ret_gid = entry.as.group.gr_gid;
	*ret_listed = false;
	for (char **member = entry.as.group.gr_mem; *member; member++)
		*ret_listed |= strcmp(*member, account->name) == 0;
	return TOTP_OK;
}

struct groups {
	gid_t *gids;
	int count;
};

#define OWN_GROUPS OWN(groups_free)

static void groups_free(struct groups *groups)
{
	free(groups->gids);
}

/*
 * All groups of an account. getgrouplist reports no failure and returns what it has found so far:
 * only errno shows it.
 */
static enum totp_err groups_of(const struct account *account, struct groups *ret_groups,
			       struct reason *why)
{
	for (int count = 64, had = 0; count > had && count <= GROUPS_MAX;) {
		gid_t *gids = calloc((size_t)count, sizeof(*gids));

		if (!gids)
			return TOTP_ERR_NOMEM;
		had = count;
		errno = 0;
		if (getgrouplist(account->name, account->gid, gids, &count) >= 0) {
			*ret_groups = (struct groups){gids, count};
			return TOTP_OK;
		}
		free(gids);
	}
	return reason_err(why, TOTP_ERR_SYSTEM, "the name service failed to list the groups");
}

/* Is it an errno of a name service that failed, rather than one that found no groups? */
static bool is_failure(int code)
{
	static const int failures[] = {EMFILE, ENFILE, ENOMEM,    EIO,          EACCES,
				       EPERM,  EAGAIN, ETIMEDOUT, ECONNREFUSED, ECONNRESET};

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (code == failures[i])
			return true;
	return false;
}

/*
 * Is the account in any group of the list? All are looked up, so that a group that does not exist
 * is an error for members too.
 */
static enum totp_err walk_groups(const struct account *account, const struct groups *groups,
				 const char *list, bool *ret_member, struct reason *why)
{
	struct text rest = text_of(list), name;
	bool group = false;
	enum totp_err err = TOTP_OK;

	while (err == TOTP_OK && policy_list_next(&rest, &name, &group)) {
		bool listed = false;
		gid_t gid = 0;

		if (!group)
			continue;
		err = find_group(name, account, &gid, &listed, why);
		listed |= gid == account->gid;
		for (int i = 0; i < groups->count; i++)
			listed |= groups->gids[i] == gid;
		*ret_member |= err == TOTP_OK && listed;
	}
	return err;
}

enum totp_err account_in_groups(const struct account *account, const char *list, bool *ret_member,
				struct reason *why)
{
	OWN_GROUPS struct groups groups = {0};
	bool member = false;
	enum totp_err err = groups_of(account, &groups, why);
	int failure = errno;

	if (err == TOTP_OK)
		err = walk_groups(account, &groups, list, &member, why);
	if (err == TOTP_OK && !member && is_failure(failure)) {
		errno = failure;
		(void)reason_errno(why, "the name service failed to list the groups");
		err = TOTP_ERR_SYSTEM;
	}
	if (err == TOTP_OK)
		*ret_member = member;
	return err;
}

enum totp_err account_is_listed(const struct account *account, const char *name, const char *list,
				bool *ret_listed, struct reason *why)
{
	*ret_listed = policy_list_has(list, text_of(name));
	if (*ret_listed || !account->known || !policy_list_has_groups(list))
		return TOTP_OK;
	return account_in_groups(account, list, ret_listed, why);
}

enum totp_err account_groups_exist(const char *list, struct reason *why)
{
	const struct account nobody = {0};
	const struct groups none = {0};
	bool member = false;

	return walk_groups(&nobody, &none, list, &member, why);
}
