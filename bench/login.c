/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * login - time PAM stacks as login programs use them: each login is a new child that calls
 * pam_start_confdir, pam_authenticate with the correct code, pam_end; the parent measures the time
 * from fork to exit. The stacks alternate login by login, so that other load on the machine affects
 * all of them alike.
 *
 *   login CONFDIR STACK... < CODES     user u0 types the first line, u1 the second, …
 *
 * A STACK that ends in "-user" runs in a process of the user who logs in, as a screen locker does,
 * and one that ends in "-su" in a set-uid program that the user started.
 *
 * Prints a line for each stack: the median of its times in ms, the median of its ratio to the first
 * stack of the same turn, and how many logins were allowed. Built twice: with -DWARM the program
 * has used libcrypto before it forks, as sshd has; without, it does not even load it, as su does
 * not. A third build, with -DWITHOUT_FORK, is for bench/instructions. That is why the codes come
 * from bench/codes.c.
 */
#ifdef WARM
#include <openssl/evp.h>
#endif
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STACKS_MAX 8
#define USERS_MAX  10000
#define CODE_MAX   16
#define UID_FIRST  70000 /* of u0 */

static char codes[USERS_MAX][CODE_MAX];

static int read_codes(void)
{
	int users = 0;

	while (users < USERS_MAX && fgets(codes[users], CODE_MAX, stdin)) {
		codes[users][strcspn(codes[users], "\n")] = '\0';
		users++;
	}
	return users;
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret,
		    void *code)
{
	*ret = calloc((size_t)n, sizeof(**ret));
	for (int i = 0; i < n; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			(*ret)[i].resp = strdup(code);
	return PAM_SUCCESS;
}

static bool ends_in(const char *text, const char *end)
{
	size_t text_len = strlen(text), end_len = strlen(end);

	return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

/* Take the user ids of the program that uses such a stack. */
static bool take_ids(const char *stack, uid_t uid)
{
	if (ends_in(stack, "-user"))
		return setresuid(uid, uid, uid) == 0;
	if (ends_in(stack, "-su"))
		return setresuid(uid, 0, 0) == 0;
	return true;
}

static int log_in(const char *confdir, const char *stack, int user)
{
	struct pam_conv conv = {converse, codes[user]};
	pam_handle_t *pamh = NULL;
	char name[16];
	int result;

	if (!take_ids(stack, UID_FIRST + (uid_t)user))
		return PAM_SYSTEM_ERR;
	snprintf(name, sizeof(name), "u%d", user);
	result = pam_start_confdir(stack, name, &conv, confdir, &pamh);
	if (result != PAM_SUCCESS)
		return result;
	result = pam_authenticate(pamh, 0);
	pam_end(pamh, result);
	return result;
}

#ifndef WITHOUT_FORK
static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}
#endif

#ifdef WITHOUT_FORK
/*
 * What bench/instructions counts: the logins of all users except the first, which loads the
 * libraries.
 */
__attribute__((noinline)) static int counted_login(const char *confdir, const char *stack, int user)
{
	return log_in(confdir, stack, user);
}

static double timed_login(const char *confdir, const char *stack, int user, int *passed)
{
	int (*how)(const char *, const char *, int) = user ? counted_login : log_in;

	*passed += how(confdir, stack, user) == PAM_SUCCESS;
	return 1;
}
#else
/* One login in a child of its own; the time it took, in ms. */
static double timed_login(const char *confdir, const char *stack, int user, int *passed)
{
	double start = now_ms();
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(log_in(confdir, stack, user) == PAM_SUCCESS ? 0 : 1);
	waitpid(pid, &status, 0);
	*passed += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return now_ms() - start;
}
#endif

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_value);
	return values[count / 2];
}

static int run(const char *confdir, int users, int stacks, char **names)
{
	double *times[STACKS_MAX], *ratios[STACKS_MAX];
	int passed[STACKS_MAX] = {0};

	for (int s = 0; s < stacks; s++) {
		times[s] = calloc((size_t)users, sizeof(double));
		ratios[s] = calloc((size_t)users, sizeof(double));
	}
	for (int user = 0; user < users; user++) {
		for (int s = 0; s < stacks; s++) {
			times[s][user] = timed_login(confdir, names[s], user, &passed[s]);
			ratios[s][user] = times[s][user] / times[0][user];
		}
	}
	for (int s = 0; s < stacks; s++)
		printf("%s\tp50_ms %.2f\tratio %.2f\tpassed %d/%d\n", names[s],
		       median(times[s], users), median(ratios[s], users), passed[s], users);
	return 0;
}

int main(int argc, char **argv)
{
	int users = read_codes();

	if (argc < 3 || argc - 2 > STACKS_MAX || users == 0) {
		fprintf(stderr, "usage: see the head of bench/login.c\n");
		return 2;
	}
#ifdef WARM
	unsigned char mac[64];
	size_t len = 0;

	EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, "key", 3, mac, 1, mac, sizeof(mac), &len);
	EVP_CIPHER_free(EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL));
#endif
	return run(argv[1], users, argc - 2, argv + 2);
}
