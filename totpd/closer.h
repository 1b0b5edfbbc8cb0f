/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Closing connections in a process that nobody waits for.
 *
 * A message can carry descriptors (SCM_RIGHTS). The kernel closes them when the message is
 * received or discarded, and the process that does so sleeps as long as the sender has chosen: a
 * TCP connection with SO_LINGER and unsent data, a huge file that was deleted. Kernels before 6.9
 * also collect the unreachable descriptors of all users in any process that is the last to close a
 * socket.
 *
 * So neither totpd's parent, nor a child while its client waits for the answer, ever drops the
 * last reference to a connection. The parent gives connections to the closer, which forks a
 * process that shares all of them; the parent closes its own references; that process exits. A
 * process that exits does not linger, and if anything else delays it, nobody waits for it.
 *
 * A barrier shows that process when it may exit. It is a pipe whose writing end is open in every
 * process that may still close one of the connections. Meanwhile that process keeps the writing
 * end of the next barrier open, so a process that has passed one barrier has waited for all
 * earlier ones.
 */
#ifndef CLOSER_H
#define CLOSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CLOSER_FDS 768 /* connections that wait to be closed */

struct closer {
	int fds[CLOSER_FDS];
	size_t count;
	uint64_t due;            /* CLOCK_MONOTONIC, ns: when they must be closed */
	uint64_t not_before;     /* the same: no process could be started */
	int barrier[2], next[2]; /* a pipe's reading and writing end */
	size_t running;          /* processes; the caller counts down when it has reaped one */
};

#define CLOSER_NONE \
	{ \
		.barrier = {-1, -1}, .next = { -1, -1 } \
	}

/* Make the first barriers. TOTP_ERR_SYSTEM: errno. */
MUST_CHECK enum totp_err closer_begin(struct closer *closer);

/* Take the connection *fd, to be closed at `due` or sooner; *fd becomes -1. Needs room. */
void closer_take(struct closer *closer, int *fd, uint64_t due);

/* Is there room for so many more? To be asked before a connection is accepted. */
bool closer_has_room(const struct closer *closer, size_t more);

/*
 * When they are due: fork a process that closes them. True in that process, which must then call
 * closer_finish. If no process can be started, a later call tries again.
 */
MUST_CHECK bool closer_run(struct closer *closer, uint64_t now);

/* Wait until no other process has the connections open, and exit. */
_Noreturn void closer_finish(const struct closer *closer);

/* How long poll may wait for the closer's sake, in milliseconds; -1: no limit. */
int closer_wait_ms(const struct closer *closer, uint64_t now);

/* In another child that has closed all other connections: close these, and the barriers. */
void closer_close(struct closer *closer);

#endif
