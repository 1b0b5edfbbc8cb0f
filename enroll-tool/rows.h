/*
 * The rows of a CSV import: read, checked and matched with accounts before anything is
 * written. The text holds the secrets of everybody in it, so it lies in one buffer, of
 * which no copy is made: a row remembers where its line is, and its secret is decoded
 * when it is asked for.
 */
#ifndef ROWS_H
#define ROWS_H

#include "names.h"
#include "progress.h"
#include "record/import_csv.h"
#include "store/store.h"

#define ROWS_BYTES_MAX (64u << 20)
#define ROWS_MAX       1000000

struct row {
	char *canonical; /* the account's name, or NULL: as in the text */
	uint32_t at;     /* where its line begins */
	uint32_t line;   /* from 1 */
	uint32_t uid;
	bool bound; /* there is an account, of that uid */
};

struct rows {
	const char *file; /* what complaints call it */
	char *text;
	size_t len;
	struct row *row; /* the good ones */
	size_t count;
	size_t cap;
	size_t left_out; /* lines that are not good */
	uint32_t *seen;  /* hash table of name -> row + 1; its size is a power of two */
	size_t seen_size;
	struct names *names;
	struct store *store;
	struct progress progress;
};

#define OWN_ROWS OWN(rows_wipe)

/* Wipe the text and free everything. */
void rows_wipe(struct rows *rows);

/*
 * Read the whole of fd. TOTP_ERR_RANGE: more than ROWS_BYTES_MAX bytes or ROWS_MAX lines;
 * TOTP_ERR_SYSTEM: errno; TOTP_ERR_NOMEM. *why says so.
 */
MUST_CHECK enum totp_err rows_read(struct rows *rows, int fd, struct reason *why);

/*
 * Check every line; complaints and warnings go to standard error as "FILE:LINE: …", bad
 * lines are counted in left_out. Bad are also a user whom the text has twice and one who
 * has a record. Any error: the store or the name service failed; *why says so.
 */
MUST_CHECK enum totp_err rows_check(struct rows *rows, struct reason *why);

/*
 * The index-th good row once more, under its canonical name, with its secret: the
 * caller's to wipe.
 */
MUST_CHECK enum totp_err rows_decode(const struct rows *rows, size_t index,
				     struct csv_row *ret_row);

#endif
