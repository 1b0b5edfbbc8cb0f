/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/tally.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "login/policy.h"

#define TRIES 50 /* to lock a number: another login holds it for a moment */

const char tally_names[] = "allow code\0"
			   "allow recovery_code\0"
			   "allow bypass\0"
			   "allow remembered\0"
			   "deny wrong_code\0"
			   "deny used_code\0"
			   "deny clock_back\0"
			   "deny wrong_recovery_code\0"
			   "deny spent_recovery_code\0"
			   "deny ended_bypass\0"
			   "deny disabled\0"
			   "deny no_answer\0"
			   "deny not_a_code\0"
			   "deny password\0"
			   "deny junk\0"
			   "deny not_enrolled\0"
			   "deny unknown_user\0"
			   "deny no_user\0"
			   "wait throttled\0"
			   "skip exempt\0"
			   "skip trusted_network\0"
			   "skip not_required\0"
			   "skip not_confirmed\0"
			   "skip must_enroll\0"
			   "skip publickey\0"
			   "skip not_finished\0"
			   "enrolling login\0"
			   "enrolled login\0"
			   "error policy\0";

static int open_file(const char *run_dir, const char *file, int flags)
{
	char path[POLICY_PATH_MAX + sizeof(TALLY_TOTPD)];

	snprintf(path, sizeof(path), "%s/%s", run_dir, file);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

static size_t index_of(const char *outcome, const char *reason)
{
	size_t index = 0, len = strlen(outcome);

	for (const char *one = tally_names; *one; one += strlen(one) + 1, index++)
		if (strncmp(one, outcome, len) == 0 && one[len] == ' ' &&
		    strcmp(one + len + 1, reason) == 0)
			break;
	return index;
}

bool tally_count(const char *run_dir, const char *file, const char *outcome, const char *reason)
{
	OWN_FD int fd = open_file(run_dir, file, O_RDWR);
	struct flock lock = {.l_type = F_WRLCK, .l_len = sizeof(uint64_t)};
	off_t at = (off_t)(index_of(outcome, reason) * sizeof(uint64_t));
	uint64_t count = 0;
	size_t len = 0;

	if (fd < 0)
		return false;
	/* a user can stop su while it has the lock, so nobody waits for it */
	lock.l_start = at;
	for (int i = 0; fcntl(fd, F_OFD_SETLK, &lock) != 0; i++)
		if (i == TRIES)
			return false;
	if (io_pread(fd, &count, sizeof(count), at, &len) != TOTP_OK || len != sizeof(count))
		return false;
	count++;
	return io_pwrite(fd, &count, sizeof(count), at) == TOTP_OK;
}

enum totp_err tally_read(const char *run_dir, const char *file, uint64_t ret_counts[TALLY_MAX])
{
	OWN_FD int fd = open_file(run_dir, file, O_RDONLY);
	uint64_t counts[TALLY_MAX];
	size_t len = 0;
	enum totp_err err;

	if (fd < 0)
		return TOTP_ERR_NOT_FOUND;
	err = io_pread(fd, counts, sizeof(counts), 0, &len);
	if (err == TOTP_OK && len != sizeof(counts))
		err = TOTP_ERR_FORMAT;
	if (err == TOTP_OK)
		memcpy(ret_counts, counts, sizeof(counts));
	return err;
}
