/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of totpctl need and totpctl does not do: log in, and put a record into states that
 * otherwise need days or mistakes.
 *
 *   record-tool CONF attempt USER ADDRESS CODE SECONDS
 *                        log in, so many seconds from now; prints the verdict
 *   record-tool CONF remembered USER ADDRESS
 *                        would a login from there skip the question? yes or no
 *   record-tool CONF bind USER UID
 *                        bind the record to another uid
 *   record-tool CONF ahead USER SECONDS
 *                        move the last steps so far into the future
 *   record-tool CONF lock USER
 *                        hold the record's lock until standard input ends
 *   record-tool CONF hotp USER
 *                        add a counter-based token and recovery codes
 *   record-tool CONF twin USER NAME
 *                        copy the record, with the same token, to any other name
 *   record-tool CONF invite USER UID AGO
 *                        invite for a day that began so many seconds ago
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/clock.h"
#include "host/conf.h"
#include "host/source.h"
#include "login/attempt.h"
#include "login/enroll.h"
#include "otp/totp.h"

static struct address address; /* what source_of_login also gives */

static struct policy policy;
static struct reason why;

static void complain(void *context, const struct reason *complaint)
{
	(void)context;
	fprintf(stderr, "%s\n", complaint->text);
}

static void need(enum totp_err err, const char *what)
{
	if (err == TOTP_OK)
		return;
	fprintf(stderr, "record-tool: %s: %s: %s\n", what, err_name(err), why.text);
	exit(1);
}

static void open_locked(struct store *store, const char *user, struct store_txn *txn)
{
	need(store_read(store, user, io_deadline(STORE_WAIT_MS), txn, &why), "read");
	need(store_begin(txn, io_monotonic_ns() + 2000000000u, &why), "lock");
}

static struct source source_at(const char *host)
{
	const struct origin caller = {.rhost = host};

	return source_of_login(&caller, &address);
}

static void try_login(struct store *store, char **words)
{
	static const char *const names[] = {"deny", "wait", "allow"};
	struct attempt who = {.user = words[0],
			      .source = source_at(words[1]),
			      .now = clock_now() + strtol(words[3], NULL, 10)};
	struct store_txn txn = STORE_TXN_NONE;
	struct outcome outcome;
	struct answer answer;

	need(store_read(store, words[0], io_deadline(STORE_WAIT_MS), &txn, &why), "read");
	who.uid = txn.cred.uid;
	store_end(&txn);
	answer_parse(words[2], NULL, &answer);
	who.policy = &policy;
	who.answer = &answer;
	need(attempt(store, &who, &outcome, &why), "attempt");
	printf("%s %s\n", names[outcome.verdict], judge_reason_name(outcome.reason));
}

static void tell_remembered(struct store *store, char **words)
{
	struct attempt who = {.user = words[0], .source = source_at(words[1]), .now = clock_now()};
	struct store_txn txn = STORE_TXN_NONE;
	struct look look;

	need(store_read(store, words[0], io_deadline(STORE_WAIT_MS), &txn, &why), "read");
	who.uid = txn.cred.uid;
	store_end(&txn);
	who.policy = &policy;
	need(attempt_look(store, &who, &txn, &look, &why), "look");
	store_end(&txn);
	printf("%s\n", look.remembered ? "yes" : "no");
}

static void bind_to(struct store *store, char **words)
{
	struct store_txn txn = STORE_TXN_NONE;
	struct login_state state;
	struct cred cred;

	open_locked(store, words[0], &txn);
	cred = txn.cred;
	cred.uid_bound = true;
	cred.uid = (uint32_t)strtoul(words[1], NULL, 10);
	need(enroll_renew(&cred, &txn.cred, &txn.state, &state), "renew");
	need(store_replace(&txn, &cred, &state, &why), "replace");
}

static void move_ahead(struct store *store, char **words)
{
	struct store_txn txn = STORE_TXN_NONE;
	struct login_state next;

	open_locked(store, words[0], &txn);
	next = txn.state;
	for (size_t i = 0; i < txn.cred.token_count; i++)
		next.tokens[i].moving = 0;
	state_raise(&next, &txn.cred, clock_now() + strtol(words[1], NULL, 10), 0);
	need(store_commit(&txn, &next, &why), "commit");
}

static void hold_lock(struct store *store, char **words)
{
	struct store_txn txn = STORE_TXN_NONE;
	char end;

	open_locked(store, words[0], &txn);
	printf("locked\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	store_end(&txn);
}

static void add_hotp(struct store *store, char **words)
{
	struct token token = {.type = TOKEN_HOTP, .alg = HMAC_SHA1, .digits = 6, .label = "keyfob"};
	struct store_txn txn = STORE_TXN_NONE;
	struct login_state state;
	struct cred cred;

	open_locked(store, words[0], &txn);
	cred = txn.cred;
	need(enroll_secret(&token.secret), "secret");
	need(enroll_add(&cred, &token), "add");
	cred.recovery_count = 10;
	need(crypto_random(cred.recovery_salt, sizeof(cred.recovery_salt)), "salt");
	need(crypto_random(cred.recovery_hash, 10 * sizeof(cred.recovery_hash[0])), "hashes");
	need(enroll_renew(&cred, &txn.cred, &txn.state, &state), "renew");
	need(store_replace(&txn, &cred, &state, &why), "replace");
}

static void make_twin(struct store *store, char **words)
{
	struct store_txn txn = STORE_TXN_NONE;
	struct login_state state;
	struct cred cred;

	open_locked(store, words[0], &txn);
	need(enroll_begin(words[1], false, 0, clock_now(), &cred), "begin");
	need(enroll_add(&cred, &txn.cred.tokens[0]), "add");
	store_end(&txn);
	state_init(&cred, &state);
	need(store_create(store, &cred, &state, io_deadline(STORE_WAIT_MS), &why), "create");
}

static void invite(struct store *store, char **words)
{
	struct invite invite = {.uid = (uint32_t)strtoul(words[1], NULL, 10),
				.created = clock_now() - strtol(words[2], NULL, 10)};

	need(text_copy(text_of(words[0]), invite.user, sizeof(invite.user)), "user");
	invite.expires = invite.created + 86400;
	need(store_invite_put(store, &invite, io_deadline(STORE_WAIT_MS), &why), "invite");
}

static const struct {
	const char *name;
	int words;
	void (*run)(struct store *store, char **words);
} verbs[] = {{"attempt", 4, try_login}, {"bind", 2, bind_to},
	     {"ahead", 2, move_ahead},  {"lock", 1, hold_lock},
	     {"hotp", 1, add_hotp},     {"twin", 2, make_twin},
	     {"invite", 3, invite},     {"remembered", 2, tell_remembered}};

int main(int argc, char **argv)
{
	OWN_STORE struct store *store = NULL;
	struct files_config config;

	if (argc < 3)
		return 2;
	need(conf_load(argv[1], true, &policy, complain, NULL), "policy");
	config = conf_files(&policy);
	need(files_open(&config, &store, &why), "open");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[2], verbs[i].name) == 0 && argc == 3 + verbs[i].words) {
			verbs[i].run(store, argv + 3);
			return 0;
		}
	return 2;
}
