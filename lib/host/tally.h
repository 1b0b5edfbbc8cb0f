/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often each decision was made since boot, for `totpctl metrics`: a directory of files in
 * run_dir, one for each decision, whose size is the number. A login appends one byte, without a
 * lock, and neither waits nor fails: where there is no such file, nothing is counted. Now and then
 * it gives the space back to the file system.
 */
#ifndef HOST_TALLY_H
#define HOST_TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* The directories of the programs that log users in, which run as root, and of totpd. */
#define TALLY_LOGINS "decisions-2"
#define TALLY_TOTPD  "decisions-2.totpd"

/*
 * The files' names, "allow.code" and so on, each with its NUL, and an empty one at the end. A
 * decision that is not among them counts as the last, "other.other".
 */
extern const char tally_names[];

/* Add one to the decision's number. False: it is not counted. */
bool tally_count(const char *run_dir, const char *dir, const char *outcome, const char *reason);

/*
 * Make the directory, and the files that it lacks, for a program that runs as this user and group:
 * nobody else sees them.
 */
MUST_CHECK enum totp_err tally_make(const char *run_dir, const char *dir, uid_t uid, gid_t gid);

/* The number of the decision with this name, 0 where there is none. */
uint64_t tally_read(const char *run_dir, const char *dir, const char *name);

#endif
