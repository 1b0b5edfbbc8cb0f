/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way that a login can take through a stack, whatever its modules answer, and what that
 * means for our lines. A known module gives only the answers that it can give, any other module
 * any answer. Pure.
 */
#ifndef PAMCONF_WALK_H
#define PAMCONF_WALK_H

#include "pamconf/stack.h"

/* By its name and arguments; never ROLE_COMBINED, which the policy file can set, too. */
enum line_role walk_role(const struct stack_line *line);

/* Is it a misspelled pam_totp.so, which libpam does not find? */
bool walk_is_misspelt(const struct stack_line *line);

/*
 * The same of an account line, which proves no identity; ours is ROLE_ENROLL. In a stack with
 * ours, a login also goes on with an expired password (PAM_NEW_AUTHTOK_REQD), and only
 * MARK_SKIPS and MARK_OVERRULED have a meaning.
 */
enum line_role walk_account_role(const struct stack_line *line);

/* Is it a line of ours that asks for a code? */
bool walk_is_code(enum line_role role);

/* A first factor, or an unknown module? */
bool walk_may_be_factor(enum line_role role);

/* What is wrong at a line. */
enum line_mark {
	MARK_SKIPS = 1 << 0,     /* by this line a login can skip ours */
	MARK_OVERRULED = 1 << 1, /* ours denies, but the login succeeds */
	MARK_EARLY = 1 << 2,     /* ours asks before the first factor */
	MARK_UNPROVEN = 1 << 3,  /* ours asks after the first factor has denied */
	MARK_ALONE = 1 << 4,     /* a login succeeds by ours without a first factor */
	MARK_TWICE = 1 << 5,     /* ours asks although another line of ours has accepted a code */
};

struct walk {
	unsigned *marks; /* of enum line_mark, by line */
	bool code;       /* some line of ours asks for a code */
	bool factor;     /* some line is a first factor */
	bool unknown;    /* some line may be one */
	bool open;       /* some login succeeds */
	bool stuck;      /* no login of a user who needs no code succeeds */
	bool too_many;   /* more ways than are walked: nothing else is valid */
};

#define OWN_WALK OWN(walk_end)

void walk_end(struct walk *walk);

/* Walk all ways, by the roles of the lines, which the caller has set. TOTP_ERR_NOMEM. */
MUST_CHECK enum totp_err walk_stack(const struct stack *stack, struct walk *ret_walk);

#endif
