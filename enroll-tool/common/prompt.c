#include "common/prompt.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void note_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* One that the caller has us ignore (nohup) stays ignored. */
static void catch_signal(int signal)
{
	struct sigaction action = {.sa_handler = note_signal}, before;

	if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(signal, &action, NULL);
}

static void release_signal(int signal)
{
	struct sigaction action = {.sa_handler = SIG_DFL}, before;

	if (sigaction(signal, NULL, &before) == 0 && before.sa_handler == note_signal)
		sigaction(signal, &action, NULL);
}

static const int held_signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

#define HELD_SIGNALS (sizeof(held_signals) / sizeof(held_signals[0]))

void prompt_hold_signals(sigset_t *ret_asking)
{
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < HELD_SIGNALS; i++)
		sigaddset(&held, held_signals[i]);
	sigprocmask(SIG_BLOCK, &held, ret_asking);
	for (size_t i = 0; i < HELD_SIGNALS; i++)
		catch_signal(held_signals[i]);
}

/* One that is pending ends the program here. */
void prompt_release_signals(const sigset_t *asking)
{
	for (size_t i = 0; i < HELD_SIGNALS; i++)
		release_signal(held_signals[i]);
	sigprocmask(SIG_SETMASK, asking, NULL);
}

/* Read one byte; *ret_got is false at the end of input and after a signal. */
static enum totp_err read_byte(int fd, const sigset_t *asking, char *ret_byte, bool *ret_got)
{
	struct pollfd input = {.fd = fd, .events = POLLIN};
	ssize_t n;

	for (;;) {
		n = ppoll(&input, 1, NULL, asking);
		if (n >= 0)
			n = read(fd, ret_byte, 1);
		if (n >= 0 || interrupted)
			break;
		if (errno != EINTR && errno != EAGAIN)
			return TOTP_ERR_SYSTEM;
	}
	*ret_got = n == 1 && !interrupted;
	return TOTP_OK;
}

/* Byte by byte, so that nothing typed lies about in a buffer of stdio's and nothing is read
 * that is not ours. */
static enum totp_err line_from(int fd, const sigset_t *asking, char ret_line[PROMPT_MAX],
			       bool *ret_got)
{
	size_t len = 0;
	bool more = false;
	char byte = 0;
	enum totp_err err;

	*ret_got = false;
	while ((err = read_byte(fd, asking, &byte, &more)) == TOTP_OK && more) {
		*ret_got = true;
		if (byte == '\n')
			break;
		if (len < PROMPT_MAX - 1)
			ret_line[len++] = byte ? byte : '?';
	}
	if (len > 0 && ret_line[len - 1] == '\r')
		len--;
	ret_line[len] = '\0';
	*ret_got = *ret_got && !interrupted;
	explicit_bzero(&byte, sizeof(byte));
	return err;
}

enum totp_err prompt_secret_from(int fd, const sigset_t *asking, char ret_line[PROMPT_MAX],
				 bool *ret_got)
{
	struct termios before, hidden;
	bool terminal = tcgetattr(fd, &before) == 0;
	enum totp_err err;

	if (terminal) {
		hidden = before;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		hidden.c_lflag |= ECHONL;
		terminal = tcsetattr(fd, TCSAFLUSH, &hidden) == 0;
	}
	err = line_from(fd, asking, ret_line, ret_got);
	if (terminal)
		tcsetattr(fd, TCSAFLUSH, &before);
	return err;
}

enum totp_err prompt_line(const sigset_t *asking, char ret_line[PROMPT_MAX], bool *ret_got)
{
	return line_from(STDIN_FILENO, asking, ret_line, ret_got);
}

enum totp_err prompt_secret_line(const sigset_t *asking, char ret_line[PROMPT_MAX], bool *ret_got)
{
	return prompt_secret_from(STDIN_FILENO, asking, ret_line, ret_got);
}
