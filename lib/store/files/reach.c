/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this process could do with a store, found without opening a record. The kernel decides
 * (access), since every sandbox denies in its own way: a read-only mount, a capability that is
 * gone, a security module, a mount namespace of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/files/files.h"

#define PATH_CAP 512
#define ENTER    (R_OK | X_OK)
#define CHANGE   (R_OK | W_OK | X_OK)

/*
 * By the rights that an open would have. If they are those of the real user, use the older call,
 * which every filter of system calls knows.
 */
static bool can(const char *path, int mode)
{
	int flags = getuid() == geteuid() && getgid() == getegid() ? 0 : AT_EACCESS;

	return faccessat(AT_FDCWD, path, mode, flags) == 0;
}

/* "DIR/NAME"; a path that is too long gives false. */
static bool can_below(const char *dir, const char *name, int mode)
{
	char path[PATH_CAP];
	int len = snprintf(path, sizeof(path), "%s/%s", dir, name);

	return len > 0 && (size_t)len < sizeof(path) && can(path, mode);
}

static bool can_write(const struct files_config *config)
{
	if (!can(config->keyring, R_OK) || !can_below(config->dir, FILES_USERS, CHANGE) ||
	    !can_below(config->dir, FILES_STATES, CHANGE))
		return false;
	/* with readonly_login every login uses this one; what is not there yet is made */
	return !config->run_dir || can_below(config->run_dir, FILES_STATES, CHANGE) ||
	       errno == ENOENT;
}

enum files_reach files_reach(const struct files_config *config)
{
	if (can_write(config))
		return FILES_WRITABLE;
	if (can_below(config->dir, FILES_USERS, ENTER) &&
	    can_below(config->dir, FILES_STATES, ENTER))
		return FILES_READABLE;
	return FILES_NO_REACH;
}
