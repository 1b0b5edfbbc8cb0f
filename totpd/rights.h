/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may ask totpd for what: decided by the uid that the kernel reports, never by the message. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include "host/account.h"
#include "login/proxy.h"
#include "login/wire.h"

#define RIGHTS_NOBODY 65534 /* the kernel reports it for a uid that has no number here */

/* The process at the other end of a connection. */
struct peer {
	uid_t uid;
	bool root; /* connected to root's socket */
	char host[PROXY_HOST_MAX +
		  1]; /* a login host that a verifier answers; "": a local process */
};

/*
 * Root, on its own socket, may ask about any user, and all users about themselves. An account of
 * the policy's may_check may look at and check others. `account` is the user that the request is
 * about.
 *
 * TOTP_ERR_FORBIDDEN: denied. TOTP_ERR_SYSTEM, TOTP_ERR_NOT_FOUND: a name service failed, or a
 * group of may_check does not exist. *why.
 */
MUST_CHECK enum totp_err rights_check(const struct policy *policy, const struct peer *peer,
				      enum wire_op op, const struct account *account,
				      struct reason *why);

/*
 * May this login host ask a verifier for that? The policy's hosts may look at and check users,
 * those of hosts_self also change what their users have, and those of hosts_enroll enroll users.
 * TOTP_ERR_FORBIDDEN: denied; *why.
 */
MUST_CHECK enum totp_err rights_check_host(const struct policy *policy, const char *host,
					   enum wire_op op, struct reason *why);

/*
 * Where does the login come from? Root's word counts, and an account of the policy's
 * may_tell_source can name an address. For all others, and whatever else they say, it is the uid
 * that the kernel reports. Errors as rights_check: *ret_source is then that uid.
 */
MUST_CHECK enum totp_err rights_source(const struct policy *policy, const struct peer *peer,
				       const struct source *told, struct source *ret_source,
				       struct reason *why);

#endif
