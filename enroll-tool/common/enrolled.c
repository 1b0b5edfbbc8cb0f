/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/enrolled.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void enrolled_add(void *context, const char *user)
{
	struct enrolled *enrolled = context;
	char *copy = NULL;

	if (!enrolled->no_memory && array_room(&enrolled->users, enrolled->count, &enrolled->room,
					       sizeof(*enrolled->users)))
		copy = strdup(user);
	if (copy)
		enrolled->users[enrolled->count++] = copy;
	enrolled->no_memory |= !copy;
}

void enrolled_end(struct enrolled *enrolled)
{
	for (size_t i = 0; i < enrolled->count; i++)
		free(enrolled->users[i]);
	free(enrolled->users);
	*enrolled = (struct enrolled){.count = 0};
}

static void count_enrolled(void *context, const char *user)
{
	(void)user;
	++*(size_t *)context;
}

enum totp_err enrolled_count(struct store *store, size_t *ret_count, struct reason *why)
{
	*ret_count = 0;
	return store_each(store, STORE_RECORD, count_enrolled, ret_count, why);
}

static int compare_enrolled(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int enrolled_list(const struct tool *tool, struct enrolled *ret_enrolled)
{
	struct reason why = {""};
	enum totp_err err = store_each(tool->store, STORE_RECORD, enrolled_add, ret_enrolled, &why);

	if (err == TOTP_OK && ret_enrolled->no_memory)
		err = TOTP_ERR_NOMEM;
	if (err == TOTP_OK && ret_enrolled->count)
		qsort(ret_enrolled->users, ret_enrolled->count, sizeof(*ret_enrolled->users),
		      compare_enrolled);
	return tool_result(tool, err, &why);
}
