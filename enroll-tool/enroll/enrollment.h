/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One enrollment: a new token of a user, and what belongs to it. It is made completely before
 * anything is shown, and stored completely or not at all.
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
	bool replaces; /* the user is enrolled, and --force was given */
	bool confirmed;
	struct answer typed; /* that code */
	uint64_t moving;     /* of the confirming code: its step, or the counter after it; or 0 */
	struct cred cred;    /* the user, the one token, and unless it is added recovery codes… */
	struct recovery_code codes[RECOVERY_MAX]; /* …which are these */
};

#define OWN_ENROLLMENT OWN(enrollment_wipe)

void enrollment_wipe(struct enrollment *enrollment);

/* Each returns an exit code, TOOL_DONE to continue, after a sentence. */

/*
 * Refuse before a secret is shown what could not be stored: a second enrollment without --force, a
 * token for a user who is not enrolled or has as many as there may be.
 */
MUST_CHECK int enrollment_check(struct enrollment *enrollment);

/* Issuer, account and settings, from the request and the policy. */
MUST_CHECK int enrollment_choose(struct enrollment *enrollment);

/* Make the credential of uri, and recovery codes. */
MUST_CHECK int enrollment_make(struct enrollment *enrollment);

/* Store it. *ret_changed: it is in place, but a power cut may undo it. */
MUST_CHECK int enrollment_store(struct enrollment *enrollment, bool *ret_changed);

/* Remove the token called request->label from a credential that has another one. */
MUST_CHECK int enrollment_remove(struct enrollment *enrollment);

#endif
