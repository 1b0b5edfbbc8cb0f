/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/io.h"
#include "base/own.h"
#include "base/text.h"

enum totp_err file_temp_name(const char *name, char *ret_temp, size_t cap)
{
	uint8_t random[(FILE_TEMP_LEN - 1) / 2];
	char hex[FILE_TEMP_LEN];
	enum totp_err err = crypto_random(random, sizeof(random));
	int len;

	if (err != TOTP_OK)
		return err;
	text_to_hex(random, sizeof(random), hex);
	len = snprintf(ret_temp, cap, "%s~%s", name, hex);
	if (len > 0 && (size_t)len < cap)
		return TOTP_OK;
	errno = ENAMETOOLONG;
	return TOTP_ERR_SYSTEM;
}

/* Remove a file after a failure, of which errno tells the cause. */
static void take_away(int dir_fd, const char *name)
{
	int kept = errno;

	unlinkat(dir_fd, name, 0);
	errno = kept;
}

enum totp_err file_write(const struct file_new *file, const void *data, size_t len)
{
	OWN_FD int fd = openat(file->dir_fd, file->name,
			       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, file->mode);

	if (fd < 0)
		return errno == EEXIST ? TOTP_ERR_EXISTS : TOTP_ERR_SYSTEM;
	/* the mode again: the caller's umask may have taken bits away */
	if ((file->uid == FILE_SAME_OWNER || fchown(fd, file->uid, file->gid) == 0) &&
	    fchmod(fd, file->mode) == 0 && io_write(fd, data, len) == TOTP_OK &&
	    (file->durable == FILE_DURABLE_LATER || fsync(fd) == 0))
		return TOTP_OK;
	take_away(file->dir_fd, file->name);
	return TOTP_ERR_SYSTEM;
}

enum totp_err file_name_new(int dir_fd, const char *temp, const char *name)
{
	if (renameat2(dir_fd, temp, dir_fd, name, RENAME_NOREPLACE) == 0)
		return TOTP_OK;
	if ((errno != EINVAL && errno != ENOSYS) || linkat(dir_fd, temp, dir_fd, name, 0) != 0)
		return errno == EEXIST ? TOTP_ERR_EXISTS : TOTP_ERR_SYSTEM;
	if (unlinkat(dir_fd, temp, 0) == 0)
		return TOTP_OK;
	unlinkat(dir_fd, name, 0);
	return TOTP_ERR_SYSTEM;
}

enum totp_err file_sync_entry(const char *path)
{
	char dir[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	OWN_FD int fd = -1;

	if (len >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return TOTP_ERR_SYSTEM;
	}
	if (slash) {
		memcpy(dir, path, len);
		dir[len] = '\0';
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fsync(fd) == 0)
		return TOTP_OK;
	return errno == EACCES || errno == EINVAL ? TOTP_OK : TOTP_ERR_SYSTEM;
}

static enum totp_err sync_entry(const struct file_new *file)
{
	if (file->durable == FILE_DURABLE_LATER)
		return TOTP_OK;
	if (file->dir_fd == AT_FDCWD ? file_sync_entry(file->name) == TOTP_OK
				     : fsync(file->dir_fd) == 0)
		return TOTP_OK;
	return TOTP_ERR_UNCERTAIN;
}

static enum totp_err rename_over(int dir_fd, const char *temp, const char *name)
{
	return renameat(dir_fd, temp, dir_fd, name) == 0 ? TOTP_OK : TOTP_ERR_SYSTEM;
}

/* give_name: file_name_new or rename_over. */
static enum totp_err put_whole(const struct file_new *file, const void *data, size_t len,
			       enum totp_err (*give_name)(int, const char *, const char *))
{
	char temp[PATH_MAX];
	struct file_new whole = *file;
	enum totp_err err = file_temp_name(file->name, temp, sizeof(temp));

	whole.name = temp;
	if (err == TOTP_OK)
		err = file_write(&whole, data, len);
	if (err != TOTP_OK)
		return err == TOTP_ERR_EXISTS ? TOTP_ERR_SYSTEM : err;
	err = give_name(file->dir_fd, temp, file->name);
	if (err == TOTP_OK)
		return sync_entry(file);
	take_away(file->dir_fd, temp);
	return err;
}

enum totp_err file_put_new(const struct file_new *file, const void *data, size_t len)
{
	return put_whole(file, data, len, file_name_new);
}

enum totp_err file_replace(const struct file_new *file, const void *data, size_t len)
{
	return put_whole(file, data, len, rename_over);
}
