/*
 * totpctl import: what bringing over from elsewhere has in common, whatever from. A reader
 * (from_*.c) turns files into drafts. Each is checked, matched with an account of this host
 * and laid by, packed, until all were read; then they are stored, or nothing is. What came
 * with them stays as it was.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "import/new_token.h"
#include "base/arena.h"
#include "common/names.h"
#include "common/progress.h"
#include "common/ctl.h"

#define IMPORT_MAX      1000000 /* users */
#define IMPORT_FILE_MAX (64u << 20)

/* Where something was read: what complaints begin with. */
struct place {
	const char *file; /* fit for a terminal; lives as long as the import */
	uint32_t line;    /* from 1; 0: the file as a whole */
};

struct import {
	struct ctl *ctl;
	int64_t now;
	bool gather;  /* the reader's: one user may come several times, with a token each */
	bool same_id; /* the reader's: a record of the same id is the same one, and stays */

	/* what is import.c's alone */
	struct arena heap;
	struct item *items;
	size_t count, cap;
	uint32_t *seen; /* hash table of user -> item + 1; its size is a power of two */
	size_t seen_size;
	struct names *names;
	size_t looked_up;
	struct import_text {
		char *at;
		size_t len;
	} texts[2];
	size_t text_count;
	size_t bad;  /* lines, files or users that are left out */
	size_t lost; /* what else is not carried over */
	struct progress progress;
};

/*
 * Read what ctl's words name, and import_add what it holds. Any error: nothing is imported, and
 * *why says why; what is wrong with one line or user alone is import_bad's.
 */
typedef enum totp_err import_read_fn(struct import *import, struct reason *why);

/* The whole of a subcommand: read, and do or (--dry-run) tell what is to be done. An exit code. */
MUST_CHECK int import_run(struct ctl *ctl, struct import *import, import_read_fn *read);

/*
 * Read a file that root chose, "-" for standard input, into memory that is wiped in the end and
 * may be written to; two at most. Warns if others can read it. TOTP_ERR_RANGE: more than `max`
 * bytes; TOTP_ERR_SYSTEM.
 */
MUST_CHECK enum totp_err import_file(struct import *import, const char *path, size_t max,
				     struct import_text *ret_text, struct place *ret_place,
				     struct reason *why);

/* A path, fit for a terminal, that lives as long as the import; NULL: no memory. */
const char *import_path(struct import *import, const char *path);

/* Look a name up, as account_find does, but quickly for many. */
MUST_CHECK enum totp_err import_account(struct import *import, const char *name,
					struct account *ret_account, struct reason *why);

/*
 * Lay a draft by, whose cred.user is the name that the peer has. A user who came before is bad,
 * or gets its tokens if the reader gathers; one who has a record is kept, or replaced with
 * --replace. Any error: the store or the name service failed, or there is no memory.
 */
MUST_CHECK enum totp_err import_add(struct import *import, const struct place *place,
				    const struct new_token *draft, struct reason *why);

/* Say "FILE:LINE: …": a line or a user is left out… */
void import_bad(struct import *import, const struct place *place, const char *format, ...)
	PRINTF_LIKE(3);

/* …something of a user is not carried over… */
void import_lost(struct import *import, const struct place *place, const char *format, ...)
	PRINTF_LIKE(3);

/* …or something is to be known. */
void import_warn(struct import *import, const struct place *place, const char *format, ...)
	PRINTF_LIKE(3);

/* --- between import.c and import_store.c --- */

enum fate { FATE_NEW, FATE_REPLACE, FATE_KEEP, FATE_SAME };

struct item {
	const char *user; /* as the account is called here */
	const uint8_t *parcel;
	struct place place;
	uint16_t len;
	uint8_t fate; /* enum fate */
	bool known;   /* there is such an account */
};

/* Unpack an item: the caller's to wipe. */
MUST_CHECK enum totp_err item_open(const struct item *item, struct new_token *ret_draft);

/* Store what is to be stored, or tell it; an exit code. */
MUST_CHECK int import_finish(struct import *import);

#endif
