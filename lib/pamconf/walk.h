/*
 * Every way that a login can take through a stack, whatever its modules answer, and what
 * that says of our lines. A module that is known answers what it can, any other one
 * anything, each for itself. Pure.
 */
#ifndef PAMCONF_WALK_H
#define PAMCONF_WALK_H

#include "pamconf/stack.h"

/* What a line is to us. */
enum line_role {
	ROLE_OTHER,    /* a module that is not known: it may be a first factor */
	ROLE_FACTOR,   /* asks for a password, a key, a finger */
	ROLE_PLAIN,    /* decides something else, or nothing */
	ROLE_ROOT,     /* pam_rootok.so */
	ROLE_CODE,     /* pam_totp.so */
	ROLE_COMBINED, /* the same with password=combined: it stands before the first factor */
	ROLE_KEY,      /* pam_totp.so if_publickey */
	ROLE_ENROLL,   /* pam_totp.so in account, for users who must enroll */
	ROLE_FAILS,    /* a line in error, or the head of a substack */
};

/* By its name and arguments; never ROLE_COMBINED, which the policy file may say as well. */
enum line_role walk_role(const struct stack_line *line);

/* Is pam_totp.so meant, and another name written, which libpam does not find? */
bool walk_is_misspelt(const struct stack_line *line);

/*
 * The same of an account line, where nobody proves who they are; ours is ROLE_ENROLL. Of a
 * stack with one, a login also goes on when the password has expired (PAM_NEW_AUTHTOK_REQD),
 * and MARK_SKIPS and MARK_OVERRULED alone have a meaning.
 */
enum line_role walk_account_role(const struct stack_line *line);

/* What is found at a line. */
enum line_mark {
	MARK_SKIPS = 1 << 0,     /* by its answer a login succeeds without our lines */
	MARK_OVERRULED = 1 << 1, /* ours refuses, and the login succeeds all the same */
	MARK_EARLY = 1 << 2,     /* ours is asked before the first factor */
	MARK_UNPROVEN = 1 << 3,  /* ours is asked after the first factor has refused */
	MARK_ALONE = 1 << 4,     /* a login succeeds by ours, and no first factor has said yes */
	MARK_TWICE = 1 << 5,     /* ours asks, and another of ours has taken a code already */
};

struct walk {
	unsigned *marks; /* of enum line_mark, by line */
	bool code;       /* some line of ours asks for a code */
	bool factor;     /* some line is a first factor */
	bool unknown;    /* some line may be one */
	bool open;       /* some login succeeds */
	bool stuck;      /* none of a user whom our lines let pass without a code */
	bool too_many;   /* too many ways to walk: the result is incomplete */
};

#define OWN_WALK OWN(walk_end)

void walk_end(struct walk *routes);

/* Walk them all. roles: one for each line of the stack. TOTP_ERR_NOMEM. */
MUST_CHECK enum totp_err walk_stack(const struct stack *stack, const enum line_role *roles,
				    struct walk *ret_routes);

#endif
