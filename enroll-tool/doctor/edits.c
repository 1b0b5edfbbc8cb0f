/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor/edits.h"

#include <stdlib.h>
#include <string.h>

static bool is_own(const struct seen *seen, size_t index)
{
	const struct stack_line *line = &seen->stack->lines[index];

	return line->own_from && strcmp(line->file, seen->stack->own) == 0 &&
	       line->number == line->own_to;
}

/* pam_deny.so */
static bool is_deny(const struct stack_line *line)
{
	return line->kind == STACK_MODULE && strcmp(line->module, "pam_deny.so") == 0;
}

/* --- making edits --- */

void edits_end(struct edits *edits)
{
	for (size_t i = 0; i < edits->count; i++)
		free(edits->list[i].line);
	edits->count = 0;
}

/* All lines of the service's own file that bring this one. */
static void delete_lines(struct edits *edits, const struct stack_line *line)
{
	for (unsigned at = line->own_from; at && at <= line->own_to; at++) {
		edits->bad |= edits->count == EDITS_MAX;
		if (!edits->bad)
			edits->list[edits->count++] = (struct edit){.at = at};
	}
}

static void put(struct edits *edits, unsigned at, bool after, char *line)
{
	for (const char *c = line; c && *c; c++)
		edits->bad |= *c == '\'' || *c == '\\' || *c < ' ' || *c > '~';
	if (!line || edits->count == EDITS_MAX) {
		edits->bad = true;
		free(line);
		return;
	}
	edits->list[edits->count++] = (struct edit){at, after, line};
}

static char *line_text(const struct stack_line *line, const char *control)
{
	bool word = control[strcspn(control, " =")] == '\0';
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "%sauth %s%s%s %s", line->quiet ? "-" : "", word ? "" : "[", control,
		word ? "" : "]", line->path);
	for (int i = 0; i < line->argc; i++) {
		bool plain = line->argv[i][0] != '[' && !strpbrk(line->argv[i], " \t]");

		fprintf(out, plain ? " %s" : " [%s]", line->argv[i]);
		if (!plain && strchr(line->argv[i], ']'))
			fputc('\\', out); /* refused, for it would need an escape */
	}
	fclose(out);
	return text;
}

static void change_control(struct edits *edits, const struct seen *seen, size_t index,
			   const char *control)
{
	const struct stack_line *line = &seen->stack->lines[index];

	if (!is_own(seen, index) || strcmp(line->control, control) == 0)
		return;
	put(edits, line->own_from, false, line_text(line, control));
	delete_lines(edits, line);
}

/* The only first factor must succeed before anything else is asked. */
static void make_factor_requisite(struct edits *edits, const struct seen *seen)
{
	size_t factor = NOWHERE;

	for (size_t i = 0; i < seen->stack->count; i++) {
		if (!walk_may_be_factor(seen->stack->lines[i].role))
			continue;
		if (factor != NOWHERE)
			return;
		factor = i;
	}
	if (factor != NOWHERE)
		change_control(edits, seen, factor, "requisite");
}

static void make_ours_required(struct edits *edits, const struct seen *seen)
{
	for (size_t i = 0; i < seen->stack->count; i++)
		if (walk_is_code(seen->stack->lines[i].role))
			change_control(edits, seen, i, "required");
}

/* "[success=1 default=ignore]" and a deny below: let users who need no code jump over it too. */
static void let_ours_jump(struct edits *edits, const struct seen *seen)
{
	for (size_t i = 0; i < seen->stack->count; i++) {
		const int *actions = seen->stack->lines[i].actions;
		char control[80];

		if (!walk_is_code(seen->stack->lines[i].role) || actions[PAM_SUCCESS] <= 0)
			continue;
		snprintf(control, sizeof(control), "success=%d ignore=%d default=ignore",
			 actions[PAM_SUCCESS], actions[PAM_SUCCESS]);
		change_control(edits, seen, i, control);
	}
}

/* "pam_totp" without its ending, or with another one: there is no such module. */
void edits_correct_name(struct edits *edits, const struct seen *seen)
{
	for (size_t i = 0; i < seen->stack->count; i++) {
		struct stack_line line = seen->stack->lines[i];

		if (!is_own(seen, i) || !walk_is_misspelt(&line))
			continue;
		line.path = "pam_totp.so";
		put(edits, line.own_from, false, line_text(&line, line.control));
		delete_lines(edits, &line);
	}
}

void edits_put_at_end(struct edits *edits, const struct seen *seen, char *line)
{
	unsigned last = 0;

	for (size_t i = 0; i < seen->stack->count; i++)
		if (seen->stack->lines[i].own_to > last)
			last = seen->stack->lines[i].own_to;
	edits->bad |= last == 0;
	put(edits, last, true, line);
}

static void move_ours_down(struct edits *edits, const struct seen *seen)
{
	const struct stack_line *line;

	if (seen->ours == NOWHERE || !is_own(seen, seen->ours))
		return;
	line = &seen->stack->lines[seen->ours];
	edits_put_at_end(edits, seen, line_text(line, line->control));
	delete_lines(edits, line);
}

static void add_permit(struct edits *edits, const struct seen *seen)
{
	edits_put_at_end(edits, seen, strdup("auth required pam_permit.so"));
}

static void delete_line(struct edits *edits, const struct seen *seen, size_t index)
{
	if (is_own(seen, index))
		delete_lines(edits, &seen->stack->lines[index]);
}

/* Of two lines of ours delete the lower one. */
static void drop_second(struct edits *edits, const struct seen *seen)
{
	for (size_t i = seen->ours + 1; seen->ours != NOWHERE && i < seen->stack->count; i++)
		if (walk_is_code(seen->stack->lines[i].role))
			delete_line(edits, seen, i);
}

static void drop_first(struct edits *edits, const struct seen *seen)
{
	if (seen->ours != NOWHERE)
		delete_line(edits, seen, seen->ours);
}

/* A deny below our line, which would deny all users once our line no longer ends the stack. */
static void drop_deny_below(struct edits *edits, const struct seen *seen)
{
	for (size_t i = seen->ours; seen->ours != NOWHERE && i < seen->stack->count; i++)
		if (is_deny(&seen->stack->lines[i]))
			delete_line(edits, seen, i);
}

/* --- lines of its own in place of those of includes --- */

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

		if (line->role == ROLE_FACTOR &&
		    (ends_by_success(line) || (plan.last != NOWHERE && must_succeed(line))))
			plan.last = i;
	}
	for (size_t i = plan.last; plan.last != NOWHERE && i < seen->ours; i++)
		if (is_deny(&seen->stack->lines[i])) {
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

	if (is_deny(line) && index == plan->deny)
		return line_text(line, "requisite");
	if (line->role != ROLE_FACTOR)
		return line_text(line, line->control);
	if (before && (ends_by_success(line) || (index == plan->last && must_succeed(line)))) {
		for (size_t i = index + 1; i < end; i++)
			over += seen->stack->lines[i].kind == STACK_MODULE;
		control = control_that_jumps(line, over + 1);
		text = control ? line_text(line, control) : NULL;
		free(control);
		return text;
	}
	return line_text(line,
			 must_succeed(line) || plan->last == NOWHERE ? "requisite" : line->control);
}

static void own_lines(struct edits *edits, const struct seen *seen)
{
	struct plan plan;
	unsigned at, deleted = 0;
	size_t landing;

	if (seen->ours == NOWHERE || !is_own(seen, seen->ours) || seen->mixed)
		return;
	plan = plan_of(seen);
	landing = plan.deny == NOWHERE ? plan.last : plan.deny;
	at = seen->stack->lines[seen->ours].own_from;
	for (size_t i = 0; i < seen->ours; i++) {
		const struct stack_line *line = &seen->stack->lines[i];

		edits->bad |= line->kind == STACK_MUST_FAIL || line->own_to >= at;
		if (line->kind == STACK_MODULE)
			put(edits, at, false, rewritten(seen, &plan, i));
		if (i == plan.last && plan.deny == NOWHERE)
			put(edits, at, false, strdup("auth requisite pam_deny.so"));
		if (i == landing)
			put(edits, at, false, strdup("auth required pam_permit.so"));
		if (line->own_from > deleted)
			delete_lines(edits, line);
		deleted = line->own_to;
	}
}

edit_fn *const edit_fns[EDIT_FNS] = {make_ours_required, let_ours_jump,   make_factor_requisite,
				     add_permit,         drop_second,     drop_first,
				     move_ours_down,     drop_deny_below, own_lines};

/* --- what they make --- */

static void put_edits(FILE *out, const struct edits *edits, unsigned at, bool after)
{
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->list[i];

		if (edit->at == at && edit->after == after && edit->line)
			fprintf(out, "%s\n", edit->line);
	}
}

char *edits_apply(const struct edits *edits, const char *text)
{
	char *after = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&after, &len);

	if (!out)
		return NULL;
	for (unsigned number = 1; *text; number++) {
		size_t line = strcspn(text, "\n");
		bool deleted = false;

		for (size_t i = 0; i < edits->count; i++)
			deleted |= edits->list[i].at == number && !edits->list[i].line;
		put_edits(out, edits, number, false);
		if (!deleted)
			fprintf(out, "%.*s\n", (int)line, text);
		put_edits(out, edits, number, true);
		text += line + (text[line] == '\n');
	}
	fclose(out);
	return after;
}

char *edits_command(const struct edits *edits, const char *path, const char *before)
{
	const char *slash = strrchr(path, '/');
	bool vendor = strncmp(path, "/usr/", 5) == 0;
	char *command = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&command, &len);

	if (!out)
		return NULL;
	if (before[0])
		fprintf(out, "%s && ", before);
	else if (vendor)
		fprintf(out, "cp %s /etc/pam.d/ && ", path);
	fputs("sed -i", out);
	for (int deletes = 0; deletes < 2; deletes++)
		for (size_t i = 0; i < edits->count; i++) {
			const struct edit *edit = &edits->list[i];

			if ((edit->line == NULL) != deletes)
				continue;
			if (!edit->line)
				fprintf(out, " -e '%ud'", edit->at);
			else
				fprintf(out, " -e '%u%c %s'", edit->at, edit->after ? 'a' : 'i',
					edit->line);
		}
	if (vendor)
		fprintf(out, " /etc/pam.d%s", slash);
	else
		fprintf(out, " %s", path);
	fclose(out);
	return command;
}
