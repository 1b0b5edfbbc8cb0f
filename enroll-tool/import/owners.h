/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of --users: whose the tokens are, one serial,user on each line. */
#ifndef IMPORT_OWNERS_H
#define IMPORT_OWNERS_H

#include "import/import.h"

extern const char *owners_path; /* --users FILE, or NULL */

struct owners {
	struct place place; /* the file */
	struct owner *list; /* ordered by serial number */
	size_t count;
};

#define OWN_OWNERS OWN(owners_end)
void owners_end(struct owners *owners);

/* Read the file, if there is one. A mistake in a line is reported. Errors as import_file. */
MUST_CHECK enum totp_err owners_read(struct import *import, struct owners *ret_owners,
				     struct reason *why);

/* The user of a serial number, who counts as found; empty: none. */
struct text owners_find(const struct owners *owners, struct text serial);

/* Report the lines whose serial number was not found. */
void owners_tell_unused(struct import *import, const struct owners *owners);

#endif
