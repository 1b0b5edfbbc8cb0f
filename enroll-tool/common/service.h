/* The lines of this module in a PAM service, each with the policy that its arguments make. */
#ifndef COMMON_SERVICE_H
#define COMMON_SERVICE_H

#include "pamconf/stack.h"
#include "common/tool.h"

/* Is this a line of our module? */
bool service_is_ours(const struct stack_line *line);

/* What hears of mistakes: in the arguments of the line, and in the policy's file. */
struct service_complain {
	policy_complain_fn *of_line, *of_file;
	void *context;
};

/*
 * The policy as the module would have it at this line. conf: the file where the line names
 * none, or NULL for the usual one. Any error: at least one complaint was made.
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
 * Call `each` with every line of the module in the service's stack. Says, and returns
 * TOOL_REFUSED, where there is no such stack, no such line, or one whose arguments are in
 * error.
 */
MUST_CHECK int service_each_line(const struct tool *tool, const char *service,
				 service_line_fn *each, void *context);

#endif
