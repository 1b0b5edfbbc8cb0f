/* Auth lines of a service's own in place of those that its includes bring. */
#include "doctor/edits.h"

#include <stdlib.h>
#include <string.h>

bool seen_is_own(const struct seen *seen, size_t index)
{
	const struct stack_line *line = &seen->stack->lines[index];

	return line->own_from && strcmp(line->file, seen->stack->own) == 0 &&
	       line->number == line->own_to;
}

bool stack_line_is_deny(const struct stack_line *line)
{
	return line->kind == STACK_MODULE && strcmp(line->module, "pam_deny.so") == 0;
}

static bool ends_by_success(const struct stack_line *line)
{
	return line->actions[PAM_SUCCESS] == STACK_DONE &&
	       (line->actions[PAM_AUTH_ERR] == STACK_IGNORE ||
		line->actions[PAM_AUTH_ERR] == STACK_DIE ||
		line->actions[PAM_AUTH_ERR] == STACK_BAD);
}

static bool must_succeed(const struct stack_line *line)
{
	return line->actions[PAM_SUCCESS] == STACK_OK &&
	       (line->actions[PAM_AUTH_ERR] == STACK_BAD ||
		line->actions[PAM_AUTH_ERR] == STACK_DIE);
}

/* Which lines are alternatives of each other, and where the stack goes on after one succeeds. */
struct plan {
	size_t last; /* the last alternative; NOWHERE: there are none */
	size_t deny; /* the pam_deny.so below it; NOWHERE: one is put in after `last` */
};

static struct plan plan_of(const struct seen *seen)
{
	struct plan plan = {NOWHERE, NOWHERE};

	for (size_t i = 0; i < seen->ours; i++) {
		const struct stack_line *line = &seen->stack->lines[i];

		if (seen->roles[i] == ROLE_FACTOR &&
		    (ends_by_success(line) || (plan.last != NOWHERE && must_succeed(line))))
			plan.last = i;
	}
	for (size_t i = plan.last; plan.last != NOWHERE && i < seen->ours; i++)
		if (stack_line_is_deny(&seen->stack->lines[i])) {
			plan.deny = i;
			break;
		}
	return plan;
}

/* "done" becomes a jump, which cannot end the stack: a failure later has to count. */
static char *control_that_jumps(const struct stack_line *line, int over)
{
	char *control = NULL;
	int fails = line->actions[PAM_AUTH_ERR];
	const char *rest = must_succeed(line) || fails == STACK_IGNORE ? "ignore" : "die";
	const char *ignored = fails == STACK_DIE && line->actions[PAM_IGNORE] == STACK_IGNORE
				      ? " ignore=ignore"
				      : "";
	const char *unavailable = fails == STACK_DIE && line->actions[PAM_AUTHINFO_UNAVAIL] ==
								STACK_IGNORE
					  ? " authinfo_unavail=ignore"
					  : "";
	const char *unknown = fails == STACK_DIE && line->actions[PAM_USER_UNKNOWN] == STACK_IGNORE
				      ? " user_unknown=ignore"
				      : "";

	if (asprintf(&control, "success=%d%s%s%s default=%s", over, ignored, unavailable, unknown,
		     rest) < 0)
		return NULL;
	return control;
}

static char *rewritten(const struct seen *seen, const struct plan *plan, size_t index)
{
	const struct stack_line *line = &seen->stack->lines[index];
	size_t end = plan->deny == NOWHERE ? plan->last + 1 : plan->deny;
	bool before = plan->last != NOWHERE && index <= plan->last;
	char *control, *text;
	int over = 0;

	if (stack_line_is_deny(line) && index == plan->deny)
		return edits_line_text(line, "requisite");
	if (seen->roles[index] != ROLE_FACTOR)
		return edits_line_text(line, line->control);
	if (before && (ends_by_success(line) || (index == plan->last && must_succeed(line)))) {
		for (size_t i = index + 1; i < end; i++)
			over += seen->stack->lines[i].kind == STACK_MODULE;
		control = control_that_jumps(line, over + 1);
		text = control ? edits_line_text(line, control) : NULL;
		free(control);
		return text;
	}
	return edits_line_text(line, must_succeed(line) || plan->last == NOWHERE ? "requisite"
										 : line->control);
}

void edits_own_lines(struct edits *edits, const struct seen *seen)
{
	struct plan plan;
	unsigned at, deleted = 0;
	size_t landing;

	if (seen->ours == NOWHERE || !seen_is_own(seen, seen->ours) || seen->mixed)
		return;
	plan = plan_of(seen);
	landing = plan.deny == NOWHERE ? plan.last : plan.deny;
	at = seen->stack->lines[seen->ours].own_from;
	for (size_t i = 0; i < seen->ours; i++) {
		const struct stack_line *line = &seen->stack->lines[i];

		edits->bad |= line->kind == STACK_MUST_FAIL || line->own_to >= at;
		if (line->kind == STACK_MODULE)
			edits_put(edits, at, false, rewritten(seen, &plan, i));
		if (i == plan.last && plan.deny == NOWHERE)
			edits_put(edits, at, false, strdup("auth requisite pam_deny.so"));
		if (i == landing)
			edits_put(edits, at, false, strdup("auth required pam_permit.so"));
		if (line->own_from > deleted)
			edits_delete(edits, line->own_from, line->own_to);
		deleted = line->own_to;
	}
}
