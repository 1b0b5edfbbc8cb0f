/* Auth lines of a service's own in place of those that its includes bring. */
#ifndef DOCTOR_OWN_LINES_H
#define DOCTOR_OWN_LINES_H

#include <stdint.h>

#include "doctor/edits.h"
#include "pamconf/walk.h"

#define NOWHERE SIZE_MAX

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
