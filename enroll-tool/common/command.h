/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of a program with subcommands, each of which owns its options: a row says how
 * an option is written, what it takes, where that is stored, and what --help prints about it. One
 * parser reads the rows, through getopt_long, and prints every help from them.
 */
#ifndef COMMON_COMMAND_H
#define COMMON_COMMAND_H

#include "common/tool.h"

struct ctl;

/* One of the four pointers is set: where the value goes, and so what it may be. */
struct option_row {
	const char *name;  /* without dashes; NULL ends a table */
	const char *value; /* what --help calls the value, such as "FILE"; NULL: there is none */
	const char *help;  /* lines; NULL: the text of the next row is about both */
	bool *flag;        /* set by the option, which takes no value */
	const char **text; /* not empty, and with `check` what that allows */
	uint32_t *number;  /* from min to max */
	uint32_t *seconds; /* a duration such as 30m, from min to max */
	uint32_t min, max;
	bool (*check)(const struct option_row *row, const char *value, struct reason *why);
};

/*
 * A family, such as "key", has "SUBCOMMAND" for arguments; its members, "key list" and so on, are
 * commands of their own, which the family's help lists. A member may be a family, too.
 */
struct command {
	const char *name;
	const char *arguments; /* that it takes, as "FILE [USER...]" or "PATH...|--all"; or NULL */
	const char *help;      /* one line without a full stop */
	const char *more;      /* lines that its own --help adds, or NULL */
	const struct option_row *options, *shared; /* its own, and those of several; or NULL */
	const char *doing; /* of totpctl: what to tool_open for, such as "list records"; or NULL */
	/* of totpctl, one of the two: do it all, or for each user that the arguments name */
	int (*run)(struct ctl *ctl);
	int (*each_user)(struct ctl *ctl);
};

struct command_entry {
	const char *heading; /* of a group, at the first of each, or NULL */
	const struct command *command;
};

struct command_synonym {
	const char *word, *name; /* a word of other programs, and the command that does it here */
};

struct command_line {
	const char *before, *after; /* of the program's --help; the list of commands is between */
	const char *usage;          /* begins the usage of a command, such as "totpctl" */
	const struct command_entry *commands;   /* ends with a row without a command */
	const struct command *usual;            /* whose options count without a word, or NULL */
	const struct option_row *options;       /* of every command, beside --help and --version */
	const struct command_synonym *synonyms; /* ends with a row without a word */
	const char *hint; /* about a first word that is near to no command, or NULL */
};

struct command_words {
	const struct command *command; /* NULL: no word names one, or done */
	bool done;                     /* help or version is printed: nothing is left to do */
	int count; /* arguments, of which there are as many as the command takes */
	char **words;
};

/*
 * Read the command line: store the values of options, in any place, and gather the arguments at
 * the start of argv. TOOL_USAGE: after a message that names what is wrong and where to read.
 */
MUST_CHECK int command_read(const struct command_line *line, struct tool *tool, int argc,
			    char **argv, struct command_words *ret_words);

#endif
