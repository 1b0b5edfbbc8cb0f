/* SPDX-License-Identifier: BSD-2-Clause */
#include "pamconf/stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/text.h"

#define LINE_MAX_LEN 1023 /* bytes of a line that libpam accepts, with its continuations */
#define INCLUDES_MAX 32   /* libpam has no limit, and runs out of descriptors */
#define LINES_MAX    4096 /* files that include each other twice would grow without end */
#define JUMP_MAX     99999
#define BLANKS       " \t\n"

/* --- control words --- */

/* By return value, from PAM_SUCCESS on; see pam.conf(5). */
static const char return_names[] =
	"success open_err symbol_err service_err system_err buf_err perm_denied auth_err "
	"cred_insufficient authinfo_unavail user_unknown maxtries new_authtok_reqd acct_expired "
	"session_err cred_unavail cred_expired cred_err no_module_data conv_err authtok_err "
	"authtok_recover_err authtok_lock_busy authtok_disable_aging try_again ignore abort "
	"authtok_expired module_unknown bad_item conv_again incomplete";

static const struct {
	const char *name;
	int action;
} action_names[] = {{"ignore", STACK_IGNORE}, {"ok", STACK_OK},   {"done", STACK_DONE},
		    {"bad", STACK_BAD},       {"die", STACK_DIE}, {"reset", STACK_RESET}};

static void set_default(int actions[STACK_RETURNS], int action)
{
	for (size_t i = 0; i < STACK_RETURNS; i++)
		if (actions[i] == STACK_UNSET)
			actions[i] = action;
}

static bool set_word(int actions[STACK_RETURNS], const char *word)
{
	static const struct {
		const char *word;
		int success, ignore, rest;
	} words[] = {{"required", STACK_OK, STACK_IGNORE, STACK_BAD},
		     {"requisite", STACK_OK, STACK_IGNORE, STACK_DIE},
		     {"optional", STACK_OK, STACK_IGNORE, STACK_IGNORE},
		     {"sufficient", STACK_DONE, STACK_IGNORE, STACK_IGNORE}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(word, words[i].word) != 0)
			continue;
		actions[PAM_SUCCESS] = actions[PAM_NEW_AUTHTOK_REQD] = words[i].success;
		actions[PAM_IGNORE] = words[i].ignore;
		set_default(actions, words[i].rest);
		return true;
	}
	return false;
}

/* "ignore", "die", or the length of a jump. */
static bool read_action(struct text word, int *ret_action)
{
	uint64_t jump = 0;

	for (size_t i = 0; i < sizeof(action_names) / sizeof(action_names[0]); i++) {
		*ret_action = action_names[i].action;
		if (text_is(word, action_names[i].name))
			return true;
	}
	if (text_number(word, 1, JUMP_MAX, &jump) != TOTP_OK)
		return false;
	*ret_action = (int)jump;
	return true;
}

static bool set_pair(int actions[STACK_RETURNS], struct text name, int action)
{
	struct text names = text_of(return_names), one;

	if (text_is(name, "default")) {
		set_default(actions, action);
		return true;
	}
	for (size_t i = 0; i < STACK_RETURNS && text_field(&names, ' ', &one); i++)
		if (one.len == name.len && memcmp(one.at, name.at, one.len) == 0) {
			actions[i] = action;
			return true;
		}
	return false;
}

/* "success=1 default=ignore"; with one mistake every action is bad. */
static void set_pairs(int actions[STACK_RETURNS], const char *text)
{
	while (*(text += strspn(text, BLANKS))) {
		struct text name = {text, strcspn(text, "=" BLANKS)}, word;
		int action;

		text += name.len;
		text += strspn(text, BLANKS);
		if (*text == '=')
			text++;
		text += strspn(text, BLANKS);
		word = (struct text){text, strcspn(text, BLANKS)};
		if (!read_action(word, &action) || !set_pair(actions, name, action)) {
			for (size_t i = 0; i < STACK_RETURNS; i++)
				actions[i] = STACK_BAD;
			return;
		}
		text += word.len;
	}
	set_default(actions, STACK_BAD);
}

/* --- words of a line --- */

/* The next word, terminated in place: blanks separate words, except in brackets. */
static char *take_word(char **rest)
{
	char *from = *rest + strspn(*rest, BLANKS), *to, *end;

	if (*from == '\0')
		return NULL;
	if (*from != '[') {
		end = from + strcspn(from, BLANKS);
		*rest = *end ? end + 1 : end;
		*end = '\0';
		return from;
	}
	for (to = end = ++from; *end && *end != ']'; to++, end++) {
		if (*end == '\\' && end[1] == ']')
			end++;
		*to = *end;
	}
	*rest = *end ? end + 1 : end;
	*to = '\0';
	return from;
}

/*
 * Read one line with its continuations, without a comment: lines *from to *number of the file. 1:
 * a line; 0: the end of the file; -1: libpam does not accept the file.
 */
static int read_logical_line(FILE *file, char line[LINE_MAX_LEN + 1], unsigned *from,
			     unsigned *number)
{
	size_t len = 0;

	for (;;) {
		char *at = line + len, *hash;

		*from = len ? *from : *number + 1;
		if (len >= LINE_MAX_LEN || !fgets(at, (int)(LINE_MAX_LEN + 1 - len), file))
			return len ? -1 : 0;
		(*number)++;
		if (at[strspn(at, BLANKS)] == '\0' || at[strspn(at, BLANKS)] == '#')
			continue;
		hash = strchr(at, '#');
		if (hash) {
			*hash = '\0';
			return 1;
		}
		len += strlen(at);
		while (len && strchr(BLANKS, line[len - 1]))
			len--;
		if (len == 0 || line[len - 1] != '\\') {
			line[len] = '\0';
			return 1;
		}
		line[len - 1] = ' ';
	}
}

/* --- lines --- */

/* Where a line stands. */
struct spot {
	const char *file;
	unsigned number, level;
};

struct reading {
	struct stack *stack;
	const char *type;
	stack_open_fn *open;
	const void *context;
	unsigned includes;
	unsigned typed; /* includes among them that are for lines of one type */
	struct {
		unsigned from, to;
		bool whole;
	} own; /* the line of the service's own file that is being read, or that led here */
	bool no_memory;
};

static struct stack_line *add_line(struct reading *reading, const struct spot *spot)
{
	struct stack *stack = reading->stack;
	struct stack_line *line;

	if (!array_room(&stack->lines, stack->count, &stack->room, sizeof(*line))) {
		reading->no_memory = true;
		return NULL;
	}
	line = &stack->lines[stack->count++];
	*line = (struct stack_line){.level = spot->level,
				    .number = spot->number,
				    .own_from = reading->own.from,
				    .own_to = reading->own.to,
				    .own_whole = reading->own.whole,
				    .control = "",
				    .module = "",
				    .path = ""};
	for (size_t i = 0; i < STACK_RETURNS; i++)
		line->actions[i] = STACK_UNSET;
	line->file = strdup(spot->file);
	reading->no_memory |= !line->file;
	return line->file ? line : NULL;
}

static void must_fail(struct stack_line *line)
{
	line->kind = STACK_MUST_FAIL;
	set_default(line->actions, STACK_BAD);
}

static void add_failing_line(struct reading *reading, const struct spot *spot)
{
	struct stack_line *line = add_line(reading, spot);

	if (line)
		must_fail(line);
}

/* Control, module and arguments of a line. */
static void keep_words(struct reading *reading, struct stack_line *line, const char *control,
		       const char *module, const char *rest)
{
	char *cursor, *word;
	size_t room = strlen(rest) / 2 + 2;

	line->words = malloc(strlen(control) + strlen(module) + strlen(rest) + 3);
	line->argv = calloc(room, sizeof(*line->argv));
	reading->no_memory |= !line->words || !line->argv;
	if (!line->words || !line->argv)
		return;
	line->control = line->words;
	line->path = stpcpy(line->words, control) + 1;
	cursor = stpcpy(line->words + strlen(control) + 1, module) + 1;
	strcpy(cursor, rest);
	line->module = strrchr(line->path, '/') ? strrchr(line->path, '/') + 1 : line->path;
	while ((word = take_word(&cursor)))
		line->argv[line->argc++] = word;
}

static bool read_stack_file(struct reading *reading, const char *name, unsigned level);

/* An include or a substack; a line that fails if its file cannot be read. */
static void follow_include(struct reading *reading, const char *name, const struct spot *spot,
			   bool substack)
{
	bool read;

	if (substack) {
		struct stack_line *line = add_line(reading, spot);

		if (!line)
			return;
		line->kind = STACK_SUBSTACK;
	}
	reading->typed++;
	read = name && read_stack_file(reading, name, spot->level + substack);
	reading->typed--;
	if (!read)
		add_failing_line(reading, spot);
}

static void read_module(struct reading *reading, const struct spot *spot, bool quiet,
			const char *control, char *rest)
{
	const char *module = control ? take_word(&rest) : NULL;
	struct stack_line *line = add_line(reading, spot);

	if (!line)
		return;
	line->quiet = quiet;
	if (control && !set_word(line->actions, control))
		set_pairs(line->actions, control);
	if (module)
		keep_words(reading, line, control, module, rest);
	else
		must_fail(line);
}

static bool is_type(const char *word)
{
	static const char *const types[] = {"auth", "account", "password", "session"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(word, types[i]) == 0)
			return true;
	return false;
}

static void read_stack_line(struct reading *reading, char *rest, const struct spot *spot)
{
	const char *type = take_word(&rest), *control;
	bool quiet;

	if (!type)
		return;
	quiet = type[0] == '-';
	type += quiet;
	if (strcasecmp(type, "@include") == 0) {
		const char *name = take_word(&rest);

		reading->own.whole |= reading->includes == 0;
		if (name && read_stack_file(reading, name, spot->level))
			return;
		/* libpam gives up, unless an include of one type has led here */
		reading->stack->refused |= !reading->typed;
		add_failing_line(reading, spot);
		return;
	}
	if (strcasecmp(type, reading->type) != 0) {
		/* libpam puts a line of no type into auth, where it fails */
		if (!is_type(type) && strcmp(reading->type, "auth") == 0)
			add_failing_line(reading, spot);
		return;
	}
	control = take_word(&rest);
	if (control &&
	    (strcasecmp(control, "include") == 0 || strcasecmp(control, "substack") == 0))
		follow_include(reading, take_word(&rest), spot,
			       strcasecmp(control, "substack") == 0);
	else
		read_module(reading, spot, quiet, control, rest);
}

static bool read_stack_lines(struct reading *reading, FILE *file, const char *path, unsigned level)
{
	char line[LINE_MAX_LEN + 1];
	unsigned from, number = 0;
	int more;

	while ((more = read_logical_line(file, line, &from, &number)) > 0) {
		if (reading->includes == 0) {
			reading->own.from = from;
			reading->own.to = number;
			reading->own.whole = false;
		}
		if (reading->no_memory || reading->stack->count > LINES_MAX)
			return false;
		read_stack_line(reading, line, &(struct spot){path, number, level});
	}
	return more == 0;
}

static bool read_stack_file(struct reading *reading, const char *name, unsigned level)
{
	char *path = NULL;
	FILE *file;
	bool good;

	if (level >= STACK_LEVEL_MAX || reading->includes >= INCLUDES_MAX)
		return false;
	file = reading->open(reading->context, name, &path);
	if (!file)
		return false;
	reading->includes++;
	good = read_stack_lines(reading, file, path, level);
	reading->includes--;
	fclose(file);
	free(path);
	return good;
}

void stack_end(struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		free(stack->lines[i].file);
		free(stack->lines[i].words);
		free(stack->lines[i].argv);
	}
	free(stack->lines);
	free(stack->own);
	*stack = (struct stack){0};
}

/* A service without lines of this type has those of "other". */
enum totp_err stack_read_by(stack_open_fn *open, const void *context, const char *service,
			    const char *type, struct stack *ret_stack)
{
	struct reading reading = {
		.stack = ret_stack, .type = type, .open = open, .context = context};
	char *path = NULL;
	FILE *file;

	*ret_stack = (struct stack){0};
	file = strchr(service, '/') ? NULL : open(context, service, &path);
	ret_stack->missing = !file;
	if (file) {
		ret_stack->own = path;
		ret_stack->refused |= !read_stack_lines(&reading, file, path, 0);
		fclose(file);
		reading.own.from = reading.own.to = 0;
	}
	if (ret_stack->count == 0 && !ret_stack->refused &&
	    !read_stack_file(&reading, "other", 0) && ret_stack->missing && !reading.no_memory)
		return TOTP_ERR_NOT_FOUND;
	return reading.no_memory ? TOTP_ERR_NOMEM : TOTP_OK;
}

/* --- what libpam does with them --- */

struct stack_walk stack_start(void)
{
	struct stack_walk walk = {.status = PAM_PERM_DENIED};

	walk.saved[0].status = PAM_PERM_DENIED;
	return walk;
}

/* The index after the last line at this level or above it. */
static size_t end_of_level(const struct stack *stack, size_t index)
{
	unsigned level = stack->lines[index].level;

	while (index + 1 < stack->count && stack->lines[index + 1].level >= level)
		index++;
	return index + 1;
}

/* Over a number of lines of this level with their substacks, but never out of a substack. */
static size_t jump(const struct stack *stack, struct stack_walk *walk, size_t index, int over)
{
	unsigned level = stack->lines[index].level;

	while (index + 1 < stack->count && stack->lines[index + 1].level >= level && over > 0) {
		do {
			index++;
		} while (index + 1 < stack->count && stack->lines[index + 1].level > level);
		over--;
	}
	if (over) {
		walk->impression = -1;
		walk->status = PAM_PERM_DENIED;
	}
	return index + 1;
}

size_t stack_step(const struct stack *stack, struct stack_walk *walk, size_t index, int answer)
{
	const struct stack_line *line = &stack->lines[index];
	int action;

	if (walk->level < line->level) {
		walk->saved[line->level].impression = walk->impression;
		walk->saved[line->level].status = walk->status;
	}
	walk->level = line->level;
	if (line->kind == STACK_SUBSTACK)
		return index + 1;
	if (line->kind == STACK_MUST_FAIL)
		answer = PAM_PERM_DENIED;
	action = answer >= 0 && answer < STACK_RETURNS ? line->actions[answer] : STACK_BAD;

	switch (action) {
	case STACK_IGNORE:
		return index + 1;
	case STACK_RESET:
		walk->impression = walk->saved[line->level].impression;
		walk->status = walk->saved[line->level].status;
		return index + 1;
	case STACK_OK:
	case STACK_DONE:
		if (walk->impression == 0 ||
		    (walk->impression > 0 && walk->status == PAM_SUCCESS)) {
			walk->impression = 1;
			walk->status = answer;
		}
		return action == STACK_DONE && walk->impression > 0 ? end_of_level(stack, index)
								    : index + 1;
	case STACK_BAD:
	case STACK_DIE:
		if (walk->impression >= 0) {
			walk->impression = -1;
			walk->status = answer == PAM_IGNORE ? PAM_PERM_DENIED : answer;
		}
		return action == STACK_DIE ? end_of_level(stack, index) : index + 1;
	default:
		return jump(stack, walk, index, action);
	}
}

int stack_result(const struct stack_walk *walk)
{
	if (walk->status == PAM_SUCCESS && walk->impression <= 0)
		return PAM_PERM_DENIED;
	return walk->status;
}
