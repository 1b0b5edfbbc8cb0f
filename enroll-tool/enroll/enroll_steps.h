/* The steps of an enrolment that a person sees, the same for root's work and for one's own. */
#ifndef ENROLL_ENROLL_STEPS_H
#define ENROLL_ENROLL_STEPS_H

#include <signal.h>

#include "enroll/enrollment.h"
#include "common/outfile.h"
#include "common/recovery_file.h"

/* Files that were asked for; they go again when the enrolment is refused. */
struct files {
	struct outfile svg, png, codes;
};

#define FILES_NONE \
	{ \
		OUTFILE_NONE, OUTFILE_NONE, OUTFILE_NONE \
	}
#define OWN_FILES OWN(enroll_steps_drop_files)

void enroll_steps_drop_files(struct files *files);

/* Each returns an exit code, TOOL_DONE to go on, after a sentence. */

/* Make the secret, or read that of a hardware token from standard input. */
MUST_CHECK int enroll_steps_find_secret(struct enrollment *enrolment, const sigset_t *asking);

/* Make the files that were asked for, and write the pictures. */
MUST_CHECK int enroll_steps_save(const struct enrollment *enrolment, struct files *files);

/* Show the secret. What is not seen is not stored. */
MUST_CHECK int enroll_steps_show(const struct enrollment *enrolment);

/*
 * Have a code typed back: enrolment->confirmed, ->moving and ->typed. TOOL_REFUSED, without a
 * sentence, when none was right.
 */
MUST_CHECK int enroll_steps_confirm(struct enrollment *enrolment, const sigset_t *asking);

/* When will the phone show a code that is not used yet? */
void enroll_steps_tell_next_code(const struct enrollment *enrolment, FILE *out);

/* The pictures stay: say what they are. */
void enroll_steps_keep_pictures(const struct tool *tool, struct files *files);

#endif
