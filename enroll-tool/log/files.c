/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The events of text files. Any local user can write such a line with logger(1), and nothing in a
 * file shows it: no event of a file is sure.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "log/event.h"

#define PATHS_MAX 8

/* Where the syslog daemon writes authpriv to. */
struct paths {
	char list[PATHS_MAX][EVENT_FILE_MAX];
	size_t count;
};

static void add_path(struct paths *paths, struct text path)
{
	char *next;

	if (paths->count == PATHS_MAX)
		return;
	next = paths->list[paths->count];
	if (text_copy(path, next, sizeof(paths->list[0])) != TOTP_OK)
		return;
	for (size_t i = 0; i < paths->count; i++)
		if (strcmp(paths->list[i], next) == 0)
			return;
	paths->count++;
}

/* "auth,authpriv.*  -/var/log/auth.log": a selector, blanks, and a file that is perhaps synced. */
static void read_rule(struct paths *paths, struct text line)
{
	struct text rule = text_trim(line);
	size_t len = 0;

	while (len < rule.len && rule.at[len] != ' ' && rule.at[len] != '\t')
		len++;
	if (rule.len == 0 || rule.at[0] == '#' || !memmem(rule.at, len, "authpriv", 8) ||
	    memmem(rule.at, len, "authpriv.none", 13))
		return;
	rule = text_trim((struct text){rule.at + len, rule.len - len});
	if (rule.len && rule.at[0] == '-')
		rule = (struct text){rule.at + 1, rule.len - 1};
	if (rule.len && rule.at[0] == '/')
		add_path(paths, rule);
}

/* The lines of a file, as far as it can be read. */
static bool each_line(const char *path, void (*each)(void *context, struct text line),
		      void *context)
{
	FILE *file = fopen(path, "re");
	OWN_TEXT char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (!file)
		return false;
	while ((len = getline(&line, &room, file)) > 0)
		each(context, (struct text){line, (size_t)len - (line[len - 1] == '\n')});
	fclose(file);
	return true;
}

static void take_rule(void *context, struct text line)
{
	read_rule(context, line);
}

static void find_paths(struct paths *paths)
{
	static const char *const rules[] = {"/etc/rsyslog.conf", "/etc/rsyslog.d/*.conf",
					    "/etc/syslog.conf"};
	glob_t found = {.gl_pathc = 0};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		(void)!glob(rules[i], i ? GLOB_APPEND : 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		(void)each_line(found.gl_pathv[i], take_rule, paths);
	globfree(&found);
	add_path(paths, text_of("/var/log/auth.log")); /* Debian */
	add_path(paths, text_of("/var/log/secure"));   /* Fedora */
}

static void take_line(void *context, struct text line)
{
	struct event_reader *reader = context;
	struct event event = {.sure = false};

	if (!event_parse_line(line, reader->now, &event) || event.when < reader->since)
		return;
	reader->each(reader->context, &event);
	reader->read++;
}

void events_of_files(struct event_reader *reader)
{
	struct paths paths = {.count = 0};

	find_paths(&paths);
	for (size_t i = 0; i < paths.count; i++) {
		char older[sizeof(paths.list[0]) + 2];
		size_t len = strlen(reader->looked.text);

		snprintf(older, sizeof(older), "%s.1", paths.list[i]);
		(void)each_line(older, take_line, reader);
		(void)each_line(paths.list[i], take_line, reader);
		snprintf(reader->looked.text + len, sizeof(reader->looked.text) - len, "%s%s",
			 len ? ", " : "", paths.list[i]);
		if (reader->read) {
			strcpy(reader->file, paths.list[i]);
			return; /* another file has the same lines */
		}
	}
}
