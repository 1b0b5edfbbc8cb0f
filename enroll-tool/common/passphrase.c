/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "import/pwseal.h"
#include "common/interrupt.h"
#include "common/prompt.h"

#define FILE_MAX (SECRET_MAX + 2) /* a passphrase and the end of its line */

const char *passphrase_path;

const struct option_row passphrase_rows[] = {
	{"passphrase-file", "FILE",
	 "do not ask, read the passphrase: one line, in a file\n"
	 "that others cannot read",
	 .text = &passphrase_path},
	{0},
};

static int refuse_length(const struct tool *tool, size_t min)
{
	return tool_refuse(tool, "passphrase: expected %zu to %d bytes", min, SECRET_MAX);
}

/* Ask once. The caller wipes the line. */
static int ask_phrase(const struct tool *tool, const struct prompt *prompt, char line[PROMPT_MAX])
{
	bool got = false;
	enum totp_err err;

	interrupt_hold();
	err = prompt_line(prompt, line, &got);
	if (err != TOTP_OK)
		tool_refuse(tool, "passphrase: %s", strerror(errno));
	else if (!got)
		tool_refuse(tool, "no passphrase: nothing was changed");
	interrupt_release();
	return got ? TOOL_DONE : TOOL_REFUSED;
}

/* The terminal need not be standard input. */
static int ask_at_terminal(const struct tool *tool, size_t min, struct secret *ret_phrase)
{
	OWN_FD int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char line[PROMPT_MAX] = "", again[PROMPT_MAX] = "";
	char question[64] = "Passphrase: ";
	struct prompt prompt = {.question = question, .in = tty, .out = tty, .hidden = true};
	bool twice = min > 1;
	int code;

	if (tty < 0)
		return tool_refuse(tool, "there is no terminal to ask for a passphrase: "
					 "--passphrase-file FILE names a file that has it");
	if (twice)
		snprintf(question, sizeof(question),
			 "New passphrase, %zu characters or more: ", min);
	code = ask_phrase(tool, &prompt, line);
	if (code == TOOL_DONE && (strlen(line) < min || strlen(line) > SECRET_MAX))
		code = refuse_length(tool, min);
	prompt.question = "The same again: ";
	if (code == TOOL_DONE && twice)
		code = ask_phrase(tool, &prompt, again);
	if (code == TOOL_DONE && twice && strcmp(line, again) != 0)
		code = tool_refuse(tool, "the two differ: nothing was changed");
	if (code == TOOL_DONE && secret_set(ret_phrase, line, strlen(line)) != TOTP_OK)
		code = refuse_length(tool, min);
	WIPE(line);
	WIPE(again);
	return code;
}

/* A pipe is as good as a file: <(pass show backup). */
static int open_phrase(const struct tool *tool, int *ret_fd)
{
	struct stat st;

	*ret_fd = open(passphrase_path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*ret_fd < 0 || fstat(*ret_fd, &st) != 0)
		return tool_refuse(tool, "%s: %s", passphrase_path, strerror(errno));
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)))
		return tool_refuse(tool, "%s: others can read it (mode %04o), expected 0600",
				   passphrase_path, (unsigned)st.st_mode & 07777);
	return TOOL_DONE;
}

static int read_phrase(const struct tool *tool, size_t min, struct secret *ret_phrase)
{
	OWN_FD int fd = -1;
	char bytes[FILE_MAX];
	struct text rest = {bytes, 0}, line = {"", 0};
	enum totp_err err;
	int code = open_phrase(tool, &fd);

	if (code != TOOL_DONE)
		return code;
	err = io_read_all(fd, bytes, sizeof(bytes), &rest.len);
	if (err == TOTP_ERR_SYSTEM)
		code = tool_refuse(tool, "%s: %s", passphrase_path, strerror(errno));
	else if (err == TOTP_OK)
		(void)text_line(&rest, &line);
	if (code == TOOL_DONE && err == TOTP_OK && rest.len > 0)
		code = tool_refuse(tool, "passphrase: expected one line");
	else if (code == TOOL_DONE && (err != TOTP_OK || line.len < min ||
				       secret_set(ret_phrase, line.at, line.len) != TOTP_OK))
		code = refuse_length(tool, min);
	WIPE(bytes);
	return code;
}

int passphrase_new(const struct tool *tool, struct secret *ret_phrase)
{
	return passphrase_path ? read_phrase(tool, PWSEAL_PHRASE_MIN, ret_phrase)
			       : ask_at_terminal(tool, PWSEAL_PHRASE_MIN, ret_phrase);
}

int passphrase_old(const struct tool *tool, struct secret *ret_phrase)
{
	return passphrase_path ? read_phrase(tool, 1, ret_phrase)
			       : ask_at_terminal(tool, 1, ret_phrase);
}
