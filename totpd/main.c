/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpd: checks codes, and stores enrollments, for programs that may not do so themselves. It runs
 * as the account _pam_totp without any privileges of root.
 *
 * Attackers: every local user, with any bytes, any number of connections, at any rate. So the
 * parent does as little as possible: it looks at a message of one fixed length, the kernel reports
 * which user sent it, and a child with a deadline does what it asks for. A crash of a child is
 * logged, and costs one answer. Connections, and descriptors that came with a message, are closed
 * by processes that nobody waits for (closer.h). Not defended: totpd has the keyring in memory, so
 * an attacker who takes it over has the second factor of every user.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "host/account.h"
#include "host/conf.h"
#include "loop.h"
#include "options.h"
#include "privdrop.h"

#define KEYRING_NAME "keyring" /* of the credential */

/* As root: read the keyring, make the sockets unless they were passed, and give up root. */
static enum totp_err begin_as_root(struct loop *loop, const char *verifier, struct reason *why)
{
	const struct policy *policy = &loop->server.policy;
	struct files_config config = conf_files(policy);
	OWN_STORE struct store *store = NULL;
	struct account account = {0}, terminator = {0};
	enum totp_err err = account_find(SERVICE_ACCOUNT, &account, why);

	if (err == TOTP_OK && !account.known) {
		reason_set(why, "there is no account " SERVICE_ACCOUNT ": run systemd-sysusers, "
				"or useradd --system " SERVICE_ACCOUNT);
		err = TOTP_ERR_NOT_FOUND;
	}
	if (err == TOTP_OK && verifier)
		err = account_find(verifier, &terminator, why);
	if (err == TOTP_OK && verifier && !terminator.known) {
		reason_set(why, "--verifier: there is no account %.100s", verifier);
		err = TOTP_ERR_NOT_FOUND;
	}
	if (err == TOTP_OK) {
		err = keyring_load(policy->keyring, &loop->server.keyring, why);
		/* a login host whose users are all the verifiers' needs none */
		if (err == TOTP_ERR_NOT_FOUND && policy->store == STORE_AT_VERIFIER)
			err = TOTP_OK;
	}
	if (err == TOTP_OK && loop->listeners.user < 0 && loop->listeners.root < 0)
		err = listeners_make(policy->run_dir, verifier ? &terminator : NULL,
				     &loop->listeners, why);
	/* with readonly_login this makes files in run_dir, which only root can; errors of the
	 * store are reported to each client */
	if (err == TOTP_OK && config.run_dir)
		(void)!files_open(&config, &store, NULL);
	store = store_close(store);
	return err == TOTP_OK ? privdrop_to(&account, why) : err;
}

/* As the service account: a service manager has done what only root can do. */
static enum totp_err begin_as_service(struct loop *loop, struct reason *why)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char detail[sizeof(why->text) + 80];

	if (loop->listeners.user < 0 && loop->listeners.root < 0) {
		reason_set(why, "only root can make the sockets");
		return TOTP_ERR_FORBIDDEN;
	}
	if (!directory || directory[0] != '/')
		reason_set(why, "the service manager passed no credential \"" KEYRING_NAME "\"");
	else
		(void)!keyring_load_credential(directory, KEYRING_NAME, geteuid(),
					       &loop->server.keyring, why);
	/* without keys, totpd denies all requests: if it exited, the service manager would
	 * start it again and again, and then close the sockets for good */
	if (loop->server.keyring.count == 0 && policy_has_store(&loop->server.policy)) {
		snprintf(detail, sizeof(detail),
			 "%s; it is the file that LoadCredential= of totpd.service names",
			 why->text);
		server_log(LOG_ERR, "error", "keyring", detail);
	}
	why->text[0] = '\0';
	return privdrop_limits(why);
}

/* Use libcrypto once: what it sets up at its first use, children inherit. */
static enum totp_err warm_up(void)
{
	static const uint8_t zeros[GCM_KEY_LEN];
	uint8_t mac[MAC_MAX], plain[1] = {0}, box[1 + SEAL_OVERHEAD];
	struct host_key key = {0};
	struct buffer out = buffer_of(plain, sizeof(plain));
	enum totp_err err = TOTP_OK;

	for (enum hmac_alg alg = HMAC_SHA1; alg <= HMAC_SHA512 && err == TOTP_OK; alg++)
		err = crypto_hmac(alg, (struct piece){zeros, sizeof(zeros)}, NULL, 0, mac);
	if (err == TOTP_OK)
		err = seal_close(&key, "-", plain, sizeof(plain), box);
	return err == TOTP_OK ? seal_open(&key, "-", bytes_of(box, sizeof(box)), &out) : err;
}

static enum totp_err start_up(struct loop *loop, const struct options *options, struct reason *why)
{
	struct io_stamp stamp;
	enum totp_err err = listeners_take(&loop->listeners, why);

	if (err == TOTP_ERR_NOT_FOUND && options->foreground)
		err = TOTP_OK;
	else if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why, "no service manager passed sockets: to start totpd without one, "
				"run totpd --foreground");
	/* with sockets of a service manager, requests are denied until the policy is fixed */
	if (err == TOTP_OK && server_load_policy(&loop->server) != TOTP_OK &&
	    !loop->listeners.activated) {
		reason_set(why, "the policy has a mistake: run totpctl check");
		err = TOTP_ERR_FORMAT;
	}
	if (err != TOTP_OK)
		return err;
	stamp = io_stamp_of(loop->server.policy.keyring);
	err = geteuid() == 0 ? begin_as_root(loop, options->verifier, why)
			     : begin_as_service(loop, why);
	loop->server.keyring.stamp = stamp;
	if (err == TOTP_OK)
		err = warm_up();
	if (err == TOTP_OK)
		err = loop_prepare(loop);
	if (err != TOTP_OK && !why->text[0])
		reason_set(why, "it cannot start: %s", err_name(err));
	return err;
}

int main(int argc, char **argv)
{
	static struct loop loop = LOOP_NONE;
	struct options options;
	struct reason why = {""};
	int code;

	if (!options_read(argc, argv, &options, &code))
		return code;
	loop.server.conf = options.conf;
	loop.idle = options.idle_seconds * 1000000000;
	umask(077);
	if (chdir("/") != 0)
		reason_set(&why, "cannot change to the directory /");
	if (why.text[0] || start_up(&loop, &options, &why) != TOTP_OK) {
		server_log(LOG_ERR, "error", "start", why.text);
		fprintf(stderr, "totpd: %s\n", why.text);
		return EXIT_FAILURE;
	}
	server_log(LOG_INFO, "begin", loop.listeners.activated ? "activated" : "by_hand", NULL);
	code = loop_run(&loop);
	/* exiting closes the sockets, and does not wait for anything that clients sent */
	keyring_wipe(&loop.server.keyring);
	server_log_withheld(&loop.server, UINT64_MAX);
	server_log(LOG_INFO, "end", "done", NULL);
	return code;
}
