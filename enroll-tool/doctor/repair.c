/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Find a command that repairs the auth lines of one service. Edits of the service's own file are
 * tried in memory, and each result is walked as libpam would walk it. A command is returned only
 * if the stack is sound afterwards: no way past our lines or without the first factor, still open
 * to everybody who gives right answers, and each first factor that was enough alone (a finger, a
 * directory beside the local password) still is. No other file is ever edited.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor/edits.h"
#include "doctor/finding.h"

#define DEPTH    2 /* edits one after the other */
#define TEXT_MAX 65536

/* The file as it would be, and the commands that make it so. */
struct draft {
	char *text;
	char *command; /* "" for none yet */
};

static void draft_end(struct draft *draft)
{
	free(draft->text);
	free(draft->command);
	*draft = (struct draft){0};
}

#define OWN_DRAFT OWN(draft_end)

static void draft_move(struct draft *to, struct draft *from)
{
	*to = *from;
	*from = (struct draft){0};
}

struct trial {
	struct doctor *doctor;
	const char *service;
	char *path; /* of the service's own file */
	const struct draft *draft;
	struct stack before; /* as it is, with the names of modules corrected */
};

/* The file of the draft, and the others as they are. */
static FILE *open_draft(const void *context, const char *name, char **ret_path)
{
	const struct trial *trial = context;
	FILE *file = stack_open(NULL, name, ret_path);
	char *text = trial->draft->text;

	if (!file || strcmp(*ret_path, trial->path) != 0)
		return file;
	fclose(file);
	file = fmemopen(text, strlen(text), "r");
	if (!file)
		free(*ret_path);
	return file;
}

/* The draft after the edits. False: the edits cannot be made, or there is no memory. */
static bool edit_draft(struct trial *trial, const struct draft *draft, const struct edits *edits,
		       struct draft *ret_draft)
{
	if (edits->bad || edits->count == 0)
		return false;
	ret_draft->text = edits_apply(edits, draft->text);
	ret_draft->command = edits_command(edits, trial->path, draft->command);
	trial->doctor->no_memory |= !ret_draft->text || !ret_draft->command;
	return ret_draft->text && ret_draft->command;
}

/*
 * The service's lines of a type ("auth") with this draft of its file. False: libpam would not
 * read them, or there is no memory.
 */
static bool read_draft(struct trial *trial, const struct draft *draft, const char *type,
		       struct stack *ret_stack)
{
	enum totp_err err;

	trial->draft = draft;
	err = stack_read_by(open_draft, trial, trial->service, type, ret_stack);
	trial->doctor->no_memory |= err == TOTP_ERR_NOMEM;
	return err == TOTP_OK && ret_stack->own;
}

/* By the policy of the line, in which a mistake is not reported. */
static enum line_role role_of(const struct doctor *doctor, const struct stack_line *line)
{
	enum line_role role = walk_role(line);
	struct policy policy;

	if (role == ROLE_CODE && doctor_quiet_policy(doctor, line, &policy) &&
	    policy.password == PASSWORD_COMBINED)
		return ROLE_COMBINED;
	return role;
}

static void set_roles(const struct doctor *doctor, struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		stack->lines[i].role = role_of(doctor, &stack->lines[i]);
}

/*
 * Can a login succeed in which only the first factor `only` may succeed? With `only` NOWHERE, and
 * our lines denying: can root log in?
 */
static bool is_open_by(struct trial *trial, const struct stack *stack, size_t only)
{
	OWN_WALK struct walk walk = {0};
	struct stack some = *stack;

	some.lines = calloc(stack->count + 1, sizeof(*some.lines));
	for (size_t i = 0; some.lines && i < stack->count; i++) {
		enum line_role role = stack->lines[i].role;

		some.lines[i] = stack->lines[i];
		if (i != only &&
		    (walk_may_be_factor(role) || (only == NOWHERE && role == ROLE_CODE)))
			some.lines[i].role = ROLE_FAILS;
	}
	if (!some.lines || walk_stack(&some, &walk) != TOTP_OK)
		trial->doctor->no_memory = true;
	free(some.lines);
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

/* Is the first factor `line` of the stack on disk, or the same module, enough in this stack? */
static bool is_enough(struct trial *trial, const struct stack *stack, const struct stack_line *line)
{
	for (size_t i = 0; i < stack->count; i++)
		if (walk_may_be_factor(stack->lines[i].role) &&
		    is_same_module(&stack->lines[i], line) && is_open_by(trial, stack, i))
			return true;
	return false;
}

/* A login that succeeded by the right answers still does, and none succeeds by fewer. */
static bool keeps_ways(struct trial *trial, const struct stack *stack)
{
	const struct stack *before = &trial->before;
	bool has_root = false;

	for (size_t i = 0; i < before->count; i++) {
		const struct stack_line *line = &before->lines[i];

		if (walk_may_be_factor(line->role) &&
		    is_enough(trial, before, line) != is_enough(trial, stack, line))
			return false;
		has_root |= line->role == ROLE_ROOT;
	}
	return !has_root || !is_open_by(trial, before, NOWHERE) ||
	       is_open_by(trial, stack, NOWHERE);
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

	if (stack_read_by(open_draft, trial, service, "auth", &stack) != TOTP_OK || stack.refused)
		return false;
	set_roles(trial->doctor, &stack);
	return walk_stack(&stack, &walk) == TOTP_OK && is_clean(&stack, &walk) &&
	       (!own || keeps_ways(trial, &stack));
}

/* Does another service read the file, too? */
static bool is_sharer(const struct trial *trial, const struct service *other)
{
	return strcmp(other->name, trial->service) != 0 && !other->stack.missing &&
	       doctor_includes(&other->stack, trial->service);
}

/* Is the service sound with this draft, and is each service that reads its file? */
static bool is_sound(struct trial *trial, const struct draft *draft)
{
	const struct services *services = &trial->doctor->services;

	trial->draft = draft;
	if (!is_service_sound(trial, trial->service, true))
		return false;
	for (size_t i = 0; i < services->count; i++)
		if (is_sharer(trial, &services->list[i]) &&
		    !is_service_sound(trial, services->list[i].name, false))
			return false;
	return true;
}

/* --- the search --- */

/* Is there an @include that brings lines of this type, too? */
static bool is_mixed(struct trial *trial, const struct draft *draft, const struct stack *stack,
		     const char *type)
{
	OWN_STACK struct stack other = {0};

	(void)read_draft(trial, draft, type, &other); /* without such lines there is no stack */
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
	struct seen seen = {.stack = &stack, .ours = NOWHERE};
	bool found = false;

	if (!read_draft(trial, draft, "auth", &stack))
		return false;
	set_roles(trial->doctor, &stack);
	seen.mixed = is_mixed(trial, draft, &stack, "account") ||
		     is_mixed(trial, draft, &stack, "password") ||
		     is_mixed(trial, draft, &stack, "session");
	for (size_t i = stack.count; i-- > 0;)
		seen.ours = walk_is_code(stack.lines[i].role) ? i : seen.ours;
	for (size_t i = 0; i < EDIT_FNS && !found; i++) {
		OWN_EDITS struct edits edits = {.count = 0};
		OWN_DRAFT struct draft after = {0};

		edit_fns[i](&edits, &seen);
		if (!edit_draft(trial, draft, &edits, &after))
			continue;
		if (depth > 1) {
			found = find_sound(trial, &after, depth - 1, ret_draft);
		} else if (is_sound(trial, &after)) {
			draft_move(ret_draft, &after);
			found = true;
		}
	}
	return found;
}

/* Lines of pam.conf are in a file that all services share, so only a file of its own is read. */
static bool read_service_file(struct trial *trial, struct draft *ret_draft)
{
	FILE *file = stack_open(NULL, trial->service, &trial->path);
	size_t len = 0;

	ret_draft->text = calloc(1, TEXT_MAX + 1);
	ret_draft->command = strdup("");
	if (file && ret_draft->text)
		len = fread(ret_draft->text, 1, TEXT_MAX, file);
	if (file)
		fclose(file);
	trial->doctor->no_memory |= !ret_draft->text || !ret_draft->command;
	return ret_draft->text && ret_draft->command && file && doctor_is_plain(trial->path) &&
	       len > 0 && len < TEXT_MAX && strlen(ret_draft->text) == len;
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
	trial->doctor->no_memory |= !draft->command;
	return draft->command;
}

/* Correct names of modules that libpam does not find. */
static bool correct_names(struct trial *trial, struct draft *draft)
{
	OWN_STACK struct stack stack = {0};
	OWN_EDITS struct edits edits = {.count = 0};
	struct draft after = {0};

	if (!read_draft(trial, draft, "auth", &stack))
		return false;
	edits_correct_name(&edits, &(struct seen){.stack = &stack});
	if (edits.count == 0)
		return true;
	if (!edit_draft(trial, draft, &edits, &after))
		return false;
	draft_end(draft);
	draft_move(draft, &after);
	return true;
}

/* add: a line of ours that the stack gets first, or NULL. */
static void search_all(struct trial *trial, const char *add, struct draft *ret_draft)
{
	OWN_DRAFT struct draft begin = {0}, added = {0};
	struct draft *from = &begin;

	if (!read_service_file(trial, &begin) || !end_lines(trial, &begin) ||
	    !correct_names(trial, &begin) || !read_draft(trial, &begin, "auth", &trial->before))
		return;
	set_roles(trial->doctor, &trial->before);
	if (add) { /* at the end of the service's auth lines */
		OWN_EDITS struct edits edits = {.count = 0};

		edits_put_at_end(&edits, &(struct seen){.stack = &trial->before}, strdup(add));
		if (!edit_draft(trial, &begin, &edits, &added))
			return;
		from = &added;
	}
	if (from->command[0] && is_sound(trial, from)) {
		draft_move(ret_draft, from);
		return;
	}
	for (unsigned depth = 1; depth <= DEPTH; depth++)
		if (find_sound(trial, from, depth, ret_draft))
			return;
}

/* A file that other services read is not edited, unless they are variants of this service. */
char *doctor_command(struct doctor *doctor, const char *service, const char *add)
{
	const struct services *services = &doctor->services;
	struct trial trial = {.doctor = doctor, .service = service};
	struct draft found = {0};

	for (size_t i = 0; i < services->count; i++)
		if (is_sharer(&trial, &services->list[i]) &&
		    !doctor_is_variant(services->list[i].name, service))
			return NULL;
	search_all(&trial, add, &found);
	free(trial.path);
	stack_end(&trial.before);
	free(found.text);
	return found.command;
}
