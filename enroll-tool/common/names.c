#include "common/names.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/io.h"

#define NAMES_MAX 200000
#define NSSWITCH  "/etc/nsswitch.conf"

struct name_entry {
	char *name;
	const char *canonical;
	uid_t uid;
	uint32_t order; /* in the list: the first one counts */
};

struct names {
	size_t count;
	size_t room;
	struct name_entry *entries;
	bool complete; /* a user who is not here does not exist */
};

void names_scope_end(struct names **names)
{
	if (!*names)
		return;
	for (size_t i = 0; i < (*names)->count; i++)
		free((*names)->entries[i].name);
	free((*names)->entries);
	free(*names);
	*names = NULL;
}

static bool add(struct names *names, const struct passwd *entry)
{
	char *name;

	if (!array_room(&names->entries, names->count, &names->room, sizeof(*names->entries)))
		return false;
	name = strdup(entry->pw_name);
	if (!name)
		return false;
	names->entries[names->count] = (struct name_entry){
		.name = name, .uid = entry->pw_uid, .order = (uint32_t)names->count};
	names->count++;
	return true;
}

static int by_uid(const void *a, const void *b)
{
	const struct name_entry *left = a, *right = b;

	if (left->uid != right->uid)
		return left->uid < right->uid ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

static int by_name(const void *a, const void *b)
{
	const struct name_entry *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	if (order)
		return order;
	return left->order < right->order ? -1 : left->order > right->order;
}

static void sort(struct names *names)
{
	struct name_entry *entries = names->entries;

	if (names->count == 0)
		return;
	qsort(entries, names->count, sizeof(*entries), by_uid);
	for (size_t i = 0; i < names->count; i++)
		entries[i].canonical = i && entries[i].uid == entries[i - 1].uid
					       ? entries[i - 1].canonical
					       : entries[i].name;
	qsort(entries, names->count, sizeof(*entries), by_name);
}

static bool lists_all(struct text service)
{
	return service.len == 0 || text_is(service, "files") || text_is(service, "systemd");
}

/* "passwd: files systemd": do these services list every user that they know? */
static bool line_lists_all(struct text line)
{
	struct text database = {"", 0}, service;
	bool all = true;

	for (size_t i = 0; i < line.len; i++)
		if (line.at[i] == '#')
			line.len = i;
	text_field(&line, ':', &database);
	if (!text_is(text_trim(database), "passwd"))
		return false;
	line = text_trim(line);
	while (all && text_field(&line, ' ', &service))
		all = lists_all(text_trim(service));
	return all;
}

void names_each_alias(const struct names *names, names_alias_fn *each, void *context)
{
	for (size_t i = 0; names && i < names->count; i++)
		if (strcmp(names->entries[i].name, names->entries[i].canonical) != 0)
			each(context, names->entries[i].canonical, names->entries[i].name);
}

bool names_services_list_all(void)
{
	OWN_FD int fd = open(NSSWITCH, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char conf[8192];
	struct text rest = {conf, 0}, line;

	if (fd < 0 || io_read_all(fd, conf, sizeof(conf), &rest.len) != TOTP_OK)
		return false;
	while (text_line(&rest, &line))
		if (line_lists_all(line))
			return true;
	return false;
}

/* Add every user listed. False: no memory. */
static bool list(struct names *names)
{
	const struct passwd *entry = NULL;
	bool room = true;

	setpwent();
	do {
		errno = 0;
		entry = getpwent();
		room = !entry || add(names, entry);
	} while (room && entry && names->count < NAMES_MAX);
	names->complete = room && !entry && errno == 0 && names_services_list_all();
	endpwent();
	return room;
}

struct names *names_load(void)
{
	OWN_NAMES struct names *names = calloc(1, sizeof(*names));
	struct names *loaded;

	if (!names || !list(names))
		return NULL;
	sort(names);
	loaded = names;
	names = NULL;
	return loaded;
}

bool names_find(const struct names *names, const char *name, struct account *ret_account)
{
	size_t low = 0, high = names ? names->count : 0;
	const struct name_entry *entry;

	/* the first of equal names, so not bsearch */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(names->entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	entry = names && low < names->count ? &names->entries[low] : NULL;
	if (!entry || strcmp(entry->name, name) != 0) {
		*ret_account = (struct account){.known = false};
		return names && names->complete;
	}
	*ret_account = (struct account){.known = true, .uid = entry->uid};
	return text_copy(text_of(entry->canonical), ret_account->name, sizeof(ret_account->name)) ==
	       TOTP_OK;
}
