/* SPDX-License-Identifier: BSD-2-Clause */
/* What all requests share: the policy, the keyring, and how much may be logged. */
#ifndef SERVER_H
#define SERVER_H

#include "base/io.h"
#include "log_limit.h"
#include "login/policy.h"
#include "store/files.h"
#include "verifiers.h"

struct server {
	const char *conf; /* another policy file than POLICY_FILE, or NULL */
	struct policy policy;
	struct io_stamp policy_stamp; /* of the file when it was read */
	unsigned policy_number;       /* how often it was read */
	bool policy_invalid;          /* every request is denied */
	struct keyring keyring;       /* read before totpd gave up the right to read it */
	struct log_limit *log_limit;  /* shared with all children, which only read it */
	struct log_counts *counts;    /* in a child: the lines of its own request */
	struct verifiers verifiers;
	bool is_worker;      /* in a child: it answers more than one… */
	struct store *store; /* …and keeps this cluster open for them, or NULL */
};

/* Log a line of totpd about itself. detail: or NULL. */
void server_log(int priority, const char *outcome, const char *reason, const char *detail);

/* Read the policy file. Its mistakes are logged, and policy_invalid is set. */
MUST_CHECK enum totp_err server_load_policy(struct server *server);

/* Read the policy file again if it has changed. */
void server_refresh_policy(struct server *server);

/*
 * A credential needs a key that the keyring in memory lacks: could a new process find it in the
 * file? age: ns since totpd was started. If the file cannot be seen, that is worth a try from time
 * to time only, because the key may be lost.
 */
bool server_should_restart(const struct server *server, uint64_t age);

/* Log how many lines were withheld, for all users whose time ends by `now`. */
void server_log_withheld(const struct server *server, uint64_t now);

#endif
