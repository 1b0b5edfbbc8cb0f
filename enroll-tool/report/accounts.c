#include "report/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "common/names.h"

#define UID_MIN    1000 /* if /etc/login.defs has none */
#define UID_NOBODY 65534
#define LOGIN_DEFS "/etc/login.defs"
#define PEOPLE_MAX 2000000

void accounts_end(struct accounts *people)
{
	for (size_t i = 0; i < people->count; i++)
		free(people->list[i].name);
	for (size_t i = 0; i < people->crew_count; i++) {
		free(people->crews[i].name);
		free(people->crews[i].members);
	}
	free(people->list);
	free(people->crews);
	free(people->table);
	free(people->stamps);
	free(people->primaries);
	*people = (struct accounts){0};
}

/* --- by name --- */

/* The slot of a name: of its index, or the free slot where it belongs. */
static uint32_t *place_of(const struct accounts *people, const char *name)
{
	size_t mask = people->table_size - 1;

	for (size_t i = (size_t)text_hash(name) & mask;; i = (i + 1) & mask)
		if (!people->table[i] || strcmp(people->list[people->table[i] - 1].name, name) == 0)
			return &people->table[i];
}

static struct somebody *find(const struct accounts *people, const char *name)
{
	uint32_t *place = place_of(people, name);

	return *place ? &people->list[*place - 1] : NULL;
}

/* A table with room for all names, and for as many more. */
static bool make_table(struct accounts *people)
{
	people->table_size = 256;
	while (people->table_size < 4 * people->count)
		people->table_size *= 2;
	free(people->table);
	people->table = calloc(people->table_size, sizeof(*people->table));
	for (size_t i = 0; people->table && i < people->count; i++) {
		uint32_t *place = place_of(people, people->list[i].name);

		if (!*place)
			*place = (uint32_t)(i + 1);
	}
	return people->table != NULL;
}

/* Add the last account of the list. */
static bool make_room(struct accounts *people)
{
	if (2 * people->count > people->table_size) {
		if (!make_table(people))
			return false;
	} else {
		*place_of(people, people->list[people->count - 1].name) = (uint32_t)people->count;
	}
	if (!array_room(&people->stamps, people->count, &people->stamp_room,
			sizeof(*people->stamps)))
		return false;
	people->stamps[people->count - 1] = 0;
	return true;
}

/* --- accounts --- */

static uid_t first_uid(void)
{
	OWN_FD int fd = open(LOGIN_DEFS, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	static char conf[65536];
	struct text rest = {conf, 0}, line, word;
	uint64_t number = UID_MIN;

	if (fd < 0 || io_read_all(fd, conf, sizeof(conf), &rest.len) != TOTP_OK)
		return UID_MIN;
	while (text_line(&rest, &line)) {
		line = text_trim(line);
		if (line.len < 8 || memcmp(line.at, "UID_MIN", 7) != 0)
			continue;
		word = text_trim((struct text){line.at + 7, line.len - 7});
		if (text_number(word, 1, UINT32_MAX, &number) == TOTP_OK)
			return (uid_t)number;
	}
	return UID_MIN;
}

/* Accounts that cannot log in, or with a uid below UID_MIN, are of programs. */
static bool is_person(const struct passwd *entry, uid_t first)
{
	const char *shell = strrchr(entry->pw_shell, '/');

	shell = shell ? shell + 1 : entry->pw_shell;
	return entry->pw_uid >= first && entry->pw_uid != UID_NOBODY &&
	       strcmp(shell, "nologin") != 0 && strcmp(shell, "false") != 0;
}

static struct somebody *add(struct accounts *people, const char *name, uid_t uid, gid_t gid)
{
	struct somebody *one;

	if (people->count >= PEOPLE_MAX ||
	    !array_room(&people->list, people->count, &people->room, sizeof(*people->list)))
		return NULL;
	one = &people->list[people->count];
	*one = (struct somebody){.name = strdup(name),
				 .uid = uid,
				 .gid = gid,
				 .stage = STAGE_FREE,
				 .order = people->count};
	people->count += one->name != NULL;
	return one->name ? one : NULL;
}

static int by_uid(const void *a, const void *b)
{
	const struct somebody *left = a, *right = b;

	if (left->uid != right->uid)
		return left->uid < right->uid ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

/* Keep the first name of each uid: the others are names of the same account. */
static void drop_aliases(struct accounts *people)
{
	size_t kept = 0;

	if (people->count)
		qsort(people->list, people->count, sizeof(*people->list), by_uid);
	for (size_t i = 0; i < people->count; i++) {
		if (kept && people->list[kept - 1].uid == people->list[i].uid)
			free(people->list[i].name);
		else
			people->list[kept++] = people->list[i];
	}
	people->count = kept;
}

static bool load_accounts(struct accounts *people)
{
	const struct passwd *entry;
	uid_t first = first_uid();
	bool room = true;

	setpwent();
	while (room && (errno = 0, entry = getpwent())) {
		struct somebody *one = add(people, entry->pw_name, entry->pw_uid, entry->pw_gid);

		room = one != NULL;
		if (one)
			one->counted = is_person(entry, first);
	}
	people->partial = errno != 0 || !names_services_list_all();
	endpwent();
	drop_aliases(people);
	return room && make_table(people);
}

/* --- groups --- */

static bool join(struct accounts *people, struct crew *crew, size_t index)
{
	uint32_t stamp = (uint32_t)(crew - people->crews) + 1;

	if (people->stamps[index] == stamp)
		return true;
	if (!array_room(&crew->members, crew->count, &crew->room, sizeof(*crew->members)))
		return false;
	people->stamps[index] = stamp;
	crew->members[crew->count++] = (uint32_t)index;
	return true;
}

static int by_gid(const void *a, const void *b)
{
	const struct primary *left = a, *right = b;

	if (left->gid != right->gid)
		return left->gid < right->gid ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

/* Members by the primary group of their account. */
static bool sort_primaries(struct accounts *people)
{
	people->primaries = calloc(people->count + 1, sizeof(*people->primaries));
	people->stamp_room = people->count + 1;
	people->stamps = calloc(people->stamp_room, sizeof(*people->stamps));
	if (!people->primaries || !people->stamps)
		return false;
	for (size_t i = 0; i < people->count; i++)
		people->primaries[i] = (struct primary){people->list[i].gid, (uint32_t)i};
	people->listed = people->count;
	qsort(people->primaries, people->listed, sizeof(*people->primaries), by_gid);
	return true;
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
		const struct somebody *one = find(people, *member);

		if (one && !join(people, crew, (size_t)(one - people->list)))
			return false;
	}
	return join_primaries(people, crew);
}

static bool load_groups(struct accounts *people)
{
	const struct group *entry;
	bool room = sort_primaries(people);

	setgrent();
	while (room && (errno = 0, entry = getgrent()))
		room = add_crew(people, entry);
	endgrent();
	return room;
}

/* --- the policy's lists --- */

static struct crew *find_crew(const struct accounts *people, const char *name)
{
	for (size_t i = 0; i < people->crew_count; i++)
		if (strcmp(people->crews[i].name, name) == 0)
			return &people->crews[i];
	return NULL;
}

/* A group of a list, by a look-up if it is not listed. NULL: there is none, which is reported. */
static struct crew *need_crew(const struct tool *tool, struct accounts *people, const char *name)
{
	struct crew *crew = find_crew(people, name);
	const struct group *entry = crew ? NULL : getgrnam(name);

	if (crew)
		return crew;
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

static void mark_members(struct accounts *people)
{
	for (size_t i = 0; i < people->crew_count; i++) {
		const struct crew *crew = &people->crews[i];

		for (size_t m = 0; m < crew->count; m++) {
			people->list[crew->members[m]].required |= crew->required;
			people->list[crew->members[m]].exempt |= crew->exempt;
		}
	}
}

struct somebody *accounts_find(const struct tool *tool, struct accounts *people, const char *name,
			       int *ret_code)
{
	struct somebody *one = find(people, name);
	struct account account = {.known = false};
	struct reason why = {""};

	if (!one && people->partial) {
		if (account_find(name, &account, &why) != TOTP_OK)
			*ret_code = tool_refuse(tool, "%s", why.text);
		else if (account.known)
			one = find(people, account.name);
	}
	if (!one && account.known && *ret_code == TOOL_DONE) {
		one = add(people, account.name, account.uid, account.gid);
		if (!one || !make_room(people))
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

	if (!load_accounts(ret_people) || !load_groups(ret_people))
		return tool_refuse(tool, "%s", err_name(TOTP_ERR_NOMEM));
	code = mark_list(tool, ret_people, policy->required_for, false);
	if (code == TOOL_DONE)
		code = mark_list(tool, ret_people, policy->exempt, true);
	mark_members(ret_people);
	return code;
}
