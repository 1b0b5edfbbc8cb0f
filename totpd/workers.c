/* SPDX-License-Identifier: BSD-2-Clause */
#include "workers.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"

/* Both ends are the same program, so that it can travel as it is. */
struct work {
	size_t index;
	struct client client;
};

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

struct worker *workers_prepare(struct workers *workers, int *ret_end)
{
	int pair[2];

	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *worker = &workers->all[i];

		if (worker->pid)
			continue;
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
			return NULL;
		*worker = (struct worker){.fd = pair[0]};
		*ret_end = pair[1];
		return worker;
	}
	errno = EAGAIN;
	return NULL;
}

struct worker *workers_idle(struct workers *workers, unsigned policy)
{
	struct worker *idle = NULL;

	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *worker = &workers->all[i];

		if (!worker->pid || worker->busy || worker->fd < 0)
			continue;
		if (worker->policy != policy)
			worker_end(worker);
		else if (!idle)
			idle = worker;
	}
	return idle;
}

void worker_end(struct worker *worker)
{
	worker->fd = fd_close(worker->fd);
}

struct worker *workers_find(struct workers *workers, pid_t pid)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (workers->all[i].pid == pid)
			return &workers->all[i];
	return NULL;
}

void workers_close(struct workers *workers)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (workers->all[i].pid)
			worker_end(&workers->all[i]);
}

bool worker_give(struct worker *worker, const struct client *client, size_t index)
{
	struct work work = {index, *client};
	struct iovec part = {.iov_base = &work, .iov_len = sizeof(work)};
	union control control = {.bytes = {0}};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	ssize_t sent;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &client->fd, sizeof(int));
	sent = sendmsg(worker->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	WIPE(work);
	worker->busy = sent == (ssize_t)sizeof(work);
	return worker->busy;
}

bool worker_read_report(const struct worker *worker, unsigned *ret_found)
{
	uint8_t found = 0;

	if (recv(worker->fd, &found, 1, MSG_DONTWAIT) != 1)
		return false;
	*ret_found = found;
	return true;
}

bool worker_take(int end, struct client *ret_client, size_t *ret_index)
{
	struct work work;
	struct iovec part = {.iov_base = &work, .iov_len = sizeof(work)};
	union control control = {.bytes = {0}};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	const struct cmsghdr *header;
	ssize_t got;

	do
		got = recvmsg(end, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	header = CMSG_FIRSTHDR(&message);
	if (got != (ssize_t)sizeof(work) || !header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return false;
	*ret_client = work.client;
	*ret_index = work.index;
	memcpy(&ret_client->fd, CMSG_DATA(header), sizeof(int));
	WIPE(work);
	return true;
}

bool worker_report(int end, unsigned found)
{
	uint8_t report = (uint8_t)found;

	return send(end, &report, 1, MSG_NOSIGNAL) == 1;
}
