/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include <stdio.h>

#include "host/conf.h"
#include "host/log.h"

#define UNSEEN_RETRY_NS 60000000000ull /* of age, before a keyring that cannot be seen is tried */

void server_log(int priority, const char *outcome, const char *reason, const char *detail)
{
	const struct log_event event = {
		.service = "totpd", .outcome = outcome, .reason = reason, .detail = detail};

	log_send(priority, &event);
}

static void log_mistake(void *context, const struct reason *complaint)
{
	(void)context;
	server_log(LOG_ERR, "error", "policy", complaint->text);
}

enum totp_err server_load_policy(struct server *server)
{
	const char *path = server->conf ? server->conf : POLICY_FILE;
	/* first: if the file changes while it is read, it is read again */
	struct io_stamp stamp = io_stamp_of(path);
	enum totp_err err = conf_load(path, server->conf, &server->policy, log_mistake, NULL);

	server->policy_stamp = stamp;
	server->policy_number++;
	server->policy.enroll_in_account = true; /* only the PAM line decides this */
	server->policy_invalid = err != TOTP_OK;
	return err;
}

void server_refresh_policy(struct server *server)
{
	struct io_stamp stamp = io_stamp_of(server->conf ? server->conf : POLICY_FILE);

	if (!io_stamp_equal(&stamp, &server->policy_stamp) && server_load_policy(server) == TOTP_OK)
		server_log(LOG_INFO, "policy", "changed", NULL);
}

bool server_should_restart(const struct server *server, uint64_t age)
{
	static const struct io_stamp unseen;
	struct io_stamp stamp = io_stamp_of(server->policy.keyring);

	if (io_stamp_equal(&stamp, &unseen))
		return age > UNSEEN_RETRY_NS;
	return !io_stamp_equal(&stamp, &server->keyring.stamp);
}

void server_log_withheld(const struct server *server, uint64_t now)
{
	struct log_counts due[LOG_LIMIT_USERS + 1];
	size_t count = log_limit_due(server->log_limit, now, due);

	for (size_t i = 0; i < count; i++) {
		char whose[32] = "other users", detail[160];

		if (due[i].uid != LOG_LIMIT_OTHERS)
			snprintf(whose, sizeof(whose), "uid %u", (unsigned)due[i].uid);
		snprintf(detail, sizeof(detail),
			 "%u more denials and errors and %u more accepted codes of %s in the last "
			 "minute",
			 (unsigned)due[i].withheld[LOG_DENIED],
			 (unsigned)due[i].withheld[LOG_ACCEPTED], whose);
		server_log(LOG_NOTICE, "withheld", "flood", detail);
	}
}
