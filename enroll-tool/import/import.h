/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import: what all readers share. A reader (import_*.c) turns files of another system
 * into drafts. Each draft is checked, matched with an account of this host and kept in memory,
 * packed, until all files are read; then all are stored, or none is. The files are not changed.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include <sys/stat.h>

#include "base/arena.h"
#include "common/ctl.h"
#include "common/names.h"
#include "common/progress.h"
#include "import/field.h"

#define IMPORT_MAX      1000000 /* users */
#define IMPORT_FILE_MAX (64u << 20)

/* Where a draft was read; messages begin with it. */
struct place {
	const char *file; /* fit for a terminal; lives as long as the import */
	uint32_t line;    /* from 1; 0: the file as a whole */
};

/* The data of one user, before they are matched with an account and stored. */
struct draft {
	struct cred cred;
	struct login_state state;
};

#define OWN_DRAFT OWN(draft_wipe)
void draft_wipe(struct draft *draft);

enum fate { FATE_NEW, FATE_REPLACE, FATE_KEEP, FATE_SAME, FATES };

struct import {
	struct ctl *ctl;
	int64_t now;
	bool gather;  /* set by the reader: a user may come several times, with a token each */
	bool same_id; /* set by the reader: a record with the same id is the same one, and stays */

	/* for import.c and import_store.c only */
	struct arena heap;
	struct item *items;
	size_t count, room;
	size_t fates[FATES]; /* how many items have each */
	size_t created;      /* index after the item that was created last */
	uint32_t *seen;      /* hash table of user -> item + 1; its size is a power of two */
	size_t seen_size;
	struct names *names;
	size_t looked_up;
	struct import_text {
		char *at;
		size_t len;
		struct place place; /* the file as a whole */
	} texts[2];
	size_t text_count;
	size_t bad;  /* lines, files or users that are not imported */
	size_t lost; /* other data that is not imported */
	struct progress progress;
};

/* Options of every import. */
struct import_options {
	bool dry_run, json, replace, keep_going;
};

extern struct import_options import_options;
extern const struct option_row import_option_rows[];

/* totpctl import pskc: built with libxml2 or without. */
MUST_CHECK int import_pskc(struct ctl *ctl);

/*
 * Read the files that ctl's words name, and call import_add for each user. Any error: nothing is
 * imported, and *why says why; a mistake in one line or user is reported by import_tell.
 */
typedef enum totp_err import_read_fn(struct import *import, struct reason *why);

/* A whole subcommand: read, then store, or with --dry-run report what would be. An exit code. */
MUST_CHECK int import_run(struct ctl *ctl, struct import *import, import_read_fn *read);

/*
 * Read a file that root chose, "-" for standard input, into memory that may be written to and is
 * wiped in the end; two files at most. Warns if others can read it. TOTP_ERR_RANGE: more than `max`
 * bytes; TOTP_ERR_SYSTEM.
 */
MUST_CHECK enum totp_err import_file(struct import *import, const char *path, size_t max,
				     struct import_text *ret_text, struct reason *why);

/* Without the byte order mark that spreadsheets write. */
struct text import_without_mark(const struct import_text *file);

/* A path, fit for a terminal, that lives as long as the import; NULL: no memory. */
const char *import_path(struct import *import, const char *format, ...) PRINTF_LIKE(2);

/* Look a name up, as account_find does, but quickly for many. */
MUST_CHECK enum totp_err import_account(struct import *import, const char *name,
					struct account *ret_account, struct reason *why);

/*
 * The user whom another system calls `name`: an account or, where there is none, the part before
 * the '@' if that is an account. Otherwise the whole name, or none if it is too long. Errors as
 * import_account.
 */
MUST_CHECK enum totp_err import_person(struct import *import, const char *name,
				       char ret_user[CRED_USER_MAX + 1], struct reason *why);

/*
 * Keep a draft, whose cred.user is the name that the peer has. A second draft of a user is an
 * error, or adds its tokens if the reader gathers; a record that exists is kept, or replaced with
 * --replace. Any error: the store or the name service failed, or there is no memory.
 */
MUST_CHECK enum totp_err import_add(struct import *import, const struct place *place,
				    const struct draft *draft, struct reason *why);

/*
 * Keep a token, made now, and its scratch codes; report one that no account here can have. Errors
 * as import_add.
 */
MUST_CHECK enum totp_err import_token(struct import *import, const struct place *place,
				      struct imported *imported, struct reason *why);

enum import_note {
	IMPORT_BAD,  /* a line or a user is not imported */
	IMPORT_LOST, /* some data of a user is not imported */
	IMPORT_KEPT, /* a record that is here stays */
	IMPORT_WARNING,
};

/* Print "FILE:LINE: …", and count what is not imported. */
void import_tell(struct import *import, enum import_note note, const struct place *place,
		 const char *format, ...) PRINTF_LIKE(4);

/* --- reader.c: lines, and directories with a file for each user --- */

/*
 * Reads one line. A mistake in it: *fault says so and is reported. Any error: nothing is imported.
 */
typedef enum totp_err reader_line_fn(struct import *import, const struct place *place,
				     struct text line, struct reason *fault, struct reason *why);

/*
 * Read the file of lines that the command names, "-" for standard input. Empty lines, lines that
 * begin with '#', and the byte order mark that spreadsheets write are skipped. Any error: as
 * import_file, or a file of another kind, or what `read` returns.
 */
MUST_CHECK enum totp_err reader_lines(struct import *import, reader_line_fn *read,
				      struct reason *why);

/*
 * A whole subcommand that does so. gather: a user may come several times. An exit code.
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

struct reader_file {
	void *buf; /* of cap bytes */
	size_t cap;
	size_t len;
	struct stat st; /* of one in a directory */
};

/*
 * Read a file of such a directory: a regular one with one name, no symbolic link, of at most cap
 * bytes. dir: NULL for a file that root named, whatever it is. TOTP_ERR_NOT_FOUND: the directory
 * has none; others: *why says so.
 */
MUST_CHECK enum totp_err reader_file(const struct reader_dir *dir, const char *name,
				     struct reader_file *file, struct reason *why);

/* Keep what was read of a user of google-authenticator or totp-cgi; report what is not kept. */
MUST_CHECK enum totp_err reader_add_google(struct import *import, const struct place *place,
					   struct text user, struct imported *google,
					   struct reason *why);

/* --- between import.c and import_store.c --- */

struct item {
	const char *user;      /* the name of the account here */
	const uint8_t *packed; /* see item_unpack */
	struct place place;
	uint16_t len;
	uint8_t fate;          /* enum fate */
	uint8_t tokens, codes; /* how many tokens it has, and recovery codes that are not used */
	bool known;            /* there is such an account */
};

MUST_CHECK enum totp_err item_unpack(const struct item *item, struct draft *ret_draft);

/* Free what the import holds, wiping what was read. */
void import_end(struct import *import);

#endif
