/*
 * Find a command that repairs the auth lines of one service. Edits of the service's own file are
 * tried in memory, and each result is walked as libpam would walk it. A command is returned only
 * if the stack is sound afterwards: no way past our lines or without the first factor, still open
 * to everybody who gives right answers, and each first factor that was enough alone (a finger, a
 * directory beside the local password) still is. No other file is ever edited.
 */
#ifndef DOCTOR_TRIAL_H
#define DOCTOR_TRIAL_H

#include "doctor/edits.h"

/* The role of an auth line; ROLE_COMBINED needs the policy. */
typedef enum line_role repair_role_fn(void *context, const struct stack_line *line);

/* A service whose auth lines are to be repaired. */
struct repair {
	stack_open_fn *open; /* how libpam finds a file */
	const void *open_context;
	repair_role_fn *role;
	void *role_context;
	const char *service;
	const char *const *sharers; /* other services that read its file: they must be sound too */
	size_t sharer_count;
	const char *add; /* a line of ours that the stack gets first, or NULL */
};

/*
 * *ret_command: a shell command, which the caller frees, or NULL if no edit makes the stack
 * sound. TOTP_ERR_NOMEM.
 */
MUST_CHECK enum totp_err repair_find(const struct repair *repair, char **ret_command);

/* --- edits that are tried in memory --- */

/* The file as it would be, and the commands that make it so. */
struct draft {
	char *text;
	char *command; /* "" for none yet */
};

void draft_end(struct draft *draft);
void draft_move(struct draft *to, struct draft *from);

#define OWN_DRAFT OWN(draft_end)

struct trial {
	const struct repair *repair;
	const char *path; /* of the service's own file */
	const struct draft *draft;
	struct stack *before;  /* as it is, with the names of modules corrected */
	enum line_role *roles; /* of its lines */
	bool no_memory;
};

/* The draft after the edits. False: the edits cannot be made, or there is no memory. */
bool trial_edit(struct trial *trial, const struct draft *draft, const struct edits *edits,
		struct draft *ret_draft);

/*
 * The service's lines of a type ("auth") with this draft of its file. False: libpam would not
 * read them, or there is no memory.
 */
bool trial_read(struct trial *trial, const struct draft *draft, const char *type,
		struct stack *ret_stack);

/* The roles of the lines of a stack. The caller frees them; NULL: no memory. */
enum line_role *trial_roles(struct trial *trial, const struct stack *stack);

/* Is the service sound with this draft, and is each service that reads its file? */
bool trial_is_sound(struct trial *trial, const struct draft *draft);

#endif
