/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/names.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/io.h"

#define NAMES_MAX  2000000
#define NSSWITCH   "/etc/nsswitch.conf"
#define UID_FIRST  1000 /* if LOGIN_DEFS has no UID_MIN */
#define UID_NOBODY 65534

void names_scope_end(struct names **names)
{
	if (!*names)
		return;
	for (size_t i = 0; i < (*names)->count; i++) {
		free((*names)->list[i].name);
		free((*names)->list[i].home);
	}
	free((*names)->list);
	free((*names)->slots);
	free(*names);
	*names = NULL;
}

/* --- the table --- */

/* The slot of a name, or the free slot where it belongs. */
static uint32_t *slot_of(const struct names *names, const char *name)
{
	size_t mask = names->slot_count - 1;

	for (size_t i = (size_t)text_hash(name) & mask;; i = (i + 1) & mask)
		if (!names->slots[i] || strcmp(names->list[names->slots[i] - 1].name, name) == 0)
			return &names->slots[i];
}

/* Enter all names in slots, of which there are at least twice as many. */
static bool fill_slots(struct names *names)
{
	names->slot_count = 256;
	while (names->slot_count < 4 * names->count)
		names->slot_count *= 2;
	free(names->slots);
	names->slots = calloc(names->slot_count, sizeof(*names->slots));
	for (size_t i = 0; names->slots && i < names->count; i++) {
		uint32_t *slot = slot_of(names, names->list[i].name);

		/* of equal names, the first one listed counts */
		if (!*slot || names->list[i].order < names->list[*slot - 1].order)
			*slot = (uint32_t)(i + 1);
	}
	return names->slots != NULL;
}

static bool append_name(struct names *names, const char *name, const struct listed *entry)
{
	struct listed *last;

	if (names->count >= NAMES_MAX ||
	    !array_room(&names->list, names->count, &names->room, sizeof(*names->list)))
		return false;
	last = &names->list[names->count];
	*last = *entry;
	last->name = strdup(name);
	last->home = entry->home ? strdup(entry->home) : NULL;
	last->order = (uint32_t)names->count;
	last->account = names->count;
	if (last->name && (last->home || !entry->home)) {
		names->count++;
		return true;
	}
	free(last->name);
	free(last->home);
	return false;
}

size_t names_index(const struct names *names, const char *name)
{
	return (size_t)*slot_of(names, name) - 1; /* 0: NAMES_NONE */
}

bool names_add(struct names *names, const struct account *account)
{
	const struct listed entry = {.uid = account->uid, .gid = account->gid};

	if (!append_name(names, account->name, &entry))
		return false;
	if (2 * names->count > names->slot_count)
		return fill_slots(names);
	*slot_of(names, account->name) = (uint32_t)names->count;
	return true;
}

/* --- reading it --- */

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
	while (all && text_field(&line, ' ', &service)) {
		service = text_trim(service);
		all = service.len == 0 || text_is(service, "files") || text_is(service, "systemd");
	}
	return all;
}

/* Does nsswitch.conf have only services that list all their users? */
static bool services_list_all(void)
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

uint32_t names_login_defs(const char *name, uint32_t otherwise)
{
	OWN_FD int fd = open(LOGIN_DEFS, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	static char conf[65536];
	struct text rest = {conf, 0}, line;
	uint64_t number = otherwise;
	size_t len = strlen(name);

	if (fd < 0 || io_read_all(fd, conf, sizeof(conf), &rest.len) != TOTP_OK)
		return otherwise;
	while (text_line(&rest, &line)) {
		line = text_trim(line);
		if (line.len <= len || memcmp(line.at, name, len) != 0)
			continue;
		line = text_trim((struct text){line.at + len, line.len - len});
		(void)!text_number(line, 0, UINT32_MAX, &number);
	}
	return (uint32_t)number;
}

/* Add every name that is listed. False: no memory. */
static bool list_names(struct names *names)
{
	const struct passwd *entry;
	uid_t first = names_login_defs("UID_MIN", UID_FIRST);
	bool room = true;

	setpwent();
	while (room && (errno = 0, entry = getpwent())) {
		const char *slash = strrchr(entry->pw_shell, '/');
		const char *shell = slash ? slash + 1 : entry->pw_shell;
		const struct listed listed = {
			.uid = entry->pw_uid,
			.gid = entry->pw_gid,
			.home = entry->pw_dir,
			.person = entry->pw_uid >= first && entry->pw_uid != UID_NOBODY &&
				  strcmp(shell, "nologin") != 0 && strcmp(shell, "false") != 0};

		room = append_name(names, entry->pw_name, &listed);
	}
	names->error = room && errno != ENOENT ? errno : 0;
	names->complete = room && errno == 0 && services_list_all();
	endpwent();
	return room || names->count == NAMES_MAX;
}

static int compare_uids(const void *a, const void *b)
{
	const struct listed *left = a, *right = b;

	if (left->uid != right->uid)
		return left->uid < right->uid ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

struct names *names_load(void)
{
	OWN_NAMES struct names *names = calloc(1, sizeof(*names));
	struct names *loaded;

	if (!names || !list_names(names))
		return NULL;
	if (names->count)
		qsort(names->list, names->count, sizeof(*names->list), compare_uids);
	for (size_t i = 0; i < names->count; i++)
		names->list[i].account = i && names->list[i].uid == names->list[i - 1].uid
						 ? names->list[i - 1].account
						 : i;
	if (!fill_slots(names))
		return NULL;
	loaded = names;
	names = NULL;
	return loaded;
}

/* --- looking up --- */

enum totp_err names_find(const struct names *names, const char *name, struct account *ret_account,
			 struct reason *why)
{
	size_t index = names ? names_index(names, name) : NAMES_NONE;
	const struct listed *account;

	*ret_account = (struct account){.known = false};
	if (index == NAMES_NONE)
		return names && names->complete ? TOTP_OK : account_find(name, ret_account, why);
	account = &names->list[names->list[index].account];
	ret_account->known = true;
	ret_account->uid = account->uid;
	if (text_copy(text_of(account->name), ret_account->name, sizeof(ret_account->name)) ==
	    TOTP_OK)
		return TOTP_OK;
	return account_find(name, ret_account, why);
}

void names_each_alias(const struct names *names, names_alias_fn *each, void *context)
{
	for (size_t i = 0; names && i < names->count; i++)
		if (names->list[i].account != i)
			each(context, names->list[names->list[i].account].name,
			     names->list[i].name);
}
