/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Enrollment inside the login. The auth stage lets a user continue who must or may enroll, and
 * leaves a mark in the PAM handle; the account stage, which runs once the whole auth stack has
 * succeeded, acts only on that mark. So only a user who has just authenticated is enrolled: not
 * cron, not a login by key alone, not root's su.
 */
#ifndef PAM_ENROLL_H
#define PAM_ENROLL_H

#include "pam/login.h"

enum enroll_mark {
	ENROLL_NONE = 0,
	ENROLL_MUST,    /* or the login is denied */
	ENROLL_OFFER,   /* before the day from which a code is required */
	ENROLL_CONFIRM, /* nothing to enroll: their credential waits for its first code */
};

/*
 * No mark, or one for this user; the stage after this one sees it. Each line of a stack takes
 * back only its own mark, or a line that has nothing to ask would remove the mark of another.
 * line: a pointer that differs for each line, such as the arguments that libpam keeps. False: no
 * memory.
 */
bool enroll_set_mark(pam_handle_t *pamh, const void *line, enum enroll_mark mark, const char *user);

/* The mark that is set; *ret_user belongs to the handle. */
enum enroll_mark enroll_mark_of(pam_handle_t *pamh, const char **ret_user);

/* The account stage has done what the mark asked for: another line of it has nothing to do. */
void enroll_drop_mark(pam_handle_t *pamh);

/*
 * Enroll the user of *login: picture and secret, a code typed back, recovery codes. Nothing is
 * stored before the code is right. Returns what account answers: PAM_SUCCESS when they are
 * enrolled, PAM_IGNORE when an offer was declined.
 */
int enroll_person(struct login *login, enum enroll_mark mark);

/* The user enrolled in another login first: they must log in with a code. */
int enroll_refuse_second(const struct login *login);

#endif
