/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/command.h"

#include <ctype.h>
#include <getopt.h>
#include <string.h>

#include "common/nearest.h"

#define ROWS_MAX   64
#define ROW_FIRST  256 /* above every letter */
#define LEFT_MAX   24  /* columns; the text of a longer row begins on the next line */
#define LISTED_MAX 22
#define MEMBER_MAX 36 /* the same for a member of a family */
#define WORDS_MAX  4  /* "help", and the words of a name */

static bool asked_help, asked_version;

static const struct option_row always[] = {
	{"help", .flag = &asked_help}, {"version", .flag = &asked_version}, {0}};

/* --- tables --- */

static const char *arguments_of(const struct command *command)
{
	return command->arguments ? command->arguments : "";
}

static bool is_family(const struct command *command)
{
	return strcmp(arguments_of(command), "SUBCOMMAND") == 0;
}

/* "[FILE]" may be left out, "USER..." repeated, and an option stand for "PATH...|--all". */
static bool takes_words(const struct command *command, int count)
{
	const char *word = arguments_of(command);
	bool repeated = strstr(word, "...") != NULL, other = strstr(word, "|--") != NULL;
	int min = 0, max = 0;

	for (; *word; word += strcspn(word, " "), word += strspn(word, " ")) {
		min += word[0] != '[' && !other;
		max++;
	}
	return count >= min && (repeated || count <= max);
}

/* The one word that follows the family's name in the name of a member, or NULL. */
static const char *name_within(const struct command *command, const struct command *family)
{
	size_t len = family ? strlen(family->name) + 1 : 0;

	if (family &&
	    (strncmp(command->name, family->name, len - 1) != 0 || command->name[len - 1] != ' '))
		return NULL;
	return strchr(command->name + len, ' ') ? NULL : command->name + len;
}

static const struct command *command_find(const struct command_line *line,
					  const struct command *family, const char *word)
{
	for (const struct command_entry *entry = line->commands; entry->command; entry++) {
		const char *name = name_within(entry->command, family);

		if (name && strcmp(name, word) == 0)
			return entry->command;
	}
	return NULL;
}

/* --- help --- */

/*
 * The lines of a list: name and arguments to the left, what it does to the right. Where there is
 * no room, arguments that may be left out on a command line are left out here, too.
 */
static void print_command(const struct command *command, int width)
{
	char left[48];
	char *optional;

	snprintf(left, sizeof(left), "%s%s%s", command->name, command->arguments ? " " : "",
		 arguments_of(command));
	optional = strstr(left, " [");
	if ((int)strlen(left) > width && optional)
		*optional = '\0';
	printf("  %-*s %s\n", width, left, command->help);
}

static void print_members(const struct command_line *line, const struct command *family)
{
	int width = 18;

	for (const struct command_entry *entry = line->commands; entry->command; entry++) {
		const struct command *member = entry->command;
		int len = (int)(strlen(member->name) + 2 + strlen(arguments_of(member)));

		if (name_within(member, family) && len > width)
			width = len < MEMBER_MAX ? len : MEMBER_MAX;
	}
	printf("\n");
	for (const struct command_entry *entry = line->commands; entry->command; entry++)
		if (name_within(entry->command, family))
			print_command(entry->command, width);
}

/* "  --name VALUE", and the next rows as long as one text is about them; returns the last one. */
static const struct option_row *row_left(const struct option_row *row, char *ret_left, size_t cap)
{
	size_t len = 0;
	bool last;

	do {
		len += (size_t)snprintf(ret_left + len, cap - len, "%s--%s%s%s", len ? ", " : "  ",
					row->name, row->value ? " " : "",
					row->value ? row->value : "");
		last = row->help || !row[1].name;
		row += !last;
	} while (!last && len < cap);
	return row;
}

static void print_rows(const struct option_row *rows, int width)
{
	char left[80];

	for (; rows && rows->name; rows++) {
		const char *text;

		rows = row_left(rows, left, sizeof(left));
		text = rows->help ? rows->help : "";
		if (strlen(left) > LEFT_MAX)
			printf("%s\n%*s", left, width, "");
		else
			printf("%-*s", text[0] ? width : 0, left);
		for (; strchr(text, '\n'); text = strchr(text, '\n') + 1)
			printf("  %.*s\n%*s", (int)strcspn(text, "\n"), text, width, "");
		printf("%s%s\n", text[0] ? "  " : "", text);
	}
}

static int rows_width(const struct option_row *rows, int width)
{
	char left[80];

	for (; rows && rows->name; rows++) {
		rows = row_left(rows, left, sizeof(left));
		if (strlen(left) <= LEFT_MAX && (int)strlen(left) > width)
			width = (int)strlen(left);
	}
	return width;
}

static void print_usage(const struct command_line *line, const struct command *command)
{
	int width;

	if (!command) {
		fputs(line->before, stdout);
		for (const struct command_entry *entry = line->commands; entry->command; entry++) {
			if (entry->heading)
				printf("\n%s", entry->heading);
			if (name_within(entry->command, NULL))
				print_command(entry->command, LISTED_MAX);
		}
		printf("\nOptions:\n");
		print_rows(line->options, LISTED_MAX + 1);
		printf("  --help, --version\n\n%s", line->after);
		return;
	}
	printf("Usage: %s %s%s%s\n\n%c%s.\n", line->usage, command->name,
	       command->arguments ? " " : "", arguments_of(command),
	       toupper((unsigned char)command->help[0]), command->help + 1);
	if (command->more)
		printf("\n%s", command->more);
	width = rows_width(command->shared, rows_width(command->options, 0));
	if (width)
		printf("\n");
	print_rows(command->options, width);
	print_rows(command->shared, width);
	if (is_family(command))
		print_members(line, command);
}

/* --- the command line --- */

/* What is at one place of it. */
struct item {
	enum { ITEM_WORD, ITEM_OPTION, ITEM_UNKNOWN, ITEM_SURPLUS } kind;
	char *word;       /* as it was typed */
	const char *name; /* of an option of any command */
	const char *value;
};

/* The options of all commands, as getopt_long has them. */
struct scan {
	struct option options[ROWS_MAX + 1];
	int count;
	bool words_only; /* after "--" */
};

static void scan_add(struct scan *scan, const struct option_row *rows)
{
	for (; rows && rows->name; rows++) {
		bool known = false;

		for (int i = 0; i < scan->count; i++)
			known |= strcmp(scan->options[i].name, rows->name) == 0;
		if (known || scan->count == ROWS_MAX)
			continue;
		scan->options[scan->count] =
			(struct option){.name = rows->name,
					.has_arg = rows->flag ? no_argument : required_argument,
					.val = ROW_FIRST + scan->count};
		scan->count++;
	}
}

static void scan_begin(struct scan *scan, const struct command_line *line)
{
	*scan = (struct scan){.count = 0};
	for (const struct command_entry *entry = line->commands; entry->command; entry++) {
		scan_add(scan, entry->command->options);
		scan_add(scan, entry->command->shared);
	}
	scan_add(scan, line->options);
	scan_add(scan, always);
	optind = 0; /* from the start */
	opterr = 0;
}

/* The next word or option, in their order. False: there is none. */
static bool scan_next(struct scan *scan, int argc, char **argv, struct item *ret_item)
{
	int before = optind ? optind : 1, index, found = -1;

	if (!scan->words_only)
		found = getopt_long(argc, argv, "-:h", scan->options, NULL);
	if (found < 0) {
		scan->words_only = true;
		if (optind >= argc)
			return false;
		*ret_item = (struct item){.kind = ITEM_WORD, .word = argv[optind++]};
		return true;
	}
	*ret_item = (struct item){.kind = ITEM_UNKNOWN, .word = argv[before], .value = optarg};
	if (found == 1) {
		ret_item->kind = ITEM_WORD;
		ret_item->word = optarg;
	}
	if (found == 'h') {
		ret_item->kind = ITEM_OPTION;
		ret_item->name = "help";
	}
	index = (found == '?' || found == ':' ? optopt : found) - ROW_FIRST;
	if (index < 0 || !scan->options[index].name)
		return true;
	ret_item->name = scan->options[index].name;
	ret_item->kind = found == '?' ? ITEM_SURPLUS : ITEM_OPTION;
	if (strcspn(argv[before] + 2, "=") != strlen(ret_item->name))
		ret_item->kind = ITEM_UNKNOWN; /* a part of a name is none */
	return true;
}

/* "1m", "30d": bounds of a duration. */
static const char *duration_text(uint32_t seconds, char text[16])
{
	static const struct {
		uint32_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	while (seconds % units[i].seconds)
		i++;
	snprintf(text, 16, "%u%c", (unsigned)(seconds / units[i].seconds), units[i].unit);
	return text;
}

static int store_value(const struct tool *tool, const struct option_row *row, const char *value)
{
	struct reason why = {""};
	char least[16], most[16];
	uint64_t number = 0;

	if (row->flag) {
		*row->flag = true;
		return TOOL_DONE;
	}
	if (!value || !value[0])
		return tool_usage(tool, "--%s needs a value: --%s %s", row->name, row->name,
				  row->value);
	if (row->text) {
		*row->text = value;
		return !row->check || row->check(row, value, &why)
			       ? TOOL_DONE
			       : tool_usage(tool, "--%s: %s", row->name, why.text);
	}
	if (row->number) {
		if (text_number(text_of(value), row->min, row->max, &number) != TOTP_OK)
			return tool_usage(tool, "--%s: expected a number from %u to %u, not '%s'",
					  row->name, (unsigned)row->min, (unsigned)row->max, value);
		*row->number = (uint32_t)number;
		return TOOL_DONE;
	}
	if (text_duration(text_of(value), row->min, row->max, row->seconds) == TOTP_OK)
		return TOOL_DONE;
	return tool_usage(tool, "--%s: expected a duration from %s to %s, such as 12h, not '%s'",
			  row->name, duration_text(row->min, least), duration_text(row->max, most),
			  value);
}

static int refuse_option(const struct tool *tool, const struct option_row *const tables[4],
			 const struct item *item)
{
	const char *before = tool->subcommand ? tool->subcommand : "";
	const char *words[ROWS_MAX], *meant = NULL;
	char typed[40] = "";
	size_t count = 0;

	if (item->kind == ITEM_SURPLUS)
		return tool_usage(tool, "--%s takes no value", item->name);
	for (size_t i = 0; i < 4; i++)
		for (const struct option_row *row = tables[i]; row && row->name; row++)
			if (count < ROWS_MAX)
				words[count++] = row->name;
	if (strncmp(item->word, "--", 2) == 0) {
		snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(item->word + 2, "="),
			 item->word + 2);
		meant = nearest_word(typed, words, count);
	}
	return tool_usage(tool, "%s%sthere is no option '%.*s'%s%s%s", before,
			  before[0] ? ": " : "", (int)strcspn(item->word, "="), item->word,
			  meant ? "; did you mean '--" : "", meant ? meant : "", meant ? "'?" : "");
}

/* family: NULL, or the one whose members are looked at. */
static int refuse_command(const struct command_line *line, const struct tool *tool,
			  const struct command *family, const char *typed)
{
	const char *words[2 * ROWS_MAX] = {NULL}, *meant, *before = family ? family->name : "";
	const struct command_synonym *synonym = family ? NULL : line->synonyms;
	size_t count = 0;

	for (const struct command_entry *entry = line->commands; entry->command; entry++) {
		const char *name = name_within(entry->command, family);

		if (name && count < ROWS_MAX)
			words[count++] = name;
	}
	for (size_t i = 0; synonym && synonym[i].word && count < 2 * ROWS_MAX; i++)
		words[count++] = synonym[i].word;

	meant = nearest_word(typed, words, count);
	for (size_t i = 0; meant && synonym && synonym[i].word; i++)
		if (strcmp(meant, synonym[i].word) == 0)
			meant = synonym[i].name;
	if (!meant && !family && line->hint)
		return tool_usage(tool, "unknown subcommand '%s'; %s", typed, line->hint);
	return tool_usage(tool, "%s%sunknown subcommand '%s'%s%s%s", before, family ? ": " : "",
			  typed, meant ? "; did you mean '" : "", meant ? meant : "",
			  meant ? "'?" : "");
}

/* Which command do the first words name, and how many of them? *ret_help: one of them is "help". */
static const struct command *look_ahead(const struct command_line *line, int argc, char **argv,
					int *ret_used, bool *ret_help)
{
	const struct command *command = NULL, *member = NULL;
	const char *words[WORDS_MAX + 1] = {NULL};
	struct scan scan;
	struct item item;
	int count = 0;

	scan_begin(&scan, line);
	while (count < WORDS_MAX && scan_next(&scan, argc, argv, &item))
		if (item.kind == ITEM_WORD)
			words[count++] = item.word;
	*ret_help = words[0] && strcmp(words[0], "help") == 0;
	*ret_used = *ret_help;
	while (words[*ret_used] && (!command || is_family(command))) {
		member = command_find(line, command, words[*ret_used]);
		if (!member)
			break;
		command = member;
		++*ret_used;
	}
	return command;
}

/* Store the options that `command` takes, and gather the words at the start of argv. */
static int take_options(const struct command_line *line, const struct tool *tool,
			const struct command *command, int argc, char **argv)
{
	const struct option_row *const tables[4] = {command ? command->options : NULL,
						    command ? command->shared : NULL, line->options,
						    always};
	struct scan scan;
	struct item item;
	int count = 0, code = TOOL_DONE;

	scan_begin(&scan, line);
	while (code == TOOL_DONE && scan_next(&scan, argc, argv, &item)) {
		const struct option_row *row = NULL;

		if (item.kind == ITEM_WORD) {
			argv[count++] = item.word;
			continue;
		}
		for (size_t i = 0; i < 4 && !row && item.kind == ITEM_OPTION; i++)
			for (row = tables[i]; row && strcmp(row->name, item.name) != 0;)
				row = row[1].name ? row + 1 : NULL;
		if (row)
			code = store_value(tool, row, item.value);
		else if (item.kind != ITEM_OPTION || (command && !is_family(command)))
			code = refuse_option(tool, tables, &item);
	}
	argv[count] = NULL;
	return code;
}

static int check_words(const struct command_line *line, const struct tool *tool,
		       const struct command_words *words)
{
	const struct command *command = words->command;

	if (!command && words->count)
		return refuse_command(line, tool, NULL, words->words[0]);
	if (!command)
		return line->usual ? TOOL_DONE : tool_usage(tool, "which subcommand?");
	if (is_family(command) && words->count)
		return refuse_command(line, tool, command, words->words[0]);
	if (is_family(command))
		return tool_usage(tool, "%s: which subcommand?", command->name);
	if (!takes_words(command, words->count))
		return tool_usage(tool, "%s: expected %s", command->name,
				  command->arguments ? command->arguments : "no arguments");
	return TOOL_DONE;
}

int command_read(const struct command_line *line, struct tool *tool, int argc, char **argv,
		 struct command_words *ret_words)
{
	bool help = false;
	int used = 0, code;
	const struct command *command = look_ahead(line, argc, argv, &used, &help);

	*ret_words = (struct command_words){.command = command, .words = argv + used};
	tool->subcommand = command ? command->name : NULL;
	code = take_options(line, tool, command ? command : line->usual, argc, argv);
	if (code != TOOL_DONE)
		return code;
	while (ret_words->words[ret_words->count])
		ret_words->count++;
	ret_words->done = asked_version || help || asked_help;
	if (asked_version)
		printf("%s (pam_totp) " VERSION "\n", tool->name);
	else if (ret_words->done && (command || !ret_words->count))
		print_usage(line, command);
	else
		return check_words(line, tool, ret_words);
	return TOOL_DONE;
}
