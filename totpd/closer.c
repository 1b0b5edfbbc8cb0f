#include "closer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

#define CLOSER_MANY 256          /* are closed at once, without waiting for more */
#define CLOSER_FEW  8            /* processes; where more are at work, many are closed at once */
#define CLOSER_MAX  32           /* the unit's TasksMax= has room for them */
#define RETRY_TIME  100000000ull /* ns, where no process can be made */

static bool make_gate(int gate[2])
{
	return pipe2(gate, O_CLOEXEC) == 0;
}

enum totp_err closer_begin(struct closer *closer)
{
	return make_gate(closer->gate) && make_gate(closer->next) ? TOTP_OK : TOTP_ERR_SYSTEM;
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

static void close_gate(int gate[2])
{
	gate[0] = fd_close(gate[0]);
	gate[1] = fd_close(gate[1]);
}

void closer_leave(struct closer *closer)
{
	close_all(closer);
	close_gate(closer->gate);
	close_gate(closer->next);
}

/* Are there connections to be closed now? */
static bool is_due(const struct closer *closer, uint64_t now)
{
	if (closer->count == 0 || now < closer->not_before)
		return false;
	return closer->count >= CLOSER_MANY || (now >= closer->due && closer->at_work < CLOSER_FEW);
}

bool closer_run(struct closer *closer, uint64_t now)
{
	pid_t child;

	if (!is_due(closer, now))
		return false;
	closer->not_before = now + RETRY_TIME;
	if (closer->at_work >= CLOSER_MAX || (closer->next[0] < 0 && !make_gate(closer->next)))
		return false;
	child = fork();
	if (child <= 0)
		return child == 0;
	closer->at_work++;
	closer->not_before = 0;
	close_all(closer);
	close_gate(closer->gate);
	memcpy(closer->gate, closer->next, sizeof(closer->gate));
	if (!make_gate(closer->next)) /* is tried again; else there is always one in store */
		closer->next[0] = closer->next[1] = -1;
	return false;
}

_Noreturn void closer_finish(const struct closer *closer)
{
	char none;

	fd_close(closer->gate[1]);
	while (read(closer->gate[0], &none, 1) < 0 && errno == EINTR)
		;
	fd_close(closer->next[1]); /* before the connections, which may take their time */
	_exit(EXIT_SUCCESS);
}

int closer_wait_ms(const struct closer *closer, uint64_t now)
{
	uint64_t next = closer->due > closer->not_before ? closer->due : closer->not_before;

	if (closer->count == 0 || closer->at_work >= CLOSER_FEW)
		return -1; /* the end of one is told */
	return now < next ? (int)((next - now) / 1000000 + 1) : 0;
}
