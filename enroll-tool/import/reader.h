/* What the readers of import share among themselves. */
#ifndef IMPORT_READER_H
#define IMPORT_READER_H

#include <sys/stat.h>

#include "import/import.h"
#include "import/google.h"

/* Reads one line. Any error: nothing is imported; a bad line is import_bad's. */
typedef enum totp_err from_line_fn(struct import *import, const struct place *place,
				   struct text line, struct reason *why);

/*
 * Read a file of lines, "-" for standard input. Lines that are empty or begin with '#' are
 * passed over, and so is the byte order mark that spreadsheets write.
 */
MUST_CHECK enum totp_err from_lines(struct import *import, const char *path, from_line_fn *read,
				    struct reason *why);

struct folder {
	const char *path;
	int fd;
	struct stat st;
};

#define FOLDER_NONE ((struct folder){.fd = -1})
#define OWN_FOLDER  OWN(from_folder_close)
void from_folder_close(struct folder *folder);

/* Open a folder that root chose. Any error: it cannot be opened, or everybody can write to it. */
MUST_CHECK enum totp_err from_folder_open(const char *path, struct folder *ret_folder,
					  struct reason *why);

/* Reads one file of a folder. */
typedef enum totp_err from_entry_fn(struct import *import, const struct folder *folder,
				    const char *name, struct reason *why);

/*
 * Go through a folder that root chose, in the order of names; those that begin with '.' or end
 * with '~' are passed over. Any error: those of from_folder_open, or it cannot be listed,
 * or what `entry` returns.
 */
MUST_CHECK enum totp_err from_folder(struct import *import, const char *path, from_entry_fn *entry,
				     struct reason *why);

/* The place of a file of such a folder; its file is NULL where there is no memory. */
struct place from_place(struct import *import, const struct folder *folder, const char *name);

/*
 * Read a file of such a folder: a regular one with one name, which is no link, of at most cap
 * bytes. TOTP_ERR_NOT_FOUND: there is none; others: *why says so.
 */
MUST_CHECK enum totp_err from_file_at(const struct folder *folder, const char *name, void *buf,
				      size_t cap, size_t *ret_len, struct stat *ret_stat,
				      struct reason *why);

/* Lay by what was read of a user of google-authenticator or totp-cgi, telling what is lost. */
MUST_CHECK enum totp_err from_google(struct import *import, const struct place *place,
				     struct text user, const struct google *google,
				     struct reason *why);

#endif
