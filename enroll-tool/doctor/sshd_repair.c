/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: repairs of sshd's configuration. sshd tries each one on a copy of its file before
 * doctor prints it: the first line of a setting counts, a file may have no Include, and sshd may
 * not accept a setting together with another one.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "doctor/sshd_settings.h"

#define DROP_IN    SSHD_CONFIG ".d/00-pam_totp.conf"
#define CONFIG_MAX 262144

/* --- where sshd reads first --- */

struct place {
	size_t offset; /* of the Include line that reads the drop-in before anything else */
	bool found;
	bool passed; /* a Match block has begun: the lines below are not for all logins */
};

static bool is_first_of(const char *pattern)
{
	glob_t found = {0};
	bool first = fnmatch(pattern, DROP_IN, FNM_PATHNAME) == 0;

	if (first && glob(pattern, 0, NULL, &found) == 0)
		first = strcmp(found.gl_pathv[0], DROP_IN) >= 0;
	globfree(&found);
	return first;
}

static void find_include(void *context, const struct sshd_line *line)
{
	struct place *place = context;
	char pattern[512], path[600];

	place->passed |= line->match_number != 0;
	if (place->found || place->passed || line->included || !sshd_line_is(line, "Include") ||
	    text_copy(line->value, pattern, sizeof(pattern)) != TOTP_OK)
		return;
	snprintf(path, sizeof(path), "%s%s", pattern[0] == '/' ? "" : "/etc/ssh/", pattern);
	place->found = is_first_of(path);
	place->offset = line->offset;
}

/* --- trying --- */

/* A file in memory with `head` bytes of sshd's file, the lines, and the rest of it. */
static int copy_of(size_t head, const char *lines)
{
	OWN_FD int fd = open(SSHD_CONFIG, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	OWN_FD int copy = memfd_create("sshd_config", MFD_CLOEXEC);
	OWN_TEXT char *text = malloc(CONFIG_MAX);
	size_t len = 0;

	if (fd < 0 || copy < 0 || !text || io_read_all(fd, text, CONFIG_MAX, &len) != TOTP_OK)
		return -1;
	if (head > len)
		head = len;
	if (io_write(copy, text, head) != TOTP_OK ||
	    io_write(copy, lines, strlen(lines)) != TOTP_OK ||
	    io_write(copy, text + head, len - head) != TOTP_OK)
		return -1;
	return fd_take(&copy);
}

/* Lines for sshd's file, and what they are to bring about. */
struct sshd_edit {
	size_t head; /* the place: after so many bytes */
	const char *lines;
	const char *user; /* in whose connection; NULL: in one that no Match block is for */
	sshd_good_fn *good;
	const void *context;
};

static bool has_effect(const struct doctor *doctor, const struct sshd_edit *edit)
{
	OWN_FD int copy = copy_of(edit->head, edit->lines);
	OWN_TEXT char *text = copy < 0 ? NULL : malloc(SSHD_SETTINGS_MAX);
	char path[64];

	if (!text)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), copy);
	return sshd_ask(doctor, path, edit->user, text) &&
	       edit->good(edit->context, &(struct sshd_settings){NULL, text});
}

/* --- commands --- */

static const char *reload_command(void)
{
	static const struct {
		const char *file, *command;
	} kinds[] = {{"/lib/systemd/system/ssh.service", "systemctl reload ssh"},
		     {"/lib/systemd/system/sshd.service", "systemctl reload sshd"},
		     {"/usr/lib/systemd/system/sshd.service", "systemctl reload sshd"},
		     {"/etc/init.d/sshd", "service sshd reload"}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (access(kinds[i].file, F_OK) == 0)
			return kinds[i].command;
	return "systemctl reload ssh";
}

/* The lines as words of a shell, each behind `before`. */
static char *words_of(const char *lines, const char *before)
{
	struct text rest = text_of(lines), line;
	size_t cap = 1, len = 0;
	char *words;

	for (struct text all = rest; text_line(&all, &line);)
		cap += strlen(before) + line.len + 4;
	words = calloc(1, cap);
	while (words && text_line(&rest, &line))
		len += (size_t)snprintf(words + len, cap - len, " %s'%.*s'", before, (int)line.len,
					line.at);
	return words;
}

/* sed inserts before a first line, and an empty file has none. */
static char *insert_command(const char *file, const char *lines)
{
	bool empty = io_stamp_of(file).size == 0;
	OWN_TEXT char *words = words_of(lines, empty ? "" : "-e 1i");
	char *command = NULL;
	int made;

	if (!words)
		return NULL;
	made = empty ? asprintf(&command, "printf '%%s\\n'%s >>%s && sshd -t && %s", words, file,
				reload_command())
		     : asprintf(&command, "sed -i%s %s && sshd -t && %s", words, file,
				reload_command());
	return made < 0 ? NULL : command;
}

char *sshd_repair_first(const struct doctor *doctor, const char *lines, sshd_good_fn *good,
			const void *context)
{
	struct sshd_edit edit = {.lines = lines, .good = good, .context = context};
	struct place place = {0};

	if (sshd_config_each(SSHD_CONFIG, find_include, &place) && place.found) {
		edit.head = place.offset;
		if (has_effect(doctor, &edit))
			return insert_command(DROP_IN, lines);
	}
	edit.head = 0;
	return has_effect(doctor, &edit) ? insert_command(SSHD_CONFIG, lines) : NULL;
}

char *sshd_repair_last(const struct doctor *doctor, const char *block, const char *user,
		       sshd_good_fn *good, const void *context)
{
	OWN_TEXT char *words = words_of(block, "");
	OWN_TEXT char *lines = NULL;
	struct sshd_edit edit = {
		.head = CONFIG_MAX, .user = user, .good = good, .context = context};
	char *command = NULL;

	/* the last line of the file may lack its end */
	if (!words || asprintf(&lines, "\n%s", block) < 0)
		return NULL;
	edit.lines = lines;
	if (!has_effect(doctor, &edit))
		return NULL;
	return asprintf(&command, "printf '%%s\\n' ''%s >>" SSHD_CONFIG " && sshd -t && %s", words,
			reload_command()) < 0
		       ? NULL
		       : command;
}
