/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a user's file with the rights of that user, in a separate process. The user may read
 * whatever the path leads to: root follows no link of the user, opens no device and waits for no
 * pipe. A file system that does not answer costs a few seconds.
 */
#ifndef IMPORT_AS_USER_H
#define IMPORT_AS_USER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct user_file {
	uid_t uid;
	gid_t gid;
	const char *path;
	uint64_t deadline; /* CLOCK_MONOTONIC, ns */
	void *buf;         /* of cap bytes */
	size_t cap;
	size_t len;  /* how many were read… */
	mode_t mode; /* …and the permissions of the file */
};

/*
 * Read the file at file->path: a regular file of that uid that others cannot write to, of at most
 * cap bytes, and with root's uid no link.
 *
 * TOTP_ERR_NOT_FOUND: there is none. TOTP_ERR_UNSAFE: it is not such a file; TOTP_ERR_RANGE: too
 * large; TOTP_ERR_TIMEOUT: no answer until the deadline; TOTP_ERR_SYSTEM: errno. *why says so,
 * without the path. After an error buf may hold part of the file.
 */
MUST_CHECK enum totp_err as_user_read(struct user_file *file, struct reason *why);

#endif
