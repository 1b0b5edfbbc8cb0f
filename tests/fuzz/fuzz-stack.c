/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is the file of a PAM service and, after each NUL, a file for its includes: the length
 * of an include's name selects the file.
 */
#include "fuzz.h"

#include "pamconf/walk.h"

/* The index-th part of the input, or an empty one. */
static struct text part_of(struct text input, size_t index)
{
	struct text part = {"", 0};

	for (size_t i = 0; i <= index; i++)
		if (!text_field(&input, '\0', &part))
			return (struct text){"", 0};
	return part;
}

static FILE *open_part(const void *context, const char *name, char **ret_path)
{
	const struct text *input = context;
	struct text part = part_of(*input, strcmp(name, "service") == 0 ? 0 : strlen(name) % 8);
	FILE *file = part.len ? fmemopen(NULL, part.len, "w+") : NULL;

	REQUIRE(name[0] || part.len == 0 || file);
	if (!file)
		return NULL;
	REQUIRE(fwrite(part.at, 1, part.len, file) == part.len);
	rewind(file);
	*ret_path = strdup(name);
	REQUIRE(*ret_path);
	return file;
}

static void line_is_sound(const struct stack_line *line)
{
	REQUIRE(line->file && line->number > 0 && line->level <= STACK_LEVEL_MAX);
	REQUIRE(!strchr(line->module, '/'));
	REQUIRE(line->kind != STACK_MODULE || line->path[0] || line->argc == 0);
	for (int i = 0; i < line->argc; i++)
		REQUIRE(line->argv[i]);
	for (size_t i = 0; line->kind == STACK_MODULE && i < STACK_RETURNS; i++)
		REQUIRE(line->actions[i] >= STACK_RESET && line->actions[i] <= 99999);
}

/* Every path ends, and goes forward only. */
static void walk_is_sound(const struct stack *stack, int answer)
{
	struct stack_walk walk = stack_start();

	for (size_t i = 0; i < stack->count;) {
		size_t next = stack_step(stack, &walk, i, answer);

		REQUIRE(next > i && next <= stack->count);
		i = next;
	}
	REQUIRE(stack_result(&walk) != PAM_SUCCESS || answer == PAM_SUCCESS);
}

static void walk_are_sound(struct stack *stack,
			   enum line_role (*role)(const struct stack_line *line))
{
	OWN_WALK struct walk routes = {0};

	for (size_t i = 0; i < stack->count; i++)
		stack->lines[i].role = role(&stack->lines[i]);
	REQUIRE(walk_stack(stack, &routes) == TOTP_OK);
	for (size_t i = 0; i < stack->count; i++)
		REQUIRE(routes.marks[i] == 0 || routes.code);
	REQUIRE(!routes.stuck || routes.open);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"auth", "session", "account"};
	struct text input = fuzz_text(data, size);

	if (size > 8192)
		return 0;
	for (size_t t = 0; t < 3; t++) {
		OWN_STACK struct stack stack = {0};
		enum totp_err err = stack_read_by(open_part, &input, "service", types[t], &stack);

		REQUIRE(err == TOTP_OK || err == TOTP_ERR_NOT_FOUND);
		for (size_t i = 0; i < stack.count; i++)
			line_is_sound(&stack.lines[i]);
		for (int answer = -1; answer <= STACK_RETURNS; answer++)
			walk_is_sound(&stack, answer);
		if (stack.count <= 64)
			walk_are_sound(&stack, t == 2 ? walk_account_role : walk_role);
	}
	return 0;
}
