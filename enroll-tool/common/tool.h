/*
 * What totp-enroll and totpctl have in common: exit codes, messages, and the way from a
 * command line to an open store. Messages go to standard error and begin with the
 * program's name; results go to standard output.
 */
#ifndef COMMON_TOOL_H
#define COMMON_TOOL_H

#include <stdarg.h>
#include <stdio.h>

#include "host/account.h"
#include "host/log.h"
#include "login/policy.h"
#include "store/store.h"

enum tool_exit { TOOL_DONE = 0, TOOL_REFUSED = 1, TOOL_USAGE = 2 };

struct tool {
	const char *name;       /* "totpctl" */
	const char *conf;       /* --conf FILE, or NULL */
	const char *subcommand; /* whose --help a usage error points at, or NULL */
	struct policy policy;
	struct store *store; /* NULL until tool_open */
};

/*
 * What a program does first. No core dump is written and no process of the same user may look into
 * its memory: secrets are in it. Closed standard streams are held by /dev/null. A write to a closed
 * pipe or past a limit is an error to look at and no longer ends the program. An exit code, after a
 * sentence if standard output is closed.
 */
MUST_CHECK int tool_begin(const struct tool *tool);

/*
 * What a program does last: close the store, and write what is buffered. Returns `code`, or
 * TOOL_REFUSED after a sentence if some output could not be written.
 */
MUST_CHECK int tool_end(struct tool *tool, int code);

/*
 * Sentences may hold names out of the store, or what totpd says: neither is root's, and a terminal
 * does what control characters tell it. Where there are any, make a text plain; returns it.
 */
char *tool_harmless(char *text);

/* Print a sentence, made plain, that begins in `column`. */
void tool_print(FILE *stream, size_t column, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* Print "name: sentence" on standard error; returns TOOL_REFUSED. */
int tool_refuse(const struct tool *tool, const char *format, ...) PRINTF_LIKE(2);

/* The same, and "Try 'name subcommand --help'."; returns TOOL_USAGE. */
int tool_usage(const struct tool *tool, const char *format, ...) PRINTF_LIKE(2);

/*
 * Find the value of an option at argv[*index]: `--name=value` or `--name value`; moves
 * *index on to the last word used. False if argv[*index] is not this option. *ret_value
 * is NULL if the value is missing.
 */
bool tool_option(int argc, char **argv, int *index, const char *name, const char **ret_value);

/*
 * Refuse unless root. `doing`: what only root can do in this version ("enrol somebody").
 * Each step that returns an exit code returns TOOL_DONE to go on.
 */
MUST_CHECK int tool_need_root(const struct tool *tool, const char *doing);

/* Load the policy of tool->conf, or the default one, printing every complaint. */
MUST_CHECK int tool_load_policy(struct tool *tool);

/*
 * tool_need_root, tool_load_policy, and open the store; warns if it belongs to another
 * machine. tool_end closes tool->store.
 */
MUST_CHECK int tool_open(struct tool *tool, const char *doing);

/* The same without the warning. */
MUST_CHECK int tool_open_anywhere(struct tool *tool, const char *doing);

/*
 * Find the account called `name`; one that does not exist gets name as its canonical
 * name and known = false, so that its record can still be looked after.
 */
MUST_CHECK int tool_account(const struct tool *tool, const char *name, struct account *ret_account);

/* Monotonic time until which a tool waits for a login to finish with a record. */
uint64_t tool_deadline(void);

/*
 * One line to syslog about a change: what ("enrolled", "unlocked", …) was done to user, by
 * the real uid.
 */
void tool_log(const struct tool *tool, const char *user, const char *what, const char *token);

/* The same, with a sentence more. Beside the real uid it names the login uid, which sudo and su
 * leave as it is; the audit system gets a record of it. */
void tool_log_detail(const struct tool *tool, const char *user, const char *what, const char *token,
		     const char *detail);

/* The same for an event that has another reason; its source is filled in. */
void tool_log_event(const struct log_event *event);

#endif
