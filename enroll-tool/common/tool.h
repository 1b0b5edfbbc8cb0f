/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What totp-enroll and totpctl share: exit codes, messages, the policy, the store and the log.
 * Messages go to standard error and begin with the program's name; results go to standard output.
 * With --json both are objects on standard output, one on each line.
 */
#ifndef COMMON_TOOL_H
#define COMMON_TOOL_H

#include <stdarg.h>
#include <stdio.h>

#include "common/json.h"
#include "host/account.h"
#include "host/log.h"
#include "login/policy.h"
#include "store/files.h"

enum tool_exit { TOOL_DONE = 0, TOOL_REFUSED = 1, TOOL_USAGE = 2 };

struct tool {
	const char *name;       /* "totpctl" */
	const char *line;       /* "totpctl helpdesk": what stands before a subcommand, or NULL */
	const char *conf;       /* --conf FILE, or NULL */
	const char *subcommand; /* whose --help a usage error points at, or NULL */
	const char *user;       /* whom it is about, or NULL */
	struct policy policy;
	struct store *store; /* NULL until tool_open */
};

/* --json: messages are for a program. A command that prints one document leaves it false. */
extern bool tool_json;

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
 * Make a text printable ASCII if it holds control characters, which a terminal would obey: names
 * from the store and messages of totpd may have any. Returns the text.
 */
char *tool_harmless(char *text);

/* Print a sentence, made printable, that begins in `column`. */
void tool_print(FILE *stream, size_t column, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* What a sentence is; in an object: the member "event". */
enum tool_saying {
	SAY_ERROR,   /* it was not done; begins with the program's name, on standard error */
	SAY_WARNING, /* it is done all the same; as an error, after "warning: " */
	SAY_HINT,    /* an error about an answer, after which the person may try again */
	SAY_NOTE,    /* what helps to understand the rest */
	SAY_ASIDE,   /* a note on standard error */
	SAY_DONE,    /* it was done */
	SAY_ASK,     /* a question: the next line of standard input is the answer */
};

/*
 * Print a sentence, or with --json an object: id is a word for it, which stays the same in later
 * versions, in totp-enroll(1) and totpctl(8). Where the log has a word, it is that. Returns
 * TOOL_REFUSED.
 */
int tool_say(const struct tool *tool, enum tool_saying saying, const char *id, const char *format,
	     ...) PRINTF_LIKE(4);

/* An error without a word of its own. */
int tool_refuse(const struct tool *tool, const char *format, ...) PRINTF_LIKE(2);

/* With --json ask, and return NULL; else return the question, for the prompt to print. */
const char *tool_ask(const struct tool *tool, const char *id, const char *question);

/* Begin an object of the stream of --json: "event", and "user", which may be null. */
void tool_begin_json(const struct tool *tool, struct json *json, const char *event);

/* json_end. An exit code, after a sentence if not all was written. */
MUST_CHECK int tool_end_json(const struct tool *tool, struct json *json);

/* TOOL_DONE for TOTP_OK; else tool_refuse with *why or, if that is NULL or empty, err_name. */
MUST_CHECK int tool_result(const struct tool *tool, enum totp_err err, const struct reason *why);

/*
 * Standard output could not be written: returns TOOL_REFUSED after a sentence that says so, or
 * after none where a pipe's reader, such as head, has read what it wanted and left.
 */
int tool_output_lost(const struct tool *tool);

/* As tool_refuse, and "Try 'name subcommand --help'."; returns TOOL_USAGE. */
int tool_usage(const struct tool *tool, const char *format, ...) PRINTF_LIKE(2);

/*
 * Refuse unless root runs the program. doing: what only root can do ("list records"). Each step
 * that returns an exit code returns TOOL_DONE to continue.
 */
MUST_CHECK int tool_need_root(const struct tool *tool, const char *doing);

/* Print a mistake in the policy of the tool `context`; a policy_complain_fn. */
void tool_policy_mistake(void *context, const struct reason *complaint);

/* Load the policy from tool->conf or the usual file, and print every complaint. */
MUST_CHECK int tool_load_policy(struct tool *tool);

/*
 * tool_need_root, tool_load_policy, and open the store; warns if it belongs to another
 * machine. tool_end closes tool->store.
 */
MUST_CHECK int tool_open(struct tool *tool, const char *doing);

/* The same without the warning. */
MUST_CHECK int tool_open_anywhere(struct tool *tool, const char *doing);

/* The store of a policy, with this machine's identity. Errors as files_open. */
MUST_CHECK enum totp_err tool_open_store(struct tool *tool, const struct files_config *config,
					 struct reason *why);

/* Open the store of the policy that is loaded; tool->store stays NULL if there is none. */
MUST_CHECK int tool_find_store(struct tool *tool);

/*
 * Find the account called `name`. If there is none, it is returned with this name and known =
 * false, so that its record can still be managed.
 */
MUST_CHECK int tool_account(const struct tool *tool, const char *name, struct account *ret_account);

/* CLOCK_MONOTONIC, ns: until when to wait for a login that holds a record. */
uint64_t tool_deadline(void);

/* Is a user enrolled, with a record that is valid or damaged? Errors as store_look. */
MUST_CHECK enum totp_err tool_enrolled(const struct tool *tool, const char *user, bool *ret_has,
				       struct reason *why);

/* Log a change: what ("enrolled", "unlocked", …) the real uid did to a user. */
void tool_log(const struct tool *tool, const char *user, const char *what, const char *token);

/*
 * The same with a detail. The line has the real uid, and uid and name of the person: those of the
 * login, which sudo and su do not change, or where none is known, what sudo or pkexec says. The
 * audit system gets a record, too.
 */
void tool_log_detail(const struct tool *tool, const char *user, const char *what, const char *token,
		     const char *detail);

/* The same for an event with another reason; its source is filled in. */
void tool_log_event(const struct log_event *event);

#endif
