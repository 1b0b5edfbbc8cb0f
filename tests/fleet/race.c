/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * race CONFIG... PROCESSES STEPS: many processes with one code at a time, each a verifier with a
 * connection of its own, over a store in etcd. CONFIG is endpoints, CA, certificate, key, realm and
 * keyring. Prints, of STEPS codes, how many were accepted by one process, by none, and by more:
 *
 *   once N none N more N errors N
 *   p50 MS p99 MS            of all attempts
 *
 * guess CONFIG... PROCESSES ROUNDS: so many processes guess without end, while the owner logs in
 * from a known source. Prints in how many rounds the owner was allowed, and in how many the store
 * did not answer: "allowed N errors N".
 *
 * The store is made if the realm has none, and replaces the user alice.
 */
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "login/attempt.h"
#include "store/etcd.h"

#define PROCESSES_MAX 256
#define STEPS_MAX     4000
#define BEGIN         1800000000 /* seconds since 1970; each code has a step of its own */
#define WAIT_MS       60000
#define SAMPLES_MAX   (64 * STEPS_MAX)

struct shared {
	pthread_barrier_t barrier;
	atomic_uint accepted[STEPS_MAX];
	atomic_uint errors;
	atomic_uint samples;
	uint32_t microseconds[SAMPLES_MAX]; /* of each attempt */
};

static struct shared *shared;
static struct etcd_store_config config;
static struct cred alice;
static struct policy policy;

static struct store *open_store(void)
{
	struct store *store = NULL;
	struct reason why = {""};

	if (etcd_open(&config, io_deadline(WAIT_MS), &store, &why) != TOTP_OK)
		errx(1, "%s", why.text);
	return store;
}

/* --- one attempt --- */

static unsigned own_errors; /* of this process */

static enum verdict try_at(struct store *store, const char *text, int64_t now, uint8_t source)
{
	struct answer answer;
	struct attempt who = {.user = "alice",
			      .uid = 1000,
			      .now = now,
			      .source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, source}},
			      .policy = &policy,
			      .answer = &answer};
	struct outcome outcome;
	struct reason why = {""};
	uint64_t began = io_monotonic_ns();
	unsigned sample;

	answer_parse(text, NULL, &answer);
	if (attempt(store, &who, &outcome, &why) != TOTP_OK) {
		atomic_fetch_add(&shared->errors, 1);
		own_errors++;
		fprintf(stderr, "%s\n", why.text);
		return VERDICT_DENY;
	}
	sample = atomic_fetch_add(&shared->samples, 1);
	if (sample < SAMPLES_MAX)
		shared->microseconds[sample] = (uint32_t)((io_monotonic_ns() - began) / 1000);
	return outcome.verdict;
}

static void code_at(int64_t now, struct code *ret_code)
{
	*ret_code = (struct code){.text = ""};
	if (hotp_code(&(struct hotp){HMAC_SHA1, 6, &alice.tokens[0].secret}, (uint64_t)now / 30,
		      ret_code) != TOTP_OK)
		errx(1, "no code");
}

/* --- the processes --- */

/* Each host asks another member first. */
static void choose_first_member(char *endpoints, unsigned index)
{
	for (unsigned i = 0; i < index % 3; i++) {
		char *rest = strchr(endpoints, ',');
		char *turned = NULL;

		if (!rest ||
		    asprintf(&turned, "%s,%.*s", rest + 1, (int)(rest - endpoints), endpoints) < 0)
			return;
		strcpy(endpoints, turned);
		free(turned);
	}
}

static void run_steps(unsigned index, unsigned steps)
{
	char *endpoints = strdup(config.cluster.endpoints);
	struct store *store;

	if (!endpoints)
		err(1, NULL);
	choose_first_member(endpoints, index);
	config.cluster.endpoints = endpoints;
	store = open_store();
	for (unsigned i = 0; i < steps; i++) {
		int64_t now = BEGIN + 60 * (int64_t)(i + 1);
		struct code code;

		code_at(now, &code);
		pthread_barrier_wait(&shared->barrier);
		if (try_at(store, code.text, now, 1) == VERDICT_ALLOW)
			atomic_fetch_add(&shared->accepted[i], 1);
	}
	store_close(store);
	free(endpoints);
}

static void guess_without_end(unsigned index, unsigned unused)
{
	struct store *store = open_store();

	(void)unused;
	pthread_barrier_wait(&shared->barrier);
	for (;;)
		(void)try_at(store, "00000000", BEGIN, (uint8_t)(index + 100));
}

static pid_t start(void (*run)(unsigned, unsigned), unsigned index, unsigned argument)
{
	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(index, argument);
		_exit(0);
	}
	return child;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void report(unsigned steps)
{
	unsigned once = 0, none = 0, more = 0, samples = atomic_load(&shared->samples);

	for (unsigned i = 0; i < steps; i++) {
		unsigned accepted = atomic_load(&shared->accepted[i]);

		once += accepted == 1;
		none += accepted == 0;
		more += accepted > 1;
	}
	printf("once %u none %u more %u errors %u\n", once, none, more,
	       atomic_load(&shared->errors));
	if (samples > SAMPLES_MAX)
		samples = SAMPLES_MAX;
	qsort(shared->microseconds, samples, sizeof(shared->microseconds[0]), compare);
	if (samples)
		printf("p50 %.2f p99 %.2f\n", shared->microseconds[samples / 2] / 1000.0,
		       shared->microseconds[samples - 1 - samples / 100] / 1000.0);
}

static void race(unsigned processes, unsigned steps)
{
	for (unsigned i = 0; i < processes; i++)
		start(run_steps, i, steps);
	for (unsigned i = 0; i < processes; i++) {
		int status = 0;

		/* the others would wait for it: they end with this process */
		if (wait(&status) < 0 || status != 0)
			errx(1, "a process has failed");
	}
	report(steps);
}

static void guess(unsigned processes, unsigned rounds)
{
	pid_t children[PROCESSES_MAX];
	unsigned allowed = 0;

	for (unsigned i = 0; i < processes; i++)
		children[i] = start(guess_without_end, i, 0);
	{
		struct store *store = open_store();

		pthread_barrier_wait(&shared->barrier);
		for (unsigned i = 0; i < rounds; i++) {
			int64_t now = BEGIN + 60 * (int64_t)(i + 1);
			struct code code;

			code_at(now, &code);
			allowed += try_at(store, code.text, now, 1) == VERDICT_ALLOW;
		}
		store_close(store);
	}
	for (unsigned i = 0; i < processes; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	printf("allowed %u errors %u\n", allowed, own_errors);
}

/* --- the store --- */

static void make_store(void)
{
	struct store *store;
	struct login_state state;
	struct reason why = {""};
	enum totp_err err_;

	if (access(config.keyring, F_OK) != 0 &&
	    keyring_create(config.keyring, BEGIN, &why) != TOTP_OK)
		errx(1, "%s", why.text);
	err_ = etcd_setup(&config, io_deadline(WAIT_MS), &why);
	if (err_ != TOTP_OK && err_ != TOTP_ERR_EXISTS)
		errx(1, "%s", why.text);
	store = open_store();
	err_ = store_remove(store, "alice", io_deadline(WAIT_MS), &why);
	if (err_ == TOTP_OK || err_ == TOTP_ERR_NOT_FOUND) {
		state_init(&alice, &state);
		state.known_count = 1; /* the source that she logs in from */
		state.known[0].source =
			(struct source){.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}};
		state.known[0].last_success = BEGIN;
		err_ = store_create(store, &alice, &state, io_deadline(WAIT_MS), &why);
	}
	if (err_ != TOTP_OK)
		errx(1, "%s", why.text);
	store_close(store);
}

static void make_alice(void)
{
	struct token *token = &alice.tokens[0];

	alice = (struct cred){.version = record_version_newest,
			      .uid_bound = true,
			      .uid = 1000,
			      .created = BEGIN,
			      .token_count = 1,
			      .user = "alice"};
	*token = (struct token){.id = 1,
				.type = TOKEN_TOTP,
				.alg = HMAC_SHA1,
				.digits = 6,
				.period = 30,
				.created = BEGIN,
				.label = "phone"};
	token->secret.len = SECRET_NEW_LEN;
	if (crypto_random(token->secret.data, token->secret.len) != TOTP_OK ||
	    crypto_random(alice.id, sizeof(alice.id)) != TOTP_OK ||
	    crypto_random(alice.state_key, sizeof(alice.state_key)) != TOTP_OK)
		err(1, "no random bytes");
}

static void share(unsigned parties)
{
	pthread_barrierattr_t attributes;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	pthread_barrierattr_init(&attributes);
	pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->barrier, &attributes, parties);
}

int main(int argc, char **argv)
{
	unsigned processes, count;
	bool guesses;

	if (argc != 10)
		errx(2, "usage: race race|guess ENDPOINTS CA CERTIFICATE KEY REALM KEYRING "
			"PROCESSES COUNT");
	guesses = strcmp(argv[1], "guess") == 0;
	config = (struct etcd_store_config){.cluster = {argv[2], argv[3], argv[4], argv[5]},
					    .realm = argv[6],
					    .keyring = argv[7]};
	processes = (unsigned)atoi(argv[8]);
	count = (unsigned)atoi(argv[9]);
	if (processes < 1 || processes > PROCESSES_MAX || count > STEPS_MAX)
		errx(2, "too many");
	policy_default(&policy);
	make_alice();
	share(processes + (guesses ? 1 : 0));
	make_store();
	setlinebuf(stdout);
	if (guesses)
		guess(processes, count);
	else
		race(processes, count);
	return 0;
}
