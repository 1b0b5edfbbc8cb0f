#include "batch/batch_users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/machine.h"

#define LIST_NAMES_FROM 200 /* people; fewer are looked up one at a time */

void crowd_wipe(struct crowd *crowd)
{
	if (crowd->secrets)
		explicit_bzero(crowd->secrets, crowd->good_count * SECRET_NEW_LEN);
	free(crowd->secrets);
	for (size_t i = 0; i < crowd->count; i++) {
		free(crowd->people[i].name);
		free(crowd->people[i].refusal);
	}
	free(crowd->people);
	free(crowd->good);
	names_scope_end(&crowd->names);
	*crowd = (struct crowd){0};
}

static int refuse_memory(const struct crowd *crowd)
{
	return tool_refuse(crowd->tool, "%s", err_name(TOTP_ERR_NOMEM));
}

/* --- who is named --- */

static bool add(struct crowd *crowd, struct text name, uint32_t line)
{
	if (crowd->count == crowd->room) {
		size_t room = crowd->room ? 2 * crowd->room : 64;
		struct person *more = reallocarray(crowd->people, room, sizeof(*more));

		if (!more)
			return false;
		crowd->people = more;
		crowd->room = room;
	}
	crowd->people[crowd->count] =
		(struct person){.name = strndup(name.at, name.len), .line = line};
	return crowd->people[crowd->count++].name != NULL;
}

int crowd_of_words(struct crowd *crowd, int count, char **words)
{
	for (int i = 0; i < count; i++)
		if (!add(crowd, text_of(words[i]), 0))
			return refuse_memory(crowd);
	return TOOL_DONE;
}

static int add_lines(struct crowd *crowd, struct text rest)
{
	struct text line;

	for (uint32_t number = 1; text_line(&rest, &line); number++) {
		line = text_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (memchr(line.at, '\0', line.len))
			return tool_refuse(crowd->tool, "%s:%u: expected the name of a user",
					   crowd->file, (unsigned)number);
		if (crowd->count == CROWD_MAX)
			return tool_refuse(crowd->tool, "%s: more than %d users: split it",
					   crowd->file, CROWD_MAX);
		if (!add(crowd, line, number))
			return refuse_memory(crowd);
	}
	return TOOL_DONE;
}

int crowd_of_file(struct crowd *crowd, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	OWN_FD int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	OWN_TEXT char *text = malloc(CROWD_BYTES_MAX);
	size_t len = 0;
	enum totp_err err;

	crowd->file = standard ? "standard input" : path;
	if (!text)
		return refuse_memory(crowd);
	if (fd < 0)
		return tool_refuse(crowd->tool, "%s: %s", crowd->file, strerror(errno));
	err = io_read_all(fd, text, CROWD_BYTES_MAX, &len);
	if (err != TOTP_OK)
		return tool_refuse(crowd->tool, "%s: %s", crowd->file,
				   err == TOTP_ERR_SYSTEM ? strerror(errno) : "is too long");
	return add_lines(crowd, (struct text){text, len});
}

/* --- who they are --- */

/* Say why this one is left out. */
static bool leave_out(struct crowd *crowd, struct person *person, const char *why)
{
	char shown[CRED_USER_MAX + 1];

	text_printable(text_of(person->name), shown, sizeof(shown));
	progress_clear(&crowd->progress);
	if (person->line)
		fprintf(stderr, "%s:%u: %s: %s\n", crowd->file, (unsigned)person->line, shown, why);
	else
		tool_refuse(crowd->tool, "%s: %s", shown, why);
	crowd->left_out++;
	person->refusal = strdup(why);
	return person->refusal != NULL;
}

static enum totp_err find_account(const struct crowd *crowd, const char *name,
				  struct account *ret_account, struct reason *why)
{
	if (names_find(crowd->names, name, ret_account))
		return TOTP_OK;
	return account_find(name, ret_account, why);
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
static enum totp_err look_up(struct crowd *crowd, struct person *person, struct reason *hindrance,
			     struct reason *why)
{
	struct account account = {.known = false};
	struct otp_uri uri = {.digits = 0};
	bool has = false;
	enum totp_err err = find_account(crowd, person->name, &account, why);

	if (err == TOTP_OK && !account.known)
		reason_set(hindrance, "there is no such account");
	if (err != TOTP_OK || !account.known)
		return err;
	if (!take_account(person, &account))
		return TOTP_ERR_NOMEM;
	err = store_has(crowd->tool->store, person->name, &has, why);
	if (err == TOTP_ERR_RANGE)
		reason_set(hindrance, "the name is too long");
	else if (has)
		reason_set(hindrance, "is enrolled already");
	else if (err == TOTP_OK && crowd_uri(crowd, person, &uri, hindrance) != TOTP_OK)
		return TOTP_OK;
	return err == TOTP_ERR_RANGE ? TOTP_OK : err;
}

static int look_up_all(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->count; i++) {
		struct person *person = &crowd->people[i];
		struct reason hindrance = {""}, why = {""};
		enum totp_err err = look_up(crowd, person, &hindrance, &why);

		if (err == TOTP_OK && hindrance.text[0] &&
		    !leave_out(crowd, person, hindrance.text))
			err = TOTP_ERR_NOMEM;
		if (err != TOTP_OK) {
			progress_clear(&crowd->progress);
			return tool_refuse(crowd->tool, "%s",
					   why.text[0] ? why.text : err_name(err));
		}
		progress_show(&crowd->progress, "checking  ", i + 1, crowd->count);
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

static int by_place(const void *a, const void *b)
{
	const struct person *left = *(struct person *const *)a, *right = *(struct person *const *)b;

	return left < right ? -1 : left > right;
}

/* Gather those without a refusal in crowd->good. */
static void gather(struct crowd *crowd)
{
	crowd->good_count = 0;
	for (size_t i = 0; i < crowd->count; i++)
		if (!crowd->people[i].refusal)
			crowd->good[crowd->good_count++] = &crowd->people[i];
}

static bool leave_out_twins(struct crowd *crowd)
{
	qsort(crowd->good, crowd->good_count, sizeof(struct person *), by_name);
	for (size_t i = 1; i < crowd->good_count; i++)
		if (strcmp(crowd->good[i]->name, crowd->good[i - 1]->name) == 0 &&
		    !leave_out(crowd, crowd->good[i], "is named twice"))
			return false;
	qsort(crowd->good, crowd->good_count, sizeof(struct person *), by_place);
	gather(crowd);
	return true;
}

int crowd_check(struct crowd *crowd)
{
	int code;

	crowd->good = calloc(crowd->count ? crowd->count : 1, sizeof(struct person *));
	if (!crowd->good)
		return refuse_memory(crowd);
	if (crowd->count >= LIST_NAMES_FROM)
		crowd->names = names_load();
	code = look_up_all(crowd);
	progress_clear(&crowd->progress);
	if (code != TOOL_DONE)
		return code;
	gather(crowd);
	if (crowd->good_count > 1 && !leave_out_twins(crowd))
		return refuse_memory(crowd);
	crowd->secrets = calloc(crowd->good_count ? crowd->good_count : 1, SECRET_NEW_LEN);
	if (!crowd->secrets)
		return refuse_memory(crowd);
	for (size_t i = 0; i < crowd->good_count; i++)
		crowd->good[i]->secret = crowd->secrets + i * SECRET_NEW_LEN;
	return TOOL_DONE;
}

/* --- what their phones are told --- */

static enum totp_err name_of(const char *what, const char *pattern, const char *user,
			     char *ret_name, size_t cap, struct reason *why)
{
	char host[MACHINE_NAME_MAX], full_host[MACHINE_NAME_MAX];
	enum totp_err err;

	machine_names(host, full_host);
	err = policy_expand(pattern, user, host, full_host, ret_name, cap);
	if (err != TOTP_OK) {
		reason_set(why, "%s: the policy's pattern gives more than %zu bytes", what,
			   cap - 1);
		return err;
	}
	return uri_check_name(what, text_of(ret_name), cap - 1, why);
}

enum totp_err crowd_uri(const struct crowd *crowd, const struct person *person,
			struct otp_uri *ret_uri, struct reason *why)
{
	const struct policy *policy = &crowd->tool->policy;
	enum totp_err err;

	*ret_uri = (struct otp_uri){
		.alg = policy->algorithm, .digits = policy->digits, .period = policy->period};
	err = name_of("issuer", policy->issuer, person->name, ret_uri->issuer,
		      sizeof(ret_uri->issuer), why);
	if (err == TOTP_OK)
		err = name_of("account", policy->account, person->name, ret_uri->account,
			      sizeof(ret_uri->account), why);
	return err;
}
