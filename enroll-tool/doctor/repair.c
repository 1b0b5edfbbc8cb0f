#include "doctor/repair.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EDITS_MAX 64
#define DEPTH     2 /* edits one after the other */
#define TEXT_MAX  65536
#define NOWHERE   SIZE_MAX

/* --- a file in memory --- */

/* The file as it would be, and the commands that make it so. */
struct new_token {
	char *text;
	char *command; /* "" for none yet */
};

static void new_token_end(struct new_token *draft)
{
	free(draft->text);
	free(draft->command);
	*draft = (struct new_token){0};
}

static void new_token_move(struct new_token *to, struct new_token *from)
{
	*to = *from;
	*from = (struct new_token){0};
}

#define OWN_NEW_TOKEN OWN(new_token_end)

struct search {
	const struct repair *repair;
	const char *path; /* of the service's own file */
	const struct new_token *draft;
	struct stack *before;  /* as it is, but that libpam reads it as it is meant… */
	enum line_role *roles; /* …and its roles */
	bool no_memory;
};

/* The file of the draft, and the others as they are. */
static FILE *open_draft(const void *context, const char *name, char **ret_path)
{
	const struct search *search = context;
	FILE *file = search->repair->open(search->repair->open_context, name, ret_path);
	char *text = search->draft->text;

	if (!file || strcmp(*ret_path, search->path) != 0)
		return file;
	fclose(file);
	file = fmemopen(text, strlen(text), "r");
	if (!file)
		free(*ret_path);
	return file;
}

/* --- is it sound? --- */

static bool may_be_factor(enum line_role role)
{
	return role == ROLE_FACTOR || role == ROLE_OTHER;
}

static enum line_role *roles_of(struct search *search, const struct stack *stack)
{
	enum line_role *roles = calloc(stack->count + 1, sizeof(*roles));

	search->no_memory |= !roles;
	for (size_t i = 0; roles && i < stack->count; i++)
		roles[i] = search->repair->role(search->repair->role_context, &stack->lines[i]);
	return roles;
}

/*
 * Does some login succeed in which of all first factors `only` alone may say yes? With `only`
 * NOWHERE, and our lines refusing: does one of root's?
 */
static bool is_open_by(struct search *search, const struct stack *stack,
		       const enum line_role *roles, size_t only)
{
	OWN_WALK struct walk routes = {0};
	enum line_role *some = calloc(stack->count + 1, sizeof(*some));

	for (size_t i = 0; some && i < stack->count; i++) {
		bool out = i != only &&
			   (may_be_factor(roles[i]) || (only == NOWHERE && roles[i] == ROLE_CODE));

		some[i] = out ? ROLE_FAILS : roles[i];
	}
	if (!some || walk_stack(stack, some, &routes) != TOTP_OK)
		search->no_memory = true;
	free(some);
	return routes.open;
}

static bool has_role(const struct stack *stack, const enum line_role *roles, enum line_role role)
{
	for (size_t i = 0; i < stack->count; i++)
		if (roles[i] == role)
			return true;
	return false;
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

/* Is the first factor `index` of the stack on the disk, or one like it, enough in this one? */
static bool is_enough(struct search *search, const struct stack *stack, const enum line_role *roles,
		      size_t index)
{
	for (size_t i = 0; i < stack->count; i++)
		if (may_be_factor(roles[i]) &&
		    is_same_module(&stack->lines[i], &search->before->lines[index]) &&
		    is_open_by(search, stack, roles, i))
			return true;
	return false;
}

/* Whoever could log in before by the right answers still can, and nobody by fewer. */
static bool keeps_ways(struct search *search, const struct stack *stack,
		       const enum line_role *roles)
{
	for (size_t i = 0; i < search->before->count; i++)
		if (may_be_factor(search->roles[i]) &&
		    is_enough(search, search->before, search->roles, i) !=
			    is_enough(search, stack, roles, i))
			return false;
	if (has_role(search->before, search->roles, ROLE_ROOT) &&
	    is_open_by(search, search->before, search->roles, NOWHERE))
		return is_open_by(search, stack, roles, NOWHERE);
	return true;
}

static bool is_clean(const struct stack *stack, const struct walk *routes)
{
	if (!routes->code || !routes->open || routes->stuck || routes->too_many)
		return false;
	for (size_t i = 0; i < stack->count; i++)
		if (routes->marks[i] || stack->lines[i].kind == STACK_MUST_FAIL)
			return false;
	return true;
}

static bool is_service_sound(struct search *search, const char *service, bool own)
{
	OWN_STACK struct stack stack = {0};
	OWN_WALK struct walk routes = {0};
	enum line_role *roles;
	bool sound;

	if (stack_read_by(open_draft, search, service, "auth", &stack) != TOTP_OK || stack.refused)
		return false;
	roles = roles_of(search, &stack);
	sound = roles && walk_stack(&stack, roles, &routes) == TOTP_OK &&
		is_clean(&stack, &routes) && (!own || keeps_ways(search, &stack, roles));
	free(roles);
	return sound;
}

static bool is_sound(struct search *search, const struct new_token *draft)
{
	search->draft = draft;
	if (!is_service_sound(search, search->repair->service, true))
		return false;
	for (size_t i = 0; i < search->repair->sharer_count; i++)
		if (!is_service_sound(search, search->repair->sharers[i], false))
			return false;
	return true;
}

/* --- edits --- */

/* One edit of a file, by the numbers that its lines have before. */
struct edit {
	unsigned at; /* this line… */
	bool after;  /* …gets one below it, or above it… */
	char *line;  /* …or is deleted: NULL */
};

struct edits {
	struct edit list[EDITS_MAX];
	size_t count;
	bool bad; /* too many, or what no command should have */
};

static void edits_end(struct edits *edits)
{
	for (size_t i = 0; i < edits->count; i++)
		free(edits->list[i].line);
	edits->count = 0;
}

#define OWN_EDITS OWN(edits_end)

static void delete_lines(struct edits *edits, unsigned from, unsigned to)
{
	for (; from && from <= to; from++) {
		if (edits->count == EDITS_MAX) {
			edits->bad = true;
			return;
		}
		edits->list[edits->count++] = (struct edit){.at = from};
	}
}

/* Takes `line`. sed keeps what is put in at a line, also when that is deleted afterwards. */
static void put_line(struct edits *edits, unsigned at, bool after, char *line)
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

/* A line's text, with a control of its own. */
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

static void put_edits(FILE *out, const struct edits *edits, unsigned at, bool after)
{
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->list[i];

		if (edit->at == at && edit->after == after && edit->line)
			fprintf(out, "%s\n", edit->line);
	}
}

static bool is_deleted(const struct edits *edits, unsigned at)
{
	for (size_t i = 0; i < edits->count; i++)
		if (edits->list[i].at == at && !edits->list[i].line)
			return true;
	return false;
}

static char *text_after(const char *text, const struct edits *edits)
{
	char *after = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&after, &len);

	if (!out)
		return NULL;
	for (unsigned number = 1; *text; number++) {
		size_t line = strcspn(text, "\n");

		put_edits(out, edits, number, false);
		if (!is_deleted(edits, number))
			fprintf(out, "%.*s\n", (int)line, text);
		put_edits(out, edits, number, true);
		text += line + (text[line] == '\n');
	}
	fclose(out);
	return after;
}

/* A file of a vendor's is copied to where the administrator's are, and counts there. */
static char *command_after(const struct search *search, const struct new_token *draft,
			   const struct edits *edits)
{
	const char *slash = strrchr(search->path, '/');
	bool vendor = strncmp(search->path, "/usr/", 5) == 0;
	char *command = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&command, &len);

	if (!out)
		return NULL;
	if (draft->command[0])
		fprintf(out, "%s && ", draft->command);
	else if (vendor)
		fprintf(out, "cp %s /etc/pam.d/ && ", search->path);
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
		fprintf(out, " %s", search->path);
	fclose(out);
	return command;
}

static bool new_token_after(struct search *search, const struct new_token *draft,
			    const struct edits *edits, struct new_token *ret_draft)
{
	if (edits->bad || edits->count == 0)
		return false;
	ret_draft->text = text_after(draft->text, edits);
	ret_draft->command = command_after(search, draft, edits);
	search->no_memory |= !ret_draft->text || !ret_draft->command;
	return ret_draft->text && ret_draft->command;
}

/* --- which edits there are --- */

/* What the edits are made from. */
struct seen {
	const struct stack *stack;
	const enum line_role *roles;
	size_t ours; /* the first line that asks for a code, or NOWHERE */
	bool mixed;  /* an @include brings auth lines and others */
};

static bool is_ours(enum line_role role)
{
	return role == ROLE_CODE || role == ROLE_COMBINED;
}

/* Does the line stand in the service's own file itself? */
static bool is_own(const struct seen *seen, size_t index)
{
	const struct stack_line *line = &seen->stack->lines[index];

	return line->own_from && strcmp(line->file, seen->stack->own) == 0 &&
	       line->number == line->own_to;
}

static void change_control(struct edits *edits, const struct seen *seen, size_t index,
			   const char *control)
{
	const struct stack_line *line = &seen->stack->lines[index];

	if (!is_own(seen, index) || strcmp(line->control, control) == 0)
		return;
	put_line(edits, line->own_from, false, line_text(line, control));
	delete_lines(edits, line->own_from, line->own_to);
}

/* The only first factor is one that must say yes, or nothing more is asked. */
static void make_factor_requisite(struct edits *edits, const struct seen *seen)
{
	size_t factor = NOWHERE;

	for (size_t i = 0; i < seen->stack->count; i++) {
		if (!may_be_factor(seen->roles[i]))
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

/* "[success=1 default=ignore]" and a deny below it: who is not asked is let on as well. */
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

/* "pam_totp", or with another end: a module that there is not. */
static void correct_name(struct edits *edits, const struct seen *seen)
{
	for (size_t i = 0; i < seen->stack->count; i++) {
		struct stack_line line = seen->stack->lines[i];

		if (!is_own(seen, i) || !walk_is_misspelt(&line))
			continue;
		line.path = "pam_totp.so";
		put_line(edits, line.own_from, false, line_text(&line, line.control));
		delete_lines(edits, line.own_from, line.own_to);
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
	put_line(edits, last, true, line);
}

static void move_ours_down(struct edits *edits, const struct seen *seen)
{
	const struct stack_line *line;

	if (seen->ours == NOWHERE || !is_own(seen, seen->ours))
		return;
	line = &seen->stack->lines[seen->ours];
	put_at_end(edits, seen, line_text(line, line->control));
	delete_lines(edits, line->own_from, line->own_to);
}

static void add_permit(struct edits *edits, const struct seen *seen)
{
	put_at_end(edits, seen, strdup("auth required pam_permit.so"));
}

/* Of two lines of ours the lower one goes. */
static void drop_second(struct edits *edits, const struct seen *seen)
{
	for (size_t i = seen->ours + 1; seen->ours != NOWHERE && i < seen->stack->count; i++)
		if (is_ours(seen->roles[i]) && is_own(seen, i))
			delete_lines(edits, seen->stack->lines[i].own_from,
				     seen->stack->lines[i].own_to);
}

static void drop_first(struct edits *edits, const struct seen *seen)
{
	if (seen->ours != NOWHERE && is_own(seen, seen->ours))
		delete_lines(edits, seen->stack->lines[seen->ours].own_from,
			     seen->stack->lines[seen->ours].own_to);
}

static bool is_deny(const struct stack_line *line)
{
	return line->kind == STACK_MODULE && strcmp(line->module, "pam_deny.so") == 0;
}

/* What denies whoever was let on by our line, now that it ends nothing any more. */
static void drop_deny_below(struct edits *edits, const struct seen *seen)
{
	for (size_t i = seen->ours; seen->ours != NOWHERE && i < seen->stack->count; i++)
		if (is_deny(&seen->stack->lines[i]) && is_own(seen, i))
			delete_lines(edits, seen->stack->lines[i].own_from,
				     seen->stack->lines[i].own_to);
}

/* --- the service's own lines in the place of includes --- */

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

/* Which lines are alternatives of each other, and where one that said yes goes on. */
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
		if (is_deny(&seen->stack->lines[i])) {
			plan.deny = i;
			break;
		}
	return plan;
}

/* "done" becomes a jump; a jump cannot end by itself what has to fail later. */
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
	if (seen->roles[index] != ROLE_FACTOR)
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

static void write_own_lines(struct edits *edits, const struct seen *seen)
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
			put_line(edits, at, false, rewritten(seen, &plan, i));
		if (i == plan.last && plan.deny == NOWHERE)
			put_line(edits, at, false, strdup("auth requisite pam_deny.so"));
		if (i == landing)
			put_line(edits, at, false, strdup("auth required pam_permit.so"));
		if (line->own_from > deleted)
			delete_lines(edits, line->own_from, line->own_to);
		deleted = line->own_to;
	}
}

/* --- the search --- */

typedef void edit_fn(struct edits *edits, const struct seen *seen);

static edit_fn *const edit_fns[] = {make_ours_required, let_ours_jump,   make_factor_requisite,
				    add_permit,         drop_second,     drop_first,
				    move_ours_down,     drop_deny_below, write_own_lines};

#define EDIT_FNS (sizeof(edit_fns) / sizeof(edit_fns[0]))

static bool read_draft(struct search *search, const struct new_token *draft,
		       struct stack *ret_stack)
{
	search->draft = draft;
	return stack_read_by(open_draft, search, search->repair->service, "auth", ret_stack) ==
		       TOTP_OK &&
	       ret_stack->own;
}

/* Is there an @include that brings lines of this type, too? */
static bool is_mixed(struct search *search, const struct stack *stack, const char *type)
{
	OWN_STACK struct stack other = {0};

	if (stack_read_by(open_draft, search, search->repair->service, type, &other) ==
	    TOTP_ERR_NOMEM)
		return true;
	for (size_t i = 0; i < other.count; i++)
		for (size_t k = 0; other.lines[i].own_whole && k < stack->count; k++)
			if (stack->lines[k].own_from == other.lines[i].own_from)
				return true;
	return false;
}

/* A draft that is sound, after up to `depth` edits of this one. */
static bool look(struct search *search, const struct new_token *draft, unsigned depth,
		 struct new_token *ret_draft)
{
	OWN_STACK struct stack stack = {0};
	enum line_role *roles = NULL;
	struct seen seen = {.stack = &stack, .ours = NOWHERE};
	bool found = false;

	if (!read_draft(search, draft, &stack) || !(roles = roles_of(search, &stack)))
		return false;
	seen.roles = roles;
	seen.mixed = is_mixed(search, &stack, "account") || is_mixed(search, &stack, "password") ||
		     is_mixed(search, &stack, "session");
	for (size_t i = stack.count; i-- > 0;)
		seen.ours = is_ours(roles[i]) ? i : seen.ours;
	for (size_t i = 0; i < EDIT_FNS && !found; i++) {
		OWN_EDITS struct edits edits = {.count = 0};
		OWN_NEW_TOKEN struct new_token after = {0};

		edit_fns[i](&edits, &seen);
		if (!new_token_after(search, draft, &edits, &after))
			continue;
		if (depth > 1) {
			found = look(search, &after, depth - 1, ret_draft);
		} else if (is_sound(search, &after)) {
			new_token_move(ret_draft, &after);
			found = true;
		}
	}
	free(roles);
	return found;
}

static bool read_text(struct search *search, struct new_token *ret_draft)
{
	const struct repair *repair = search->repair;
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
	search->no_memory |= !ret_draft->text || !ret_draft->command;
	return !search->no_memory && len > 0 && len < TEXT_MAX && strlen(ret_draft->text) == len;
}

/* Without what Windows puts at the end of a line. */
static bool end_lines(struct search *search, struct new_token *draft)
{
	char *to = draft->text;

	if (!strchr(draft->text, '\r') || strncmp(search->path, "/usr/", 5) == 0)
		return true;
	for (const char *from = to; *from; from++)
		if (from[0] != '\r' || (from[1] && from[1] != '\n'))
			*to++ = *from;
	*to = '\0';
	free(draft->command);
	if (asprintf(&draft->command, "sed -i 's/\\r$//' %s", search->path) < 0)
		draft->command = NULL;
	search->no_memory |= !draft->command;
	return draft->command;
}

/* Names of modules that libpam does not find. */
static bool correct_names(struct search *search, struct new_token *draft)
{
	OWN_STACK struct stack stack = {0};
	OWN_EDITS struct edits edits = {.count = 0};
	struct new_token after = {0};

	if (!read_draft(search, draft, &stack))
		return false;
	correct_name(&edits, &(struct seen){.stack = &stack});
	if (edits.count == 0)
		return true;
	if (!new_token_after(search, draft, &edits, &after))
		return false;
	new_token_end(draft);
	new_token_move(draft, &after);
	return true;
}

/* The line of ours that the service has to get, at the end of its auth lines. */
static bool add_ours(struct search *search, const struct new_token *draft,
		     struct new_token *ret_draft)
{
	OWN_STACK struct stack stack = {0};
	OWN_EDITS struct edits edits = {.count = 0};
	struct seen seen = {.stack = &stack};

	if (!read_draft(search, draft, &stack))
		return false;
	put_at_end(&edits, &seen, strdup(search->repair->add));
	return new_token_after(search, draft, &edits, ret_draft);
}

static void search_all(struct search *search, struct new_token *ret_draft)
{
	OWN_NEW_TOKEN struct new_token begin = {0}, added = {0};
	struct new_token *from = &begin;

	if (!read_text(search, &begin) || !end_lines(search, &begin) ||
	    !correct_names(search, &begin) || !read_draft(search, &begin, search->before) ||
	    !(search->roles = roles_of(search, search->before)))
		return;
	if (search->repair->add) {
		if (!add_ours(search, &begin, &added))
			return;
		from = &added;
	}
	if (from->command[0] && is_sound(search, from)) {
		new_token_move(ret_draft, from);
		return;
	}
	for (unsigned depth = 1; depth <= DEPTH; depth++)
		if (look(search, from, depth, ret_draft))
			return;
}

/* As it is in a command line. */
static bool is_plain_path(const char *path)
{
	return path && path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789/._+@:-")] == '\0';
}

enum totp_err repair_find(const struct repair *repair, char **ret_command)
{
	OWN_STACK struct stack stack = {0}, before = {0};
	struct search search = {.repair = repair, .before = &before};
	struct new_token found = {0};
	enum totp_err err =
		stack_read_by(repair->open, repair->open_context, repair->service, "auth", &stack);

	*ret_command = NULL;
	/* lines of pam.conf are not of a file that the service has for itself */
	if (err != TOTP_OK || !is_plain_path(stack.own))
		return err == TOTP_ERR_NOMEM ? err : TOTP_OK;
	search.path = stack.own;
	search_all(&search, &found);
	free(search.roles);
	*ret_command = found.command;
	found.command = NULL;
	new_token_end(&found);
	return search.no_memory ? TOTP_ERR_NOMEM : TOTP_OK;
}
