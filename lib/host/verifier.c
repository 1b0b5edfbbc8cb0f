/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/verifier.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/own.h"

enum totp_err verifier_wait(int fd, short events, uint64_t deadline, const char *name,
			    struct reason *why)
{
	struct pollfd one = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now = io_monotonic_ns();
		int ready;

		if (now >= deadline)
			return reason_err(why, TOTP_ERR_TIMEOUT, "%.100s: no answer in time", name);
		ready = poll(&one, 1, (int)((deadline - now) / 1000000 + 1));
		if (ready > 0)
			return TOTP_OK;
		if (ready < 0 && errno != EINTR)
			return reason_errno(why, "%.100s", name);
	}
}

static enum totp_err connect_to(const struct addrinfo *to, const struct policy_verifier *verifier,
				uint64_t deadline, int *ret_fd, struct reason *why)
{
	OWN_FD int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failed = 0;
	socklen_t len = sizeof(failed);
	enum totp_err err;

	if (fd < 0)
		return reason_errno(why, "%.100s: no socket", verifier->host);
	if (connect(fd, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS)
		return reason_errno(why, "%.100s, port %u", verifier->host, verifier->port);
	err = verifier_wait(fd, POLLOUT, deadline, verifier->host, why);
	if (err != TOTP_OK)
		return err;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0 || failed) {
		errno = failed ? failed : errno;
		return reason_errno(why, "%.100s, port %u", verifier->host, verifier->port);
	}
	*ret_fd = fd_take(&fd);
	return TOTP_OK;
}

enum totp_err verifier_connect(const struct policy_verifier *verifier, uint64_t deadline,
			       int *ret_fd, struct reason *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICSERV |
						   (verifier->is_address ? AI_NUMERICHOST : 0)};
	struct addrinfo *found = NULL;
	char port[8];
	enum totp_err err = TOTP_ERR_SYSTEM;
	int failed;

	snprintf(port, sizeof(port), "%u", (unsigned)verifier->port);
	failed = getaddrinfo(verifier->host, port, &hints, &found);
	if (failed)
		return reason_err(why, TOTP_ERR_SYSTEM, "%.80s: %.60s", verifier->host,
				  gai_strerror(failed));
	for (const struct addrinfo *to = found; to && err != TOTP_OK; to = to->ai_next)
		err = connect_to(to, verifier, deadline, ret_fd, why);
	freeaddrinfo(found);
	return err;
}
