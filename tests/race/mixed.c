/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mixed SERVICE PROCESSES KILLS: for each line "USER UID CODE" of standard input, so many logins
 * of the user at once, all with this code: every other one in a process of root, which opens the
 * store, the rest in processes of the user, for which totpd does. So many of them are killed at a
 * moment of chance. Prints a line for each: "allowed N killed N".
 */
#include <err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_appl.h>

#define PROCESSES_MAX 64
#define LONGEST_NS    4000000 /* between two kills */

static const char *service;
static atomic_uint *allowed;
static char user[64], code[16];

static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
		    void *unused)
{
	struct pam_response *answers = calloc((size_t)count, sizeof(*answers));

	(void)unused;
	for (int i = 0; answers && i < count; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF ||
		    messages[i]->msg_style == PAM_PROMPT_ECHO_ON)
			answers[i].resp = strdup(code);
	*ret = answers;
	return answers ? PAM_SUCCESS : PAM_CONV_ERR;
}

static void log_in(void)
{
	const struct pam_conv conversation = {converse, NULL};
	pam_handle_t *pam = NULL;
	int status = pam_start(service, user, &conversation, &pam);

	if (status == PAM_SUCCESS)
		status = pam_authenticate(pam, 0);
	if (status == PAM_SUCCESS)
		atomic_fetch_add(allowed, 1);
	pam_end(pam, status);
}

/* The logins wait for the end of the pipe. */
static pid_t start(const int line[2], uid_t uid)
{
	pid_t child = fork();
	char nothing;

	if (child < 0)
		err(1, "fork");
	if (child > 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(line[1]);
	if (uid && setresuid(uid, uid, uid) != 0)
		err(1, "setresuid");
	while (read(line[0], &nothing, 1) > 0)
		;
	log_in();
	_exit(0);
}

static unsigned storm(unsigned processes, unsigned kills, uid_t uid)
{
	pid_t children[PROCESSES_MAX];
	unsigned killed = 0;
	int line[2];

	if (pipe(line) != 0)
		err(1, "pipe");
	for (unsigned i = 0; i < processes; i++)
		children[i] = start(line, i % 2 ? uid : 0);
	close(line[0]);
	close(line[1]);
	for (unsigned i = 0; i < kills; i++) {
		nanosleep(&(struct timespec){.tv_nsec = rand() % LONGEST_NS}, NULL);
		kill(children[(unsigned)rand() % processes], SIGKILL);
	}
	for (unsigned i = 0; i < processes; i++) {
		int status = 0;

		if (waitpid(children[i], &status, 0) != children[i])
			err(1, "wait");
		killed += WIFSIGNALED(status);
	}
	return killed;
}

int main(int argc, char **argv)
{
	unsigned processes = argc == 4 ? (unsigned)atoi(argv[2]) : 0, uid = 0;

	if (!processes || processes > PROCESSES_MAX)
		errx(2, "usage: mixed SERVICE PROCESSES KILLS");
	service = argv[1];
	allowed = mmap(NULL, sizeof(*allowed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (allowed == MAP_FAILED)
		err(1, "memory");
	while (scanf("%63s %u %15s", user, &uid, code) == 3) {
		unsigned killed;

		atomic_store(allowed, 0);
		killed = storm(processes, (unsigned)atoi(argv[3]), uid);
		printf("allowed %u killed %u\n", atomic_load(allowed), killed);
		fflush(stdout);
	}
	return 0;
}
