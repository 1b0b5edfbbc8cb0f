/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpd's parent process: it accepts connections, reads requests, and has a child answer each of
 * them. It does nothing that a client could make slow.
 */
#ifndef LOOP_H
#define LOOP_H

#include "budget.h"
#include "clients.h"
#include "closer.h"
#include "listener.h"
#include "server.h"
#include "workers.h"

struct loop {
	struct server server;
	struct listeners listeners;
	struct clients clients;
	struct closer closer;
	struct workers workers;
	struct log_counts *counts; /* one for each client, shared with its child */
	struct budget budget;      /* of login hosts that sent wrong codes */
	pid_t logger;              /* the child that logs what was withheld; 0: none */
	int signals;               /* a signalfd */
	uint64_t idle;             /* ns without a request, after which an activated totpd exits */
	uint64_t began, last;      /* CLOCK_MONOTONIC, ns; last: of the last connection */
	uint64_t paused_until;     /* the same: no descriptors or processes were left */
	uint64_t complained;       /* the same: when that was logged; 0: never */
	bool stopping;             /* finish what is running, then exit */
};

#define LOOP_NONE \
	{ \
		.listeners = LISTENERS_NONE, .closer = CLOSER_NONE, .signals = -1 \
	}

/* Set up signals, and what the loop shares with its children. TOTP_ERR_SYSTEM: errno. */
MUST_CHECK enum totp_err loop_prepare(struct loop *loop);

/* Run until a signal stops totpd, or it is idle; returns the exit code. */
int loop_run(struct loop *loop);

#endif
