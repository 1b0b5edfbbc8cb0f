/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The library opens, looks at, locks and renames files through these functions. Each call is a
 * point at which another process may act in between.
 */
#ifndef POINT_H
#define POINT_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/store.h"

typedef enum totp_err change_fn(struct store *store);

static struct store *point_store;
static change_fn *point_change;
static unsigned point_countdown;
static enum totp_err point_err;

static void point(void)
{
	change_fn *change = point_change;

	if (!change || --point_countdown)
		return;
	point_change = NULL;
	point_err = change(point_store);
}

int openat(int dir_fd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	point();
	return (int)syscall(SYS_openat, dir_fd, path, flags, mode);
}

/* With _FORTIFY_SOURCE this is called for an openat whose flags the compiler cannot see. */
int __openat64_2(int dir_fd, const char *path, int flags);

int __openat64_2(int dir_fd, const char *path, int flags)
{
	point();
	return (int)syscall(SYS_openat, dir_fd, path, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	point();
	return renameat2(from_fd, from, to_fd, to, 0);
}

int flock(int fd, int how)
{
	point();
	return (int)syscall(SYS_flock, fd, how);
}

int stat(const char *path, struct stat *ret_stat)
{
	point();
	return fstatat(AT_FDCWD, path, ret_stat, 0);
}

int fstat(int fd, struct stat *ret_stat)
{
	point();
	return fstatat(fd, "", ret_stat, AT_EMPTY_PATH);
}

#endif
