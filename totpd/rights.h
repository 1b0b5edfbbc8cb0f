/* Who may ask totpd what: by the user id that the kernel names, never by what a message says. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include "host/account.h"
#include "login/wire.h"

#define RIGHTS_NOBODY 65534 /* what the kernel says of a user that this namespace does not have */

/* Who is at the other end. */
struct peer {
	uid_t uid;
	bool root; /* came through root's socket */
};

/*
 * Root, through its own socket, about anybody; a person about themselves; an account of the
 * policy's may_check may look and check about others. account is whom the request is about.
 *
 * TOTP_ERR_FORBIDDEN: no. TOTP_ERR_SYSTEM, TOTP_ERR_NOT_FOUND: a name service that failed, a
 * group of may_check that does not exist. *why says so.
 */
MUST_CHECK enum totp_err rights_check(const struct policy *policy, const struct peer *peer,
				      enum wire_op op, const struct account *account,
				      struct reason *why);

#endif
