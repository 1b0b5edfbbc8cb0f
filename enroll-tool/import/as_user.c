/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/as_user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"

#define PAUSE_NS     20000 /* before waiting for a child again; grows */
#define PAUSE_MAX_NS 2000000

/* What the child reports before the bytes of the file. */
struct report {
	enum totp_err err;
	int code; /* errno */
	mode_t mode;
	uid_t owner;
	size_t len;
};

/* --- the child --- */

/* This process has a copy of all that was read before, which its user must not see. */
static bool become(uid_t uid, gid_t gid)
{
	if (setgroups(1, &gid) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return false;
	return uid == 0 || (setuid(0) != 0 && getuid() == uid && geteuid() == uid);
}

static enum totp_err open_and_check(const struct user_file *file, int *ret_fd,
				    struct report *report)
{
	struct stat st;

	if (!become(file->uid, file->gid))
		return TOTP_ERR_SYSTEM;
	/* root can open anything, and a file of root may have been replaced by a link since */
	*ret_fd = open(file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
					   (file->uid == 0 ? O_NOFOLLOW : 0));
	if (*ret_fd < 0 && errno == ELOOP && file->uid == 0)
		return TOTP_ERR_UNSAFE;
	if (*ret_fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? TOTP_ERR_NOT_FOUND : TOTP_ERR_SYSTEM;
	if (fstat(*ret_fd, &st) != 0)
		return TOTP_ERR_SYSTEM;
	report->mode = st.st_mode;
	report->owner = st.st_uid;
	if (!S_ISREG(st.st_mode) || st.st_uid != file->uid || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return TOTP_ERR_UNSAFE;
	return st.st_size < 0 || (size_t)st.st_size > file->cap ? TOTP_ERR_RANGE : TOTP_OK;
}

/* The buffer is memory of this process, as large as the parent's. */
static _Noreturn void read_in_child(int out, const struct user_file *file)
{
	struct report report = {0};
	size_t len = 0;
	int fd = -1;

	report.err = open_and_check(file, &fd, &report);
	if (report.err == TOTP_OK)
		report.err = io_read_all(fd, file->buf, file->cap, &len);
	report.code = errno;
	report.len = report.err == TOTP_OK ? len : 0;
	_exit(io_write(out, &report, sizeof(report)) == TOTP_OK &&
			      io_write(out, file->buf, report.len) == TOTP_OK
		      ? 0
		      : 1);
}

/* --- the parent --- */

/* Read up to len bytes, fewer at the end only; TOTP_ERR_TIMEOUT, TOTP_ERR_SYSTEM. */
static enum totp_err read_some(int fd, void *buf, size_t len, uint64_t deadline, size_t *ret_len)
{
	struct pollfd in = {.fd = fd, .events = POLLIN};
	uint8_t *at = buf;
	size_t done = 0;

	while (done < len) {
		uint64_t now = io_monotonic_ns();
		int ready = now >= deadline ? 0
					    : poll(&in, 1, (int)((deadline - now) / 1000000 + 1));
		ssize_t n;

		if (ready == 0)
			return TOTP_ERR_TIMEOUT;
		n = ready < 0 ? -1 : read(fd, at + done, len - done);
		if (n < 0 && errno != EINTR)
			return TOTP_ERR_SYSTEM;
		if (n == 0)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	*ret_len = done;
	return TOTP_OK;
}

static enum totp_err read_report(int fd, struct user_file *file, struct report *report)
{
	size_t len = 0;
	enum totp_err err = read_some(fd, report, sizeof(*report), file->deadline, &len);
	bool whole = len == sizeof(*report);

	if (err == TOTP_OK && whole)
		err = read_some(fd, file->buf, file->cap, file->deadline, &file->len);
	if (err != TOTP_OK)
		return err;
	if (!whole || file->len != report->len) {
		errno = EPROTO; /* its user may have killed it */
		return TOTP_ERR_SYSTEM;
	}
	if (report->err == TOTP_ERR_SYSTEM)
		errno = report->code;
	return report->err;
}

static void explain(enum totp_err err, const struct report *report, const struct user_file *file,
		    struct reason *why)
{
	if (err == TOTP_OK)
		return;
	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(why, "cannot be read by its user");
	else if (err == TOTP_ERR_TIMEOUT)
		reason_set(why, "its file system does not answer");
	else if (err == TOTP_ERR_RANGE)
		reason_set(why, "more than %zu bytes", file->cap);
	else if (err != TOTP_ERR_UNSAFE)
		reason_set(why, "%s", err_name(err));
	else if (!S_ISREG(report->mode))
		reason_set(why, "not a regular file");
	else if (report->owner != file->uid)
		reason_set(why, "owned by uid %u, expected uid %u", (unsigned)report->owner,
			   (unsigned)file->uid);
	else
		reason_set(why, "others can write to it (mode %04o)",
			   (unsigned)report->mode & 07777);
}

/* A child that waits for a file system cannot be killed, so nobody waits for it after the
 * deadline. */
static void dismiss(pid_t child, uint64_t deadline)
{
	struct timespec pause = {.tv_nsec = PAUSE_NS};

	kill(child, SIGKILL); /* its user may have stopped it */
	while (waitpid(child, NULL, WNOHANG) == 0 && io_monotonic_ns() < deadline) {
		nanosleep(&pause, NULL);
		pause.tv_nsec += pause.tv_nsec < PAUSE_MAX_NS ? pause.tv_nsec : 0;
	}
}

enum totp_err as_user_read(struct user_file *file, struct reason *why)
{
	OWN_FD int in = -1;
	struct report report = {0};
	int ends[2];
	pid_t child;
	enum totp_err err;

	file->len = 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return reason_errno(why, "pipe");
	in = ends[0];
	child = fork();
	if (child == 0)
		read_in_child(ends[1], file);
	close(ends[1]);
	if (child < 0)
		return reason_errno(why, "fork");
	err = read_report(in, file, &report);
	explain(err, &report, file, why);
	dismiss(child, file->deadline);
	file->mode = report.mode;
	return err;
}
