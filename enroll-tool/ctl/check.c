/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl check [FILE]: can logins use this policy? Mistakes are printed as "file:line: …" without
 * the program's name before them, as editors and configuration managers expect it.
 */
#include "common/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/conf.h"

static void print_mistake(void *context, const struct reason *complaint)
{
	(void)context;
	fprintf(stderr, "%s\n", complaint->text);
}

/* The owner of the file does not matter: it is not the policy yet. */
static int load_candidate(struct ctl *ctl, const char *path)
{
	OWN_TEXT char *text = malloc(POLICY_BYTES_MAX);
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;
	enum totp_err err = text ? TOTP_ERR_SYSTEM : TOTP_ERR_NOMEM;

	if (text && fd >= 0)
		err = io_read_all(fd, text, POLICY_BYTES_MAX, &len);
	if (err == TOTP_ERR_SYSTEM)
		return tool_refuse(&ctl->tool, "%s: %s", path, strerror(errno));
	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: %s", path,
				   err == TOTP_ERR_RANGE ? "larger than 64 KiB" : err_name(err));

	policy_default(&ctl->tool.policy);
	err = policy_parse(&ctl->tool.policy, (struct text){text, len}, path, print_mistake, NULL);
	return err == TOTP_OK ? TOOL_DONE : TOOL_REFUSED;
}

/* Where an entry of a list stands, for complaints. */
struct list_place {
	const char *path;
	const char *key;
};

/*
 * Other names of the uid: a login with any of them is one of the same account. A user is required
 * if one of the names is, and exempt if both are; may_check and may_tell_source know the uid's
 * first name only.
 */
static void warn_of_others(const struct list_place *place, const char *name, uid_t uid)
{
	const struct passwd *entry;

	setpwent();
	while ((entry = getpwent())) {
		if (entry->pw_uid != uid || strcmp(entry->pw_name, name) == 0)
			continue;
		fprintf(stderr,
			"%s: %s: warning: %s and %s are names of one account, uid %u: list both, "
			"or "
			"remove one\n",
			place->path, place->key, name, entry->pw_name, (unsigned)uid);
	}
	endpwent();
}

/* A user without an account is a warning: accounts come and go. */
static int check_user(const struct list_place *place, struct text name)
{
	char asked[POLICY_LIST_MAX] = "";
	struct account account;
	struct reason why = {""};

	if (text_copy(name, asked, sizeof(asked)) != TOTP_OK ||
	    account_find(asked, &account, &why) != TOTP_OK) {
		fprintf(stderr, "%s: %s: %s\n", place->path, place->key, why.text);
		return TOOL_REFUSED;
	}
	if (!account.known)
		fprintf(stderr, "%s: %s: warning: there is no user %s\n", place->path, place->key,
			asked);
	else
		warn_of_others(place, asked, account.uid);
	return TOOL_DONE;
}

static int check_list(const char *path, const char *key, const char *list)
{
	struct list_place place = {path, key};
	struct text rest = text_of(list), name;
	bool is_group = false;
	int code = TOOL_DONE;

	while (policy_list_next(&rest, &name, &is_group)) {
		char group[POLICY_LIST_MAX + 1] = "@";
		struct reason why = {""};

		if (!is_group) {
			if (check_user(&place, name) != TOOL_DONE)
				code = TOOL_REFUSED;
			continue;
		}
		/* with a group that cannot be resolved logins are denied, so it is an error */
		if (text_copy(name, group + 1, sizeof(group) - 1) == TOTP_OK &&
		    account_groups_exist(group, &why) == TOTP_OK)
			continue;
		fprintf(stderr, "%s: %s: %s; logins would be denied\n", path, key, why.text);
		code = TOOL_REFUSED;
	}
	return code;
}

static int check_policy(struct ctl *ctl)
{
	const struct policy *policy = &ctl->tool.policy;
	const struct {
		const char *key, *list;
	} lists[] = {{"required_for", policy->required_for},
		     {"exempt", policy->exempt},
		     {"may_check", policy->may_check},
		     {"may_tell_source", policy->may_tell_source},
		     {"local_users", policy->local_users}};
	const char *installed = ctl->tool.conf ? ctl->tool.conf : POLICY_FILE;
	const char *path = ctl->word_count ? ctl->words[0] : installed;
	int code = TOOL_DONE;

	if (ctl->word_count)
		code = load_candidate(ctl, path);
	else if (conf_load(path, ctl->tool.conf, &ctl->tool.policy, print_mistake, NULL) != TOTP_OK)
		code = TOOL_REFUSED;
	if (code != TOOL_DONE)
		return code;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (check_list(path, lists[i].key, lists[i].list) != TOOL_DONE)
			code = TOOL_REFUSED;
	if (code != TOOL_DONE)
		return code;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		printf("%s: there is no such file, so every default is in force: codes are "
		       "required\n",
		       path);
	else
		printf("%s: no errors\n", path);
	return TOOL_DONE;
}

const struct command ctl_check = {
	.name = "check",
	.arguments = "[FILE]",
	.help = "read the policy and report every mistake",
	.more = "Reads FILE, or the policy in use without one. Owner and mode of FILE do not\n"
		"matter, so a configuration manager can check a copy before it installs it:\n"
		"  validate: totpctl check %s\n",
	.run = check_policy,
};
