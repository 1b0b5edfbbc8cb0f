/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/sshd_config.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/io.h"
#include "base/own.h"

#define DIRECTORY  "/etc/ssh/" /* what a relative Include is relative to */
#define CONFIG_MAX 262144
#define DEPTH_MAX  16

struct walk {
	sshd_line_fn *each;
	void *context;
	unsigned depth;
};

bool sshd_line_is(const struct sshd_line *line, const char *keyword)
{
	return strlen(keyword) == line->keyword.len &&
	       strncasecmp(line->keyword.at, keyword, line->keyword.len) == 0;
}

static struct text without_quotes(struct text value)
{
	if (value.len >= 2 && value.at[0] == '"' &&
	    memchr(value.at + 1, '"', value.len - 1) == value.at + value.len - 1)
		return (struct text){value.at + 1, value.len - 2};
	return value;
}

/* False: an empty line or a comment. */
static bool split(struct text text, struct sshd_line *line)
{
	struct text value;
	size_t len = 0;

	text = text_trim(text);
	if (text.len == 0 || text.at[0] == '#')
		return false;
	while (len < text.len && !strchr(" \t=\"", text.at[len]))
		len++;
	line->keyword = (struct text){text.at, len};
	value = text_trim((struct text){text.at + len, text.len - len});
	if (value.len && value.at[0] == '=') /* keyword=value is allowed, too */
		value = text_trim((struct text){value.at + 1, value.len - 1});
	line->value = without_quotes(value);
	return true;
}

static bool read_config(struct walk *walk, const char *path, const struct sshd_line *from);

/* The lines of an included file belong to the block in which the Include stands. */
static void follow_include(struct walk *walk, const struct sshd_line *from)
{
	struct text patterns = from->value, one;
	char pattern[512], name[512];
	glob_t found = {0};

	while (text_field(&patterns, ' ', &one)) {
		one = without_quotes(text_trim(one));
		if (one.len == 0 || text_copy(one, name, sizeof(name)) != TOTP_OK ||
		    snprintf(pattern, sizeof(pattern), "%s%s", name[0] == '/' ? "" : DIRECTORY,
			     name) >= (int)sizeof(pattern))
			continue;
		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t i = 0; i < found.gl_pathc; i++)
				(void)read_config(walk, found.gl_pathv[i], from);
		globfree(&found);
	}
}

static void read_settings(struct walk *walk, struct text rest, struct sshd_line *line)
{
	const char *start = rest.at;
	struct text text;

	for (line->number = 1; text_line(&rest, &text); line->number++) {
		line->offset = (size_t)(text.at - start);
		if (!split(text, line))
			continue;
		if (sshd_line_is(line, "Match")) {
			line->match = line->value;
			line->match_file = line->file;
			line->match_number = line->number;
		}
		walk->each(walk->context, line);
		if (sshd_line_is(line, "Include"))
			follow_include(walk, line);
	}
}

static bool read_config(struct walk *walk, const char *path, const struct sshd_line *from)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	OWN_TEXT char *text = fd >= 0 && walk->depth < DEPTH_MAX ? malloc(CONFIG_MAX) : NULL;
	struct sshd_line line = from ? *from : (struct sshd_line){.number = 0};
	size_t len = 0;

	if (!text || io_read_all(fd, text, CONFIG_MAX, &len) != TOTP_OK)
		return false;
	line.file = path;
	line.included = from != NULL;
	walk->depth++;
	read_settings(walk, (struct text){text, len}, &line);
	walk->depth--;
	return true;
}

bool sshd_config_each(const char *path, sshd_line_fn *each, void *context)
{
	struct walk walk = {.each = each, .context = context};

	return read_config(&walk, path, NULL);
}
