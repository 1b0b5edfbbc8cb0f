/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"

/* A pipe that holds the whole input: it is never more than fits. */
static bool fill_pipe(const struct program *program, int *ret_fd)
{
	int fds[2];
	bool filled;

	if (program->input_len > PROGRAM_INPUT_MAX || pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	filled = io_write(fds[1], program->input, program->input_len) == TOTP_OK;
	close(fds[1]);
	if (filled)
		*ret_fd = fds[0];
	else
		close(fds[0]);
	return filled;
}

static bool spawn_program(const struct program *program, int input, int output, pid_t *ret_pid)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = {path, NULL};
	posix_spawn_file_actions_t streams;
	posix_spawnattr_t attributes;
	sigset_t usual; /* signals that tool_begin ignores */
	bool started;

	if (posix_spawn_file_actions_init(&streams) != 0)
		return false;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&streams);
		return false;
	}
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	sigaddset(&usual, SIGXFSZ);
	started = (input >= 0 ? posix_spawn_file_actions_adddup2(&streams, input, STDIN_FILENO)
			      : posix_spawn_file_actions_addopen(&streams, STDIN_FILENO,
								 "/dev/null", O_RDONLY, 0)) == 0 &&
		  posix_spawn_file_actions_adddup2(&streams, output, STDOUT_FILENO) == 0 &&
		  (!program->errors ||
		   posix_spawn_file_actions_adddup2(&streams, output, STDERR_FILENO) == 0) &&
		  posix_spawnattr_setsigdefault(&attributes, &usual) == 0 &&
		  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF) == 0 &&
		  posix_spawn(ret_pid, program->argv[0], &streams, &attributes,
			      (char *const *)(uintptr_t)program->argv, env) == 0;
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&streams);
	return started;
}

/* Read until the end of the output, or until the time is up. */
static bool read_output(int fd, uint64_t end, char *text, size_t cap, size_t *ret_len)
{
	while (io_monotonic_ns() < end) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&ready, 1, 100) <= 0)
			continue;
		n = read(fd, text + *ret_len, cap - 1 - *ret_len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || *ret_len + (size_t)n == cap - 1) {
			*ret_len += n > 0 ? (size_t)n : 0;
			return n == 0;
		}
		*ret_len += (size_t)n;
	}
	return false;
}

/* The exit status; -1 if the program had to be killed because the time was up. */
static int await_end(pid_t pid, uint64_t end)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int status = -1;
	pid_t ended = 0;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && io_monotonic_ns() < end)
		nanosleep(&pause, NULL);
	if (ended == 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Start it with a pipe for its output, of which *ret_output is the end to read from. */
static bool start_program(const struct program *program, int *ret_output, pid_t *ret_pid)
{
	OWN_FD int input = -1, output = -1;
	int fds[2];
	bool started;

	if ((program->input && !fill_pipe(program, &input)) || pipe2(fds, O_CLOEXEC) != 0)
		return false;
	output = fds[0];
	started = spawn_program(program, input, fds[1], ret_pid);
	close(fds[1]);
	if (started)
		*ret_output = fd_take(&output);
	return started;
}

int program_run(const struct program *program, char *ret_text, size_t cap, size_t *ret_len)
{
	uint64_t end = io_monotonic_ns() + program->seconds * 1000000000ull;
	OWN_FD int output = -1;
	bool complete;
	pid_t pid = 0;
	int status;

	*ret_len = 0;
	ret_text[0] = '\0';
	if (!start_program(program, &output, &pid))
		return -1;
	complete = read_output(output, end, ret_text, cap, ret_len);
	ret_text[*ret_len] = '\0';
	status = await_end(pid, complete ? end : 0);
	return complete ? status : -1;
}

bool program_open(const struct program *program, struct program_output *ret_output)
{
	OWN_FD int output = -1;

	if (!start_program(program, &output, &ret_output->pid))
		return false;
	ret_output->stream = fdopen(output, "r");
	if (!ret_output->stream) {
		(void)await_end(ret_output->pid, 0);
		return false;
	}
	(void)fd_take(&output);
	return true;
}

int program_close(struct program_output *output)
{
	int status = -1;

	fclose(output->stream);
	while (waitpid(output->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
