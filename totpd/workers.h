/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that answer one request after the other. For a store in a cluster: a new connection
 * there costs several times as much as a login, so they keep theirs. On a login host: a new process
 * would set up TLS and read the certificates each time, which costs more than the connection. For a
 * store in files each request has a process of its own instead, which leaves nothing behind.
 *
 * A worker gets a client and its connection over a socket pair. It answers the client, and then
 * reports to totpd by one byte. It ends when totpd closes its end.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include "clients.h"

#define WORKERS_MAX (2 * CLIENTS_RUNNING) /* some may be ending */

struct worker {
	pid_t pid; /* 0: there is none */
	int fd;    /* totpd's end of the pair */
	bool busy;
	unsigned policy; /* the number of the policy that it was started with */
};

struct workers {
	struct worker all[WORKERS_MAX];
};

/* Make a pair, of which *ret_end is the worker's end. NULL: errno, or there are WORKERS_MAX. */
struct worker *workers_prepare(struct workers *workers, int *ret_end);

/* An idle worker that has this policy, or NULL. Ends idle ones that have another. */
struct worker *workers_idle(struct workers *workers, unsigned policy);

/* Close totpd's end, so that the worker ends; it may have died already. */
void worker_end(struct worker *worker);

/* The worker of this process, or NULL. */
struct worker *workers_find(struct workers *workers, pid_t pid);

/* In another child of totpd: close what it has inherited. */
void workers_close(struct workers *workers);

/* Give the worker a client, number `index` of all, with its connection. False: errno. */
MUST_CHECK bool worker_give(struct worker *worker, const struct client *client, size_t index);

/* The worker has written to `worker->fd`. False: it has not reported, and is at its end. */
MUST_CHECK bool worker_read_report(const struct worker *worker, unsigned *ret_found);

/* --- in a worker --- */

/*
 * Wait for the next client. The caller closes ret_client->fd, and wipes the request. False: totpd
 * has closed its end.
 */
MUST_CHECK bool worker_take(int end, struct client *ret_client, size_t *ret_index);

/*
 * The client was answered, and its connection is closed here. found: a byte for totpd. False: totpd
 * did not get it, so that this process must end.
 */
MUST_CHECK bool worker_report(int end, unsigned found);

#endif
