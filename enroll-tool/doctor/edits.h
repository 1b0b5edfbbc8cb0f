/* SPDX-License-Identifier: BSD-2-Clause */
/* Edits of a file of auth lines, as the text that they make and as a sed command. */
#ifndef DOCTOR_EDITS_H
#define DOCTOR_EDITS_H

#include <stdint.h>

#include "pamconf/walk.h"

#define EDITS_MAX 64

/* One edit, by the numbers that the lines of the file have before. */
struct edit {
	unsigned at; /* the line */
	bool after;  /* put a line below it, not above it */
	char *line;  /* the line to put, even if `at` is deleted afterwards; NULL: delete `at` */
};

struct edits {
	struct edit list[EDITS_MAX];
	size_t count;
	bool bad; /* too many, or text that does not belong in a command */
};

void edits_end(struct edits *edits);

#define OWN_EDITS OWN(edits_end)

/* The text with the edits. The caller frees it; NULL: no memory. */
char *edits_apply(const struct edits *edits, const char *text);

/*
 * The commands `before` ("": none), and a sed command that makes the edits. A file of a vendor,
 * below /usr, is first copied to /etc/pam.d, where it has precedence. The caller frees it; NULL:
 * no memory.
 */
char *edits_command(const struct edits *edits, const char *path, const char *before);

#define NOWHERE SIZE_MAX /* no line */

/* The auth lines that edits are made from. */
struct seen {
	const struct stack *stack;
	size_t ours; /* the first line that asks for a code, or NOWHERE */
	bool mixed;  /* an @include brings auth lines and others */
};

/* Put a line, which the edits then own, below all others. */
void edits_put_at_end(struct edits *edits, const struct seen *seen, char *line);

/* "pam_totp" without its ending, or with another one: there is no such module. */
void edits_correct_name(struct edits *edits, const struct seen *seen);

/* Edits that may make a stack sound, in the order in which they are tried. */
typedef void edit_fn(struct edits *edits, const struct seen *seen);
#define EDIT_FNS 9
extern edit_fn *const edit_fns[EDIT_FNS];

#endif
