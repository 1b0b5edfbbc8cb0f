/*
 * login - time PAM stacks as login programs drive them: each login is a fresh child that
 * calls pam_start_confdir, pam_authenticate with the right code, pam_end; the parent takes
 * the time from fork to exit. The stacks take turns, login by login, so that whatever else
 * the machine does falls on all of them alike.
 *
 *   login CONFDIR USERS STACK...     USERS users u0, u1, … each log in once per stack
 *   login secrets FORMAT USERS       write their secrets to standard output
 *                                    FORMAT: csv, oath
 *
 * Prints a line a stack: the median of its times in ms, the median of its ratio to the
 * first stack of the same turn, and how many were let in. Built twice: with -DWARM the
 * driver has used libcrypto before it forks, as sshd has.
 */
#include <openssl/evp.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "otp/base32.h"
#include "otp/totp.h"

#define STACKS_MAX 8

/* User i's secret: 20 bytes that differ from everybody else's. */
static struct secret secret_of(int user)
{
	struct secret secret = {.len = 20};

	snprintf((char *)secret.data, SECRET_MAX, "bench%015d", user);
	return secret;
}

static int write_secrets(const char *format, int users)
{
	char text[BASE32_TEXT_MAX];

	for (int i = 0; i < users; i++) {
		struct secret secret = secret_of(i);

		if (strcmp(format, "csv") == 0) {
			base32_encode(&secret, text);
			printf("u%d,%s\n", i, text);
			continue;
		}
		printf("HOTP/T30/6 u%d - ", i);
		for (size_t j = 0; j < secret.len; j++)
			printf("%02x", secret.data[j]);
		putchar('\n');
	}
	return 0;
}

static struct code code_of(int user)
{
	struct secret secret = secret_of(user);
	struct code code = {""};

	if (hotp_code(HMAC_SHA1, &secret, (uint64_t)time(NULL) / 30, 6, &code) != TOTP_OK)
		abort();
	return code;
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

static int log_in(const char *confdir, const char *stack, int user, struct code code)
{
	struct pam_conv conv = {converse, code.text};
	pam_handle_t *pamh = NULL;
	char name[16];
	int result;

	snprintf(name, sizeof(name), "u%d", user);
	result = pam_start_confdir(stack, name, &conv, confdir, &pamh);
	if (result != PAM_SUCCESS)
		return result;
	result = pam_authenticate(pamh, 0);
	pam_end(pamh, result);
	return result;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* One login in a child of its own; the time it took, in ms. */
static double timed_login(const char *confdir, const char *stack, int user, struct code code,
			  int *passed)
{
	double start = now_ms();
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(log_in(confdir, stack, user, code) == PAM_SUCCESS ? 0 : 1);
	waitpid(pid, &status, 0);
	*passed += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return now_ms() - start;
}

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
		struct code code = code_of(user);

		for (int s = 0; s < stacks; s++) {
			times[s][user] = timed_login(confdir, names[s], user, code, &passed[s]);
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
	if (argc == 4 && strcmp(argv[1], "secrets") == 0)
		return write_secrets(argv[2], atoi(argv[3]));
	if (argc < 4 || argc - 3 > STACKS_MAX) {
		fprintf(stderr, "usage: see the head of bench/login.c\n");
		return 2;
	}
#ifdef WARM
	uint8_t mac[MAC_MAX];

	if (crypto_hmac(HMAC_SHA256, "key", 3, "", 0, mac) != TOTP_OK)
		return 1;
	EVP_CIPHER_free(EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL));
#endif
	return run(argv[1], atoi(argv[2]), argc - 3, argv + 3);
}
