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
#include "store/files/path.h"
#include "store/store.h"

#define RETRY_NS 2000000 /* before another try, if totpd had no free connection */

#define REMEDY "systemctl status totpd.socket totpd-root.socket"

/* Milliseconds left, for poll; 0 when there are none. */
static int left_ms(uint64_t deadline)
{
	uint64_t now = io_monotonic_ns();

	return now < deadline ? (int)((deadline - now) / 1000000 + 1) : 0;
}

/*
 * Check that root made the socket. The connection goes by its path, of which root owns every
 * part.
 */
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
	reason_set(why, "%.150s/%s: not a socket that root owns", run_dir, name);
	return TOTP_ERR_UNSAFE;
}

/* Limit how long a call on the socket may wait. */
static bool set_patience(int fd, uint64_t deadline)
{
	int left = left_ms(deadline);
	const struct timeval wait = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};

	/* 0 would mean no limit */
	return left > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0;
}

/*
 * Connect. If the queue is full, the kernel wakes the process that has waited longest; a process
 * that polls would lose to others that poll faster.
 */
static enum totp_err connect_by(int fd, const struct sockaddr_un *address, uint64_t deadline,
				struct reason *why)
{
	while (set_patience(fd, deadline)) {
		if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
			return TOTP_OK;
		if (errno == ECONNREFUSED || errno == ENOENT) {
			reason_set(why, "%s: no process is listening: run " REMEDY,
				   address->sun_path);
			return TOTP_ERR_NOT_FOUND;
		}
		if (errno != EAGAIN && errno != EINTR) {
			(void)reason_errno(why, "%s", address->sun_path);
			return TOTP_ERR_SYSTEM;
		}
	}
	reason_set(why, "%s: too many connections are waiting", address->sun_path);
	return TOTP_ERR_TIMEOUT;
}

static enum totp_err check_peer(int fd, const struct sockaddr_un *address, struct reason *why)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return reason_errno(why, "%s", address->sun_path);
	if (len == sizeof(peer) && peer.uid == 0)
		return TOTP_OK;
	reason_set(why, "%s: the process that listens runs as uid %u, expected root",
		   address->sun_path, (unsigned)peer.uid);
	return TOTP_ERR_UNSAFE;
}

static enum totp_err open_door(const char *run_dir, const char *name, uint64_t deadline,
			       struct sockaddr_un *address, int *ret_fd, struct reason *why)
{
	OWN_FD int fd = -1;
	enum totp_err err = check_socket(run_dir, name, why);
	int len = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", run_dir, name);

	if (err != TOTP_OK)
		return err;
	if (len < 0 || (size_t)len >= sizeof(address->sun_path)) {
		reason_set(why, "run_dir: the path is too long for a socket below it");
		return TOTP_ERR_RANGE;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		(void)reason_errno(why, "no socket");
		return TOTP_ERR_SYSTEM;
	}
	err = connect_by(fd, address, deadline, why);
	if (err == TOTP_OK)
		err = check_peer(fd, address, why);
	if (err == TOTP_OK)
		*ret_fd = fd_take(&fd);
	return err;
}

/* Wait until something can be read, or the connection ends. */
static enum totp_err wait_for(int fd, uint64_t deadline, struct reason *why)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	int ready;

	do
		ready = poll(&one, 1, left_ms(deadline));
	while ((ready < 0 && errno == EINTR) || (ready == 0 && left_ms(deadline)));
	if (ready > 0)
		return TOTP_OK;
	if (ready < 0)
		return reason_errno(why, "totpd");
	reason_set(why, "totpd: no answer within %d s", ASK_WAIT_MS / 1000);
	return TOTP_ERR_TIMEOUT;
}

/* What became of a request that was sent. */
enum delivery { DELIVERED = 0, TURNED_AWAY };

/*
 * TURNED_AWAY: totpd closed the connection before it had read anything, which it does with idle
 * clients when it has no free connection left. The kernel then returns ECONNRESET; a connection
 * that ends after it was read is a plain end of file.
 */
static enum totp_err receive(int fd, const struct wire_request *request, uint64_t deadline,
			     struct wire_response *response, enum delivery *ret_delivery,
			     struct reason *why)
{
	uint8_t message[WIRE_RESPONSE_LEN + 1]; /* a longer message is malformed */
	enum totp_err err = wait_for(fd, deadline, why);
	ssize_t len;

	if (err != TOTP_OK)
		return err;
	len = recv(fd, message, sizeof(message), MSG_DONTWAIT);
	if (len < 0 && errno == ECONNRESET)
		*ret_delivery = TURNED_AWAY;
	if (len <= 0) {
		reason_set(why, "totpd closed the connection without an answer: see its log");
		return TOTP_ERR_PEER;
	}
	err = wire_get_response(message, (size_t)len, response);
	WIPE(message);
	if (err == TOTP_OK && response->op == request->op)
		return TOTP_OK;
	wire_response_wipe(response);
	reason_set(why, "totpd: %s",
		   err == TOTP_ERR_UNSUPPORTED ? "it has another version: restart it"
					       : "malformed answer");
	return TOTP_ERR_PEER;
}

static enum totp_err send_by(int fd, const struct wire_request *request,
			     enum delivery *ret_delivery, struct reason *why)
{
	uint8_t message[WIRE_REQUEST_LEN];
	enum totp_err err = wire_put_request(request, message);
	ssize_t len;

	if (err != TOTP_OK) {
		reason_set(why, "totpd: the request is invalid");
		return err;
	}
	len = send(fd, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
	WIPE(message);
	if (len == sizeof(message))
		return TOTP_OK;
	if (len < 0 && (errno == EPIPE || errno == ECONNRESET))
		*ret_delivery = TURNED_AWAY;
	reason_set(why, "totpd: it accepts no requests");
	return TOTP_ERR_PEER;
}

static enum totp_err ask_once(const char *run_dir, const char *name,
			      const struct wire_request *request, uint64_t deadline,
			      struct wire_response *response, enum delivery *ret_delivery,
			      struct reason *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	OWN_FD int fd = -1;
	enum totp_err err = open_door(run_dir, name, deadline, &address, &fd, why);

	if (err == TOTP_OK)
		err = send_by(fd, request, ret_delivery, why);
	return err == TOTP_OK ? receive(fd, request, deadline, response, ret_delivery, why) : err;
}

enum totp_err ask_knock(const char *run_dir, const char *name, struct reason *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	OWN_FD int fd = -1;

	return open_door(run_dir, name, io_monotonic_ns() + ASK_WAIT_MS * 1000000ull, &address, &fd,
			 why);
}

/* If the marker cannot be read, the path names the store. */
static enum totp_err name_store(const struct policy *policy, struct wire_store *ret_store)
{
	*ret_store = (struct wire_store){.id = {0}};
	if (store_identify(policy->store_dir, ret_store->id, NULL) != TOTP_OK)
		memset(ret_store->id, 0, sizeof(ret_store->id));
	return text_copy(text_of(policy->store_dir), ret_store->dir, sizeof(ret_store->dir));
}

enum totp_err ask_totpd(const struct policy *policy, const char *name, struct wire_request *request,
			struct wire_response *ret_response, struct reason *why)
{
	const struct timespec pause = {.tv_nsec = RETRY_NS};
	uint64_t deadline = io_monotonic_ns() + ASK_WAIT_MS * 1000000ull;

	wire_response_wipe(ret_response);
	if (name_store(policy, &request->store) != TOTP_OK) {
		reason_set(why, "store_dir is too long for a request");
		return TOTP_ERR_RANGE;
	}
	request->deadline = deadline - (ASK_WAIT_MS - ASK_USE_MS) * 1000000ull;
	for (;;) {
		enum delivery delivery = DELIVERED;
		enum totp_err err = ask_once(policy->run_dir, name, request, deadline, ret_response,
					     &delivery, why);

		if (delivery == DELIVERED)
			return err;
		if (left_ms(request->deadline) == 0) {
			reason_set(why, "totpd: no answer within %d s", ASK_USE_MS / 1000);
			return TOTP_ERR_TIMEOUT;
		}
		nanosleep(&pause, NULL);
	}
}
