/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: a login host whose codes verifiers check. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/certificate.h"
#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "doctor/finding.h"
#include "host/ask.h"
#include "host/clock.h"

#define RENEW_BEFORE (30 * 86400) /* seconds */
#define CONNECT_MS   2000
#define PEM_MAX      65536

static const char everybody[] = "every login is denied, but those of local_users";

static struct subject of(struct doctor *doctor, const char *id)
{
	return (struct subject){doctor, id, NULL, NULL};
}

/* --- the files of fleet_dir --- */

static void look_at_certificate(struct doctor *doctor, const char *name, const char *repair)
{
	char path[POLICY_PATH_MAX + 16], date[11];
	OWN_TEXT char *pem = malloc(PEM_MAX);
	OWN_FD int fd = -1;
	int64_t end = 0, now = clock_now();
	size_t len = 0;

	snprintf(path, sizeof(path), "%s/%s", doctor_policy(doctor)->fleet_dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (!pem || fd < 0 || io_read_all(fd, pem, PEM_MAX, &len) != TOTP_OK) {
		doctor_report(of(doctor, "fleet-certificate"), everybody, repair, "%s: %s", path,
			      fd < 0 ? strerror(errno) : "cannot read");
		return;
	}
	if (certificate_end((struct piece){pem, len}, &end) != TOTP_OK) {
		doctor_report(of(doctor, "fleet-certificate"), everybody, repair,
			      "%s: it has no certificate", path);
		return;
	}
	if (end - now > RENEW_BEFORE)
		return;
	text_to_date(end, date);
	doctor_report(of(doctor, "fleet-certificate"),
		      end <= now ? everybody
				 : "from then on every login is denied, but those of local_users",
		      repair, "%s: the certificate %s on %s", path, end <= now ? "ended" : "ends",
		      date);
}

static void look_at_key(struct doctor *doctor)
{
	char path[POLICY_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/host.key", doctor_policy(doctor)->fleet_dir);
	doctor_modes(doctor, path,
		     &(struct permissions){.flags = O_NOFOLLOW,
					   .forbidden = S_IRWXO | S_IWGRP | S_IXGRP,
					   .owner = doctor_store_owner(doctor),
					   .why = "totpd does not use a key that others can read, "
						  "so every login is denied"});
}

/* --- the verifiers --- */

/* 0, or errno. */
static int connect_to(const struct addrinfo *to)
{
	OWN_FD int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd polled = {.fd = fd, .events = POLLOUT};
	int failed = 0;
	socklen_t len = sizeof(failed);

	if (fd < 0)
		return errno;
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&polled, 1, CONNECT_MS) != 1)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 ? failed : errno;
}

static void look_at_verifier(struct doctor *doctor, const struct policy_verifier *verifier)
{
	static const char repair[] =
		"on that verifier: systemctl status pam-totp-haproxy; between here and there: "
		"firewalls, and on this host the drop-in of totpd.service that allows the network";
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char port[8];
	int failed;

	snprintf(port, sizeof(port), "%u", (unsigned)verifier->port);
	failed = getaddrinfo(verifier->host, port, &hints, &found);
	if (failed) {
		doctor_report(of(doctor, "fleet-verifier"),
			      "each login waits for a verifier that cannot be asked", repair,
			      "%s: %s", verifier->host, gai_strerror(failed));
		return;
	}
	failed = EINVAL;
	for (const struct addrinfo *to = found; to && failed; to = to->ai_next)
		failed = connect_to(to);
	freeaddrinfo(found);
	if (failed)
		doctor_report(of(doctor, "fleet-verifier"),
			      "each login waits for a verifier that cannot be asked", repair,
			      "%s, port %s: %s", verifier->host, port, strerror(failed));
}

/* What no connection shows: certificates, and whether a verifier lists this host. */
static void ask_for_nobody(struct doctor *doctor)
{
	struct wire_request request = {.op = WIRE_LOOK, .user = "-"};
	OWN_WIRE_RESPONSE struct wire_response response = {.op = WIRE_LOOK};
	struct reason why = {""};
	enum totp_err err =
		ask_totpd(doctor_policy(doctor), ASK_ROOT_SOCKET, &request, &response, &why);

	if (err == TOTP_ERR_NOT_FOUND)
		return; /* doctor_totpd reports that no process is listening */
	if (err == TOTP_OK) {
		err = response.err;
		why = response.why;
	}
	if (err != TOTP_OK && err != TOTP_ERR_NOT_FOUND)
		doctor_report(of(doctor, "fleet"), everybody,
			      "each reason names its verifier: see A STORE FOR MANY HOSTS in "
			      "pam_totp.conf(5)",
			      "%s", why.text[0] ? why.text : err_name(err));
}

void doctor_fleet(struct doctor *doctor)
{
	struct text rest = text_of(doctor_policy(doctor)->verifiers);
	struct policy_verifier one;

	if (doctor_policy(doctor)->store != STORE_AT_VERIFIER)
		return;
	if (rest.len == 0)
		doctor_report(of(doctor, "fleet-verifier"), everybody,
			      "name them: verifiers = ADDRESS:7443 in the policy",
			      "the policy says store = verifier, and names no verifiers");
	look_at_certificate(doctor, "host.crt",
			    "replace it by a renewed one; nothing has to be restarted");
	look_at_certificate(doctor, "ca.crt",
			    "copy the fleet's CA there; before it ends, make a new one, and "
			    "certificates of it for every host and verifier");
	look_at_key(doctor);
	while (policy_verifier_next(&rest, &one) == TOTP_OK)
		look_at_verifier(doctor, &one);
	ask_for_nobody(doctor);
}
