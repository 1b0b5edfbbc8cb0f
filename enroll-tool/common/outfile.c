/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/io.h"

static int refuse_outfile(const struct tool *tool, const struct outfile *file)
{
	return tool_refuse(tool, "%s: %s", file->path, strerror(errno));
}

int outfile_create(const struct tool *tool, const char *path, struct outfile *ret_file)
{
	ret_file->path = path;
	if (!path)
		return TOOL_DONE;
	ret_file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
			    S_IRUSR | S_IWUSR);
	return ret_file->fd >= 0 ? TOOL_DONE : refuse_outfile(tool, ret_file);
}

int outfile_write(const struct tool *tool, const struct outfile *file, const void *data, size_t len)
{
	return io_write(file->fd, data, len) == TOTP_OK ? TOOL_DONE : refuse_outfile(tool, file);
}

int outfile_sync(const struct tool *tool, const struct outfile *file)
{
	if (file->fd < 0 || (fsync(file->fd) == 0 && file_sync_entry(file->path) == TOTP_OK))
		return TOOL_DONE;
	return refuse_outfile(tool, file);
}

void outfile_keep(struct outfile *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

void outfile_drop(struct outfile *file)
{
	if (file->fd >= 0)
		unlink(file->path);
	outfile_keep(file);
}
