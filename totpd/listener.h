/* The two sockets: handed over by a service manager, or made by hand. */
#ifndef DOOR_H
#define DOOR_H

#include <stdbool.h>

#include "base/own.h"
#include "base/err.h"

struct doors {
	int user;       /* anybody, about themselves; -1: there is none */
	int root;       /* root, about anybody */
	bool activated; /* they are a service manager's, who listens on when we leave */
};

#define DOORS_NONE \
	{ \
		.user = -1, .root = -1 \
	}

/*
 * Take the sockets that a service manager handed over (sd_listen_fds(3)), by their names
 * "user" and "root". TOTP_ERR_NOT_FOUND: none were. TOTP_ERR_FORMAT: not such sockets; *why.
 */
MUST_CHECK enum totp_err door_take(struct doors *ret_doors, struct reason *why);

/*
 * Make run_dir if it is missing, and both sockets in it, in the place of those that a totpd
 * which has ended left. As root. TOTP_ERR_EXISTS: one is at work there. *why.
 */
MUST_CHECK enum totp_err door_make(const char *run_dir, struct doors *ret_doors,
				   struct reason *why);

/* Has the client closed its end of this connection? */
bool door_is_left(int fd);

/* Close both; a manager's stay as they are. */
void door_close(struct doors *doors);

#endif
