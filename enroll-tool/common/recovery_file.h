/*
 * The recovery codes of a user on a page that can be printed. The codes are in it, so it is
 * written by write(2) from a buffer that is wiped.
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
MUST_CHECK int recovery_file_save(const struct tool *tool, const struct recovery_file *sheet,
				  const struct outfile *file);

/*
 * After the codes have become valid: say in which file they are, which is kept, or without an
 * open one show them. If they cannot be shown, says what gives new ones; returns TOOL_REFUSED.
 */
MUST_CHECK int recovery_file_hand_out(const struct tool *tool, const struct recovery_file *sheet,
				      struct outfile *file);

#endif
