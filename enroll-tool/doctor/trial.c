/* Edits of a service's own file, tried in memory. */
#include "doctor/trial.h"

#include <stdlib.h>
#include <string.h>

void draft_end(struct draft *draft)
{
	free(draft->text);
	free(draft->command);
	*draft = (struct draft){0};
}

void draft_move(struct draft *to, struct draft *from)
{
	*to = *from;
	*from = (struct draft){0};
}

/* The file of the draft, and the others as they are. */
static FILE *open_draft(const void *context, const char *name, char **ret_path)
{
	const struct trial *trial = context;
	FILE *file = trial->repair->open(trial->repair->open_context, name, ret_path);
	char *text = trial->draft->text;

	if (!file || strcmp(*ret_path, trial->path) != 0)
		return file;
	fclose(file);
	file = fmemopen(text, strlen(text), "r");
	if (!file)
		free(*ret_path);
	return file;
}

bool trial_edit(struct trial *trial, const struct draft *draft, const struct edits *edits,
		struct draft *ret_draft)
{
	if (edits->bad || edits->count == 0)
		return false;
	ret_draft->text = edits_apply(edits, draft->text);
	ret_draft->command = edits_command(edits, trial->path, draft->command);
	trial->no_memory |= !ret_draft->text || !ret_draft->command;
	return ret_draft->text && ret_draft->command;
}

bool trial_read(struct trial *trial, const struct draft *draft, const char *type,
		struct stack *ret_stack)
{
	enum totp_err err;

	trial->draft = draft;
	err = stack_read_by(open_draft, trial, trial->repair->service, type, ret_stack);
	trial->no_memory |= err == TOTP_ERR_NOMEM;
	return err == TOTP_OK && ret_stack->own;
}

enum line_role *trial_roles(struct trial *trial, const struct stack *stack)
{
	enum line_role *roles = calloc(stack->count + 1, sizeof(*roles));

	trial->no_memory |= !roles;
	for (size_t i = 0; roles && i < stack->count; i++)
		roles[i] = trial->repair->role(trial->repair->role_context, &stack->lines[i]);
	return roles;
}

/*
 * Can a login succeed in which only the first factor `only` may succeed? With `only` NOWHERE, and
 * our lines denying: can root log in?
 */
static bool is_open_by(struct trial *trial, const struct stack *stack, const enum line_role *roles,
		       size_t only)
{
	OWN_WALK struct walk walk = {0};
	enum line_role *some = calloc(stack->count + 1, sizeof(*some));

	for (size_t i = 0; some && i < stack->count; i++) {
		bool out = i != only && (walk_may_be_factor(roles[i]) ||
					 (only == NOWHERE && roles[i] == ROLE_CODE));

		some[i] = out ? ROLE_FAILS : roles[i];
	}
	if (!some || walk_stack(stack, some, &walk) != TOTP_OK)
		trial->no_memory = true;
	free(some);
	return walk.open;
}

static bool is_same_module(const struct stack_line *a, const struct stack_line *b)
{
	if (strcmp(a->path, b->path) != 0 || a->argc != b->argc)
		return false;
	for (int i = 0; i < a->argc; i++)
		if (strcmp(a->argv[i], b->argv[i]) != 0)
			return false;
	return true;
}

/* Is the first factor `index` of the stack on disk, or the same module, enough in this stack? */
static bool is_enough(struct trial *trial, const struct stack *stack, const enum line_role *roles,
		      size_t index)
{
	for (size_t i = 0; i < stack->count; i++)
		if (walk_may_be_factor(roles[i]) &&
		    is_same_module(&stack->lines[i], &trial->before->lines[index]) &&
		    is_open_by(trial, stack, roles, i))
			return true;
	return false;
}

/* A login that succeeded by the right answers still does, and none succeeds by fewer. */
static bool keeps_ways(struct trial *trial, const struct stack *stack, const enum line_role *roles)
{
	bool has_root = false;

	for (size_t i = 0; i < trial->before->count; i++)
		if (walk_may_be_factor(trial->roles[i]) &&
		    is_enough(trial, trial->before, trial->roles, i) !=
			    is_enough(trial, stack, roles, i))
			return false;
	for (size_t i = 0; i < trial->before->count; i++)
		has_root |= trial->roles[i] == ROLE_ROOT;
	if (has_root && is_open_by(trial, trial->before, trial->roles, NOWHERE))
		return is_open_by(trial, stack, roles, NOWHERE);
	return true;
}

static bool is_clean(const struct stack *stack, const struct walk *walk)
{
	if (!walk->code || !walk->open || walk->stuck || walk->too_many)
		return false;
	for (size_t i = 0; i < stack->count; i++)
		if (walk->marks[i] || stack->lines[i].kind == STACK_MUST_FAIL)
			return false;
	return true;
}

static bool is_service_sound(struct trial *trial, const char *service, bool own)
{
	OWN_STACK struct stack stack = {0};
	OWN_WALK struct walk walk = {0};
	enum line_role *roles;
	bool sound;

	if (stack_read_by(open_draft, trial, service, "auth", &stack) != TOTP_OK || stack.refused)
		return false;
	roles = trial_roles(trial, &stack);
	sound = roles && walk_stack(&stack, roles, &walk) == TOTP_OK && is_clean(&stack, &walk) &&
		(!own || keeps_ways(trial, &stack, roles));
	free(roles);
	return sound;
}

bool trial_is_sound(struct trial *trial, const struct draft *draft)
{
	trial->draft = draft;
	if (!is_service_sound(trial, trial->repair->service, true))
		return false;
	for (size_t i = 0; i < trial->repair->sharer_count; i++)
		if (!is_service_sound(trial, trial->repair->sharers[i], false))
			return false;
	return true;
}
