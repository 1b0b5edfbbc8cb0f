/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of all users who are enrolled. */
#ifndef COMMON_ENROLLED_H
#define COMMON_ENROLLED_H

#include "common/tool.h"

struct enrolled {
	char **users; /* by enrolled_list: in the order of bytes */
	size_t count, room;
	bool no_memory;
};

#define OWN_ENROLLED OWN(enrolled_end)

/* Append a copy of a name, or note that there is no memory; a store_each_fn. */
void enrolled_add(void *enrolled, const char *user);

/* List them. An exit code, after a sentence; TOOL_DONE to continue. */
MUST_CHECK int enrolled_list(const struct tool *tool, struct enrolled *ret_enrolled);

/* Count them, as far as they can be listed. Errors as store_each. */
MUST_CHECK enum totp_err enrolled_count(struct store *store, size_t *ret_count, struct reason *why);

/* Free the names; none are left. */
void enrolled_end(struct enrolled *enrolled);

#endif
