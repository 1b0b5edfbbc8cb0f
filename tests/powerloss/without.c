/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes a safeguard away from a program that it is preloaded into, so that a test can show that
 * it notices. POWERLOSS_WITHOUT:
 *
 *   syncs         nothing is synced
 *   directories   no directory is synced
 *   slots         both slots of a login state are written at once, as if they were one sector
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLOT_LEN 4096

static bool is_without(const char *what)
{
	const char *wanted = getenv("POWERLOSS_WITHOUT");

	return wanted && strcmp(wanted, what) == 0;
}

static int sync_unless_without(int fd, long number)
{
	struct stat st;

	if (is_without("syncs") ||
	    (is_without("directories") && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	return (int)syscall(number, fd);
}

int fsync(int fd)
{
	return sync_unless_without(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_unless_without(fd, SYS_fdatasync);
}

int syncfs(int fd)
{
	return sync_unless_without(fd, SYS_syncfs);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off64_t) = NULL;
	void *found = dlsym(RTLD_NEXT, "pwrite64");
	char both[2 * SLOT_LEN];

	memcpy(&real, &found, sizeof(real));
	if (!is_without("slots") || len != SLOT_LEN || offset > SLOT_LEN ||
	    pread(fd, both, sizeof(both), 0) != sizeof(both))
		return real(fd, data, len, offset);
	memcpy(both + offset, data, len);
	return real(fd, both, sizeof(both), 0) == sizeof(both) ? (ssize_t)len : -1;
}
