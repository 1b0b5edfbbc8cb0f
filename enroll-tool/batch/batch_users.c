/* SPDX-License-Identifier: BSD-2-Clause */
#include "batch/batch_users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "host/machine.h"

#define LIST_NAMES_FROM 200 /* people; fewer are looked up one at a time */

void batch_users_wipe(struct batch_users *users)
{
	if (users->secrets)
		explicit_bzero(users->secrets, users->good_count * SECRET_NEW_LEN);
	free(users->secrets);
	for (size_t i = 0; i < users->count; i++) {
		free(users->people[i].name);
		free(users->people[i].refusal);
	}
	free(users->people);
	free(users->good);
	names_scope_end(&users->names);
	*users = (struct batch_users){0};
}

/* --- who is named --- */

static bool add(struct batch_users *users, struct text name, uint32_t line)
{
	if (!array_room(&users->people, users->count, &users->room, sizeof(*users->people)))
		return false;
	users->people[users->count] =
		(struct person){.name = strndup(name.at, name.len), .line = line};
	return users->people[users->count++].name != NULL;
}

int batch_users_of_words(struct batch_users *users, int count, char **words)
{
	for (int i = 0; i < count; i++)
		if (!add(users, text_of(words[i]), 0))
			return tool_result(users->tool, TOTP_ERR_NOMEM, NULL);
	return TOOL_DONE;
}

static int add_lines(struct batch_users *users, struct text rest)
{
	struct text line;

	for (uint32_t number = 1; text_line(&rest, &line); number++) {
		line = text_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (memchr(line.at, '\0', line.len))
			return tool_refuse(users->tool, "%s:%u: expected the name of a user",
					   users->file, (unsigned)number);
		if (users->count == BATCH_USERS_MAX)
			return tool_refuse(users->tool, "%s: more than %d users: split it",
					   users->file, BATCH_USERS_MAX);
		if (!add(users, line, number))
			return tool_result(users->tool, TOTP_ERR_NOMEM, NULL);
	}
	return TOOL_DONE;
}

int batch_users_of_file(struct batch_users *users, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	OWN_FD int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	OWN_TEXT char *text = malloc(BATCH_USERS_BYTES_MAX);
	size_t len = 0;
	enum totp_err err;

	users->file = standard ? "standard input" : path;
	if (!text)
		return tool_result(users->tool, TOTP_ERR_NOMEM, NULL);
	if (fd < 0)
		return tool_refuse(users->tool, "%s: %s", users->file, strerror(errno));
	err = io_read_all(fd, text, BATCH_USERS_BYTES_MAX, &len);
	if (err != TOTP_OK)
		return tool_refuse(users->tool, "%s: %s", users->file,
				   err == TOTP_ERR_SYSTEM ? strerror(errno) : "is too long");
	return add_lines(users, (struct text){text, len});
}

/* --- who they are --- */

/* Say why this one is left out. */
static bool leave_out(struct batch_users *users, struct person *person, const char *why)
{
	char shown[CRED_USER_MAX + 1];

	text_show(text_of(person->name), shown, sizeof(shown));
	progress_clear(&users->progress);
	if (person->line)
		fprintf(stderr, "%s:%u: %s: %s\n", users->file, (unsigned)person->line, shown, why);
	else
		tool_refuse(users->tool, "%s: %s", shown, why);
	users->left_out++;
	person->refusal = strdup(why);
	return person->refusal != NULL;
}

static bool take_account(struct person *person, const struct account *account)
{
	char *name = strdup(account->name);

	if (!name)
		return false;
	free(person->name);
	person->name = name;
	person->uid = account->uid;
	return true;
}

/* Is there an account, and no record of it yet? If not, `hindrance` says so. */
static enum totp_err look_up(struct batch_users *users, struct person *person,
			     struct reason *hindrance, struct reason *why)
{
	struct account account = {.known = false};
	struct otp_uri uri = {.digits = 0};
	bool has = false;
	enum totp_err err = names_find(users->names, person->name, &account, why);

	if (err == TOTP_OK && !account.known)
		reason_set(hindrance, "there is no such account");
	if (err != TOTP_OK || !account.known)
		return err;
	if (!take_account(person, &account))
		return TOTP_ERR_NOMEM;
	err = tool_enrolled(users->tool, person->name, &has, why);
	if (err == TOTP_ERR_RANGE)
		reason_set(hindrance, "the name is too long");
	else if (has)
		reason_set(hindrance, "is enrolled already");
	else if (err == TOTP_OK && batch_users_uri(users, person, &uri, hindrance) != TOTP_OK)
		return TOTP_OK;
	return err == TOTP_ERR_RANGE ? TOTP_OK : err;
}

static int look_up_all(struct batch_users *users)
{
	for (size_t i = 0; i < users->count; i++) {
		struct person *person = &users->people[i];
		struct reason hindrance = {""}, why = {""};
		enum totp_err err = look_up(users, person, &hindrance, &why);

		if (err == TOTP_OK && hindrance.text[0] &&
		    !leave_out(users, person, hindrance.text))
			err = TOTP_ERR_NOMEM;
		if (err != TOTP_OK) {
			progress_clear(&users->progress);
			return tool_result(users->tool, err, &why);
		}
		progress_show(&users->progress, "checking  ", i + 1, users->count);
	}
	return TOOL_DONE;
}

/* --- who is named twice --- */

static int by_name(const void *a, const void *b)
{
	const struct person *left = *(struct person *const *)a, *right = *(struct person *const *)b;
	int order = strcmp(left->name, right->name);

	if (order)
		return order;
	return left < right ? -1 : left > right;
}

/* Gather those without a refusal in users->good. */
static void gather(struct batch_users *users)
{
	users->good_count = 0;
	for (size_t i = 0; i < users->count; i++)
		if (!users->people[i].refusal)
			users->good[users->good_count++] = &users->people[i];
}

static bool leave_out_twins(struct batch_users *users)
{
	qsort(users->good, users->good_count, sizeof(struct person *), by_name);
	for (size_t i = 1; i < users->good_count; i++)
		if (strcmp(users->good[i]->name, users->good[i - 1]->name) == 0 &&
		    !leave_out(users, users->good[i], "is named twice"))
			return false;
	gather(users);
	return true;
}

int batch_users_check(struct batch_users *users)
{
	int code;

	users->good = calloc(users->count ? users->count : 1, sizeof(struct person *));
	if (!users->good)
		return tool_result(users->tool, TOTP_ERR_NOMEM, NULL);
	if (users->count >= LIST_NAMES_FROM)
		users->names = names_load();
	code = look_up_all(users);
	progress_clear(&users->progress);
	if (code != TOOL_DONE)
		return code;
	gather(users);
	if (users->good_count > 1 && !leave_out_twins(users))
		return tool_result(users->tool, TOTP_ERR_NOMEM, NULL);
	users->secrets = calloc(users->good_count ? users->good_count : 1, SECRET_NEW_LEN);
	if (!users->secrets)
		return tool_result(users->tool, TOTP_ERR_NOMEM, NULL);
	for (size_t i = 0; i < users->good_count; i++)
		users->good[i]->secret = users->secrets + i * SECRET_NEW_LEN;
	return TOOL_DONE;
}

/* --- the URIs for their phones --- */

/* The errors of a name that the policy's pattern made; cap: of the array that it is in. */
static enum totp_err check_name(const char *what, const char *name, size_t cap, enum totp_err err,
				struct reason *why)
{
	if (err == TOTP_OK)
		return uri_check_name(what, text_of(name), cap - 1, why);
	reason_set(why, "%s: the policy's pattern gives more than %zu bytes", what, cap - 1);
	return err;
}

enum totp_err batch_users_uri(const struct batch_users *users, const struct person *person,
			      struct otp_uri *ret_uri, struct reason *why)
{
	const struct policy *policy = &users->tool->policy;
	char host[MACHINE_NAME_MAX], full_host[MACHINE_NAME_MAX];
	const struct policy_names names = {person->name, host, full_host};
	enum totp_err err;

	machine_names(host, full_host);
	*ret_uri = (struct otp_uri){
		.alg = policy->algorithm, .digits = policy->digits, .period = policy->period};
	err = policy_expand(policy->issuer, &names, ret_uri->issuer, sizeof(ret_uri->issuer));
	err = check_name("issuer", ret_uri->issuer, sizeof(ret_uri->issuer), err, why);
	if (err != TOTP_OK)
		return err;
	err = policy_expand(policy->account, &names, ret_uri->account, sizeof(ret_uri->account));
	return check_name("account", ret_uri->account, sizeof(ret_uri->account), err, why);
}
