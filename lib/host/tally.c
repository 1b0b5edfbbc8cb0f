/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "login/policy.h"

#define OTHER     "other.other"
#define PATH_SIZE (POLICY_PATH_MAX + 64)
#define KEPT      65536 /* bytes of a file that take space, at most */

const char tally_names[] = "allow.code\0"
			   "allow.recovery_code\0"
			   "allow.bypass\0"
			   "allow.remembered\0"
			   "deny.wrong_code\0"
			   "deny.used_code\0"
			   "deny.clock_back\0"
			   "deny.wrong_recovery_code\0"
			   "deny.spent_recovery_code\0"
			   "deny.ended_bypass\0"
			   "deny.disabled\0"
			   "deny.no_answer\0"
			   "deny.not_a_code\0"
			   "deny.password\0"
			   "deny.junk\0"
			   "deny.not_enrolled\0"
			   "deny.unknown_user\0"
			   "deny.no_user\0"
			   "wait.throttled\0"
			   "skip.exempt\0"
			   "skip.trusted_network\0"
			   "skip.not_required\0"
			   "skip.not_confirmed\0"
			   "skip.must_enroll\0"
			   "skip.publickey\0"
			   "skip.not_finished\0"
			   "enrolling.login\0"
			   "enrolled.login\0"
			   "error.policy\0" OTHER "\0";

/* The name of the decision's file. */
static const char *name_of(const char *outcome, const char *reason)
{
	const char *name = tally_names;
	size_t len = strlen(outcome);

	for (; strcmp(name, OTHER) != 0; name += strlen(name) + 1)
		if (strncmp(name, outcome, len) == 0 && name[len] == '.' &&
		    strcmp(name + len + 1, reason) == 0)
			break;
	return name;
}

bool tally_count(const char *run_dir, const char *dir, const char *outcome, const char *reason)
{
	char path[PATH_SIZE];
	struct rlimit limit;
	OWN_FD int fd = -1;
	off_t size;

	/* a user can limit files before su: a write beyond would end the process */
	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY)
		return false;
	snprintf(path, sizeof(path), "%s/%s/%s", run_dir, dir, name_of(outcome, reason));
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || write(fd, "", 1) != 1)
		return false;
	size = lseek(fd, 0, SEEK_CUR);
	if (size > 0 && size % KEPT == 0)
		(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size);
	return true;
}

/* A regular file of this user stays; whatever else has its name is replaced. */
static enum totp_err make_file(int dir_fd, const char *name, uid_t uid, gid_t gid)
{
	OWN_FD int fd = -1;
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode) && st.st_uid == uid)
			return TOTP_OK;
		if (unlinkat(dir_fd, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) != 0)
			return TOTP_ERR_SYSTEM;
	}
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	return fd >= 0 && fchown(fd, uid, gid) == 0 ? TOTP_OK : TOTP_ERR_SYSTEM;
}

enum totp_err tally_make(const char *run_dir, const char *dir, uid_t uid, gid_t gid)
{
	char path[PATH_SIZE];
	OWN_FD int fd = -1;
	enum totp_err err = TOTP_OK;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", run_dir, dir);
	(void)unlink(path); /* of no directory */
	if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST)
		return TOTP_ERR_SYSTEM;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return TOTP_ERR_SYSTEM;
	if (st.st_uid != geteuid())
		return TOTP_ERR_UNSAFE;
	/* whoever sees a size can tell what was decided about one attempt */
	if (fchown(fd, st.st_uid, gid) != 0 || fchmod(fd, S_IRWXU | S_IXGRP) != 0)
		return TOTP_ERR_SYSTEM;
	for (const char *name = tally_names; *name && err == TOTP_OK; name += strlen(name) + 1)
		err = make_file(fd, name, uid, gid);
	return err;
}

uint64_t tally_read(const char *run_dir, const char *dir, const char *name)
{
	char path[PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s/%s", run_dir, dir, name);
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}
