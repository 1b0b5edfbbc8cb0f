/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every engine promises (store/store.h), tested through that header alone, over the engine
 * that the program is linked with (contract.h). What the files engine promises beyond it is in
 * test-store-files.c and its neighbors.
 */
#include "bulk.h"
#include "contract.h"

#include <signal.h>

struct fixture {
	struct store *store;
};

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_begin, fixture_end)

/* Open the store once more, as another process would. */
static struct store *open_again(const struct fixture *f)
{
	struct reason why = {""};
	struct store *store = engine_under_test.open(&why);

	(void)f;
	if (!store)
		fail_msg("%s", why.text);
	return store;
}

static int fixture_begin(void **state)
{
	static struct fixture fixture;

	engine_under_test.make();
	fixture.store = open_again(&fixture);
	*state = &fixture;
	return 0;
}

static int fixture_end(void **state)
{
	struct fixture *f = *state;

	f->store = store_close(f->store);
	engine_under_test.drop();
	return 0;
}

static void a_new_store_proves_everybody_absent(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	bool has = true;

	assert_ok(look_for(f->store, "alice", &has, NULL));
	assert_false(has);
	assert_refused(NOT_FOUND, store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_refused(NOT_FOUND,
		       store_read_cred(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_refused(NOT_FOUND, store_remove(f->store, "alice", deadline_in(20000), NULL));
}

static __attribute__((noinline)) void assert_same_state(const struct cred *cred,
							const struct login_state *expected,
							const struct login_state *seen)
{
	uint8_t a[STATE_SLOT_LEN], b[STATE_SLOT_LEN];

	assert_ok(state_encode(expected, cred, a));
	assert_ok(state_encode(seen, cred, b));
	assert_memory_equal(a, b, sizeof(a));
}

/* noinline: otherwise the frames of both would become one large frame */
static __attribute__((noinline)) struct cred cred_of_a_help_desk(void)
{
	struct cred cred = cred_of("alice", 1);

	cred.disabled = cred.must_confirm = true;
	cred.bypass.uses = 7;
	cred.bypass.expires = NOW;
	cred.bypass.salt[0] = 1;
	return cred;
}

static void a_record_is_read_as_it_was_stored(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of_a_help_desk();
	struct login_state first;
	OWN_STORE struct store *other = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	bool has = false;

	first = state_of(&cred);
	first.tokens[0].moving = 60000000;
	first.bypass_used = 3;
	first.spent = 5;
	first.known_count = 1;
	first.known[0].source = (struct source){.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}};
	first.last_success = NOW;
	assert_ok(store_create(f->store, &cred, &first, deadline_in(20000), NULL));

	assert_ok(look_for(other, "alice", &has, NULL));
	assert_true(has);
	assert_ok(store_read(other, "alice", deadline_in(20000), &txn, NULL));
	assert_same_cred(&cred, &txn.cred);
	assert_same_state(&cred, &first, &txn.state);
	assert_false(txn.torn);
}

static void creating_a_user_twice_fails_and_the_first_record_stays(void **state)
{
	struct fixture *f = *state;
	struct cred second = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};

	add_user(f->store, "alice", 1);
	assert_refused(EXISTS, store_create(f->store, &second, &fresh, deadline_in(20000), &why));
	assert_says("alice", why);
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_int_equal(1, txn.cred.id[0]);
}

static void a_state_of_another_credential_makes_no_record(void **state)
{
	struct fixture *f = *state;
	struct cred alice = cred_of("alice", 1), bob = cred_of("bob", 2);
	struct login_state of_bob = state_of(&bob);
	bool has = true;

	assert_refused(RANGE, store_create(f->store, &alice, &of_bob, deadline_in(20000), NULL));
	assert_ok(look_for(f->store, "alice", &has, NULL));
	assert_false(has);
}

static void a_credential_out_of_range_makes_no_record(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of("alice", 1);
	struct login_state fresh;
	bool has = true;

	cred.tokens[0].digits = 9;
	fresh = state_of(&cred);
	assert_refused(RANGE, store_create(f->store, &cred, &fresh, deadline_in(20000), NULL));
	assert_ok(look_for(f->store, "alice", &has, NULL));
	assert_false(has);
}

static void a_commit_is_read_by_every_process(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *other = open_again(f);

	add_user(f->store, "alice", 1);
	for (unsigned i = 1; i <= 5; i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;
		OWN_TXN struct store_txn seen = STORE_TXN_NONE;

		begin(f->store, "alice", &txn);
		txn.state.failures = i;
		assert_ok(store_commit(&txn, &txn.state, NULL));
		assert_ok(store_read(other, "alice", deadline_in(20000), &seen, NULL));
		assert_int_equal(i, seen.state.failures);
		assert_int_equal(1 + i, seen.state.sequence);
		assert_false(seen.torn);
	}
}

static void the_sequence_is_the_engines_and_not_the_callers(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state next;

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	next = txn.state;
	next.sequence = 1000;
	assert_ok(store_commit(&txn, &next, NULL));
	begin(f->store, "alice", &txn);
	assert_int_equal(2, txn.state.sequence);
}

static void a_commit_needs_a_lock_that_is_still_held(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_TXN struct store_txn seen = STORE_TXN_NONE;
	struct login_state next;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	next = txn.state;
	next.failures = 9;
	assert_refused(ARGUMENT, store_commit(&txn, &next, NULL)); /* never locked */
	store_end(&txn);
	assert_refused(ARGUMENT, store_commit(&txn, &next, NULL)); /* ended */

	begin(f->store, "alice", &txn);
	store_end(&txn);
	assert_refused(ARGUMENT, store_commit(&txn, &next, NULL)); /* locked, then ended */

	begin(f->store, "alice", &txn);
	assert_ok(store_commit(&txn, &txn.state, NULL));
	assert_refused(ARGUMENT, store_commit(&txn, &next, NULL)); /* committed */

	assert_ok(store_read(f->store, "alice", deadline_in(20000), &seen, NULL));
	assert_int_equal(0, seen.state.failures);
}

static void a_credential_read_alone_cannot_be_committed(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state next;
	struct cred cred = add_user(f->store, "alice", 1);

	next = state_of(&cred);
	assert_ok(store_read_cred(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_same_cred(&cred, &txn.cred);
	assert_wiped(txn.state);
	assert_ok(store_begin(&txn, deadline_in(20000), NULL));
	assert_refused(ARGUMENT, store_commit(&txn, &next, NULL));
}

static void a_state_that_is_not_the_credentials_is_not_committed(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_TXN struct store_txn seen = STORE_TXN_NONE;
	struct login_state next;

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	next = txn.state;
	next.cred_id[0] ^= 1;
	next.failures = 9;
	assert_refused(RANGE, store_commit(&txn, &next, NULL));
	store_end(&txn);
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &seen, NULL));
	assert_int_equal(0, seen.state.failures);
}

static void an_ended_transaction_holds_no_secret_and_may_end_again(void **state)
{
	struct fixture *f = *state;
	struct store_txn txn = STORE_TXN_NONE;

	store_end(&txn);
	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	store_end(&txn);
	store_end(&txn);
	assert_wiped(txn.cred);
}

static void a_failed_read_ends_the_transaction(void **state)
{
	struct fixture *f = *state;
	struct store_txn txn = STORE_TXN_NONE;
	struct login_state next = {0};

	assert_refused(NOT_FOUND, store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_wiped(txn.cred);
	assert_refused(ARGUMENT, store_commit(&txn, &next, NULL));
	store_end(&txn);
}

static void a_user_is_found_or_proved_absent_and_read_in_one_transaction(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred = add_user(f->store, "alice", 1);

	assert_refused(NOT_FOUND, store_look(f->store, "bob", deadline_in(20000), &txn, NULL));
	store_end(&txn);
	assert_ok(store_look(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_same_cred(&cred, &txn.cred);
	assert_ok(store_begin(&txn, deadline_in(20000), NULL));
	assert_ok(store_commit(&txn, &txn.state, NULL));

	assert_ok(store_look(f->store, "alice", deadline_in(20000), &txn, NULL));
	store_end(&txn);
	assert_wiped(txn.cred);
	assert_refused(ARGUMENT, store_begin(&txn, deadline_in(20000), NULL));
}

/* A transaction that was overtaken sees what is there now, or does not commit. */
static void a_commit_stands_on_the_one_before_or_is_stale(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn early = STORE_TXN_NONE;
	OWN_TXN struct store_txn other = STORE_TXN_NONE;
	enum totp_err err;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &early, NULL));
	begin(f->store, "alice", &other);
	other.state.tokens[0].moving = 77;
	assert_ok(store_commit(&other, &other.state, NULL));

	err = store_begin(&early, deadline_in(20000), NULL);
	if (err == TOTP_OK && early.state.tokens[0].moving == 77)
		return;
	if (err == TOTP_OK)
		err = store_commit(&early, &early.state, NULL);
	assert_int_equal(TOTP_ERR_STALE, err);
}

/* Begin, and commit what `next` makes of the state. */
static enum totp_err commit_once(struct store *store, bool (*next)(struct login_state *state))
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state state;
	enum totp_err err = store_read(store, "alice", deadline_in(60000), &txn, NULL);

	if (err == TOTP_OK)
		err = store_begin(&txn, deadline_in(60000), NULL);
	if (err != TOTP_OK)
		return err;
	state = txn.state;
	return next(&state) ? store_commit(&txn, &state, NULL) : TOTP_ERR_FORBIDDEN;
}

static enum totp_err commit(struct store *store, bool (*next)(struct login_state *state))
{
	enum totp_err err;

	do
		err = commit_once(store, next);
	while (err == TOTP_ERR_STALE);
	return err;
}

static bool count_failure(struct login_state *state)
{
	state->failures++;
	return true;
}

static void of_many_processes_no_commit_is_lost(void **state)
{
	enum { PROCESSES = 8, TIMES = 20 };
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	pid_t pids[PROCESSES];

	add_user(f->store, "alice", 1);
	for (size_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct store *store = open_again(f);
			bool good = true;

			for (unsigned k = 0; k < TIMES; k++)
				good &= commit(store, count_failure) == TOTP_OK;
			_exit(good ? 0 : 1);
		}
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		assert_int_equal(0, status);
	}
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_int_equal(PROCESSES * TIMES, txn.state.failures);
	assert_int_equal(PROCESSES * TIMES + 1, txn.state.sequence);
}

static uint64_t step; /* that all try to use */

/* The same bytes in every process, as when two hosts judge one code in the same second. */
static bool use_step(struct login_state *state)
{
	if (state->tokens[0].moving >= step)
		return false;
	state->tokens[0].moving = step;
	state->last_success = (int64_t)step;
	return true;
}

static void of_many_processes_that_use_one_step_one_commits(void **state)
{
	enum { PROCESSES = 8, ROUNDS = 12 };
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	for (step = 1; step <= ROUNDS; step++) {
		pid_t pids[PROCESSES];
		int go[2];
		unsigned won = 0;
		char byte;

		assert_int_equal(0, pipe(go));
		for (size_t i = 0; i < PROCESSES; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				struct store *store = open_again(f);

				close(go[1]);
				(void)!read(go[0], &byte, 1); /* all at once */
				_exit(commit(store, use_step) == TOTP_OK ? 1 : 0);
			}
		}
		close(go[0]);
		close(go[1]);
		for (size_t i = 0; i < PROCESSES; i++) {
			int status = -1;

			waitpid(pids[i], &status, 0);
			won += WIFEXITED(status) && WEXITSTATUS(status) == 1;
		}
		assert_int_equal(1, won);
	}
}

static void a_killed_process_keeps_nobody_from_a_commit(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	int ready[2];
	char byte;
	pid_t child;

	add_user(f->store, "alice", 1);
	assert_int_equal(0, pipe(ready));
	child = fork();
	if (child == 0) {
		struct store *store = open_again(f);
		struct store_txn held = STORE_TXN_NONE;

		begin(store, "alice", &held);
		(void)!write(ready[1], "", 1);
		pause_ms(60000);
		_exit(0);
	}
	assert_int_equal(1, read(ready[0], &byte, 1));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	begin(f->store, "alice", &txn);
	assert_ok(store_commit(&txn, &txn.state, NULL));
}

static enum totp_err begin_and_commit(struct store_txn *txn)
{
	enum totp_err err = store_begin(txn, deadline_in(20000), NULL);

	return err == TOTP_OK ? store_commit(txn, &txn->state, NULL) : err;
}

/* noinline: otherwise the frames of both would become one large frame */
static __attribute__((noinline)) void replace_now(struct store *store, const char *user, uint8_t n)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred = cred_of(user, n);
	struct login_state fresh = state_of(&cred);

	begin(store, user, &txn);
	assert_ok(store_replace(&txn, &cred, &fresh, NULL));
}

static void a_record_replaced_or_removed_since_it_was_read_is_stale(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	txn.state.failures = 9;
	replace_now(f->store, "alice", 2);
	assert_refused(STALE, begin_and_commit(&txn));
	store_end(&txn);
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_int_equal(2, txn.cred.id[0]);
	assert_int_equal(0, txn.state.failures);
	assert_ok(store_remove(f->store, "alice", deadline_in(20000), NULL));
	assert_refused(STALE, begin_and_commit(&txn));
	store_end(&txn);

	/* created again with the same id: still not the record that was read */
	add_user(f->store, "alice", 3);
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_ok(store_remove(f->store, "alice", deadline_in(20000), NULL));
	add_user(f->store, "alice", 3);
	assert_refused(STALE, begin_and_commit(&txn));
}

static void a_record_that_is_removed_under_a_login_denies_it(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *other = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	assert_ok(store_remove(other, "alice", deadline_in(20000), NULL));
	assert_refused(STALE, store_commit(&txn, &txn.state, NULL));
	assert_refused(NOT_FOUND, read_error(f->store, "alice", NULL));
}

static void a_commit_that_removes_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_refused(ARGUMENT, store_remove_by(&txn, &txn.state, NULL)); /* never begun */
	begin(f->store, "alice", &txn);
	assert_ok(store_remove_by(&txn, &txn.state, NULL));
	assert_wiped(txn.cred);
	assert_refused(NOT_FOUND, read_error(f->store, "alice", NULL));
	assert_ok(read_error(f->store, "bob", NULL));
}

static enum totp_err count_tries(void *context, struct reason *why)
{
	unsigned *left = context;

	(void)why;
	return (*left)-- > 1 ? TOTP_ERR_STALE : TOTP_OK;
}

static void a_change_is_tried_again_while_it_is_stale_but_not_for_ever(void **state)
{
	unsigned left = 3;
	struct reason why = {""};

	(void)state;
	assert_ok(store_retry(count_tries, &left, &why));
	assert_int_equal(0, left);
	left = STORE_TRIES + 1;
	assert_refused(STALE, store_retry(count_tries, &left, &why));
	assert_says("try again", why);
}

static void every_process_reads_the_new_record_after_a_replacement(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *other = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred second = cred_of("alice", 2);
	struct login_state kept = state_of(&second);

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	kept.failures = 4;
	assert_ok(store_replace(&txn, &second, &kept, NULL));

	assert_ok(store_read(other, "alice", deadline_in(20000), &txn, NULL));
	assert_same_cred(&second, &txn.cred);
	assert_int_equal(4, txn.state.failures);
	assert_ok(store_begin(&txn, deadline_in(20000), NULL));
	assert_ok(store_commit(&txn, &txn.state, NULL));
}

static void a_credential_read_alone_can_be_replaced(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred second = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);

	add_user(f->store, "alice", 1);
	assert_ok(store_read_cred(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_ok(store_begin(&txn, deadline_in(20000), NULL));
	assert_ok(store_replace(&txn, &second, &fresh, NULL));
	assert_ok(store_read(f->store, "alice", deadline_in(20000), &txn, NULL));
	assert_int_equal(2, txn.cred.id[0]);
}

/* Try to replace alice's record by one of `user` with id n and the state of another id. */
static enum totp_err replace_error(struct store *store, bool lock, const char *user, uint8_t n,
				   uint8_t state_n)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_CRED struct cred cred = cred_of(user, state_n);
	struct login_state fresh = state_of(&cred);

	assert_ok(store_read(store, "alice", deadline_in(20000), &txn, NULL));
	if (lock)
		assert_ok(store_begin(&txn, deadline_in(20000), NULL));
	cred = cred_of(user, n);
	return store_replace(&txn, &cred, &fresh, NULL);
}

static void a_replacement_needs_the_lock_a_new_id_and_the_same_user(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	bool has = true;

	add_user(f->store, "alice", 1);
	assert_refused(ARGUMENT, replace_error(f->store, false, "alice", 2, 2));
	assert_refused(ARGUMENT, replace_error(f->store, true, "alice", 1, 1));
	assert_refused(ARGUMENT, replace_error(f->store, true, "bob", 2, 2));
	assert_refused(RANGE, replace_error(f->store, true, "alice", 2, 3));

	assert_ok(look_for(f->store, "bob", &has, NULL));
	assert_false(has);
	begin(f->store, "alice", &txn);
	assert_int_equal(1, txn.cred.id[0]);
	assert_ok(store_commit(&txn, &txn.state, NULL));
}

static void the_transaction_is_over_after_a_replacement_either_way(void **state)
{
	struct fixture *f = *state;
	struct store_txn txn = STORE_TXN_NONE;
	struct cred second = cred_of("alice", 2), same = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	assert_ok(store_replace(&txn, &second, &fresh, NULL));
	assert_wiped(txn.cred);
	assert_refused(ARGUMENT, store_commit(&txn, &fresh, NULL));

	begin(f->store, "alice", &txn);
	assert_refused(ARGUMENT, store_replace(&txn, &same, &fresh, NULL));
	assert_wiped(txn.cred);
	assert_refused(ARGUMENT, store_commit(&txn, &fresh, NULL));
	begin(f->store, "alice", &txn); /* and its lock is released */
	store_end(&txn);
}

static void a_removed_user_is_proved_absent_and_may_be_created_again(void **state)
{
	struct fixture *f = *state;
	bool has = true;

	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	assert_ok(store_remove(f->store, "alice", deadline_in(20000), NULL));
	assert_ok(look_for(f->store, "alice", &has, NULL));
	assert_false(has);
	assert_refused(NOT_FOUND, read_error(f->store, "alice", NULL));
	assert_ok(read_error(f->store, "bob", NULL));
	add_user(f->store, "alice", 1);
	assert_ok(read_error(f->store, "alice", NULL));
}

static void many_are_created_at_once(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {NOWHERE, NOWHERE, NOWHERE, NOWHERE};
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	assert_ok(create_all(f->store, 100, next_of, &batch, NULL));
	assert_int_equal(100, count_present(f->store, 100));
	assert_ok(store_read(f->store, "u99", deadline_in(20000), &txn, NULL));
	assert_int_equal(100, txn.cred.id[0]);
	assert_int_equal(1, txn.state.sequence);
	assert_int_equal(0, txn.state.tokens[0].moving);
}

static void of_many_each_gets_the_state_that_was_passed_with_it(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {NOWHERE, NOWHERE, NOWHERE, 7};
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	assert_ok(create_all(f->store, 10, next_of, &batch, NULL));
	assert_ok(store_read(f->store, "u7", deadline_in(20000), &txn, NULL));
	assert_int_equal(4711, txn.state.tokens[0].moving);
	assert_int_equal(5, txn.state.spent);
	store_end(&txn);
	assert_ok(store_read(f->store, "u8", deadline_in(20000), &txn, NULL));
	assert_int_equal(0, txn.state.tokens[0].moving);
}

static void creating_none_creates_nothing(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {0, NOWHERE, NOWHERE, NOWHERE};

	assert_ok(create_all(f->store, 0, next_of, &batch, NULL));
}

/* What a walk has seen of alice, bob and carol. */
struct seen {
	struct store *store;
	unsigned times[3];
	size_t count;
};

static void see_row(void *context, const struct store_row *row)
{
	struct seen *seen = context;
	size_t n = (size_t)(row->user[0] - 'a');
	OWN_TXN struct store_txn again = STORE_TXN_NONE;

	assert_in_range(n, 0, 2);
	assert_ok(row->err);
	assert_true(row->cred_opens);
	assert_string_equal(row->user, row->txn->cred.user);
	assert_int_equal(10 + n, row->txn->state.failures);
	assert_int_equal(++seen->count, row->number);
	assert_true(row->total == 0 || row->total == 3);
	seen->times[n]++;
	/* the store may be used meanwhile */
	begin(seen->store, row->user, &again);
	assert_ok(store_commit(&again, &again.state, NULL));
}

static void a_walk_reads_each_record_once(void **state)
{
	static const char *const users[] = {"alice", "bob", "carol"};
	struct fixture *f = *state;
	struct seen seen = {.store = f->store};

	assert_ok(store_each_credential(f->store, see_row, &seen, NULL));
	assert_int_equal(0, seen.count);
	for (size_t i = 0; i < COUNT(users); i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;

		add_user(f->store, users[i], (uint8_t)(i + 1));
		begin(f->store, users[i], &txn);
		txn.state.failures = (uint32_t)(10 + i);
		assert_ok(store_commit(&txn, &txn.state, NULL));
	}
	assert_ok(store_each_credential(f->store, see_row, &seen, NULL));
	for (size_t i = 0; i < COUNT(users); i++)
		assert_int_equal(1, seen.times[i]);
}

static void of_many_those_that_are_done_are_the_first_and_whole(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {.fails_at = 20, NOWHERE, NOWHERE, NOWHERE};
	const struct store_many many = {40, next_of, &batch};
	size_t done = 4711;

	assert_refused(FORMAT, store_create_many(f->store, &many, &done, NULL));
	assert_in_range(done, 0, 20);
	assert_int_equal(done, count_present(f->store, 40));
	for (size_t i = 0; i < done; i++) {
		char user[32];

		snprintf(user, sizeof(user), "u%zu", i);
		assert_ok(read_error(f->store, user, NULL));
	}
}

static void see_key(void *context, const struct store_sealed *sealed)
{
	assert_ok(sealed->err);
	*(uint32_t *)context = sealed->key_id;
}

static void nothing_is_sealed_with_a_key_that_is_not_the_first(void **state)
{
	struct fixture *f = *state;
	uint32_t key_id = 0, same = 0;

	add_user(f->store, "alice", 1);
	assert_ok(store_each_key(f->store, see_key, &key_id, NULL));
	assert_ok(store_key_of(f->store, "alice", &same));
	assert_int_equal(key_id, same);
	assert_ok(store_seal_with(f->store, key_id, deadline_in(20000), NULL));
	assert_refused(ARGUMENT, store_seal_with(f->store, key_id ^ 1, deadline_in(20000), NULL));
	assert_ok(store_seal_with(f->store, key_id, deadline_in(20000), NULL));
	add_user(f->store, "bob", 2);
	assert_ok(read_error(f->store, "bob", NULL));
	assert_null(store_close(NULL));
}

static void count_told(void *context, const char *user, enum totp_err err, const struct reason *why)
{
	size_t *good = context;

	(void)user;
	(void)why;
	*good += err == TOTP_OK;
}

static void one_process_at_a_time_changes_keys(void **state)
{
	struct fixture *f = *state;
	char alice[] = "alice", *users[] = {alice};
	size_t good = 0;
	const struct store_reseal reseal = {STORE_RECORD, users, 1, count_told, &good};
	struct store *other = open_again(f);
	struct reason why = {""};

	add_user(f->store, "alice", 1);
	assert_refused(ARGUMENT, store_reseal(f->store, &reseal, NULL));
	assert_ok(store_claim_keys(f->store, NULL));
	assert_ok(store_claim_keys(f->store, NULL)); /* its own already */
	assert_refused(TIMEOUT, store_claim_keys(other, &why));
	assert_string_not_equal("", why.text);
	assert_refused(ARGUMENT, store_reseal(other, &reseal, NULL));
	assert_ok(store_reseal(f->store, &reseal, NULL));
	assert_int_equal(1, good);
	f->store = store_close(f->store);
	assert_ok(store_claim_keys(other, NULL));
	f->store = other;
}

static void print_outcome(void *context, const char *user, enum totp_err err,
			  const struct reason *why)
{
	char *told = context, name[ERR_WORD_MAX];
	size_t len = strlen(told);

	(void)why;
	snprintf(told + len, 128 - len, "%s %s\n", user, err_word(err, name));
}

static void a_user_who_was_removed_keeps_no_other_from_a_new_key(void **state)
{
	struct fixture *f = *state;
	char alice[] = "alice", removed[] = "removed", bob[] = "bob";
	char *users[] = {alice, removed, bob};
	char told[128] = "";
	const struct store_reseal reseal = {STORE_RECORD, users, COUNT(users), print_outcome, told};

	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	assert_ok(store_claim_keys(f->store, NULL));
	assert_ok(store_reseal(f->store, &reseal, NULL));
	assert_string_equal("alice ok\nremoved not_found\nbob ok\n", told);
}

static void a_store_of_the_newest_version_keeps_its_records(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	assert_ok(store_set_newest(f->store, deadline_in(20000), NULL));
	assert_ok(store_set_newest(f->store, deadline_in(20000), NULL));
	add_user(f->store, "bob", 2);
	f->store = store_close(f->store);
	f->store = open_again(f);
	assert_ok(read_error(f->store, "alice", NULL));
	assert_ok(read_error(f->store, "bob", NULL));
}

static struct invite invite_of(const char *user, uint32_t uid)
{
	struct invite invite = {.uid = uid, .created = NOW, .expires = NOW + 86400};

	strcpy(invite.user, user);
	return invite;
}

static void invite(struct store *store, const char *user, uint32_t uid)
{
	struct invite invite = invite_of(user, uid);

	assert_ok(store_invite_put(store, &invite, deadline_in(20000), NULL));
}

static void assert_invited(struct store *store, const char *user, uint32_t uid)
{
	struct invite seen = {.user = ""}, expected = invite_of(user, uid);

	assert_ok(store_invite_get(store, user, deadline_in(20000), &seen, NULL));
	assert_string_equal(expected.user, seen.user);
	assert_int_equal(expected.uid, seen.uid);
	assert_int_equal(expected.created, seen.created);
	assert_int_equal(expected.expires, seen.expires);
	assert_memory_equal(&expected, &seen, sizeof(seen));
}

static void assert_not_invited(struct store *store, const char *user)
{
	struct invite seen;

	assert_refused(NOT_FOUND, store_invite_get(store, user, deadline_in(20000), &seen, NULL));
	assert_refused(NOT_FOUND, store_invite_remove(store, user, deadline_in(20000), NULL));
}

static void an_invitation_is_read_as_it_was_stored(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *other = open_again(f);
	bool has = true;

	assert_not_invited(f->store, "alice");
	invite(f->store, "alice", 1000);
	assert_invited(other, "alice", 1000);
	assert_not_invited(other, "bob");
	assert_ok(look_for(other, "alice", &has, NULL));
	assert_false(has); /* and it enrolls nobody */
}

static void a_new_invitation_replaces_the_old_one(void **state)
{
	struct fixture *f = *state;

	invite(f->store, "alice", 1000);
	invite(f->store, "alice", 1001);
	assert_invited(f->store, "alice", 1001);
}

static void a_revoked_invitation_is_gone(void **state)
{
	struct fixture *f = *state;

	invite(f->store, "alice", 1000);
	invite(f->store, "bob", 1001);
	assert_ok(store_invite_remove(f->store, "alice", deadline_in(20000), NULL));
	assert_not_invited(f->store, "alice");
	assert_invited(f->store, "bob", 1001);
}

static void an_enrollment_uses_the_invitation_up(void **state)
{
	struct fixture *f = *state;

	invite(f->store, "alice", 1000);
	invite(f->store, "bob", 1001);
	add_user(f->store, "alice", 1);
	assert_not_invited(f->store, "alice");
	assert_invited(f->store, "bob", 1001);
}

static void many_that_are_created_at_once_use_their_invitations_up(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {NOWHERE, NOWHERE, NOWHERE, NOWHERE};

	invite(f->store, "u0", 1000);
	invite(f->store, "u59", 1001);
	invite(f->store, "bob", 1002);
	assert_ok(create_all(f->store, 60, next_of, &batch, NULL));
	assert_int_equal(60, count_present(f->store, 60));
	assert_not_invited(f->store, "u0");
	assert_not_invited(f->store, "u59");
	assert_invited(f->store, "bob", 1002);
}

static void a_failed_enrollment_leaves_the_invitation(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of("alice", 1);
	struct login_state fresh;

	invite(f->store, "alice", 1000);
	cred.tokens[0].digits = 9;
	fresh = state_of(&cred);
	assert_refused(RANGE, store_create(f->store, &cred, &fresh, deadline_in(20000), NULL));
	assert_invited(f->store, "alice", 1000);
}

static void a_revocation_removes_the_invitation_too(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	invite(f->store, "alice", 1000);
	assert_ok(store_remove(f->store, "alice", deadline_in(20000), NULL));
	assert_not_invited(f->store, "alice");
	invite(f->store, "alice", 1000);
	assert_refused(NOT_FOUND, store_remove(f->store, "alice", deadline_in(20000), NULL));
	assert_invited(f->store, "alice", 1000); /* there was no record to remove */
}

static void an_invitation_out_of_range_is_not_stored(void **state)
{
	struct fixture *f = *state;
	struct invite invite = invite_of("alice", 1000);
	struct reason why = {""};

	invite.expires = invite.created;
	assert_refused(RANGE, store_invite_put(f->store, &invite, deadline_in(20000), &why));
	assert_says("invitation", why);
	assert_not_invited(f->store, "alice");
}

static void count_invited(void *context, const char *name)
{
	unsigned *seen = context;

	if (strcmp(name, "alice") == 0)
		seen[0]++;
	else if (strcmp(name, "B\xc3\xb6rje/..") == 0)
		seen[1]++;
	else
		fail_msg("%s", name);
}

static void every_invited_user_is_listed_and_nobody_else(void **state)
{
	struct fixture *f = *state;
	unsigned seen[2] = {0, 0};

	assert_ok(store_each(f->store, STORE_INVITE, count_invited, seen, NULL));
	assert_int_equal(0, seen[0] + seen[1]);
	add_user(f->store, "carol", 1);
	invite(f->store, "alice", 1000);
	invite(f->store, "B\xc3\xb6rje/..", 1001);
	assert_ok(store_each(f->store, STORE_INVITE, count_invited, seen, NULL));
	assert_int_equal(1, seen[0]);
	assert_int_equal(1, seen[1]);
}

static void every_name_has_exactly_one_encoding(void **state)
{
	static const struct {
		const char *user, *name;
	} rows[] = {
		{"alice", "alice"},
		{"svc_web-1.x", "svc_web-1.x"},
		{"A", "%41"},
		{"a", "a"},
		{" a", "%20a"},
		{".x", "%2ex"},
		{"..", "%2e."},
		{"../x", "%2e.%2fx"},
		{"a/b", "a%2fb"},
		{"a%2fb", "a%252fb"},
		{"a~b", "a%7eb"},
		{"a\nb", "a%0ab"},
		{"a:b", "a%3ab"},
		{"DOM\\user", "%44%4f%4d%5cuser"},
		{"user@example.org", "user%40example.org"},
		{"J\xc3\xbcrgen", "%4a%c3%bcrgen"},
		{"\xff", "%ff"},
	};
	char name[STORE_NAME_MAX + 1];

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_ok(store_name(rows[i].user, name));
		assert_string_equal(rows[i].name, name);
	}
}

static void a_name_is_empty_or_too_long_for_an_encoding(void **state)
{
	char user[301], name[STORE_NAME_MAX + 1];

	assert_refused(RANGE, store_name("", name));
	memset(user, 'a', 300);
	user[300] = '\0';
	assert_refused(RANGE, store_name(user, name));
	user[201] = '\0';
	assert_refused(RANGE, store_name(user, name));
	user[200] = '\0';
	assert_ok(store_name(user, name));
	assert_int_equal(200, strlen(name));
	memset(user, 'A', 67); /* 201 bytes encoded */
	user[67] = '\0';
	assert_refused(RANGE, store_name(user, name));
	user[66] = '\0';
	assert_ok(store_name(user, name));
	assert_int_equal(198, strlen(name));
}

static void hostile_names_are_users_like_others(void **state)
{
	static const char *const users[] = {"../x", "a/b", " a",    "A",   "a",     ".x",
					    "..",   ".",   "a~b",   "%41", "STORE", "J\xc3\xbcrgen",
					    "x\ny", "/",   "users", "-rf", "a.b",   "a%2fb"};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(users); i++)
		add_user(f->store, users[i], (uint8_t)(i + 1));
	for (size_t i = 0; i < COUNT(users); i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;

		begin(f->store, users[i], &txn);
		assert_string_equal(users[i], txn.cred.user);
		assert_int_equal(i + 1, txn.cred.id[0]);
		assert_ok(store_commit(&txn, &txn.state, NULL));
	}
	for (size_t i = 0; i < COUNT(users); i++) {
		assert_ok(store_remove(f->store, users[i], deadline_in(20000), NULL));
		assert_refused(NOT_FOUND, read_error(f->store, users[i], NULL));
		if (i + 1 < COUNT(users))
			assert_ok(read_error(f->store, users[i + 1], NULL));
	}
}

static void a_user_with_too_long_a_name_is_neither_found_nor_proved_absent(void **state)
{
	struct fixture *f = *state;
	struct reason why = {""};
	char user[301];
	bool has = true;

	memset(user, 'a', 300);
	user[300] = '\0';
	assert_refused(RANGE, look_for(f->store, user, &has, &why));
	assert_says("too long", why);
	assert_refused(RANGE, read_error(f->store, user, NULL));
	assert_refused(RANGE, read_error(f->store, "", NULL));
	assert_refused(NOT_FOUND, store_remove(f->store, user, deadline_in(20000), NULL));
}

static void the_longest_name_has_a_record(void **state)
{
	struct fixture *f = *state;
	char user[CRED_USER_MAX + 1];

	memset(user, 'a', CRED_USER_MAX);
	user[CRED_USER_MAX] = '\0';
	add_user(f->store, user, 1);
	assert_ok(read_error(f->store, user, NULL));
	assert_ok(store_remove(f->store, user, deadline_in(20000), NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(a_new_store_proves_everybody_absent),
		STORE_TEST(a_record_is_read_as_it_was_stored),
		STORE_TEST(creating_a_user_twice_fails_and_the_first_record_stays),
		STORE_TEST(a_state_of_another_credential_makes_no_record),
		STORE_TEST(a_credential_out_of_range_makes_no_record),
		STORE_TEST(a_commit_is_read_by_every_process),
		STORE_TEST(the_sequence_is_the_engines_and_not_the_callers),
		STORE_TEST(a_commit_needs_a_lock_that_is_still_held),
		STORE_TEST(a_credential_read_alone_cannot_be_committed),
		STORE_TEST(a_state_that_is_not_the_credentials_is_not_committed),
		STORE_TEST(an_ended_transaction_holds_no_secret_and_may_end_again),
		STORE_TEST(a_failed_read_ends_the_transaction),
		STORE_TEST(a_user_is_found_or_proved_absent_and_read_in_one_transaction),
		STORE_TEST(a_commit_stands_on_the_one_before_or_is_stale),
		STORE_TEST(of_many_processes_no_commit_is_lost),
		STORE_TEST(of_many_processes_that_use_one_step_one_commits),
		STORE_TEST(a_killed_process_keeps_nobody_from_a_commit),
		STORE_TEST(a_record_replaced_or_removed_since_it_was_read_is_stale),
		STORE_TEST(a_record_that_is_removed_under_a_login_denies_it),
		STORE_TEST(a_commit_that_removes_leaves_nothing),
		STORE_TEST(a_change_is_tried_again_while_it_is_stale_but_not_for_ever),
		STORE_TEST(every_process_reads_the_new_record_after_a_replacement),
		STORE_TEST(a_credential_read_alone_can_be_replaced),
		STORE_TEST(a_replacement_needs_the_lock_a_new_id_and_the_same_user),
		STORE_TEST(the_transaction_is_over_after_a_replacement_either_way),
		STORE_TEST(a_removed_user_is_proved_absent_and_may_be_created_again),
		STORE_TEST(many_are_created_at_once),
		STORE_TEST(of_many_each_gets_the_state_that_was_passed_with_it),
		STORE_TEST(creating_none_creates_nothing),
		STORE_TEST(a_walk_reads_each_record_once),
		STORE_TEST(of_many_those_that_are_done_are_the_first_and_whole),
		STORE_TEST(nothing_is_sealed_with_a_key_that_is_not_the_first),
		STORE_TEST(one_process_at_a_time_changes_keys),
		STORE_TEST(a_user_who_was_removed_keeps_no_other_from_a_new_key),
		STORE_TEST(a_store_of_the_newest_version_keeps_its_records),
		STORE_TEST(an_invitation_is_read_as_it_was_stored),
		STORE_TEST(a_new_invitation_replaces_the_old_one),
		STORE_TEST(a_revoked_invitation_is_gone),
		STORE_TEST(an_enrollment_uses_the_invitation_up),
		STORE_TEST(many_that_are_created_at_once_use_their_invitations_up),
		STORE_TEST(a_failed_enrollment_leaves_the_invitation),
		STORE_TEST(a_revocation_removes_the_invitation_too),
		STORE_TEST(an_invitation_out_of_range_is_not_stored),
		STORE_TEST(every_invited_user_is_listed_and_nobody_else),
		STORE_TEST(every_name_has_exactly_one_encoding),
		STORE_TEST(a_name_is_empty_or_too_long_for_an_encoding),
		STORE_TEST(hostile_names_are_users_like_others),
		STORE_TEST(a_user_with_too_long_a_name_is_neither_found_nor_proved_absent),
		STORE_TEST(the_longest_name_has_a_record),
	};

	if (!engine_under_test.is_possible())
		return 77; /* which meson counts as skipped */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
