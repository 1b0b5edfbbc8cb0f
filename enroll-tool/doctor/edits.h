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
	char *line;  /* the line to put; NULL: delete `at` */
};

struct edits {
	struct edit list[EDITS_MAX];
	size_t count;
	bool bad; /* too many, or text that does not belong in a command */
};

void edits_end(struct edits *edits);

#define OWN_EDITS OWN(edits_end)

/* Delete the lines `from` to `to`; from = 0: none. */
void edits_delete(struct edits *edits, unsigned from, unsigned to);

/* Put a line, which the edits then own. sed keeps it even if line `at` is deleted afterwards. */
void edits_put(struct edits *edits, unsigned at, bool after, char *line);

/* The text of a stack's line with another control. The caller frees it; NULL: no memory. */
char *edits_line_text(const struct stack_line *line, const char *control);

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
	const enum line_role *roles;
	size_t ours; /* the first line that asks for a code, or NOWHERE */
	bool mixed;  /* an @include brings auth lines and others */
};

/* Does the line stand in the service's own file itself? */
bool seen_is_own(const struct seen *seen, size_t index);

bool stack_line_is_deny(const struct stack_line *line);

/* Replace all lines above our first one by lines in the service's own file. */
void edits_own_lines(struct edits *edits, const struct seen *seen);

#endif
