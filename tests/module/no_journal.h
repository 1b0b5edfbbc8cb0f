/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For a program that replaces syslog(3): the library finds no journald, also on a machine that has
 * one, and writes to syslog.
 */
#ifndef MODULE_NO_JOURNAL_H
#define MODULE_NO_JOURNAL_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t find_no_journal(const char *restrict path, char *restrict target,
			size_t size) __asm__("readlink"); /* the headers may define that name */

ssize_t find_no_journal(const char *restrict path, char *restrict target, size_t size)
{
	if (strcmp(path, "/dev/log") != 0)
		return readlinkat(AT_FDCWD, path, target, size);
	errno = ENOENT;
	return -1;
}

#endif
