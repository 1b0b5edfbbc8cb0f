/* SPDX-License-Identifier: BSD-2-Clause */
#include "closer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

#define CLOSER_MANY 256          /* connections: are closed before they are due */
#define CLOSER_FEW  8            /* running processes: from here on it waits for CLOSER_MANY */
#define CLOSER_MAX  32           /* running processes; the unit's TasksMax= allows for them */
#define RETRY_TIME  100000000ull /* ns, if no process can be started */

static bool make_barrier(int barrier[2])
{
	return pipe2(barrier, O_CLOEXEC) == 0;
}

enum totp_err closer_begin(struct closer *closer)
{
	return make_barrier(closer->barrier) && make_barrier(closer->next) ? TOTP_OK
									   : TOTP_ERR_SYSTEM;
}

void closer_take(struct closer *closer, int *fd, uint64_t due)
{
	if (closer->count == 0 || due < closer->due)
		closer->due = due;
	closer->fds[closer->count++] = fd_take(fd);
}

bool closer_has_room(const struct closer *closer, size_t more)
{
	return closer->count + more <= CLOSER_FDS;
}

static void close_all(struct closer *closer)
{
	for (size_t i = 0; i < closer->count; i++)
		fd_close(closer->fds[i]);
	closer->count = 0;
}

static void close_barrier(int barrier[2])
{
	barrier[0] = fd_close(barrier[0]);
	barrier[1] = fd_close(barrier[1]);
}

void closer_close(struct closer *closer)
{
	close_all(closer);
	close_barrier(closer->barrier);
	close_barrier(closer->next);
}

bool closer_run(struct closer *closer, uint64_t now)
{
	bool many = closer->count >= CLOSER_MANY;
	bool due = closer->count && now >= closer->due && closer->running < CLOSER_FEW;
	pid_t child;

	if ((!many && !due) || now < closer->not_before)
		return false;
	closer->not_before = now + RETRY_TIME;
	if (closer->running >= CLOSER_MAX || (closer->next[0] < 0 && !make_barrier(closer->next)))
		return false;
	child = fork();
	if (child <= 0)
		return child == 0;
	closer->running++;
	closer->not_before = 0;
	close_all(closer);
	close_barrier(closer->barrier);
	memcpy(closer->barrier, closer->next, sizeof(closer->barrier));
	if (!make_barrier(closer->next)) /* the next call tries again */
		closer->next[0] = closer->next[1] = -1;
	return false;
}

_Noreturn void closer_finish(const struct closer *closer)
{
	char none;

	fd_close(closer->barrier[1]);
	while (read(closer->barrier[0], &none, 1) < 0 && errno == EINTR)
		;
	fd_close(closer->next[1]); /* before the connections, which may take long */
	_exit(EXIT_SUCCESS);
}

int closer_wait_ms(const struct closer *closer, uint64_t now)
{
	uint64_t next = closer->due > closer->not_before ? closer->due : closer->not_before;

	if (closer->count == 0 || closer->running >= CLOSER_FEW)
		return -1; /* SIGCHLD wakes poll when one of them ends */
	return now < next ? (int)((next - now) / 1000000 + 1) : 0;
}
