/* What the readers of import share. */
#ifndef IMPORT_READER_H
#define IMPORT_READER_H

#include <sys/stat.h>

#include "import/import.h"
#include "import/google.h"

/* Reads one line. Any error: nothing is imported; import_tell reports a mistake in the line. */
typedef enum totp_err reader_line_fn(struct import *import, const struct place *place,
				     struct text line, struct reason *why);

/*
 * A whole subcommand that reads a file of lines, "-" for standard input. Empty lines, lines that
 * begin with '#', and the byte order mark that spreadsheets write are skipped. gather: a user may
 * come several times. An exit code.
 */
MUST_CHECK int reader_run(struct ctl *ctl, bool gather, reader_line_fn *read);

struct reader_dir {
	const char *path;
	int fd;
	struct stat st;
};

#define READER_DIR_NONE ((struct reader_dir){.fd = -1})
#define OWN_READER_DIR  OWN(reader_dir_close)
void reader_dir_close(struct reader_dir *dir);

/* Open a directory that root chose. Any error: it cannot be opened, or all can write to it. */
MUST_CHECK enum totp_err reader_dir_open(const char *path, struct reader_dir *ret_dir,
					 struct reason *why);

/* Reads one file of a directory. */
typedef enum totp_err reader_entry_fn(struct import *import, const struct reader_dir *dir,
				      const char *name, struct reason *why);

/*
 * Read a directory that root chose, in the order of names, without those that begin with '.' or
 * end with '~'. Any error: as reader_dir_open, or it cannot be listed, or what `entry` returns.
 */
MUST_CHECK enum totp_err reader_dir(struct import *import, const char *path, reader_entry_fn *entry,
				    struct reason *why);

/* The place of a file of such a directory; its file is NULL if there is no memory. */
struct place reader_place(struct import *import, const struct reader_dir *dir, const char *name);

struct reader_file {
	void *buf; /* of cap bytes */
	size_t cap;
	size_t len;
	struct stat st;
};

/*
 * Read a file of such a directory: a regular one with one name, no symbolic link, of at most cap
 * bytes. TOTP_ERR_NOT_FOUND: there is none; others: *why says so.
 */
MUST_CHECK enum totp_err reader_file_at(const struct reader_dir *dir, const char *name,
					struct reader_file *file, struct reason *why);

/* The same of a file that root named, whatever it is; *why says so. */
MUST_CHECK enum totp_err reader_file(const char *path, struct reader_file *file,
				     struct reason *why);

/* Keep the draft of a user of google-authenticator or totp-cgi; report what is not imported. */
MUST_CHECK enum totp_err reader_add_google(struct import *import, const struct place *place,
					   struct text user, struct google *google,
					   struct reason *why);

#endif
