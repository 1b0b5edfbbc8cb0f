#include "host/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#include "login/policy.h"

#define ENTRY_FIRST 2048
#define ENTRY_MAX   (4 << 20) /* a group with very many members */
#define GROUPS_MAX  65536

/* A lookup in the name service: fills a buffer, or says ERANGE for a larger one. */
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

/* Look up, with a buffer that grows as long as it is too small. *ret_buf is the caller's. */
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

/* The canonical entry: some name services answer in the spelling that was asked. */
static enum totp_err find_canonical(uid_t uid, struct account *account, struct reason *why)
{
	OWN_TEXT char *buf = NULL;
	struct passwd entry;
	bool found = false;
	enum totp_err err = look_up(by_uid, &uid, &entry, &buf, &found, why);

	if (err != TOTP_OK)
		return err;
	if (!found) {
		reason_set(why, "the name service knows the user, but not uid %u", (unsigned)uid);
		return TOTP_ERR_SYSTEM;
	}
	account->uid = entry.pw_uid;
	account->gid = entry.pw_gid;
	account->known = text_copy(text_of(entry.pw_name), account->name, sizeof(account->name)) ==
			 TOTP_OK;
	return TOTP_OK;
}

enum totp_err account_find(const char *name, struct account *ret_account, struct reason *why)
{
	OWN_TEXT char *buf = NULL;
	struct account account = {0};
	struct passwd entry;
	bool found = false;
	enum totp_err err = TOTP_OK;

	if (name[0] && strlen(name) <= CRED_USER_MAX)
		err = look_up(by_name, name, &entry, &buf, &found, why);
	if (err == TOTP_OK && found)
		err = find_canonical(entry.pw_uid, &account, why);
	if (err == TOTP_OK)
		*ret_account = account;
	return err;
}

/* The gid of a group; TOTP_ERR_NOT_FOUND where there is none of that name. */
static enum totp_err find_group(struct text name, gid_t *ret_gid, struct reason *why)
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
	return TOTP_OK;
}

/* All groups of an account; *ret_gids is the caller's to free. */
static enum totp_err groups_of(const struct account *account, gid_t **ret_gids, int *ret_count,
			       struct reason *why)
{
	int count = 64;

	for (;;) {
		gid_t *gids = calloc((size_t)count, sizeof(*gids));
		int had = count;

		if (!gids)
			return TOTP_ERR_NOMEM;
		if (getgrouplist(account->name, account->gid, gids, &count) >= 0) {
			*ret_gids = gids;
			*ret_count = count;
			return TOTP_OK;
		}
		free(gids);
		if (count <= had || count > GROUPS_MAX) {
			reason_set(why, "the name service failed to list the groups");
			return TOTP_ERR_SYSTEM;
		}
	}
}

static bool has_gid(const gid_t *gids, int count, gid_t gid)
{
	for (int i = 0; i < count; i++)
		if (gids[i] == gid)
			return true;
	return false;
}

enum totp_err account_in_groups(const struct account *account, const char *list, bool *ret_member,
				struct reason *why)
{
	struct text rest = text_of(list), name;
	gid_t *gids = NULL;
	int count = 0;
	bool group = false, member = false;
	enum totp_err err = groups_of(account, &gids, &count, why);

	/* to the end, so that a group that does not exist is told to members too */
	while (err == TOTP_OK && policy_list_next(&rest, &name, &group)) {
		gid_t gid = 0;

		if (!group)
			continue;
		err = find_group(name, &gid, why);
		member |= err == TOTP_OK && has_gid(gids, count, gid);
	}
	free(gids);
	if (err == TOTP_OK)
		*ret_member = member;
	return err;
}

enum totp_err account_groups_exist(const char *list, struct reason *why)
{
	struct text rest = text_of(list), name;
	bool group = false;
	enum totp_err err = TOTP_OK;

	while (err == TOTP_OK && policy_list_next(&rest, &name, &group)) {
		gid_t gid = 0;

		if (group)
			err = find_group(name, &gid, why);
	}
	return err;
}
