/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What users do about their own enrollment. Every step is a request to totpd: only totpd can read
 * the credential, and it decides. Nothing that is stored passes through a file of theirs, and
 * until totpd has stored it nothing is changed.
 */
#ifndef ENROLL_SELF_H
#define ENROLL_SELF_H

#include "common/outfile.h"
#include "enroll/request.h"
#include "host/ask.h"

#define SELF_TRIES 3

struct self {
	struct tool *tool;
	const struct request *request;
	struct account account;
	struct wire_request asked;
	struct wire_response response;
	struct wire_status status; /* before anything is changed */
	bool enrolled;
	bool unsure; /* the last request may have been carried out, although it failed */
};

/* Do what the command line asks for. An exit code. */
MUST_CHECK int self_serve(struct tool *tool, const struct request *request);

/* Each that follows returns an exit code, TOOL_DONE to continue, after a sentence. */

/* Print that nothing was changed, unless that is not known. */
void self_tell_unchanged(const struct self *self);

/*
 * Send self->asked to totpd, with the user and program filled in; self->response is the response.
 * *ret_late, which may be NULL: it was not done, but can be with fresh codes; without a sentence
 * then.
 */
MUST_CHECK int self_ask(struct self *self, enum wire_op op, bool *ret_late);

/*
 * Send it with a code or recovery code that the person types, up to SELF_TRIES times; after each
 * that is not accepted, print what to try. `before`, which may be NULL, is called before each try:
 * it fills in what must be fresh.
 */
MUST_CHECK int self_ask_with_code(struct self *self, enum wire_op op,
				  int (*before)(struct self *self, void *context), void *context);

/* Print why only an administrator can do it, and the policy's `help`; returns TOOL_REFUSED. */
int self_denied(const struct self *self, const char *id, const char *sentence);

/* Would a login enroll a user who has no invitation? */
bool self_login_enrolls(const struct self *self);

/* Is the user enrolled, and not suspended? To be called before anything is asked. */
MUST_CHECK int self_need_enrolled(const struct self *self);

/* The user's token of that name, or NULL. */
const struct wire_shown *self_find_token(const struct self *self, const char *label);

/* Hand out the recovery codes of the response: in the file if it can be written, else shown. */
MUST_CHECK int self_hand_out_codes(const struct self *self, struct outfile *file);

int self_status(struct self *self);
int self_test(struct self *self);
int self_enroll(struct self *self); /* and add, and replace */
int self_remove(struct self *self);
int self_rename(struct self *self);
int self_recovery(struct self *self);
int self_delete(struct self *self);

#endif
