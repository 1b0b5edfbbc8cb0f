/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosts PROCESSES POLICY...: so many processes on each login host, whose policy is POLICY. For
 * each line "USER CODE" of standard input all of them ask the totpd of their host for a check at
 * once, as root. Prints a line for each: "allowed N unanswered N".
 */
#include <err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include "host/ask.h"
#include "host/conf.h"

struct shared {
	pthread_barrier_t barrier; /* before each line, and after it */
	char user[64], code[16];
	atomic_uint allowed, unanswered;
};

static struct shared *shared;

static void check(const struct policy *policy)
{
	struct wire_request request = {.op = WIRE_CHECK, .service = "race"};
	struct wire_response response;
	struct reason why = {""};

	snprintf(request.user, sizeof(request.user), "%s", shared->user);
	answer_parse(shared->code, NULL, &request.answer);
	if (ask_totpd(policy, ASK_ROOT_SOCKET, &request, &response, &why) == TOTP_OK &&
	    response.err == TOTP_OK) {
		if (response.outcome.verdict == VERDICT_ALLOW)
			atomic_fetch_add(&shared->allowed, 1);
		return;
	}
	fprintf(stderr, "%s%s\n", why.text, response.why.text);
	atomic_fetch_add(&shared->unanswered, 1);
}

static _Noreturn void run(const char *path)
{
	static struct policy policy;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (conf_load(path, path, &policy, NULL, NULL) != TOTP_OK)
		errx(1, "%s", path);
	for (;;) {
		pthread_barrier_wait(&shared->barrier);
		check(&policy);
		pthread_barrier_wait(&shared->barrier);
	}
}

int main(int argc, char **argv)
{
	unsigned each = argc > 2 ? (unsigned)atoi(argv[1]) : 0, hosts = (unsigned)argc - 2;
	pthread_barrierattr_t attributes;

	if (!each)
		errx(2, "usage: hosts PROCESSES POLICY...");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || pthread_barrierattr_init(&attributes) != 0 ||
	    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) != 0 ||
	    pthread_barrier_init(&shared->barrier, &attributes, each * hosts + 1) != 0)
		err(1, "memory");
	for (unsigned i = 0; i < each * hosts; i++) {
		pid_t child = fork();

		if (child < 0)
			err(1, "fork");
		if (child == 0)
			run(argv[2 + i % hosts]);
	}
	while (scanf("%63s %15s", shared->user, shared->code) == 2) {
		atomic_store(&shared->allowed, 0);
		atomic_store(&shared->unanswered, 0);
		pthread_barrier_wait(&shared->barrier);
		pthread_barrier_wait(&shared->barrier);
		printf("allowed %u unanswered %u\n", atomic_load(&shared->allowed),
		       atomic_load(&shared->unanswered));
		fflush(stdout);
	}
	return 0; /* the children end with it */
}
