/*
 * Closing connections in a process that nobody waits for.
 *
 * A message can carry descriptors (SCM_RIGHTS). The kernel closes them when the message is
 * received or thrown away, and the process that does so sleeps as long as the sender has chosen:
 * a TCP connection with SO_LINGER and unsent data, a huge file that was deleted. Kernels before
 * 6.9 also collect everybody's unreachable descriptors in whatever process closes a socket last.
 *
 * So the last reference to a connection is never dropped by totpd's parent, nor by a child while
 * somebody waits for its answer. The parent hands connections to the closer, which forks a
 * process that shares all of them; the parent closes its own references; that process exits. A
 * process that exits does not linger, and whatever else holds it up holds up nobody.
 *
 * The gate tells that process when it may exit: it is a pipe whose writing end is open in
 * everybody who may still close one of the connections. That process keeps the next gate's
 * writing end open meanwhile, so who has passed a gate has waited for all gates before it.
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
	uint64_t due;         /* CLOCK_MONOTONIC, ns: when they are to be closed */
	uint64_t not_before;  /* the same: no process could be made */
	int gate[2], next[2]; /* a pipe's reading and writing end */
	size_t at_work;       /* processes that have not ended yet; who reaps them counts down */
};

#define CLOSER_NONE \
	{ \
		.gate = {-1, -1}, .next = { -1, -1 } \
	}

/* Make the first gates. TOTP_ERR_SYSTEM: errno. */
MUST_CHECK enum totp_err closer_begin(struct closer *closer);

/* Take the connection *fd, to be closed at `due` or sooner; *fd becomes -1. Needs room. */
void closer_take(struct closer *closer, int *fd, uint64_t due);

/* Is there room for so many more? Who opens connections sees to it that there is. */
bool closer_has_room(const struct closer *closer, size_t more);

/*
 * When they are due: fork a process that closes them. True in that process, which then has to
 * call closer_finish. Where no process can be made, it is tried again later.
 */
MUST_CHECK bool closer_run(struct closer *closer, uint64_t now);

/* Wait until nobody else has the connections any more, and exit. */
_Noreturn void closer_finish(const struct closer *closer);

/* How long poll may wait for its sake, in milliseconds; -1: for ever. */
int closer_wait_ms(const struct closer *closer, uint64_t now);

/* In another child, which has closed every other connection: close these, and tell so. */
void closer_leave(struct closer *closer);

#endif
