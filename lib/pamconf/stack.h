/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a PAM service, read as libpam reads them: includes and substacks are followed,
 * control words become actions. And libpam's result, given the answers of the modules.
 */
#ifndef PAMCONF_STACK_H
#define PAMCONF_STACK_H

#include <security/pam_modules.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/own.h"

#define STACK_RETURNS   32 /* return values of a module: PAM_SUCCESS to PAM_INCOMPLETE */
#define STACK_LEVEL_MAX 16 /* substacks in substacks */

/* The action of a return value; a positive number jumps over that many lines. */
enum stack_action {
	STACK_IGNORE = 0,
	STACK_OK = -1,
	STACK_DONE = -2,
	STACK_BAD = -3,
	STACK_DIE = -4,
	STACK_RESET = -5,
	STACK_UNSET = -6, /* only while reading */
};

enum stack_kind {
	STACK_MODULE,
	STACK_SUBSTACK,  /* the head of a substack, whose lines follow with a higher level */
	STACK_MUST_FAIL, /* an invalid line, or an include that cannot be read */
};

/* What a line is to us. */
enum line_role {
	ROLE_OTHER,    /* an unknown module, which may be a first factor */
	ROLE_FACTOR,   /* asks for a password, a key, a finger */
	ROLE_PLAIN,    /* decides something else, or nothing */
	ROLE_ROOT,     /* pam_rootok.so */
	ROLE_CODE,     /* pam_totp.so */
	ROLE_COMBINED, /* the same with password=combined, which stands before the first factor */
	ROLE_KEY,      /* pam_totp.so if_publickey */
	ROLE_ENROLL,   /* pam_totp.so in account, for users who must enroll */
	ROLE_FAILS,    /* an invalid line, or the head of a substack */
};

struct stack_line {
	enum stack_kind kind;
	enum line_role role; /* by walk.h; not set by reading */
	unsigned level;
	int actions[STACK_RETURNS];
	char *file; /* its place… */
	unsigned number;
	unsigned own_from, own_to; /* …the lines of the service's own file that bring it… */
	bool own_whole;            /* …an @include, which brings lines of other types, too */
	bool quiet;                /* "-auth": the module may be missing */
	char *words;               /* what control and argv point into */
	const char *control;       /* as written, without brackets */
	const char *module;        /* the module's file name without directories, "" for none */
	const char *path;          /* the same as written */
	int argc;
	const char **argv;
};

struct stack {
	struct stack_line *lines;
	size_t count, room;
	char *own;    /* the path of the service's own file, or NULL */
	bool missing; /* the service has no file: these are the lines of "other" */
	bool refused; /* libpam cannot read it, and denies every login */
};

#define OWN_STACK OWN(stack_end)

void stack_end(struct stack *stack);

/*
 * Open the file of a service or an include; NULL: there is none. The caller frees the path.
 */
typedef FILE *stack_open_fn(const void *context, const char *name, char **ret_path);

/*
 * Read the lines of one type ("auth", "account", "password", "session") of a service.
 * TOTP_ERR_NOMEM, or TOTP_ERR_NOT_FOUND: neither the service nor "other" exists.
 */
MUST_CHECK enum totp_err stack_read_by(stack_open_fn *open, const void *context,
				       const char *service, const char *type,
				       struct stack *ret_stack);

/* Where libpam looks for the file of a service, in this order; ends with NULL. */
extern const char *const stack_directories[];

/* Opens what libpam would; context: the only directory to look in, or NULL for all of them. */
stack_open_fn stack_open;

/*
 * The same from the files. directory: the only one to look in, or NULL for stack_directories, or
 * pam.conf if they are missing.
 */
MUST_CHECK enum totp_err stack_read(const char *directory, const char *service, const char *type,
				    struct stack *ret_stack);

/* The state of libpam between two lines. */
struct stack_walk {
	int impression; /* 0 none yet, 1 positive, -1 negative */
	int status;     /* a PAM return value */
	unsigned level; /* of the line before */
	struct {
		int impression, status;
	} saved[STACK_LEVEL_MAX + 1]; /* by level, for STACK_RESET */
};

struct stack_walk stack_start(void);

/* Apply the line at `index` with its module's answer; returns the index of the next line. */
size_t stack_step(const struct stack *stack, struct stack_walk *walk, size_t index, int answer);

/* The result that the program gets after the last line. */
int stack_result(const struct stack_walk *walk);

#endif
