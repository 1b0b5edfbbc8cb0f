/*
 * totpctl check [FILE]: is this policy one that logins can go by? Complaints go out as
 * "file:line: …" without the program's name before them, which is what editors and
 * configuration managers look for.
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

static void print_complaint(void *context, const struct reason *complaint)
{
	(void)context;
	fprintf(stderr, "%s\n", complaint->text);
}

static int refuse_file(const struct ctl *ctl, const char *path, const char *cause)
{
	return tool_refuse(&ctl->tool, "%s: %s", path, cause);
}

/* Read a file whoever owns it: it is not the policy yet. */
static int load_candidate(struct ctl *ctl, const char *path)
{
	OWN_TEXT char *text = malloc(POLICY_BYTES_MAX);
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;
	enum totp_err err;

	if (!text)
		return refuse_file(ctl, path, err_name(TOTP_ERR_NOMEM));
	if (fd < 0)
		return refuse_file(ctl, path, strerror(errno));
	err = io_read_all(fd, text, POLICY_BYTES_MAX, &len);
	if (err != TOTP_OK)
		return refuse_file(ctl, path,
				   err == TOTP_ERR_RANGE ? "larger than 64 KiB" : strerror(errno));

	policy_default(&ctl->tool.policy);
	err = policy_parse(&ctl->tool.policy, (struct text){text, len}, path, print_complaint,
			   NULL);
	return err == TOTP_OK ? TOOL_DONE : TOOL_REFUSED;
}

static int load_installed(struct ctl *ctl, const char *path)
{
	enum totp_err err =
		conf_load(path, ctl->tool.conf, &ctl->tool.policy, print_complaint, NULL);

	return err == TOTP_OK ? TOOL_DONE : TOOL_REFUSED;
}

/* Where an entry of a list stands, for complaints. */
struct place {
	const char *path;
	const char *key;
};

/* A group that cannot be resolved refuses logins, so it is an error. */
static int check_group(const struct place *place, struct text name)
{
	char list[POLICY_LIST_MAX + 1] = "@";
	struct reason why = {""};

	if (text_copy(name, list + 1, sizeof(list) - 1) == TOTP_OK &&
	    account_groups_exist(list, &why) == TOTP_OK)
		return TOOL_DONE;
	fprintf(stderr, "%s: %s: %s; logins would be refused\n", place->path, place->key, why.text);
	return TOOL_REFUSED;
}

/*
 * Other names of the uid: a login by any of them is one of the same account. Required is who is
 * required by either name, exempt who is by both; may_check knows the uid's first name alone.
 */
static void warn_of_others(const struct place *place, const char *name, uid_t uid)
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

/* A user who is not there is a warning: accounts come and go. */
static int check_user(const struct place *place, struct text name)
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
	struct place place = {path, key};
	struct text rest = text_of(list), name;
	bool group = false;
	int code = TOOL_DONE;

	while (policy_list_next(&rest, &name, &group)) {
		int found = group ? check_group(&place, name) : check_user(&place, name);

		if (found != TOOL_DONE)
			code = found;
	}
	return code;
}

static int check_lists(const struct ctl *ctl, const char *path)
{
	int required = check_list(path, "required_for", ctl->tool.policy.required_for);
	int exempt = check_list(path, "exempt", ctl->tool.policy.exempt);
	int may_check = check_list(path, "may_check", ctl->tool.policy.may_check);

	return required != TOOL_DONE ? required : exempt != TOOL_DONE ? exempt : may_check;
}

int ctl_check(struct ctl *ctl)
{
	const char *installed = ctl->tool.conf ? ctl->tool.conf : POLICY_FILE;
	const char *path = ctl->word_count ? ctl->words[0] : installed;
	int code = ctl->word_count ? load_candidate(ctl, path) : load_installed(ctl, path);

	if (code == TOOL_DONE)
		code = check_lists(ctl, path);
	if (code != TOOL_DONE)
		return code;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		printf("%s: there is none; every default holds: codes are required\n", path);
	else
		printf("%s: no errors\n", path);
	return TOOL_DONE;
}
