/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of pam_totp.so in a PAM service, each with its policy. */
#ifndef COMMON_SERVICE_H
#define COMMON_SERVICE_H

#include "pamconf/stack.h"
#include "common/tool.h"

/* Is this a line of our module? */
bool service_is_ours(const struct stack_line *line);

/* What receives complaints: about the arguments of the line, and about the policy's file. */
struct service_complain {
	policy_complain_fn *of_line, *of_file;
	void *context;
};

/*
 * The policy that the module uses at this line. conf: the file if the line names none; NULL for the
 * usual one. On any error there was at least one complaint; with `complain` NULL there are none.
 */
MUST_CHECK enum totp_err service_policy(const struct stack_line *line, const char *conf,
					const struct service_complain *complain,
					struct policy *ret_policy);

#define SERVICE_OVERRIDES_MAX 1024

/* "required", "optional" or a date, as the policy's file writes it; returns text. */
const char *service_enforce(const struct policy *policy, char text[11]);

/*
 * Of which services does a line of ours ask other users than the policy's file, by `enforce`,
 * required_for or exempt? As "login: exempt=root, sshd: optional", cut where there are too many;
 * "": of none.
 */
void service_overrides(const struct tool *tool, char ret_text[SERVICE_OVERRIDES_MAX]);

/* An exit code; the worst one of all lines counts. */
typedef int service_line_fn(void *context, const struct stack_line *line,
			    const struct policy *policy);

/*
 * Call `each` with every line of the module in the service's stack. TOOL_REFUSED, after a sentence:
 * there is no such stack, no such line, or a line with a mistake.
 */
MUST_CHECK int service_each_line(const struct tool *tool, const char *service,
				 service_line_fn *each, void *context);

#endif
