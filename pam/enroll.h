/*
 * Enrolment inside the login. The auth stage lets somebody on who must enrol, or may, and
 * leaves a mark in the PAM handle; the account stage, which runs once the whole auth stack has
 * succeeded, acts on that mark alone. So nobody meets it who did not just authenticate:
 * not cron, not a login by key alone, not root's su.
 */
#ifndef PAM_ENROLL_H
#define PAM_ENROLL_H

#include "pam/login.h"

enum enroll_mark {
	ENROLL_NONE = 0,
	ENROLL_MUST,    /* or the login is refused */
	ENROLL_OFFER,   /* before the day from which a code is required */
	ENROLL_CONFIRM, /* nothing to enroll: their credential waits for its first code */
};

/*
 * No mark, or one for this user; the stage after this one sees it. Each line of a stack takes back
 * its own mark alone, or one that has nothing to ask would undo what another has let on. line:
 * what tells lines apart, such as the arguments that libpam keeps of it. False: not possible.
 */
bool enroll_set_mark(pam_handle_t *pamh, const void *line, enum enroll_mark mark, const char *user);

/* The mark that is set; *ret_user belongs to the handle. */
enum enroll_mark enroll_mark_of(pam_handle_t *pamh, const char **ret_user);

/* The account stage has done what the mark asked for: another line of it has nothing to do. */
void enroll_drop_mark(pam_handle_t *pamh);

/*
 * Lead the person of *login through it: picture and secret, a code typed back, recovery codes.
 * Nothing is stored before the code is right. Returns what account answers: PAM_SUCCESS
 * when they are enrolled, PAM_IGNORE when an offer was declined.
 */
int enroll_person(struct login *login, enum enroll_mark mark);

/* Another login of the same person was first: they are to log in with a code. */
int enroll_refuse_second(const struct login *login);

#endif
