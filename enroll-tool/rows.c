#include "rows.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

#define LIST_NAMES_FROM 200 /* rows; fewer are looked up one at a time */

void rows_wipe(struct rows *rows)
{
	if (rows->text)
		explicit_bzero(rows->text, rows->len);
	free(rows->text);
	for (size_t i = 0; i < rows->count; i++)
		free(rows->row[i].canonical);
	free(rows->row);
	free(rows->seen);
	names_scope_end(&rows->names);
	*rows = (struct rows){0};
}

static size_t count_lines(const char *text, size_t len)
{
	struct text rest = {text, len}, line;
	size_t count = 0;

	while (text_line(&rest, &line))
		count++;
	return count;
}

/* The byte order mark that spreadsheets write would become part of the first name. */
static void skip_mark(struct rows *rows)
{
	if (rows->len >= 3 && memcmp(rows->text, "\xef\xbb\xbf", 3) == 0)
		memcpy(rows->text, "   ", 3);
}

enum totp_err rows_read(struct rows *rows, int fd, struct reason *why)
{
	enum totp_err err = TOTP_ERR_NOMEM;

	/* the kernel gives memory only to what is written, and growing would leave copies */
	rows->text = malloc(ROWS_BYTES_MAX);
	rows->len = ROWS_BYTES_MAX;
	if (rows->text)
		err = io_read_all(fd, rows->text, ROWS_BYTES_MAX, &rows->len);
	if (err == TOTP_ERR_RANGE)
		reason_set(why, "more than %u MiB: split it", ROWS_BYTES_MAX >> 20);
	else if (err == TOTP_ERR_SYSTEM)
		err = reason_errno(why, "cannot be read");
	else if (err != TOTP_OK)
		reason_set(why, "%s", err_name(err));
	if (err != TOTP_OK)
		return err;

	skip_mark(rows);
	rows->cap = count_lines(rows->text, rows->len);
	if (rows->cap <= ROWS_MAX)
		return TOTP_OK;
	reason_set(why, "more than %d lines: split it", ROWS_MAX);
	return TOTP_ERR_RANGE;
}

static bool make_tables(struct rows *rows)
{
	rows->seen_size = 16;
	while (rows->seen_size < 2 * rows->cap)
		rows->seen_size *= 2;
	rows->row = calloc(rows->cap ? rows->cap : 1, sizeof(*rows->row));
	rows->seen = calloc(rows->seen_size, sizeof(*rows->seen));
	if (rows->cap >= LIST_NAMES_FROM)
		rows->names = names_load();
	return rows->row && rows->seen;
}

/* The name of a row: its account's, or the first field of its line. */
static struct text row_name(const struct rows *rows, const struct row *row)
{
	struct text rest = {rows->text + row->at, rows->len - row->at};
	struct text name = {"", 0};

	if (row->canonical)
		return text_of(row->canonical);
	text_field(&rest, ',', &name);
	return text_trim(name);
}

/* FNV-1a */
static uint64_t hash_of(struct text name)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (uint8_t)name.at[i]) * 0x100000001b3u;
	return hash;
}

/* The place of a name in the hash table: of its row, or the free one where it belongs. */
static uint32_t *seen_place(const struct rows *rows, const char *name)
{
	size_t mask = rows->seen_size - 1;

	for (size_t i = hash_of(text_of(name)) & mask;; i = (i + 1) & mask)
		if (!rows->seen[i] || text_is(row_name(rows, &rows->row[rows->seen[i] - 1]), name))
			return &rows->seen[i];
}

static void say(struct rows *rows, uint32_t line, const char *format, ...) PRINTF_LIKE(3);

static void say(struct rows *rows, uint32_t line, const char *format, ...)
{
	va_list args;

	progress_clear(&rows->progress);
	fprintf(stderr, "%s:%u: ", rows->file, (unsigned)line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static enum totp_err find_account(const struct rows *rows, const char *name,
				  struct account *ret_account, struct reason *why)
{
	if (names_find(rows->names, name, ret_account))
		return TOTP_OK;
	return account_find(name, ret_account, why);
}

/*
 * Is this user new, to the text and to the store? *ret_place is where the hash table wants
 * the row; NULL if the line is bad, which is said.
 */
static enum totp_err find_place(struct rows *rows, const char *user, uint32_t line,
				uint32_t **ret_place, struct reason *why)
{
	uint32_t *place = seen_place(rows, user);
	struct reason sentence = {""};
	bool has = false;
	enum totp_err err = TOTP_OK;

	*ret_place = NULL;
	if (*place) {
		say(rows, line, "user: is in line %u already",
		    (unsigned)rows->row[*place - 1].line);
		return TOTP_OK;
	}
	err = store_has(rows->store, user, &has, &sentence);
	if (err == TOTP_ERR_RANGE)
		say(rows, line, "user: expected a shorter name");
	else if (err != TOTP_OK)
		reason_set(why, "%s", sentence.text);
	else if (has)
		say(rows, line, "user: is enrolled already; to replace: totpctl revoke first");
	else
		*ret_place = place;
	return err == TOTP_ERR_RANGE ? TOTP_OK : err;
}

static enum totp_err add_row(struct rows *rows, const struct csv_row *csv, struct row row,
			     bool *ret_good, struct reason *why)
{
	struct account account = {0};
	uint32_t *place = NULL;
	enum totp_err err = find_account(rows, csv->user, &account, why);
	const char *user = account.known ? account.name : csv->user;

	if (err == TOTP_OK)
		err = find_place(rows, user, row.line, &place, why);
	if (err != TOTP_OK || !place)
		return err;

	row.bound = account.known;
	row.uid = account.uid;
	if (strcmp(user, csv->user) != 0) {
		row.canonical = strdup(user);
		if (!row.canonical)
			return TOTP_ERR_NOMEM;
	}
	rows->row[rows->count++] = row;
	*place = (uint32_t)rows->count;
	*ret_good = true;
	return TOTP_OK;
}

static enum totp_err check_line(struct rows *rows, struct text text, struct row row,
				struct reason *why)
{
	struct csv_row csv;
	struct reason fault = {""};
	bool good = false;
	enum totp_err err = TOTP_OK;

	if (csv_decode_row(text, &csv, &fault) == TOTP_OK)
		err = add_row(rows, &csv, row, &good, why);
	else
		say(rows, row.line, "%s", fault.text);
	if (err == TOTP_OK && good && csv.secret.len < SECRET_GOOD_MIN)
		say(rows, row.line, "warning: a secret of %zu bytes; %d or more are good",
		    csv.secret.len, SECRET_GOOD_MIN);
	csv_row_wipe(&csv);
	rows->left_out += !good;
	return err;
}

enum totp_err rows_check(struct rows *rows, struct reason *why)
{
	struct text rest = {rows->text, rows->len}, text;
	struct row row = {0};
	enum totp_err err = make_tables(rows) ? TOTP_OK : TOTP_ERR_NOMEM;

	while (err == TOTP_OK && text_line(&rest, &text)) {
		struct text trimmed = text_trim(text);

		row.line++;
		row.at = (uint32_t)(text.at - rows->text);
		if (trimmed.len == 0 || trimmed.at[0] == '#')
			continue;
		err = check_line(rows, text, row, why);
		progress_show(&rows->progress, "checking ", row.line, rows->cap);
	}
	progress_clear(&rows->progress);
	if (err == TOTP_ERR_NOMEM)
		reason_set(why, "%s", err_name(err));
	return err;
}

enum totp_err rows_decode(const struct rows *rows, size_t index, struct csv_row *ret_row)
{
	const struct row *row = &rows->row[index];
	struct text rest = {rows->text + row->at, rows->len - row->at}, line = {"", 0};
	enum totp_err err;

	text_line(&rest, &line);
	err = csv_decode_row(line, ret_row, NULL);
	if (err == TOTP_OK && row->canonical)
		err = text_copy(text_of(row->canonical), ret_row->user, sizeof(ret_row->user));
	return err;
}
