/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/prompt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"
#include "common/interrupt.h"

/* Read one byte; *ret_got is false at the end of input and after a signal. */
static enum totp_err read_byte(int fd, char *ret_byte, bool *ret_got)
{
	struct pollfd input = {.fd = fd, .events = POLLIN};
	sigset_t mask = interrupt_mask();
	ssize_t n;

	for (;;) {
		n = ppoll(&input, 1, NULL, &mask);
		if (n >= 0)
			n = read(fd, ret_byte, 1);
		if (n >= 0 || interrupt_seen())
			break;
		if (errno != EINTR && errno != EAGAIN)
			return TOTP_ERR_SYSTEM;
	}
	*ret_got = n == 1 && !interrupt_seen();
	return TOTP_OK;
}

/* Byte by byte: stdio would keep what is typed in a buffer, and read what is for others. */
static enum totp_err read_typed(int fd, char ret_line[PROMPT_MAX], bool *ret_got)
{
	size_t len = 0;
	bool more = false;
	char byte = 0;
	enum totp_err err;

	*ret_got = false;
	while ((err = read_byte(fd, &byte, &more)) == TOTP_OK && more) {
		*ret_got = true;
		if (byte == '\n')
			break;
		if (len < PROMPT_MAX - 1)
			ret_line[len++] = byte ? byte : '?';
	}
	if (len > 0 && ret_line[len - 1] == '\r')
		len--;
	ret_line[len] = '\0';
	*ret_got = *ret_got && !interrupt_seen();
	explicit_bzero(&byte, sizeof(byte));
	return err;
}

/* Stop showing what is typed at fd, and drop what was typed before; false if it is no terminal. */
static bool hide_typed(int fd, struct termios *ret_shown)
{
	struct termios hidden;

	if (tcgetattr(fd, ret_shown) != 0)
		return false;
	hidden = *ret_shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	return tcsetattr(fd, TCSAFLUSH, &hidden) == 0;
}

/* An answer to a hidden question may come as soon as the question is seen: it is hidden already. */
static enum totp_err ask(const struct prompt *prompt, char ret_line[PROMPT_MAX], bool *ret_got)
{
	struct termios shown;
	bool hidden = prompt->hidden && hide_typed(prompt->in, &shown);
	enum totp_err err = TOTP_OK;

	if (prompt->question)
		err = io_write(prompt->out, prompt->question, strlen(prompt->question));
	if (err == TOTP_OK)
		err = read_typed(prompt->in, ret_line, ret_got);
	if (hidden)
		tcsetattr(prompt->in, TCSAFLUSH, &shown);
	return err;
}

enum totp_err prompt_line(const struct prompt *prompt, char ret_line[PROMPT_MAX], bool *ret_got)
{
	enum totp_err err;

	*ret_got = false;
	ret_line[0] = '\0';
	if (fflush(stdout) != 0)
		return TOTP_ERR_SYSTEM;
	err = ask(prompt, ret_line, ret_got);
	if (err == TOTP_OK && prompt->question && !(*ret_got && isatty(prompt->in)))
		err = io_write(prompt->out, "\n", 1); /* no terminal has ended the line */
	return err;
}

enum totp_err prompt_code(const char *question, struct answer *ret_answer, bool *ret_got)
{
	const struct prompt prompt = {.question = question, .out = STDOUT_FILENO};
	char line[PROMPT_MAX];
	enum totp_err err = prompt_line(&prompt, line, ret_got);

	answer_parse(*ret_got ? line : NULL, NULL, ret_answer);
	WIPE(line);
	return err;
}
