/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/io.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum totp_err io_read_all(int fd, void *buf, size_t cap, size_t *ret_len)
{
	char *at = buf;
	size_t len = 0;
	char beyond;

	for (;;) {
		ssize_t n = len < cap ? read(fd, at + len, cap - len) : read(fd, &beyond, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return TOTP_ERR_SYSTEM;
		if (n == 0)
			break;
		if (len == cap)
			return TOTP_ERR_RANGE;
		len += (size_t)n;
	}
	*ret_len = len;
	return TOTP_OK;
}

enum totp_err io_pread(int fd, void *buf, size_t len, off_t offset, size_t *ret_len)
{
	char *at = buf;
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, at + done, len - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return TOTP_ERR_SYSTEM;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_len = done;
	return TOTP_OK;
}

/*
 * The user who starts a set-uid program chooses its file size limit, which would cut a write
 * short or end the process by SIGXFSZ: check before writing. offset -1: the file's own position.
 * The limit applies to files only: a pipe or a terminal has no position.
 */
static bool limit_allows(int fd, off_t offset, size_t len)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return true;
	if (offset < 0)
		offset = lseek(fd, 0, SEEK_CUR);
	if (offset < 0 || (rlim_t)offset + len <= limit.rlim_cur)
		return true;
	errno = EFBIG;
	return false;
}

enum totp_err io_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	ssize_t n;

	if (!limit_allows(fd, offset, len))
		return TOTP_ERR_SYSTEM;
	do
		n = offset < 0 ? write(fd, buf, len) : pwrite(fd, buf, len, offset);
	while (n < 0 && errno == EINTR);
	/* a write that a full disk or a limit cut short */
	if (n >= 0 && (size_t)n != len)
		errno = EIO;
	return n >= 0 && (size_t)n == len ? TOTP_OK : TOTP_ERR_SYSTEM;
}

enum totp_err io_write(int fd, const void *buf, size_t len)
{
	return io_pwrite(fd, buf, len, -1);
}

struct io_stamp io_stamp_of(const char *path)
{
	struct io_stamp stamp = {0};
	struct stat st;

	if (stat(path, &st) == 0)
		stamp = (struct io_stamp){st.st_dev, st.st_ino, st.st_size, st.st_ctim, st.st_mtim};
	return stamp;
}

bool io_stamp_equal(const struct io_stamp *a, const struct io_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

uint64_t io_monotonic_ns(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t io_deadline(unsigned ms)
{
	return io_monotonic_ns() + ms * 1000000ull;
}
