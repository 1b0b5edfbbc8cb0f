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

/* A lookup in the name service, which fills a buffer or returns ERANGE if it needs a larger one. */
typedef int lookup_fn(const void *key, void *entry, char *buf, size_t cap, bool *ret_found);

static int by_name(const void *key, void *entry, char *buf, size_t cap, bool *ret_found)
{
	struct passwd *found = NULL;
	int code = getpwnam_r(key, entry, buf, cap, &found);

	*ret_found = found;
	return code;
}

static int by_uid(const void *key, void *entry, char *buf, size_t cap, bool *ret_found)
{
	struct passwd *found = NULL;
	int code = getpwuid_r(*(const uid_t *)key, entry, buf, cap, &found);

	*ret_found = found;
	return code;
}

static int group_by_name(const void *key, void *entry, char *buf, size_t cap, bool *ret_found)
{
	struct group *found = NULL;
	int code = getgrnam_r(key, entry, buf, cap, &found);

	*ret_found = found;
	return code;
}

/* Look up, with a buffer that grows as long as it is too small. The caller frees *ret_buf. */
static enum totp_err look_up(lookup_fn *lookup, const void *key, void *entry, char **ret_buf,
			     bool *ret_found, struct reason *why)
{
	OWN_TEXT char *buf = NULL;

	for (size_t cap = ENTRY_FIRST; cap <= ENTRY_MAX; cap *= 2) {
		char *grown = realloc(buf, cap);
		int code;

		if (!grown)
			return TOTP_ERR_NOMEM;
		buf = grown;
		do
			code = lookup(key, entry, buf, cap, ret_found);
		while (code == EINTR);
		if (code == ERANGE)
			continue;
		if (code != 0) {
			errno = code;
			(void)reason_errno(why, "the name service failed");
			return TOTP_ERR_SYSTEM;
		}
		*ret_buf = buf;
		buf = NULL;
		return TOTP_OK;
	}
	reason_set(why, "the name service has an entry that is too large");
	return TOTP_ERR_SYSTEM;
}

enum totp_err account_of_uid(uid_t uid, struct account *ret_account, struct reason *why)
{
	OWN_TEXT char *buf = NULL;
	struct account account = {0};
	struct passwd entry;
	enum totp_err err = look_up(by_uid, &uid, &entry, &buf, &account.known, why);

	if (err != TOTP_OK)
		return err;
	if (account.known) {
		account.uid = entry.pw_uid;
		account.gid = entry.pw_gid;
		err = text_copy(text_of(entry.pw_name), account.name, sizeof(account.name));
	}
	if (err == TOTP_OK)
		*ret_account = account;
	else
		reason_set(why, "the name of uid %u is longer than %d bytes", (unsigned)uid,
			   ACCOUNT_NAME_MAX);
	return err;
}

/* The canonical entry: some name services answer in the spelling that was asked. */
static enum totp_err find_canonical(uid_t uid, struct account *account, struct reason *why)
{
	enum totp_err err = account_of_uid(uid, account, why);

	if (err != TOTP_OK || account->known)
		return err;
	reason_set(why, "the name service knows the user, but not uid %u", (unsigned)uid);
	return TOTP_ERR_SYSTEM;
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
	OWN_TEXT char *buf = NULL;
	struct account account = {0};
	struct passwd entry;
	bool found = false;
	enum totp_err err = look_up(by_name, name, &entry, &buf, &found, why);

	if (err == TOTP_OK && found)
		err = find_canonical(entry.pw_uid, &account, why);
	if (err == TOTP_OK && found)
		err = note_alias(&entry, &account, why);
	if (err == TOTP_OK)
		*ret_account = account;
	return err;
}

static bool has_member(const struct group *group, const char *name)
{
	for (char **member = group->gr_mem; *member; member++)
		if (strcmp(*member, name) == 0)
			return true;
	return false;
}

/* A group of the policy: its gid, and whether its own list names the account.
 * TOTP_ERR_NOT_FOUND where there is none of that name. */
static enum totp_err find_group(struct text name, const struct account *account, gid_t *ret_gid,
				bool *ret_listed, struct reason *why)
{
	OWN_TEXT char *buf = NULL;
	char group[POLICY_LIST_MAX];
	struct group entry;
	bool found = false;
	enum totp_err err = text_copy(name, group, sizeof(group));

	if (err == TOTP_OK)
		err = look_up(group_by_name, group, &entry, &buf, &found, why);
	if (err != TOTP_OK)
		return err;
	if (!found) {
		reason_set(why, "group %.100s of the policy does not exist", group);
		return TOTP_ERR_NOT_FOUND;
	}
	*ret_gid = entry.gr_gid;
	*ret_listed = has_member(&entry, account->name);
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
	reason_set(why, "the name service failed to list the groups");
	return TOTP_ERR_SYSTEM;
}

/* Did a source of groups fail, rather than know none? */
static bool is_failure(int code)
{
	static const int failures[] = {EMFILE, ENFILE, ENOMEM,    EIO,          EACCES,
				       EPERM,  EAGAIN, ETIMEDOUT, ECONNREFUSED, ECONNRESET};

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (code == failures[i])
			return true;
	return false;
}

static bool has_gid(const struct groups *groups, gid_t gid)
{
	for (int i = 0; i < groups->count; i++)
		if (groups->gids[i] == gid)
			return true;
	return false;
}

/*
 * Walk the groups of a list. The first answer that says "member" stands; all are looked up, so
 * that a group that does not exist is reported for members too.
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
		*ret_member |= err == TOTP_OK &&
			       (listed || gid == account->gid || has_gid(groups, gid));
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

enum totp_err account_groups_exist(const char *list, struct reason *why)
{
	const struct account nobody = {0};
	const struct groups none = {0};
	bool member = false;

	return walk_groups(&nobody, &none, list, &member, why);
}
