/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often each decision was made since boot: a file of numbers in run_dir for `totpctl metrics`,
 * which makes it. A login adds one to a number of the file, and neither waits nor fails: without a
 * file, or with one that cannot be locked at once, nothing is counted.
 */
#ifndef HOST_TALLY_H
#define HOST_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The files of the programs that log users in, which run as root, and of totpd. */
#define TALLY_LOGINS "decisions-1"
#define TALLY_TOTPD  "decisions-1.totpd"

#define TALLY_MAX 64 /* numbers in a file */

/*
 * Their names in order, "allow code" and so on, each with its NUL, and an empty one at the end. All
 * other decisions are the number after these. Another order needs other names of the files.
 */
extern const char tally_names[];

/* Add one to the decision's number in the file of run_dir. False: it is not counted. */
bool tally_count(const char *run_dir, const char *file, const char *outcome, const char *reason);

/* Read a file. TOTP_ERR_NOT_FOUND: there is none. */
MUST_CHECK enum totp_err tally_read(const char *run_dir, const char *file,
				    uint64_t ret_counts[TALLY_MAX]);

#endif
