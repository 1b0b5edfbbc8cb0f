/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people change about their own record, each by a code or a recovery code of it: the
 * answer is used up and the change is made in one step, or neither is.
 */
#ifndef LOGIN_CHANGE_H
#define LOGIN_CHANGE_H

#include "login/attempt.h"

enum change_kind {
	CHANGE_ADD,      /* one token more */
	CHANGE_REPLACE,  /* the token `label` by another, which gets its label */
	CHANGE_REMOVE,   /* the token `label`, which is not the last one */
	CHANGE_RENAME,   /* the token `label` to `new_label` */
	CHANGE_RECOVERY, /* new recovery codes, the old ones void */
	CHANGE_DISABLE,  /* the whole record goes */
};

struct change {
	enum change_kind kind;
	const char *label;
	const char *new_label;
	const struct token *token; /* ADD, REPLACE: id is given here */
	uint64_t moving;           /* of it: the confirming code's step, or the counter after it */
	unsigned recovery_codes;   /* RECOVERY: how many to make, 1 to RECOVERY_MAX */
	struct recovery_code codes[RECOVERY_MAX]; /* RECOVERY: these are they; wipe them */
};

/*
 * May people make this change without an administrator? required: a code must be given by
 * somebody like them (gate_requires). Pure; totpd decides by it, and totp-enroll says by it what
 * there is to do.
 */
bool change_is_allowed(const struct policy *policy, enum change_kind kind, bool required);

/*
 * Try the answer as attempt does, and where it is right make the change. *ret_outcome says
 * what became of the answer; only with VERDICT_ALLOW and TOTP_OK was anything changed.
 *
 * TOTP_ERR_FORBIDDEN, by a bypass, and TOTP_ERR_RANGE: the change cannot be made; *why is a
 * sentence for the person, and the answer is not used up. TOTP_ERR_UNCERTAIN: made, but a
 * power cut may undo it. Others as attempt.
 */
MUST_CHECK enum totp_err change_by(struct store *store, const struct attempt *who,
				   struct change *change, struct outcome *ret_outcome,
				   struct reason *why);

#endif
