/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of sshd's configuration, read as sshd reads its files: includes are followed, and
 * each line has the Match block that it belongs to. What a setting means is up to the caller.
 */
#ifndef HOST_SSHD_CONFIG_H
#define HOST_SSHD_CONFIG_H

#include <stdbool.h>

#include "base/text.h"

#define SSHD_CONFIG "/etc/ssh/sshd_config"

struct sshd_line {
	const char *file;
	unsigned number;
	size_t offset;       /* of the line's first byte in its file */
	bool included;       /* the file is not the one that was asked for */
	struct text keyword; /* in the case in which it is written */
	struct text value;   /* the rest of the line, without quotes around it */
	struct text match;   /* the criteria of the Match block; empty: outside of any */
	const char *match_file;
	unsigned match_number; /* the line of the block's Match; 0: outside of any */
};

/* Does the line set this keyword? sshd ignores case. */
bool sshd_line_is(const struct sshd_line *line, const char *keyword);

typedef void sshd_line_fn(void *context, const struct sshd_line *line);

/*
 * Call `each` with every setting of the file at `path` and of the files that it includes, in
 * sshd's order; Match and Include lines are settings, too. False: the file cannot be read.
 * An included file that cannot be read is skipped.
 */
bool sshd_config_each(const char *path, sshd_line_fn *each, void *context);

#endif
