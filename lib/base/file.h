/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are written whole. The bytes get a temporary name in the directory where they belong
 * and reach the disk before they get their own name, so that a reader and a power cut find either
 * the file as it was or the new one, never a part of it.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define FILE_SAME_OWNER ((uid_t)-1) /* and FILE_SAME_GROUP: those of the process */
#define FILE_SAME_GROUP ((gid_t)-1)

/* When the bytes of a file must be on the disk. */
enum file_durable { FILE_DURABLE, FILE_DURABLE_LATER };

/* Where a new file or directory lies, and its owner and mode. */
struct file_new {
	int dir_fd;       /* an open directory; or AT_FDCWD, and name is a path */
	const char *name; /* of at most NAME_MAX - FILE_TEMP_LEN bytes */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	enum file_durable durable;
};

#define FILE_TEMP_LEN 17 /* '~' and 16 random hexadecimal digits */

/*
 * A name for a file until it is whole: `name` and FILE_TEMP_LEN bytes. TOTP_ERR_SYSTEM: errno;
 * ENAMETOOLONG: it does not fit into cap bytes.
 */
MUST_CHECK enum totp_err file_temp_name(const char *name, char *ret_temp, size_t cap);

/*
 * Write a new file under its own name. TOTP_ERR_EXISTS: there is one. TOTP_ERR_SYSTEM: errno. On an
 * error no file is left.
 */
MUST_CHECK enum totp_err file_write(const struct file_new *file, const void *data, size_t len);

/*
 * Give a temporary file its name, which no file may have yet. On a file system without
 * RENAME_NOREPLACE, link and unlink do the same; a reader between the two sees two links.
 * TOTP_ERR_EXISTS: there is one; TOTP_ERR_SYSTEM: errno.
 */
MUST_CHECK enum totp_err file_name_new(int dir_fd, const char *temp, const char *name);

/*
 * Wait until the disk has the entry of a path in its directory. A directory that this process
 * cannot read, or whose file system knows no such wait, is passed over. TOTP_ERR_SYSTEM: errno.
 */
MUST_CHECK enum totp_err file_sync_entry(const char *path);

/*
 * Write a file whole: a temporary file, which is synced and takes the name; then the directory is
 * synced. file_put_new: no file may have the name yet, or it is TOTP_ERR_EXISTS. file_replace:
 * a file of that name is replaced.
 *
 * TOTP_ERR_UNCERTAIN: it is written, but a power cut may bring the former file, or none, back;
 * errno. On any other error nothing has changed: TOTP_ERR_SYSTEM: errno.
 */
MUST_CHECK enum totp_err file_put_new(const struct file_new *file, const void *data, size_t len);
MUST_CHECK enum totp_err file_replace(const struct file_new *file, const void *data, size_t len);

#endif
