/*
 * One enrolment: a token that is new to somebody, with what belongs to it. It is made
 * whole before anything is shown, and stored whole or not at all.
 */
#ifndef ENROLL_ENROLLMENT_H
#define ENROLL_ENROLLMENT_H

#include "login/answer.h"
#include "otp/uri.h"
#include "record/recovery.h"
#include "enroll/request.h"

struct enrollment {
	struct tool *tool;
	const struct request *request;
	struct account account;
	struct otp_uri uri;
	bool replaces; /* the user has a record, and --force was said */
	bool confirmed;
	struct answer typed; /* that code */
	uint64_t moving;     /* of the confirming code: its step, or the counter after it; or 0 */
	struct cred cred;    /* the user, the one token, and unless it is added recovery codes… */
	struct recovery_code codes[RECOVERY_MAX]; /* …which are these */
};

#define OWN_ENROLLMENT OWN(enrollment_wipe)

void enrollment_wipe(struct enrollment *enrolment);

/* Each returns an exit code, TOOL_DONE to go on, after a sentence. */

/*
 * Refuse what could not be stored before a secret is shown: a second enrolment without
 * --force, a token for somebody who has no record, or no room for it.
 */
MUST_CHECK int enrollment_check(struct enrollment *enrolment);

/* Issuer, account and settings, from the request and the policy. */
MUST_CHECK int enrollment_choose(struct enrollment *enrolment);

/* The credential, from uri; recovery codes are made here. */
MUST_CHECK int enrollment_make(struct enrollment *enrolment);

/* Store it. *ret_changed: it is in place, though its writing was not confirmed. */
MUST_CHECK int enrollment_store(const struct enrollment *enrolment, bool *ret_changed);

/* Take the token called request->label away from a record that has another. */
MUST_CHECK int enrollment_remove(const struct enrollment *enrolment);

#endif
