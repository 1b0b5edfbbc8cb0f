/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recovery codes of a user on a page that can be printed, written by write(2) from a buffer
 * that is wiped.
 */
#ifndef COMMON_RECOVERY_FILE_H
#define COMMON_RECOVERY_FILE_H

#include "common/outfile.h"
#include "record/recovery.h"

struct recovery_file {
	const char *user;
	const struct recovery_code *codes;
	unsigned count; /* 0 to RECOVERY_MAX; nothing is written for 0 */
};

/* Write the page to a file that was made for it. An exit code, after a sentence. */
MUST_CHECK int recovery_file_save(const struct tool *tool, const struct recovery_file *codes,
				  const struct outfile *file);

/*
 * After the codes have become valid: keep the open file and print its name, or without one show
 * the codes. TOOL_REFUSED, after a sentence with the command for new ones: they cannot be shown.
 */
MUST_CHECK int recovery_file_hand_out(const struct tool *tool, const struct recovery_file *codes,
				      struct outfile *file);

#endif
