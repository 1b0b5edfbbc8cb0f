/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening files that a stranger may have prepared. One component at a time, never
 * following a link, never blocking; the checks read the opened file, not its name, so
 * nothing can change between check and use.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/own.h"

struct path_rule {
	uid_t owner;      /* who may own the file, beside root */
	mode_t forbidden; /* permission bits that must not be set */
	off_t size_max;   /* bytes */
	int flags;        /* O_RDONLY or O_RDWR */
};

/*
 * Open a directory by its path, which root chose (a last component that is a link is
 * refused). TOTP_ERR_UNSAFE: not a directory, or group or others may write to it, or owned by
 * neither root nor `owner`; *why says so. TOTP_ERR_NOT_FOUND, TOTP_ERR_SYSTEM: errno; *why says
 * so.
 */
MUST_CHECK enum totp_err path_open_dir(int dir_fd, const char *path, uid_t owner, int *ret_fd,
				       struct reason *why);

/* As path_open_dir, for any owner: the caller looks at *ret_stat. */
MUST_CHECK enum totp_err path_open_any_dir(int dir_fd, const char *path, int *ret_fd,
					   struct stat *ret_stat, struct reason *why);

/*
 * As path_open_dir, for a directory that root owns, by an absolute path and for looking up names
 * in it: the right to search it is enough, and it cannot be listed.
 */
MUST_CHECK enum totp_err path_find_dir(const char *path, int *ret_fd, struct reason *why);

/*
 * Open a regular file in a trusted directory, refusing every trick with names.
 *
 * dir_fd: an open directory that the caller has vetted. name: one component. Refused: a
 * name with '/', a link, more than one hard link, anything but a regular file (a FIFO does
 * not block), another owner, forbidden mode bits, more than size_max bytes. *ret_fd is at
 * offset 0, close-on-exec, and the caller's.
 *
 * TOTP_ERR_NOT_FOUND: no such file. TOTP_ERR_UNSAFE: *why has the sentence to log.
 * TOTP_ERR_SYSTEM: errno; *why says so. why may be NULL.
 */
MUST_CHECK enum totp_err path_open_file(int dir_fd, const char *name, const struct path_rule *rule,
					int *ret_fd, struct reason *why);

/*
 * Open a configuration file by an absolute path that root chose; links in the path are
 * followed, as configuration managers use them, and the opened file must be a regular file that
 * root owns, of at most size_max bytes, with none of the forbidden bits. Errors as
 * path_open_file.
 */
MUST_CHECK enum totp_err path_open_config(const char *path, mode_t forbidden, off_t size_max,
					  int *ret_fd, struct reason *why);

#endif
