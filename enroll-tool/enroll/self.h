/*
 * What people do about themselves: every step is asked of totpd, which alone may look at the
 * record and alone decides. Nothing that is stored passes through a file of theirs, and until
 * totpd has stored it nothing is changed.
 */
#ifndef ENROLL_SELF_H
#define ENROLL_SELF_H

#include <signal.h>

#include "host/ask.h"
#include "enroll/request.h"

#define SELF_TRIES 3

struct self {
	struct tool *tool;
	const struct request *request;
	struct account account;
	sigset_t asking; /* signal mask while a person types */
	struct wire_request asked;
	struct wire_response told;
	struct wire_status status; /* of the record, before anything is changed */
	bool enrolled;
	bool unsure; /* what was asked for last may have been done all the same */
};

/* Do what the command line asks for. An exit code. */
MUST_CHECK int self_serve(struct tool *tool, const struct request *request);

/* Each that follows returns an exit code, TOOL_DONE to go on, after a sentence. */

/* Say that nothing was changed, unless that is not known. */
void self_tell_unchanged(const struct self *self);

/*
 * Ask totpd self->asked, of which user and program are filled in here; the answer is in
 * self->told. Says what went wrong. *ret_late, which may be NULL: it was not done, but may be
 * when it is asked again with fresh codes; nothing is said then.
 */
MUST_CHECK int self_ask(struct self *self, enum wire_op op, bool *ret_late);

/*
 * Ask, with a code or recovery code that the person types, up to SELF_TRIES times, and say of
 * each that is not accepted what to try. `before`, or NULL, is done before each: it fills in
 * what must be fresh.
 */
MUST_CHECK int self_ask_with_code(struct self *self, enum wire_op op,
				  int (*before)(struct self *self, void *context), void *context);

/* Say what became of an answer that was not accepted, and what to try. */
void self_tell_refusal(const struct self *self);

/* Say why it cannot be done by the person alone, and the policy's `help`; returns TOOL_REFUSED. */
int self_denied(const struct self *self, const char *sentence);

/* Would a login enrol somebody who has no invitation? */
bool self_login_enrolls(const struct self *self);

/* Refuse whoever is not enrolled, or disabled. Before anything else is asked. */
MUST_CHECK int self_need_record(const struct self *self);

int self_status(struct self *self);
int self_test(struct self *self);
int self_enroll(struct self *self); /* and add, and replace */
int self_remove(struct self *self);
int self_rename(struct self *self);
int self_recovery(struct self *self);
int self_delete(struct self *self);

#endif
