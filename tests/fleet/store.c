/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store ENDPOINTS CA CERTIFICATE KEY REALM KEYRING COMMAND [ARGUMENT...]: what a verifier, or an
 * administrator, does with a store in etcd. Everybody's secret follows from the name.
 *
 *   init | status | check | accept NOW | newest
 *   create USER | remove USER | many FIRST COUNT | names | walk | keys
 *   revoke USER              as USER does; between looking and removing it says "ready", and waits
 *                            for a line
 *   login USER NOW [STEPS]   with the code of NOW, or so many steps away; also from standard
 *                            input, a line each, if there is no USER
 *   seal [USER]              with the first key of the keyring, and seal everything again; USER is
 *                            replaced after the records were read
 *   look USER                look whether there is a record, and read it
 *   reopen TIMES             open the store so often; prints how many more files are open then
 *
 * Prints what came of it: a word, or "error ERR SENTENCE".
 */
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "login/attempt.h"
#include "store/etcd.h"

#define WAIT_MS 10000

static struct etcd_store_config config;
static struct store *store;
static struct reason why;

static void say(enum totp_err error, const char *word)
{
	char name[ERR_WORD_MAX];

	if (error == TOTP_OK)
		printf("%s\n", word);
	else
		printf("error %s %s\n", err_word(error, name), why.text);
}

static struct cred cred_of(const char *user)
{
	struct cred cred = {.version = record_version_newest,
			    .uid_bound = true,
			    .uid = 1000,
			    .created = 1,
			    .token_count = 1};
	struct token *token = &cred.tokens[0];
	uint8_t hash[SHA256_LEN];

	if (crypto_sha256((struct piece){user, strlen(user)}, hash) != TOTP_OK ||
	    crypto_random(cred.id, sizeof(cred.id)) != TOTP_OK ||
	    crypto_random(cred.state_key, sizeof(cred.state_key)) != TOTP_OK)
		err(1, "libcrypto");
	snprintf(cred.user, sizeof(cred.user), "%s", user);
	*token = (struct token){.id = 1,
				.type = TOKEN_TOTP,
				.alg = HMAC_SHA1,
				.digits = 6,
				.period = 30,
				.label = "phone"};
	memcpy(token->secret.data, hash, SECRET_NEW_LEN);
	token->secret.len = SECRET_NEW_LEN;
	return cred;
}

/* --- logins --- */

static void log_in(const char *user, int64_t now, int64_t steps)
{
	static struct policy policy;
	struct cred cred = cred_of(user);
	struct code code = {.text = ""};
	struct answer answer;
	struct attempt who = {.user = user,
			      .uid = 1000,
			      .now = now,
			      .source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}},
			      .policy = &policy,
			      .answer = &answer};
	struct outcome outcome;
	enum totp_err error;

	policy_default(&policy);
	if (hotp_code(&(struct hotp){HMAC_SHA1, 6, &cred.tokens[0].secret},
		      (uint64_t)(now / 30 + steps), &code) != TOTP_OK)
		errx(1, "no code");
	answer_parse(code.text, NULL, &answer);
	why.text[0] = '\0';
	error = attempt(store, &who, &outcome, &why);
	say(error, error == TOTP_OK ? outcome_word(&outcome) : "");
}

static void log_in_lines(void)
{
	char user[CRED_USER_MAX + 1];
	long long now, steps;

	while (scanf("%200s %lld %lld", user, &now, &steps) == 3) {
		log_in(user, now, steps);
		fflush(stdout);
	}
}

static enum totp_err revoke_waiting(const char *user)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err error = store_read(store, user, io_deadline(WAIT_MS), &txn, &why);

	if (error == TOTP_OK)
		error = store_begin(&txn, io_deadline(WAIT_MS), &why);
	if (error != TOTP_OK)
		return error;
	puts("ready");
	fflush(stdout);
	(void)getchar();
	return store_remove_by(&txn, &txn.state, &why);
}

/* --- many --- */

static enum totp_err next_user(void *context, size_t index, struct cred *ret_cred,
			       struct login_state *ret_state)
{
	const size_t *first = context;
	char user[32];

	(void)ret_state;
	snprintf(user, sizeof(user), "user%07zu", *first + index);
	*ret_cred = cred_of(user);
	return TOTP_OK;
}

static void create_many(size_t first, size_t count)
{
	const struct store_many many = {count, next_user, &first};
	size_t done = 0;
	enum totp_err error = store_create_many(store, &many, &done, &why);

	printf("done %zu\n", done);
	say(error, "ok");
}

static void print_name(void *context, const char *name)
{
	(void)context;
	printf("%s\n", name);
}

static void print_row(void *context, const struct store_row *row)
{
	char name[ERR_WORD_MAX];

	(void)context;
	printf("%s %s %llu %s\n", row->user, err_word(row->err, name),
	       (unsigned long long)row->txn->state.sequence, row->why->text);
}

static void print_key(void *context, const struct store_sealed *sealed)
{
	(void)context;
	printf("%s %08x\n", sealed->user, (unsigned)sealed->key_id);
}

/* --- keys --- */

struct names {
	char *users[4096];
	size_t count;
};

static void keep_name(void *context, const char *name)
{
	struct names *names = context;

	if (names->count < sizeof(names->users) / sizeof(names->users[0]))
		names->users[names->count++] = strdup(name);
}

static void print_told(void *context, const char *user, enum totp_err error,
		       const struct reason *cause)
{
	(void)context;
	if (error != TOTP_OK)
		printf("%s: %s %s\n", user, err_name(error), cause->text);
}

static const char *to_replace; /* as soon as something is sealed; or NULL */

static enum totp_err create(struct store *in, const char *user)
{
	struct cred cred = cred_of(user);
	struct login_state state;

	state_init(&cred, &state);
	return store_create(in, &cred, &state, io_deadline(WAIT_MS), &why);
}

/* As another program does. */
static void replace(const char *user)
{
	struct store *other = NULL;

	if (etcd_open(&config, io_deadline(WAIT_MS), &other, &why) != TOTP_OK ||
	    store_remove(other, user, io_deadline(WAIT_MS), &why) != TOTP_OK ||
	    create(other, user) != TOTP_OK)
		errx(1, "%s", why.text);
	store_close(other);
}

/* Instead of libc's: what seals asks for a nonce. */
ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
	const char *user = to_replace;

	to_replace = NULL;
	if (user)
		replace(user);
	return syscall(SYS_getrandom, bytes, len, flags);
}

static enum totp_err seal(const char *replaced)
{
	static struct names names;
	struct keyring keyring;
	struct store_reseal reseal = {
		.kind = STORE_RECORD, .users = names.users, .told = print_told};
	enum totp_err error = keyring_load(config.keyring, &keyring, &why);

	if (error == TOTP_OK)
		error = store_claim_keys(store, &why);
	if (error == TOTP_OK)
		error = store_seal_with(store, keyring.keys[0].id, io_deadline(WAIT_MS), &why);
	if (error == TOTP_OK)
		error = store_each(store, STORE_RECORD, keep_name, &names, &why);
	reseal.count = names.count;
	to_replace = replaced;
	return error == TOTP_OK ? store_reseal(store, &reseal, &why) : error;
}

/* --- the store --- */

static void print_status(void)
{
	struct etcd_status status = {.cluster = 0};
	enum totp_err error = etcd_status(store, io_deadline(WAIT_MS), &status, &why);

	if (error == TOTP_OK)
		printf("cluster %s epoch %u key %08x since %lld\n",
		       status.cluster == status.own_cluster ? "own" : "other",
		       (unsigned)status.epoch, (unsigned)status.key_id,
		       (long long)store_info(store)->since);
	say(error, "ok");
}

static enum totp_err look(const char *user)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err error = store_look(store, user, io_deadline(WAIT_MS), &txn, &why);

	return error == TOTP_OK ? store_read(store, user, io_deadline(WAIT_MS), &txn, &why) : error;
}

static int count_open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (directory && readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void reopen(int times)
{
	int before = count_open_files();

	for (int i = 0; i < times; i++) {
		struct store *again = NULL;

		if (etcd_open(&config, io_deadline(WAIT_MS), &again, &why) == TOTP_OK)
			store_close(again);
	}
	printf("%d\n", count_open_files() - before);
}

static enum totp_err make_store(void)
{
	FILE *file = fopen(config.keyring, "re");

	if (file)
		fclose(file);
	else if (keyring_create(config.keyring, 0, &why) != TOTP_OK)
		errx(1, "%s", why.text);
	return etcd_setup(&config, io_deadline(WAIT_MS), &why);
}

static bool run_walk(const char *command)
{
	if (strcmp(command, "names") == 0)
		say(store_each(store, STORE_RECORD, print_name, NULL, &why), "ok");
	else if (strcmp(command, "walk") == 0)
		say(store_each_credential(store, print_row, NULL, &why), "ok");
	else if (strcmp(command, "keys") == 0)
		say(store_each_key(store, print_key, NULL, &why), "ok");
	else if (strcmp(command, "status") == 0)
		print_status();
	else if (strcmp(command, "check") == 0)
		say(store_check_place(store, io_deadline(WAIT_MS), &why), "ok");
	else if (strcmp(command, "newest") == 0)
		say(store_set_newest(store, io_deadline(WAIT_MS), &why), "ok");
	else
		return false;
	return true;
}

static void run(const char *command, char **arguments, int count)
{
	if (run_walk(command))
		return;
	if (strcmp(command, "login") == 0 && count == 0)
		log_in_lines();
	else if (strcmp(command, "login") == 0 && count >= 2)
		log_in(arguments[0], atoll(arguments[1]), count > 2 ? atoll(arguments[2]) : 0);
	else if (strcmp(command, "accept") == 0 && count == 1)
		say(store_accept_place(store, atoll(arguments[0]), io_deadline(WAIT_MS), &why),
		    "ok");
	else if (strcmp(command, "create") == 0 && count == 1)
		say(create(store, arguments[0]), "ok");
	else if (strcmp(command, "seal") == 0)
		say(seal(count ? arguments[0] : NULL), "ok");
	else if (strcmp(command, "look") == 0 && count == 1)
		say(look(arguments[0]), "ok");
	else if (strcmp(command, "remove") == 0 && count == 1)
		say(store_remove(store, arguments[0], io_deadline(WAIT_MS), &why), "ok");
	else if (strcmp(command, "revoke") == 0 && count == 1)
		say(revoke_waiting(arguments[0]), "ok");
	else if (strcmp(command, "many") == 0 && count == 2)
		create_many((size_t)atoll(arguments[0]), (size_t)atoll(arguments[1]));
	else
		errx(2, "%s: no such command", command);
}

int main(int argc, char **argv)
{
	enum totp_err error;

	if (argc < 8)
		errx(2, "usage: store ENDPOINTS CA CERTIFICATE KEY REALM KEYRING COMMAND...");
	config = (struct etcd_store_config){.cluster = {argv[1], argv[2], argv[3], argv[4]},
					    .realm = argv[5],
					    .keyring = argv[6]};
	if (strcmp(argv[7], "init") == 0) {
		say(make_store(), "ok");
		return 0;
	}
	if (strcmp(argv[7], "reopen") == 0 && argc == 9) {
		reopen(atoi(argv[8]));
		return 0;
	}
	error = etcd_open(&config, io_deadline(WAIT_MS), &store, &why);
	if (error != TOTP_OK)
		say(error, "");
	else
		run(argv[7], argv + 8, argc - 8);
	store_close(store);
	return 0;
}
