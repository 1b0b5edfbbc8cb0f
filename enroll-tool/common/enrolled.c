#include "common/enrolled.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static void add_user(void *context, const char *user)
{
	struct enrolled *enrolled = context;

	enrolled->no_memory |= !array_room(&enrolled->users, enrolled->count, &enrolled->room,
					   sizeof(*enrolled->users));
	if (enrolled->no_memory)
		return;
	enrolled->users[enrolled->count] = strdup(user);
	enrolled->no_memory = !enrolled->users[enrolled->count];
	enrolled->count += !enrolled->no_memory;
}

void enrolled_end(struct enrolled *enrolled)
{
	for (size_t i = 0; i < enrolled->count; i++)
		free(enrolled->users[i]);
	free(enrolled->users);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void count_user(void *context, const char *user)
{
	(void)user;
	++*(size_t *)context;
}

enum totp_err enrolled_count(struct store *store, size_t *ret_count, struct reason *why)
{
	*ret_count = 0;
	return store_each_user(store, count_user, ret_count, why);
}

int enrolled_list(const struct tool *tool, struct enrolled *ret_enrolled)
{
	struct reason why = {""};

	if (store_each_user(tool->store, add_user, ret_enrolled, &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	if (ret_enrolled->no_memory)
		return tool_refuse(tool, "%s", err_name(TOTP_ERR_NOMEM));
	if (ret_enrolled->count)
		qsort(ret_enrolled->users, ret_enrolled->count, sizeof(*ret_enrolled->users),
		      by_name);
	return TOOL_DONE;
}
