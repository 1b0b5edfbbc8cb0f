/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define ALWAYS (O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* The log makes a path printable and cuts it, not this function. */
static enum totp_err check_owner(const char *path, const struct stat *st, uid_t owner,
				 struct reason *why)
{
	if (st->st_uid == 0 || st->st_uid == owner)
		return TOTP_OK;
	if (owner == 0)
		return reason_err(why, TOTP_ERR_UNSAFE, "%s: owned by uid %u, expected root", path,
				  (unsigned)st->st_uid);
	return reason_err(why, TOTP_ERR_UNSAFE, "%s: owned by uid %u, expected uid %u or root",
			  path, (unsigned)st->st_uid, (unsigned)owner);
}

static enum totp_err unsafe_mode(const char *path, mode_t found, mode_t forbidden,
				 struct reason *why)
{
	return reason_err(why, TOTP_ERR_UNSAFE, "%s: mode %04o: run chmod %s %s", path,
			  (unsigned)(found & 07777), forbidden & S_IROTH ? "go-rwx" : "go-w", path);
}

/* access: O_RDONLY or O_PATH. Nothing is checked yet. */
static enum totp_err open_dir(int dir_fd, const char *path, int access, int *ret_fd,
			      struct reason *why)
{
	*ret_fd = openat(dir_fd, path, access | O_DIRECTORY | O_NOFOLLOW | ALWAYS);
	if (*ret_fd >= 0)
		return TOTP_OK;
	if (errno != ENOTDIR && errno != ELOOP)
		return reason_errno(why, "%s", path);
	return reason_err(why, TOTP_ERR_UNSAFE, "%s: not a directory", path);
}

static enum totp_err check_dir_mode(int fd, const char *path, struct stat *ret_stat,
				    struct reason *why)
{
	if (fstat(fd, ret_stat) != 0)
		return reason_errno(why, "%s", path);
	if (ret_stat->st_mode & (S_IWGRP | S_IWOTH))
		return unsafe_mode(path, ret_stat->st_mode, S_IWGRP | S_IWOTH, why);
	return TOTP_OK;
}

enum totp_err path_open_any_dir(int dir_fd, const char *path, int *ret_fd, struct stat *ret_stat,
				struct reason *why)
{
	OWN_FD int fd = -1;
	enum totp_err err = open_dir(dir_fd, path, O_RDONLY, &fd, why);

	if (err == TOTP_OK)
		err = check_dir_mode(fd, path, ret_stat, why);
	if (err == TOTP_OK)
		*ret_fd = fd_take(&fd);
	return err;
}

enum totp_err path_open_dir(int dir_fd, const char *path, uid_t owner, int *ret_fd,
			    struct reason *why)
{
	OWN_FD int fd = -1;
	struct stat st;
	enum totp_err err = path_open_any_dir(dir_fd, path, &fd, &st, why);

	if (err == TOTP_OK)
		err = check_owner(path, &st, owner, why);
	if (err == TOTP_OK)
		*ret_fd = fd_take(&fd);
	return err;
}

enum totp_err path_find_dir(const char *path, int *ret_fd, struct reason *why)
{
	OWN_FD int fd = -1;
	struct stat st;
	enum totp_err err = open_dir(AT_FDCWD, path, O_PATH, &fd, why);

	if (err == TOTP_OK)
		err = check_dir_mode(fd, path, &st, why);
	if (err == TOTP_OK)
		err = check_owner(path, &st, 0, why);
	if (err == TOTP_OK)
		*ret_fd = fd_take(&fd);
	return err;
}

/* The checks that every file shares: a regular one, its owner, mode and size. */
static enum totp_err check_regular(const char *name, const struct stat *st,
				   const struct path_rule *rule, struct reason *why)
{
	enum totp_err err;

	if (!S_ISREG(st->st_mode))
		return reason_err(why, TOTP_ERR_UNSAFE, "%s: not a regular file", name);
	err = check_owner(name, st, rule->owner, why);
	if (err != TOTP_OK)
		return err;
	if (st->st_mode & rule->forbidden)
		return unsafe_mode(name, st->st_mode, rule->forbidden, why);
	if (st->st_size > rule->size_max)
		return reason_err(why, TOTP_ERR_UNSAFE, "%s: %lld bytes, expected at most %lld",
				  name, (long long)st->st_size, (long long)rule->size_max);
	return TOTP_OK;
}

enum totp_err path_open_file(int dir_fd, const char *name, const struct path_rule *rule,
			     int *ret_fd, struct reason *why)
{
	OWN_FD int fd = -1;
	struct stat st;
	enum totp_err err;

	if (strchr(name, '/'))
		return reason_err(why, TOTP_ERR_ARGUMENT, "%s: a file name holds no '/'", name);
	fd = openat(dir_fd, name, rule->flags | O_NOFOLLOW | ALWAYS);
	/* a link, a FIFO or socket opened for reading and writing, a directory */
	if (fd < 0 && (errno == ELOOP || errno == ENXIO || errno == EISDIR))
		return reason_err(why, TOTP_ERR_UNSAFE, "%s: not a regular file", name);
	if (fd < 0 || fstat(fd, &st) != 0)
		return reason_errno(why, "%s", name);
	err = check_regular(name, &st, rule, why);
	if (err != TOTP_OK)
		return err;
	/* no link at all: replaced or removed since it was opened, which the caller must check */
	if (st.st_nlink > 1)
		return reason_err(why, TOTP_ERR_UNSAFE, "%s: %lu hard links, expected one", name,
				  (unsigned long)st.st_nlink);

	*ret_fd = fd_take(&fd);
	return TOTP_OK;
}

enum totp_err path_open_config(const char *path, mode_t forbidden, off_t size_max, int *ret_fd,
			       struct reason *why)
{
	struct path_rule rule = {.forbidden = forbidden, .size_max = size_max};
	OWN_FD int fd = open(path, O_RDONLY | ALWAYS);
	struct stat st;
	enum totp_err err;

	if (fd < 0 || fstat(fd, &st) != 0)
		return reason_errno(why, "%s", path);
	err = check_regular(path, &st, &rule, why);
	if (err == TOTP_OK)
		*ret_fd = fd_take(&fd);
	return err;
}
