/* SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "host/ask.h"

#define FIRST_FD 3
#define FDS_MAX  3
#define BACKLOG  512

/* of Linux 6.16, which libc's headers need not know; two machines have numbers of their own */
#if !defined(SO_PASSRIGHTS) && !defined(__sparc__) && !defined(__hppa__)
#define SO_PASSRIGHTS 83
#endif

bool listener_client_left(int fd)
{
	struct pollfd one = {.fd = fd};

	return poll(&one, 1, 0) > 0 && (one.revents & (POLLHUP | POLLERR));
}

void listeners_close(struct listeners *listeners)
{
	listeners->user = fd_close(listeners->user);
	listeners->root = fd_close(listeners->root);
	listeners->verifier = fd_close(listeners->verifier);
}

/*
 * Make the kernel refuse descriptors that later clients send. An older kernel accepts them: see
 * closer.h. A service manager keeps the same socket, so this protects it too.
 */
static void refuse_descriptors(int listener)
{
#ifdef SO_PASSRIGHTS
	const int no = 0;

	(void)!setsockopt(listener, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
#else
	(void)listener;
#endif
}

/* --- passed by a service manager --- */

/* Is it a socket of the right type on which a process listens? */
static bool is_listener(int fd, int expected)
{
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	socklen_t address_len = sizeof(address), len = sizeof(int);
	int type = 0, listening = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == expected &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening &&
	       getsockname(fd, (struct sockaddr *)&address, &address_len) == 0 &&
	       address.sun_family == AF_UNIX;
}

static bool take_one(int fd, struct text name, struct listeners *listeners)
{
	int *listener = text_is(name, "user")       ? &listeners->user
			: text_is(name, "root")     ? &listeners->root
			: text_is(name, "verifier") ? &listeners->verifier
						    : NULL;
	int type = listener == &listeners->verifier ? SOCK_STREAM : SOCK_SEQPACKET;

	if (!listener || *listener >= 0 || !is_listener(fd, type) ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return false;
	refuse_descriptors(fd);
	*listener = fd;
	return true;
}

/* The number in an environment variable, or 0. */
static uint64_t number_of(const char *variable)
{
	const char *text = getenv(variable);
	uint64_t number = 0;

	if (!text || text_number(text_of(text), 0, INT32_MAX, &number) != TOTP_OK)
		return 0;
	return number;
}

enum totp_err listeners_take(struct listeners *ret_listeners, struct reason *why)
{
	uint64_t count = number_of("LISTEN_FDS"), pid = number_of("LISTEN_PID");
	const char *names = getenv("LISTEN_FDNAMES");
	struct text rest = text_of(names ? names : ""), name = {"", 0};
	struct listeners listeners = LISTENERS_NONE;

	if (count == 0 || pid != (uint64_t)getpid())
		return TOTP_ERR_NOT_FOUND;
	for (int i = 0; i < (int)count; i++) {
		(void)text_field(&rest, ':', &name);
		if (count <= FDS_MAX && take_one(FIRST_FD + i, name, &listeners))
			continue;
		reason_set(why, "the service manager passed other sockets: expected some of type "
				"SOCK_SEQPACKET with the names \"user\" and \"root\", and of "
				"type SOCK_STREAM \"verifier\": see UNITS in totpd(8)");
		return TOTP_ERR_FORMAT;
	}
	listeners.activated = true;
	*ret_listeners = listeners;
	return TOTP_OK;
}

/* --- made by totpd itself --- */

static enum totp_err new_socket(int type, int *ret_fd, struct reason *why)
{
	*ret_fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*ret_fd >= 0)
		return TOTP_OK;
	(void)reason_errno(why, "cannot make a socket");
	return TOTP_ERR_SYSTEM;
}

/* Remove a socket if no process is listening on it. */
static enum totp_err remove_stale(const struct sockaddr_un *address, int type, struct reason *why)
{
	OWN_FD int fd = -1;
	struct stat st;
	enum totp_err err = new_socket(type, &fd, why);

	if (err != TOTP_OK)
		return err;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno == EAGAIN) {
		reason_set(why, "%s: another totpd is already running", address->sun_path);
		return TOTP_ERR_EXISTS;
	}
	/* which the kernel says of other files too: bind reports them */
	if (errno == ECONNREFUSED && lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(address->sun_path);
	return TOTP_OK;
}

/* One socket to make. */
struct wanted {
	const char *name;
	int type;
	mode_t mode;
	const struct account *owner; /* NULL: root */
};

static enum totp_err make_one(const char *run_dir, const struct wanted *wanted, int *ret_fd,
			      struct reason *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	OWN_FD int fd = -1;
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", run_dir,
			   wanted->name);
	enum totp_err err;

	if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
		reason_set(why, "run_dir: the path is too long for a socket below it");
		return TOTP_ERR_RANGE;
	}
	err = remove_stale(&address, wanted->type, why);
	if (err == TOTP_OK)
		err = new_socket(wanted->type, &fd, why);
	if (err != TOTP_OK)
		return err;
	refuse_descriptors(fd);
	/* nobody can connect between bind and chmod: the caller has set the umask, and the
	 * kernel refuses connections before listen */
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    (wanted->owner &&
	     chown(address.sun_path, wanted->owner->uid, wanted->owner->gid) != 0) ||
	    chmod(address.sun_path, wanted->mode) != 0 || listen(fd, BACKLOG) != 0) {
		(void)reason_errno(why, "%s", address.sun_path);
		return TOTP_ERR_SYSTEM;
	}
	*ret_fd = fd_take(&fd);
	return TOTP_OK;
}

enum totp_err listeners_make(const char *run_dir, const struct account *terminator,
			     struct listeners *ret_listeners, struct reason *why)
{
	const struct wanted root = {ASK_ROOT_SOCKET, SOCK_SEQPACKET, 0600, NULL};
	const struct wanted user = {ASK_SOCKET, SOCK_SEQPACKET, 0666, NULL};
	const struct wanted verifier = {VERIFIER_SOCKET, SOCK_STREAM, 0600, terminator};
	struct listeners listeners = LISTENERS_NONE;
	bool made = mkdir(run_dir, 0700) == 0;
	OWN_FD int dir_fd = -1;
	enum totp_err err;

	if ((!made && errno != EEXIST) || (made && chmod(run_dir, 0755) != 0)) {
		(void)reason_errno(why, "%s", run_dir);
		return TOTP_ERR_SYSTEM;
	}
	err = path_open_dir(AT_FDCWD, run_dir, 0, &dir_fd, why);
	if (err == TOTP_OK)
		err = make_one(run_dir, &root, &listeners.root, why);
	if (err == TOTP_OK)
		err = make_one(run_dir, &user, &listeners.user, why);
	if (err == TOTP_OK && terminator)
		err = make_one(run_dir, &verifier, &listeners.verifier, why);
	if (err == TOTP_OK)
		*ret_listeners = listeners;
	else
		listeners_close(&listeners);
	return err;
}
