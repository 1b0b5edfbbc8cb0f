/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets that totpd listens on: passed by a service manager, or made by totpd itself. */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>

#include "base/own.h"
#include "host/account.h"
#include "base/err.h"

#define VERIFIER_SOCKET "verifier.socket" /* in run_dir */

struct listeners {
	int user;       /* for any user, about themselves; -1: there is none */
	int root;       /* for root, about any user */
	int verifier;   /* for login hosts, by way of a program that ends TLS */
	bool activated; /* a service manager owns them, and listens when totpd has exited */
};

#define LISTENERS_NONE \
	{ \
		.user = -1, .root = -1, .verifier = -1 \
	}

/*
 * Take the sockets that a service manager passed (sd_listen_fds(3)), by their names "user", "root"
 * and "verifier". TOTP_ERR_NOT_FOUND: it passed none. TOTP_ERR_FORMAT: other sockets; *why.
 */
MUST_CHECK enum totp_err listeners_take(struct listeners *ret_listeners, struct reason *why);

/*
 * As root: make run_dir if it is missing, and both sockets in it; sockets of a totpd that has
 * exited are replaced. terminator: the account of the program that ends TLS, to which alone the
 * verifier's socket belongs; NULL: none is made. TOTP_ERR_EXISTS: another totpd is running. *why.
 */
MUST_CHECK enum totp_err listeners_make(const char *run_dir, const struct account *terminator,
					struct listeners *ret_listeners, struct reason *why);

/* Close all; those of a service manager stay as they are. */
void listeners_close(struct listeners *listeners);

/* Has the client at the other end of this connection closed it? */
bool listener_client_left(int fd);

#endif
