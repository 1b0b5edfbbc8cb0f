/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person, or a program in their stead, answered to the prompt. */
#ifndef LOGIN_ANSWER_H
#define LOGIN_ANSWER_H

#include "otp/hotp.h"
#include "record/recovery.h"

#define ANSWER_MAX 512 /* bytes, as PAM_MAX_RESP_SIZE */

enum answer_kind {
	ANSWER_OTHER = 0, /* cannot match anything */
	ANSWER_NONE,      /* no answer, or an empty one */
	ANSWER_JUNK,      /* sshd's stand-in for a password it will not show us */
	ANSWER_PASSWORD,  /* the account's password, typed or sent again */
	ANSWER_CODE,
	ANSWER_RECOVERY,
};

struct answer {
	enum answer_kind kind;
	unsigned digits;               /* ANSWER_CODE: 6 to 8 */
	struct code code;              /* ANSWER_CODE */
	struct recovery_code recovery; /* ANSWER_RECOVERY */
};

#define OWN_ANSWER OWN(answer_wipe)

/* Overwrite all of it with zeros. */
void answer_wipe(struct answer *answer);

/*
 * Classify an answer: six to eight digits are a code, and spaces and dashes between them are
 * ignored; twelve characters of a recovery code are one. text: NULL or NUL-terminated. password:
 * PAM_AUTHTOK, or NULL; an answer equal to it is ANSWER_PASSWORD (a person whose password has the
 * shape of a code is not served by comparing, and a caller that repeats the password is: see
 * QUESTIONS in pam_totp(8)).
 */
void answer_parse(const char *text, const char *password, struct answer *ret_answer);

/*
 * A combined answer: how many bytes of it are the password, before the code at its end?
 * A code there is `digits` digits, or a recovery code with its dashes. 0: there is no code
 * at the end, or nothing before it.
 */
size_t answer_split(const char *text, unsigned digits);

#endif
