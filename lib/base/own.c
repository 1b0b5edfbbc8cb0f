/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/own.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int fd_close(int fd)
{
	int kept = errno;

	if (fd >= 0)
		close(fd);
	errno = kept;
	return -1;
}

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

void fd_scope_end(int *fd)
{
	*fd = fd_close(*fd);
}

void text_scope_end(char **text)
{
	free(*text);
	*text = NULL;
}
