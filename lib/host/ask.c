/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "store/files.h"

#define RETRY_NS 2000000 /* before another try, if totpd had no free connection */

#define REMEDY "systemctl status totpd.socket totpd-root.socket"

/* Milliseconds left, for poll; 0 when there are none. */
static int left_ms(uint64_t deadline)
{
	uint64_t now = io_monotonic_ns();

	return now < deadline ? (int)((deadline - now) / 1000000 + 1) : 0;
}

/* Check that root owns the socket, and every directory of the path by which we connect to it. */
static enum totp_err check_socket(const char *run_dir, const char *name, struct reason *why)
{
	OWN_FD int dir_fd = -1;
	struct stat st;
	enum totp_err err = path_find_dir(run_dir, &dir_fd, why);

	if (err != TOTP_OK)
		return err;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return reason_errno(why, "%.150s/%s", run_dir, name);
	if (S_ISSOCK(st.st_mode) && st.st_uid == 0)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_UNSAFE, "%.150s/%s: not a socket that root owns", run_dir,
			  name);
}

/* One connection to totpd. */
struct connection {
	struct sockaddr_un address;
	uint64_t deadline;
	int fd;
	bool dropped; /* totpd closed it before it read the request */
};

/*
 * Connect. If the queue is full, the kernel wakes the process that has waited longest; a process
 * that polls would lose to others that poll faster.
 */
static enum totp_err connect_in_time(const struct connection *to, struct reason *why)
{
	const struct sockaddr *address = (const struct sockaddr *)&to->address;
	int left;

	while ((left = left_ms(to->deadline)) > 0) { /* a timeout of 0 would mean no limit */
		const struct timeval wait = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};

		if (setsockopt(to->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0)
			break;
		if (connect(to->fd, address, sizeof(to->address)) == 0)
			return TOTP_OK;
		if (errno == ECONNREFUSED || errno == ENOENT)
			return reason_err(why, TOTP_ERR_NOT_FOUND,
					  "%s: no process is listening: run " REMEDY,
					  to->address.sun_path);
		if (errno != EAGAIN && errno != EINTR)
			return reason_errno(why, "%s", to->address.sun_path);
	}
	return reason_err(why, TOTP_ERR_TIMEOUT, "%s: too many connections are waiting",
			  to->address.sun_path);
}

static enum totp_err check_peer(const struct connection *to, struct reason *why)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(to->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return reason_errno(why, "%s", to->address.sun_path);
	if (len == sizeof(peer) && peer.uid == 0)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_UNSAFE,
			  "%s: the process that listens runs as uid %u, expected root",
			  to->address.sun_path, (unsigned)peer.uid);
}

/* The caller closes to->fd, whatever is returned. */
static enum totp_err open_connection(struct connection *to, const char *run_dir, const char *name,
				     struct reason *why)
{
	enum totp_err err = check_socket(run_dir, name, why);
	int len;

	to->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	to->dropped = false;
	to->fd = -1;
	if (err != TOTP_OK)
		return err;
	len = snprintf(to->address.sun_path, sizeof(to->address.sun_path), "%s/%s", run_dir, name);
	if (len < 0 || (size_t)len >= sizeof(to->address.sun_path))
		return reason_err(why, TOTP_ERR_RANGE,
				  "run_dir: the path is too long for a socket below it");
	to->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (to->fd < 0)
		return reason_errno(why, "no socket");
	err = connect_in_time(to, why);
	return err == TOTP_OK ? check_peer(to, why) : err;
}

static enum totp_err send_request(struct connection *to, const struct wire_request *request,
				  struct reason *why)
{
	uint8_t message[WIRE_REQUEST_LEN];
	enum totp_err err = wire_put_request(request, message);
	ssize_t len;

	if (err != TOTP_OK)
		return reason_err(why, err, "totpd: the request is invalid");
	len = send(to->fd, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
	WIPE(message);
	if (len == sizeof(message))
		return TOTP_OK;
	to->dropped = len < 0 && (errno == EPIPE || errno == ECONNRESET);
	return reason_err(why, TOTP_ERR_PEER, "totpd: it accepts no requests");
}

/* Wait until something can be read, or the connection ends. */
static enum totp_err wait_for_response(const struct connection *from, struct reason *why)
{
	struct pollfd one = {.fd = from->fd, .events = POLLIN};
	int ready;

	do
		ready = poll(&one, 1, left_ms(from->deadline));
	while ((ready < 0 && errno == EINTR) || (ready == 0 && left_ms(from->deadline)));
	if (ready > 0)
		return TOTP_OK;
	if (ready < 0)
		return reason_errno(why, "totpd");
	return reason_err(why, TOTP_ERR_TIMEOUT,
			  "totpd: no answer within %d s: as root, run systemctl status "
			  "totpd.service",
			  ASK_WAIT_MS / 1000);
}

/*
 * totpd drops idle clients when it has no free connection left. If it had not read the request,
 * the kernel returns ECONNRESET; if it had, the connection has a plain end of file.
 */
static enum totp_err receive_response(struct connection *from, enum wire_op op,
				      struct wire_response *response, struct reason *why)
{
	uint8_t message[WIRE_RESPONSE_LEN + 1]; /* a longer message is malformed */
	enum totp_err err = wait_for_response(from, why);
	ssize_t len;

	if (err != TOTP_OK)
		return err;
	len = recv(from->fd, message, sizeof(message), MSG_DONTWAIT);
	from->dropped = len < 0 && errno == ECONNRESET;
	if (len <= 0)
		return reason_err(why, TOTP_ERR_PEER,
				  "totpd closed the connection without an answer: see its log");
	err = wire_get_response(message, (size_t)len, response);
	WIPE(message);
	if (err == TOTP_OK && response->op == op)
		return TOTP_OK;
	wire_response_wipe(response);
	return reason_err(why, TOTP_ERR_PEER, "totpd: %s",
			  err == TOTP_ERR_UNSUPPORTED ? "it has another version: restart it"
						      : "malformed answer");
}

enum totp_err ask_connect(const char *run_dir, const char *name, struct reason *why)
{
	struct connection to = {.deadline = io_monotonic_ns() + ASK_WAIT_MS * 1000000ull};
	enum totp_err err = open_connection(&to, run_dir, name, why);

	fd_close(to.fd);
	return err;
}

enum totp_err ask_totpd(const struct policy *policy, const char *name, struct wire_request *request,
			struct wire_response *ret_response, struct reason *why)
{
	const struct timespec pause = {.tv_nsec = RETRY_NS};
	struct connection to = {.deadline = io_monotonic_ns() + ASK_WAIT_MS * 1000000ull};
	struct wire_store *store = &request->store;

	wire_response_wipe(ret_response);
	*store = (struct wire_store){.id = {0}};
	if (policy->store == STORE_IN_FILES) {
		/* if the marker cannot be read, the path names the store */
		if (files_identify(policy->store_dir, store->id, NULL) != TOTP_OK)
			memset(store->id, 0, sizeof(store->id));
		if (text_copy(text_of(policy->store_dir), store->dir, sizeof(store->dir)) !=
		    TOTP_OK)
			return reason_err(why, TOTP_ERR_RANGE,
					  "store_dir is too long for a request");
	}
	request->deadline = to.deadline - (ASK_WAIT_MS - ASK_USE_MS) * 1000000ull;
	for (;;) {
		enum totp_err err = open_connection(&to, policy->run_dir, name, why);

		if (err == TOTP_OK)
			err = send_request(&to, request, why);
		if (err == TOTP_OK)
			err = receive_response(&to, request->op, ret_response, why);
		fd_close(to.fd);
		if (!to.dropped)
			return err;
		if (left_ms(request->deadline) == 0)
			return reason_err(why, TOTP_ERR_TIMEOUT, "totpd: no answer within %d s",
					  ASK_USE_MS / 1000);
		nanosleep(&pause, NULL);
	}
}
