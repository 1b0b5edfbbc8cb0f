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

#include "base/text.h"
#include "host/ask.h"
#include "store/files/path.h"

#define FIRST_FD 3
#define FDS_MAX  2
#define BACKLOG  512

/* of Linux 6.16, which libc's headers need not know; two machines have numbers of their own */
#if !defined(SO_PASSRIGHTS) && !defined(__sparc__) && !defined(__hppa__)
#define SO_PASSRIGHTS 83
#endif

bool door_is_left(int fd)
{
	struct pollfd one = {.fd = fd};

	return poll(&one, 1, 0) > 0 && (one.revents & (POLLHUP | POLLERR));
}

void door_close(struct doors *doors)
{
	doors->user = fd_close(doors->user);
	doors->root = fd_close(doors->root);
}

/*
 * Have the kernel refuse descriptors that are sent to whoever connects from now on. One that
 * cannot lets them come: see closer.h. It is the same socket that a manager keeps, which is
 * thereby protected, too.
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

/* --- from a service manager --- */

static bool is_listener(int fd)
{
	struct sockaddr_un address;
	socklen_t address_len = sizeof(address), len = sizeof(int);
	int type = 0, listening = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening &&
	       getsockname(fd, (struct sockaddr *)&address, &address_len) == 0 &&
	       address.sun_family == AF_UNIX;
}

static bool keep(int fd, struct text name, struct doors *doors)
{
	int *place = text_is(name, "user")   ? &doors->user
		     : text_is(name, "root") ? &doors->root
					     : NULL;

	if (!place || *place >= 0 || !is_listener(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return false;
	refuse_descriptors(fd);
	*place = fd;
	return true;
}

/* A number of the environment, or 0. */
static uint64_t number_of(const char *variable)
{
	const char *text = getenv(variable);
	uint64_t number = 0;

	if (!text || text_number(text_of(text), 0, INT32_MAX, &number) != TOTP_OK)
		return 0;
	return number;
}

enum totp_err door_take(struct doors *ret_doors, struct reason *why)
{
	uint64_t count = number_of("LISTEN_FDS"), pid = number_of("LISTEN_PID");
	const char *names = getenv("LISTEN_FDNAMES");
	struct text rest = text_of(names ? names : ""), name = {"", 0};
	struct doors doors = DOORS_NONE;

	if (count == 0 || pid != (uint64_t)getpid())
		return TOTP_ERR_NOT_FOUND;
	for (int i = 0; i < (int)count; i++) {
		(void)text_field(&rest, ':', &name);
		if (count <= FDS_MAX && keep(FIRST_FD + i, name, &doors))
			continue;
		reason_set(why, "the sockets that were handed over: expected one or two of type "
				"SOCK_SEQPACKET, called \"user\" and \"root\"");
		return TOTP_ERR_FORMAT;
	}
	doors.activated = true;
	*ret_doors = doors;
	return TOTP_OK;
}

/* --- by hand --- */

static enum totp_err make_folder(const char *run_dir, struct reason *why)
{
	OWN_FD int fd = -1;

	bool made = mkdir(run_dir, 0700) == 0;

	if ((!made && errno != EEXIST) || (made && chmod(run_dir, 0755) != 0)) {
		(void)reason_errno(why, "%s", run_dir);
		return TOTP_ERR_SYSTEM;
	}
	return path_open_dir(AT_FDCWD, run_dir, 0, &fd, NULL, why);
}

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Take away a socket that nobody listens on. */
static enum totp_err clear(const struct sockaddr_un *address, struct reason *why)
{
	OWN_FD int fd = new_socket();

	if (fd < 0) {
		(void)reason_errno(why, "no socket");
		return TOTP_ERR_SYSTEM;
	}
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno == EAGAIN) {
		reason_set(why, "%s: there is a totpd at work already", address->sun_path);
		return TOTP_ERR_EXISTS;
	}
	if (errno == ECONNREFUSED)
		unlink(address->sun_path); /* what else is there, bind will say */
	return TOTP_OK;
}

static enum totp_err make_one(const char *run_dir, const char *name, mode_t mode, int *ret_fd,
			      struct reason *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	OWN_FD int fd = -1;
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", run_dir, name);
	enum totp_err err;

	if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
		reason_set(why, "run_dir is too long for a socket in it");
		return TOTP_ERR_RANGE;
	}
	err = clear(&address, why);
	if (err != TOTP_OK)
		return err;
	fd = new_socket();
	if (fd < 0) {
		(void)reason_errno(why, "no socket");
		return TOTP_ERR_SYSTEM;
	}
	refuse_descriptors(fd);
	/* nobody can reach it between bind and chmod: the caller has set the umask, and nobody
	 * is listened to before listen */
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(address.sun_path, mode) != 0 || listen(fd, BACKLOG) != 0) {
		(void)reason_errno(why, "%s", address.sun_path);
		return TOTP_ERR_SYSTEM;
	}
	*ret_fd = fd_take(&fd);
	return TOTP_OK;
}

enum totp_err door_make(const char *run_dir, struct doors *ret_doors, struct reason *why)
{
	struct doors doors = DOORS_NONE;
	enum totp_err err = make_folder(run_dir, why);

	if (err == TOTP_OK)
		err = make_one(run_dir, ASK_ROOT_SOCKET, 0600, &doors.root, why);
	if (err == TOTP_OK)
		err = make_one(run_dir, ASK_SOCKET, 0666, &doors.user, why);
	if (err == TOTP_OK)
		*ret_doors = doors;
	else
		door_close(&doors);
	return err;
}
