/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps of an enrollment that a person sees, the same for root's work and for a user's own.
 * A secret that was not shown is never stored.
 */
#ifndef ENROLL_ENROLL_STEPS_H
#define ENROLL_ENROLL_STEPS_H

#include "common/outfile.h"
#include "common/recovery_file.h"
#include "enroll/enrollment.h"

/* Files that were asked for; they are removed if the enrollment fails. */
struct files {
	struct outfile svg, png, codes;
};

#define FILES_NONE \
	{ \
		OUTFILE_NONE, OUTFILE_NONE, OUTFILE_NONE \
	}
#define OWN_FILES OWN(enroll_steps_drop_files)

void enroll_steps_drop_files(struct files *files);

/* Each returns an exit code, TOOL_DONE to continue, after a sentence. */

/* Make the secret, or read the secret of a hardware token from standard input. */
MUST_CHECK int enroll_steps_find_secret(struct enrollment *enrollment);

/* Make the files that were asked for, and write the pictures. */
MUST_CHECK int enroll_steps_save(const struct enrollment *enrollment, struct files *files);

/* Show the secret. */
MUST_CHECK int enroll_steps_show(const struct enrollment *enrollment);

/*
 * Ask for a code: the only check that shows that the phone has the secret, honors its settings and
 * agrees about the time. A code outside the window is never accepted; for one of up to an hour
 * away the person reads that a clock is wrong. The right code is never shown.
 *
 * Sets enrollment->confirmed, ->moving and ->typed.
 */
MUST_CHECK int enroll_steps_confirm(struct enrollment *enrollment);

/* Print when the phone will show a code that is not used yet. */
void enroll_steps_tell_next_code(const struct enrollment *enrollment);

/* Keep the pictures, and print what they hold. */
void enroll_steps_keep_pictures(const struct tool *tool, struct files *files);

#endif
