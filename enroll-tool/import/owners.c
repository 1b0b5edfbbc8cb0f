/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/owners.h"

#include <stdlib.h>
#include <string.h>

struct owner {
	struct text serial, user;
	uint32_t line;
	bool used;
};

const char *owners_path;

void owners_end(struct owners *owners)
{
	free(owners->list);
}

static int compare_serials(struct text a, struct text b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *a, const void *b)
{
	const struct owner *one = a, *other = b;
	int order = compare_serials(one->serial, other->serial);

	return order ? order : (one->line > other->line) - (one->line < other->line);
}

static bool read_line(struct text line, uint32_t number, struct owner *ret_owner)
{
	struct owner owner = {.line = number};

	if (!text_field(&line, ',', &owner.serial))
		return false;
	owner.serial = text_trim(owner.serial);
	owner.user = text_trim(line);
	*ret_owner = owner;
	return owner.serial.len > 0 && owner.user.len > 0 && !memchr(line.at, ',', line.len);
}

/* A serial number is in one line; the first one counts. */
static void drop_repeated(struct import *import, struct owners *owners)
{
	struct place place = owners->place;
	size_t kept = 0;

	for (size_t i = 0; i < owners->count; i++) {
		const struct owner *owner = &owners->list[i];

		if (kept == 0 || compare_serials(owners->list[kept - 1].serial, owner->serial)) {
			owners->list[kept++] = *owner;
			continue;
		}
		place.line = owner->line;
		import_tell(import, IMPORT_BAD, &place, "the serial number is in line %u already",
			    (unsigned)owners->list[kept - 1].line);
	}
	owners->count = kept;
}

enum totp_err owners_read(struct import *import, struct owners *ret_owners, struct reason *why)
{
	struct import_text file = {0};
	struct text rest, line;
	enum totp_err err;

	if (!owners_path)
		return TOTP_OK;
	err = import_file(import, owners_path, IMPORT_FILE_MAX, &file, why);
	if (err != TOTP_OK)
		return err;
	ret_owners->list = calloc(file.len / 2 + 1, sizeof(*ret_owners->list));
	if (!ret_owners->list)
		return TOTP_ERR_NOMEM;
	rest = import_without_mark(&file);
	while (text_line(&rest, &line)) {
		file.place.line++;
		line = text_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (read_line(line, file.place.line, &ret_owners->list[ret_owners->count]))
			ret_owners->count++;
		else
			import_tell(import, IMPORT_BAD, &file.place, "expected serial,user");
	}
	ret_owners->place = file.place;
	qsort(ret_owners->list, ret_owners->count, sizeof(*ret_owners->list), compare);
	drop_repeated(import, ret_owners);
	return TOTP_OK;
}

static int compare_to_key(const void *serial, const void *owner)
{
	return compare_serials(*(const struct text *)serial, ((const struct owner *)owner)->serial);
}

struct text owners_find(const struct owners *owners, struct text serial)
{
	struct owner *owner = owners->count ? bsearch(&serial, owners->list, owners->count,
						      sizeof(*owners->list), compare_to_key)
					    : NULL;

	if (!owner)
		return (struct text){"", 0};
	owner->used = true;
	return owner->user;
}

void owners_tell_unused(struct import *import, const struct owners *owners)
{
	for (size_t i = 0; i < owners->count; i++) {
		const struct place place = {owners->place.file, owners->list[i].line};

		if (!owners->list[i].used)
			import_tell(import, IMPORT_BAD, &place,
				    "there is no token with that serial number");
	}
}
