/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask - send requests to totpd as many users at once would, and time them.
 *
 *   ask time CONF FIRST COUNT EACH      users uFIRST to uFIRST+COUNT-1, one after the other,
 *                                          check EACH wrong codes; a line of milliseconds
 *   ask hammer CONF USER PROCESSES      one user does so in many processes, until killed
 *   ask flood CONF USER PROCESSES       one user opens as many connections as possible, sends
 *                                          nothing, closes them and begins again
 *   ask users CONF USER PROCESSES       the same, each process with a user id of its own
 *   ask all CONF FIRST < CODES          all users at once check their code, a line each
 *   ask memory CONF PID STATE...        how much memory totpd and its children use while each
 *                                          of them checks a record that is locked
 *
 * CONF is totpd's policy. User uN has the uid 70000 + N. All users ask as ordinary users, about
 * themselves.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "host/ask.h"
#include "host/conf.h"

#define UID_FIRST 70000
#define USERS_MAX 10000

static void become(int user)
{
	uid_t uid = UID_FIRST + (uid_t)user;

	if (setresuid(uid, uid, uid) != 0)
		err(1, "cannot become u%d", user);
}

/* One check; returns the verdict, or -1 if there was no answer. */
static int check(const struct policy *policy, const char *socket_path, int user, const char *code)
{
	struct wire_request request = {.op = WIRE_CHECK, .service = "bench"};
	struct wire_response response;
	struct reason why = {""};

	snprintf(request.user, sizeof(request.user), "u%d", user);
	answer_parse(code, NULL, &request.answer);
	if (ask_totpd(policy, socket_path, &request, &response, &why) != TOTP_OK ||
	    response.err != TOTP_OK)
		return -1;
	return (int)response.outcome.verdict;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* In a child of its own, which cannot become root again: the times, to a pipe. */
static void time_user(const struct policy *policy, int user, int each, int out)
{
	become(user);
	for (int i = 0; i < each; i++) {
		uint64_t start = io_monotonic_ns();
		int verdict = check(policy, ASK_SOCKET, user, "000000");
		double ms = verdict < 0 ? 1e9 : (double)(io_monotonic_ns() - start) / 1e6;

		if (write(out, &ms, sizeof(ms)) != sizeof(ms))
			err(1, "pipe");
	}
	_exit(0);
}

static int time_all(const struct policy *policy, int first, int count, int each)
{
	double *times = calloc((size_t)(count * each), sizeof(*times));
	int pipes[2], n = 0;

	if (!times || pipe(pipes) != 0)
		err(1, "pipe");
	for (int user = first; user < first + count; user++) {
		if (fork() == 0)
			time_user(policy, user, each, pipes[1]);
		for (int i = 0; i < each && read(pipes[0], &times[n], sizeof(*times)) > 0; i++)
			n++;
		wait(NULL);
	}
	qsort(times, (size_t)n, sizeof(*times), by_value);
	printf("p50_ms %.2f\tp99_ms %.2f\tmax_ms %.2f\tof %d\n", times[n / 2], times[n * 99 / 100],
	       times[n - 1], n);
	return 0;
}

/* Open connections until there is no room, and close them all. */
static void flood(const struct policy *policy)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fds[900];
	size_t count = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", policy->run_dir, ASK_SOCKET);
	while (count < sizeof(fds) / sizeof(fds[0])) {
		fds[count] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		if (fds[count] < 0)
			break;
		count++;
		if (connect(fds[count - 1], (struct sockaddr *)&address, sizeof(address)) != 0)
			break;
	}
	while (count > 0)
		close(fds[--count]);
}

/* Do this in many processes, until killed. */
static int hammer(const char *what, const struct policy *policy, int user, int processes)
{
	for (int i = 0; i < processes; i++) {
		if (fork() != 0)
			continue;
		become(user + (strcmp(what, "users") == 0 ? USERS_MAX + i : 0));
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			if (strcmp(what, "hammer") == 0)
				(void)check(policy, ASK_SOCKET, user, "000000");
			else
				flood(policy);
		}
	}
	pause();
	return 0;
}

static int ask_all(const struct policy *policy, int first)
{
	char code[16];
	int count = 0, passed = 0, status, go[2];
	uint64_t start;

	if (pipe(go) != 0)
		err(1, "pipe");
	for (; fgets(code, sizeof(code), stdin); count++) {
		code[strcspn(code, "\n")] = '\0';
		if (fork() != 0)
			continue;
		close(go[1]);
		become(first + count);
		(void)!read(go[0], &status, 1); /* all at once */
		_exit(check(policy, ASK_SOCKET, first + count, code) == VERDICT_ALLOW ? 0 : 1);
	}
	usleep(200000);
	start = io_monotonic_ns();
	close(go[1]);
	while (wait(&status) > 0)
		passed += status == 0;
	printf("passed %d/%d\tall_ms %.0f\n", passed, count,
	       (double)(io_monotonic_ns() - start) / 1e6);
	return passed != count;
}

static long pss_of(int pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "Pss: %ld", &kib);
	if (file)
		fclose(file);
	return kib;
}

static int memory(const struct policy *policy, int pid, int count, char **states)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[64];
	long kib = pss_of(pid);
	int child, children = 0;
	FILE *file;

	for (int i = 0; i < count; i++) {
		int user = 0, fd = open(states[i], O_RDWR);
		const char *name = strrchr(states[i], '/');

		if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) != 0 || !name ||
		    sscanf(name, "/u%d.", &user) != 1)
			err(1, "%s", states[i]);
		if (fork() == 0)
			_exit(check(policy, ASK_ROOT_SOCKET, user, "000000") >= 0);
	}
	usleep(500000);
	printf("alone_kib %ld\t", kib);
	kib = pss_of(pid);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "r");
	while (file && fscanf(file, "%d", &child) == 1) {
		kib += pss_of(child);
		children++;
	}
	printf("pss_kib %ld\twith %d children\n", kib, children);
	return 0;
}

static void complain(void *context, const struct reason *complaint)
{
	(void)context;
	warnx("%s", complaint->text);
}

int main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[1] : "";
	static struct policy policy;

	if (argc > 3 && conf_load(argv[2], true, &policy, complain, NULL) != TOTP_OK)
		return 1;

	if (strcmp(what, "time") == 0 && argc == 6)
		return time_all(&policy, atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
	if (argc == 5)
		return hammer(what, &policy, atoi(argv[3]), atoi(argv[4]));
	if (strcmp(what, "all") == 0 && argc == 4)
		return ask_all(&policy, atoi(argv[3]));
	if (strcmp(what, "memory") == 0 && argc > 4)
		return memory(&policy, atoi(argv[3]), argc - 4, argv + 4);
	errx(2, "see the head of bench/ask.c");
}
