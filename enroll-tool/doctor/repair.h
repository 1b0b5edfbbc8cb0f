/*
 * Find a command that repairs the auth lines of one service. Edits of the service's own file are
 * tried in memory, and each result is walked as libpam would walk it. A command is returned only
 * if the stack is sound afterwards: no way past our lines or without the first factor, still open
 * to everybody who gives right answers, and each first factor that was enough alone (a finger, a
 * directory beside the local password) still is. No other file is ever edited.
 */
#ifndef DOCTOR_REPAIR_H
#define DOCTOR_REPAIR_H

#include "pamconf/walk.h"

/* The role of an auth line; ROLE_COMBINED needs the policy. */
typedef enum line_role repair_role_fn(void *context, const struct stack_line *line);

struct repair {
	stack_open_fn *open; /* how libpam finds a file */
	const void *open_context;
	repair_role_fn *role;
	void *role_context;
	const char *service;
	/*
	 * Other services that read the service's file, count of them: they have to be sound
	 * afterwards, too.
	 */
	const char *const *sharers;
	size_t sharer_count;
	const char *add; /* a line of ours that the stack has to get first, or NULL */
};

/*
 * *ret_command: a shell command, the caller's to free, or NULL where no edit makes the stack
 * sound. TOTP_ERR_NOMEM.
 */
MUST_CHECK enum totp_err repair_find(const struct repair *repair, char **ret_command);

#endif
