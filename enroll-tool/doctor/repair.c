#include "doctor/trial.h"

#include <stdlib.h>
#include <string.h>

#include "doctor/finding.h"

#define DEPTH    2 /* edits one after the other */
#define TEXT_MAX 65536

/* --- which edits there are --- */

static bool is_ours(enum line_role role)
{
	return role == ROLE_CODE || role == ROLE_COMBINED;
}

static void change_control(struct edits *edits, const struct seen *seen, size_t index,
			   const char *control)
{
	const struct stack_line *line = &seen->stack->lines[index];

	if (!seen_is_own(seen, index) || strcmp(line->control, control) == 0)
		return;
	edits_put(edits, line->own_from, false, edits_line_text(line, control));
	edits_delete(edits, line->own_from, line->own_to);
}

/* The only first factor must succeed before anything else is asked. */
static void make_factor_requisite(struct edits *edits, const struct seen *seen)
{
	size_t factor = NOWHERE;

	for (size_t i = 0; i < seen->stack->count; i++) {
		if (!walk_may_be_factor(seen->roles[i]))
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
		if (is_ours(seen->roles[i]))
			change_control(edits, seen, i, "required");
}

/* "[success=1 default=ignore]" and a deny below: let users who need no code jump over it too. */
static void let_ours_jump(struct edits *edits, const struct seen *seen)
{
	for (size_t i = 0; i < seen->stack->count; i++) {
		const int *actions = seen->stack->lines[i].actions;
		char control[80];

		if (!is_ours(seen->roles[i]) || actions[PAM_SUCCESS] <= 0)
			continue;
		snprintf(control, sizeof(control), "success=%d ignore=%d default=ignore",
			 actions[PAM_SUCCESS], actions[PAM_SUCCESS]);
		change_control(edits, seen, i, control);
	}
}

/* "pam_totp" without its ending, or with another one: there is no such module. */
static void correct_name(struct edits *edits, const struct seen *seen)
{
	for (size_t i = 0; i < seen->stack->count; i++) {
		struct stack_line line = seen->stack->lines[i];

		if (!seen_is_own(seen, i) || !walk_is_misspelt(&line))
			continue;
		line.path = "pam_totp.so";
		edits_put(edits, line.own_from, false, edits_line_text(&line, line.control));
		edits_delete(edits, line.own_from, line.own_to);
	}
}

static void put_at_end(struct edits *edits, const struct seen *seen, char *line)
{
	unsigned last = 0;

	for (size_t i = 0; i < seen->stack->count; i++)
		if (seen->stack->lines[i].own_to > last)
			last = seen->stack->lines[i].own_to;
	if (last == 0) {
		edits->bad = true;
		free(line);
		return;
	}
	edits_put(edits, last, true, line);
}

static void move_ours_down(struct edits *edits, const struct seen *seen)
{
	const struct stack_line *line;

	if (seen->ours == NOWHERE || !seen_is_own(seen, seen->ours))
		return;
	line = &seen->stack->lines[seen->ours];
	put_at_end(edits, seen, edits_line_text(line, line->control));
	edits_delete(edits, line->own_from, line->own_to);
}

static void add_permit(struct edits *edits, const struct seen *seen)
{
	put_at_end(edits, seen, strdup("auth required pam_permit.so"));
}

static void delete_line(struct edits *edits, const struct seen *seen, size_t index)
{
	if (seen_is_own(seen, index))
		edits_delete(edits, seen->stack->lines[index].own_from,
			     seen->stack->lines[index].own_to);
}

/* Of two lines of ours delete the lower one. */
static void drop_second(struct edits *edits, const struct seen *seen)
{
	for (size_t i = seen->ours + 1; seen->ours != NOWHERE && i < seen->stack->count; i++)
		if (is_ours(seen->roles[i]))
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
		if (stack_line_is_deny(&seen->stack->lines[i]))
			delete_line(edits, seen, i);
}

/* --- the search --- */

typedef void edit_fn(struct edits *edits, const struct seen *seen);

static edit_fn *const edit_fns[] = {make_ours_required, let_ours_jump,   make_factor_requisite,
				    add_permit,         drop_second,     drop_first,
				    move_ours_down,     drop_deny_below, edits_own_lines};

#define EDIT_FNS (sizeof(edit_fns) / sizeof(edit_fns[0]))

/* Is there an @include that brings lines of this type, too? */
static bool is_mixed(struct trial *trial, const struct draft *draft, const struct stack *stack,
		     const char *type)
{
	OWN_STACK struct stack other = {0};

	(void)trial_read(trial, draft, type, &other); /* without such lines there is no stack */
	for (size_t i = 0; i < other.count; i++)
		for (size_t k = 0; other.lines[i].own_whole && k < stack->count; k++)
			if (stack->lines[k].own_from == other.lines[i].own_from)
				return true;
	return false;
}

/* A draft that is sound, after up to `depth` edits of this one. */
static bool find_sound(struct trial *trial, const struct draft *draft, unsigned depth,
		       struct draft *ret_draft)
{
	OWN_STACK struct stack stack = {0};
	enum line_role *roles = NULL;
	struct seen seen = {.stack = &stack, .ours = NOWHERE};
	bool found = false;

	if (!trial_read(trial, draft, "auth", &stack) || !(roles = trial_roles(trial, &stack)))
		return false;
	seen.roles = roles;
	seen.mixed = is_mixed(trial, draft, &stack, "account") ||
		     is_mixed(trial, draft, &stack, "password") ||
		     is_mixed(trial, draft, &stack, "session");
	for (size_t i = stack.count; i-- > 0;)
		seen.ours = is_ours(roles[i]) ? i : seen.ours;
	for (size_t i = 0; i < EDIT_FNS && !found; i++) {
		OWN_EDITS struct edits edits = {.count = 0};
		OWN_DRAFT struct draft after = {0};

		edit_fns[i](&edits, &seen);
		if (!trial_edit(trial, draft, &edits, &after))
			continue;
		if (depth > 1) {
			found = find_sound(trial, &after, depth - 1, ret_draft);
		} else if (trial_is_sound(trial, &after)) {
			draft_move(ret_draft, &after);
			found = true;
		}
	}
	free(roles);
	return found;
}

static bool read_service_file(struct trial *trial, struct draft *ret_draft)
{
	const struct repair *repair = trial->repair;
	char *path = NULL;
	FILE *file = repair->open(repair->open_context, repair->service, &path);
	size_t len = 0;

	ret_draft->text = calloc(1, TEXT_MAX + 1);
	ret_draft->command = strdup("");
	if (file && ret_draft->text)
		len = fread(ret_draft->text, 1, TEXT_MAX, file);
	if (file)
		fclose(file);
	free(path);
	trial->no_memory |= !ret_draft->text || !ret_draft->command;
	return !trial->no_memory && len > 0 && len < TEXT_MAX && strlen(ret_draft->text) == len;
}

/* Remove the carriage returns of Windows at the ends of lines. */
static bool end_lines(struct trial *trial, struct draft *draft)
{
	char *to = draft->text;

	if (!strchr(draft->text, '\r') || strncmp(trial->path, "/usr/", 5) == 0)
		return true;
	for (const char *from = to; *from; from++)
		if (from[0] != '\r' || (from[1] && from[1] != '\n'))
			*to++ = *from;
	*to = '\0';
	free(draft->command);
	if (asprintf(&draft->command, "sed -i 's/\\r$//' %s", trial->path) < 0)
		draft->command = NULL;
	trial->no_memory |= !draft->command;
	return draft->command;
}

/* Correct names of modules that libpam does not find. */
static bool correct_names(struct trial *trial, struct draft *draft)
{
	OWN_STACK struct stack stack = {0};
	OWN_EDITS struct edits edits = {.count = 0};
	struct draft after = {0};

	if (!trial_read(trial, draft, "auth", &stack))
		return false;
	correct_name(&edits, &(struct seen){.stack = &stack});
	if (edits.count == 0)
		return true;
	if (!trial_edit(trial, draft, &edits, &after))
		return false;
	draft_end(draft);
	draft_move(draft, &after);
	return true;
}

static void search_all(struct trial *trial, struct draft *ret_draft)
{
	OWN_DRAFT struct draft begin = {0}, added = {0};
	struct draft *from = &begin;

	if (!read_service_file(trial, &begin) || !end_lines(trial, &begin) ||
	    !correct_names(trial, &begin) || !trial_read(trial, &begin, "auth", trial->before) ||
	    !(trial->roles = trial_roles(trial, trial->before)))
		return;
	if (trial->repair->add) { /* our line, at the end of the service's auth lines */
		OWN_EDITS struct edits edits = {.count = 0};

		put_at_end(&edits, &(struct seen){.stack = trial->before},
			   strdup(trial->repair->add));
		if (!trial_edit(trial, &begin, &edits, &added))
			return;
		from = &added;
	}
	if (from->command[0] && trial_is_sound(trial, from)) {
		draft_move(ret_draft, from);
		return;
	}
	for (unsigned depth = 1; depth <= DEPTH; depth++)
		if (find_sound(trial, from, depth, ret_draft))
			return;
}

enum totp_err repair_find(const struct repair *repair, char **ret_command)
{
	OWN_STACK struct stack stack = {0}, before = {0};
	struct trial trial = {.repair = repair, .before = &before};
	struct draft found = {0};
	enum totp_err err =
		stack_read_by(repair->open, repair->open_context, repair->service, "auth", &stack);

	*ret_command = NULL;
	/* lines of pam.conf are in a file that all services share */
	if (err != TOTP_OK || !stack.own || !doctor_is_plain(stack.own))
		return err == TOTP_ERR_NOMEM ? err : TOTP_OK;
	trial.path = stack.own;
	search_all(&trial, &found);
	free(trial.roles);
	*ret_command = found.command;
	found.command = NULL;
	draft_end(&found);
	return trial.no_memory ? TOTP_ERR_NOMEM : TOTP_OK;
}
