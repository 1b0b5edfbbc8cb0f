/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new file for a secret: recovery codes, a picture. It is made before anything is stored, only
 * its owner can read it, it replaces no file, and it is removed unless it is kept.
 */
#ifndef COMMON_OUTFILE_H
#define COMMON_OUTFILE_H

#include "common/tool.h"

struct outfile {
	const char *path; /* NULL: not asked for */
	int fd;
};

#define OUTFILE_NONE \
	{ \
		.fd = -1 \
	}
#define OWN_OUTFILE OWN(outfile_drop)

/* Make the file at `path`, or do nothing for NULL. An exit code, after a sentence. */
MUST_CHECK int outfile_create(const struct tool *tool, const char *path, struct outfile *ret_file);

/* Write all of it. An exit code, as above. */
MUST_CHECK int outfile_write(const struct tool *tool, const struct outfile *file, const void *data,
			     size_t len);

/* Sync it, if it was asked for. An exit code, as above. */
MUST_CHECK int outfile_sync(const struct tool *tool, const struct outfile *file);

/* Close the file and keep it. */
void outfile_keep(struct outfile *file);

/* Close and remove it, unless it was kept or never made. */
void outfile_drop(struct outfile *file);

#endif
