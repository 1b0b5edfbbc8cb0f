/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/accounts.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void accounts_end(struct accounts *people)
{
	for (size_t i = 0; i < people->crew_count; i++) {
		free(people->crews[i].name);
		free(people->crews[i].members);
	}
	names_scope_end(&people->names);
	free(people->list);
	free(people->crews);
	free(people->primaries);
	*people = (struct accounts){0};
}

/* --- accounts --- */

/* Add the next one of the table of names. */
static bool append_account(struct accounts *people)
{
	const struct listed *listed = &people->names->list[people->count];

	if (!array_room(&people->list, people->count, &people->list_room, sizeof(*people->list)))
		return false;
	people->list[people->count] =
		(struct somebody){.name = listed->name,
				  .uid = listed->uid,
				  .counted = listed->person && listed->account == people->count,
				  .stage = STAGE_FREE};
	people->count++;
	return true;
}

/* The account of a name that is in the table, or NULL. */
static struct somebody *account_named(const struct accounts *people, const char *name)
{
	size_t index = names_index(people->names, name);

	return index == NAMES_NONE ? NULL : &people->list[people->names->list[index].account];
}

/* --- groups --- */

static bool join(struct accounts *people, struct crew *crew, size_t index)
{
	uint32_t stamp = (uint32_t)(crew - people->crews) + 1;

	if (people->list[index].stamp == stamp)
		return true;
	if (!array_room(&crew->members, crew->count, &crew->room, sizeof(*crew->members)))
		return false;
	people->list[index].stamp = stamp;
	crew->members[crew->count++] = (uint32_t)index;
	return true;
}

static int compare_gids(const void *a, const void *b)
{
	const struct primary *left = a, *right = b;

	if (left->gid != right->gid)
		return left->gid < right->gid ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

static bool join_primaries(struct accounts *people, struct crew *crew)
{
	size_t low = 0, high = people->listed;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (people->primaries[middle].gid < crew->gid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < people->listed && people->primaries[low].gid == crew->gid; low++)
		if (!join(people, crew, people->primaries[low].index))
			return false;
	return true;
}

static bool add_crew(struct accounts *people, const struct group *entry)
{
	struct crew *crew;

	if (!array_room(&people->crews, people->crew_count, &people->crew_room,
			sizeof(*people->crews)))
		return false;
	crew = &people->crews[people->crew_count];
	*crew = (struct crew){.name = strdup(entry->gr_name), .gid = entry->gr_gid};
	if (!crew->name)
		return false;
	people->crew_count++;
	for (char **member = entry->gr_mem; *member; member++) {
		const struct somebody *one = account_named(people, *member);

		if (one && !join(people, crew, (size_t)(one - people->list)))
			return false;
	}
	return join_primaries(people, crew);
}

/* All accounts and groups that are listed. False: no memory. */
static bool load_listed(struct accounts *people)
{
	const struct group *entry;
	bool room;

	people->names = names_load();
	room = people->names != NULL;
	while (room && people->count < people->names->count)
		room = append_account(people);
	people->primaries = room ? calloc(people->count + 1, sizeof(*people->primaries)) : NULL;
	room = people->primaries != NULL;
	for (size_t i = 0; room && i < people->count; i++)
		if (people->names->list[i].account == i)
			people->primaries[people->listed++] =
				(struct primary){people->names->list[i].gid, (uint32_t)i};
	if (people->listed)
		qsort(people->primaries, people->listed, sizeof(*people->primaries), compare_gids);
	setgrent();
	while (room && (errno = 0, entry = getgrent()))
		room = add_crew(people, entry);
	endgrent();
	return room;
}

/* --- the policy's lists --- */

/* A group of a list, by a look-up if it is not listed. NULL: there is none, which is reported. */
static struct crew *need_crew(const struct tool *tool, struct accounts *people, const char *name)
{
	const struct group *entry;

	for (size_t i = 0; i < people->crew_count; i++)
		if (strcmp(people->crews[i].name, name) == 0)
			return &people->crews[i];
	entry = getgrnam(name);
	if (entry && add_crew(people, entry))
		return &people->crews[people->crew_count - 1];
	tool_refuse(tool, "warning: group %s of the policy: %s", name,
		    entry ? err_name(TOTP_ERR_NOMEM)
			  : "there is none, so every user who is looked up in it is denied");
	return NULL;
}

/* Mark the accounts of a list, by name or group. */
static int mark_list(const struct tool *tool, struct accounts *people, const char *list,
		     bool exempt)
{
	struct text rest = text_of(list), name;
	char copy[POLICY_LIST_MAX];
	bool group = false;
	int code = TOOL_DONE;

	while (code == TOOL_DONE && policy_list_next(&rest, &name, &group)) {
		struct crew *crew = NULL;
		struct somebody *one = NULL;

		if (text_copy(name, copy, sizeof(copy)) != TOTP_OK)
			continue;
		if (group)
			crew = need_crew(tool, people, copy);
		else
			one = accounts_find(tool, people, copy, &code);
		if (one)
			*(exempt ? &one->exempt : &one->required) = true;
		if (crew)
			*(exempt ? &crew->exempt : &crew->required) = true;
	}
	return code;
}

struct somebody *accounts_find(const struct tool *tool, struct accounts *people, const char *name,
			       int *ret_code)
{
	struct somebody *one = account_named(people, name);
	struct account account = {.known = false};
	struct reason why = {""};

	if (!one && !people->names->complete) {
		if (account_find(name, &account, &why) != TOTP_OK)
			*ret_code = tool_refuse(tool, "%s", why.text);
		else if (account.known)
			one = account_named(people, account.name);
	}
	if (!one && account.known && *ret_code == TOOL_DONE) {
		if (names_add(people->names, &account) && append_account(people))
			one = &people->list[people->count - 1];
		else
			*ret_code = tool_refuse(tool, "%s", err_name(TOTP_ERR_NOMEM));
	}
	if (*ret_code != TOOL_DONE)
		return NULL;
	if (one)
		one->counted = true;
	return one;
}

int accounts_load(const struct tool *tool, struct accounts *ret_people)
{
	const struct policy *policy = &tool->policy;
	int code;

	if (!load_listed(ret_people))
		return tool_refuse(tool, "%s", err_name(TOTP_ERR_NOMEM));
	code = mark_list(tool, ret_people, policy->required_for, false);
	if (code == TOOL_DONE)
		code = mark_list(tool, ret_people, policy->exempt, true);
	for (size_t i = 0; i < ret_people->crew_count; i++) {
		const struct crew *crew = &ret_people->crews[i];

		for (size_t m = 0; m < crew->count; m++) {
			ret_people->list[crew->members[m]].required |= crew->required;
			ret_people->list[crew->members[m]].exempt |= crew->exempt;
		}
	}
	return code;
}
