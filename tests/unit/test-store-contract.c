/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every engine promises (store/store.h), tested through that header only: another engine
 * passes this test by providing its own fixture. test-store-files.c tests what happens to files
 * only.
 */
#include "store_fixture.h"

static void a_new_store_proves_everybody_absent(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	bool has = true;

	assert_ok(store_has(f->store, "alice", &has, NULL));
	assert_false(has);
	assert_refused(NOT_FOUND, store_read(f->store, "alice", &txn, NULL));
	assert_refused(NOT_FOUND, store_read_cred(f->store, "alice", &txn, NULL));
	assert_refused(NOT_FOUND, store_remove(f->store, "alice", deadline_in(100), NULL));
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
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_STORE struct store *other = open_again(f);
	bool has = false;

	first = state_of(&cred);
	first.tokens[0].moving = 60000000;
	first.bypass_used = 3;
	first.spent = 5;
	first.known_count = 1;
	first.known[0].source = (struct source){.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}};
	first.last_success = NOW;
	assert_ok(store_create(f->store, &cred, &first, NULL));

	assert_ok(store_has(other, "alice", &has, NULL));
	assert_true(has);
	assert_ok(store_read(other, "alice", &txn, NULL));
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
	assert_refused(EXISTS, store_create(f->store, &second, &fresh, &why));
	assert_says("alice", why);
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	assert_int_equal(1, txn.cred.id[0]);
}

static void a_state_of_another_credential_makes_no_record(void **state)
{
	struct fixture *f = *state;
	struct cred alice = cred_of("alice", 1), bob = cred_of("bob", 2);
	struct login_state of_bob = state_of(&bob);
	bool has = true;

	assert_refused(RANGE, store_create(f->store, &alice, &of_bob, NULL));
	assert_ok(store_has(f->store, "alice", &has, NULL));
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
	assert_refused(RANGE, store_create(f->store, &cred, &fresh, NULL));
	assert_ok(store_has(f->store, "alice", &has, NULL));
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
		assert_ok(store_read(other, "alice", &seen, NULL));
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
	assert_ok(store_read(f->store, "alice", &txn, NULL));
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

	assert_ok(store_read(f->store, "alice", &seen, NULL));
	assert_int_equal(0, seen.state.failures);
}

static void a_credential_read_alone_cannot_be_committed(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state next;
	struct cred cred = add_user(f->store, "alice", 1);

	next = state_of(&cred);
	assert_ok(store_read_cred(f->store, "alice", &txn, NULL));
	assert_same_cred(&cred, &txn.cred);
	assert_wiped(txn.state);
	assert_ok(store_lock(&txn, deadline_in(2000), NULL));
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
	assert_ok(store_read(f->store, "alice", &seen, NULL));
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

	assert_refused(NOT_FOUND, store_read(f->store, "alice", &txn, NULL));
	assert_wiped(txn.cred);
	assert_refused(ARGUMENT, store_commit(&txn, &next, NULL));
	store_end(&txn);
}

static void waiting_for_a_lock_ends_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	struct holder holder;
	uint64_t start, waited;

	add_user(f->store, "alice", 1);
	holder = holder_begin(&f->config, "alice");
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	start = io_monotonic_ns();
	assert_refused(TIMEOUT, store_lock(&txn, start + 300 * MS, &why));
	waited = io_monotonic_ns() - start;
	assert_in_range(waited, 300 * MS, 1300 * MS);
	assert_says("locked", why);
	holder_end(&holder);
}

static void a_deadline_that_has_passed_still_takes_a_free_lock(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct holder holder;
	uint64_t start;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	assert_ok(store_lock(&txn, 0, NULL));
	store_end(&txn);

	holder = holder_begin(&f->config, "alice");
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	start = io_monotonic_ns();
	assert_refused(TIMEOUT, store_lock(&txn, 0, NULL));
	assert_in_range(io_monotonic_ns() - start, 0, 1000 * MS);
	holder_end(&holder);
}

static void a_released_lock_is_taken(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct holder holder;

	add_user(f->store, "alice", 1);
	holder = holder_begin(&f->config, "alice");
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	assert_refused(TIMEOUT, store_lock(&txn, deadline_in(20), NULL));
	holder_end(&holder);
	assert_ok(store_lock(&txn, deadline_in(1000), NULL));
}

static void a_killed_holder_leaves_no_lock_behind(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct holder holder;

	add_user(f->store, "alice", 1);
	holder = holder_begin(&f->config, "alice");
	kill(holder.pid, SIGKILL);
	holder_end(&holder);
	begin(f->store, "alice", &txn);
	assert_ok(store_commit(&txn, &txn.state, NULL));
}

static void a_holder_that_hangs_delays_no_reader_and_no_other_user(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct holder holder;
	uint64_t start;

	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	holder = holder_begin(&f->config, "alice");
	kill(holder.pid, SIGSTOP);
	start = io_monotonic_ns();
	assert_ok(read_error(f->store, "alice", NULL));
	begin(f->store, "bob", &txn);
	assert_ok(store_commit(&txn, &txn.state, NULL));
	assert_in_range(io_monotonic_ns() - start, 0, 1500 * MS);
	kill(holder.pid, SIGKILL);
	holder_end(&holder);
}

static void two_transactions_of_one_process_exclude_each_other(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn one = STORE_TXN_NONE;
	OWN_TXN struct store_txn two = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &one);
	assert_ok(store_read(f->store, "alice", &two, NULL));
	assert_refused(TIMEOUT, store_lock(&two, deadline_in(20), NULL));
	store_end(&one);
	assert_ok(store_lock(&two, deadline_in(1000), NULL));
}

static void a_child_forked_meanwhile_keeps_no_lock(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	pid_t child;

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	child = fork();
	if (child == 0) {
		pause_ms(5000);
		_exit(0);
	}
	store_end(&txn);
	begin(f->store, "alice", &txn);
	assert_ok(store_commit(&txn, &txn.state, NULL));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void locking_makes_the_state_current(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn early = STORE_TXN_NONE;
	OWN_TXN struct store_txn other = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", &early, NULL));
	begin(f->store, "alice", &other);
	other.state.tokens[0].moving = 77;
	assert_ok(store_commit(&other, &other.state, NULL));

	assert_int_equal(0, early.state.tokens[0].moving);
	assert_ok(store_lock(&early, deadline_in(1000), NULL));
	assert_int_equal(77, early.state.tokens[0].moving);
}

static void count_failures(const struct store_config *config, unsigned times)
{
	OWN_STORE struct store *store = NULL;

	if (store_open(config, &store, NULL) != TOTP_OK)
		_exit(1);
	for (unsigned i = 0; i < times; i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;

		if (store_read(store, "alice", &txn, NULL) != TOTP_OK ||
		    store_lock(&txn, deadline_in(60000), NULL) != TOTP_OK)
			_exit(2);
		txn.state.failures++;
		if (store_commit(&txn, &txn.state, NULL) != TOTP_OK)
			_exit(3);
	}
	_exit(0);
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
		if (pids[i] == 0)
			count_failures(&f->config, TIMES);
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		assert_int_equal(0, status);
	}
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	assert_int_equal(PROCESSES * TIMES, txn.state.failures);
	assert_int_equal(PROCESSES * TIMES + 1, txn.state.sequence);
}

static void replace_now(struct store *store, const char *user, uint8_t n)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred = cred_of(user, n);
	struct login_state fresh = state_of(&cred);

	begin(store, user, &txn);
	assert_ok(store_replace(&txn, &cred, &fresh, NULL));
}

static void a_record_replaced_or_removed_between_read_and_lock_is_stale(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	replace_now(f->store, "alice", 2);
	assert_refused(STALE, store_lock(&txn, deadline_in(1000), NULL));
	store_end(&txn);

	assert_ok(store_read(f->store, "alice", &txn, NULL));
	assert_int_equal(2, txn.cred.id[0]);
	assert_ok(store_remove(f->store, "alice", deadline_in(1000), NULL));
	assert_refused(STALE, store_lock(&txn, deadline_in(1000), NULL));
	store_end(&txn);

	/* created again with the same id: still not the record that was read */
	add_user(f->store, "alice", 3);
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	assert_ok(store_remove(f->store, "alice", deadline_in(1000), NULL));
	add_user(f->store, "alice", 3);
	assert_refused(STALE, store_lock(&txn, deadline_in(1000), NULL));
}

static void a_lock_on_a_stale_record_cannot_commit(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_TXN struct store_txn seen = STORE_TXN_NONE;
	struct login_state next;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	next = txn.state;
	next.failures = 9;
	replace_now(f->store, "alice", 2);
	assert_refused(STALE, store_lock(&txn, deadline_in(1000), NULL));
	assert_true(store_commit(&txn, &next, NULL) != TOTP_OK);
	assert_ok(store_read(f->store, "alice", &seen, NULL));
	assert_int_equal(0, seen.state.failures);
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

	assert_ok(store_read(other, "alice", &txn, NULL));
	assert_same_cred(&second, &txn.cred);
	assert_int_equal(4, txn.state.failures);
	assert_ok(store_lock(&txn, deadline_in(1000), NULL));
	assert_ok(store_commit(&txn, &txn.state, NULL));
}

static void a_credential_read_alone_can_be_replaced(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred second = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);

	add_user(f->store, "alice", 1);
	assert_ok(store_read_cred(f->store, "alice", &txn, NULL));
	assert_ok(store_lock(&txn, deadline_in(1000), NULL));
	assert_ok(store_replace(&txn, &second, &fresh, NULL));
	assert_ok(store_read(f->store, "alice", &txn, NULL));
	assert_int_equal(2, txn.cred.id[0]);
}

/* Try to replace alice's record by one of `user` with id n and the state of another id. */
static enum totp_err replace_error(struct store *store, bool lock, const char *user, uint8_t n,
				   uint8_t state_n)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_CRED struct cred cred = cred_of(user, state_n);
	struct login_state fresh = state_of(&cred);

	assert_ok(store_read(store, "alice", &txn, NULL));
	if (lock)
		assert_ok(store_lock(&txn, deadline_in(1000), NULL));
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

	assert_ok(store_has(f->store, "bob", &has, NULL));
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
	assert_ok(store_remove(f->store, "alice", deadline_in(1000), NULL));
	assert_ok(store_has(f->store, "alice", &has, NULL));
	assert_false(has);
	assert_refused(NOT_FOUND, read_error(f->store, "alice", NULL));
	assert_ok(read_error(f->store, "bob", NULL));
	add_user(f->store, "alice", 1);
	assert_ok(read_error(f->store, "alice", NULL));
}

static void a_login_that_holds_its_lock_too_long_does_not_prevent_a_removal(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *other = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state next;
	uint64_t start;

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	next = txn.state;
	start = io_monotonic_ns();
	assert_ok(store_remove(other, "alice", start + 200 * MS, NULL));
	assert_in_range(io_monotonic_ns() - start, 200 * MS, 1200 * MS);
	assert_refused(STALE, store_commit(&txn, &next, NULL));
	assert_refused(NOT_FOUND, read_error(f->store, "alice", NULL));
}

/* The users of a bulk creation: u0, u1, …, one of which may be special. */
struct batch {
	size_t fails_at;
	size_t same_at; /* this one is called u0 again */
	size_t bad_at;  /* this one has no token */
	size_t used_at; /* this one has a state of its own */
};

#define NOWHERE ((size_t)-1)

static enum totp_err next_of(void *context, size_t index, struct cred *ret_cred,
			     struct login_state *ret_state)
{
	const struct batch *batch = context;
	char user[32];

	if (index == batch->fails_at)
		return TOTP_ERR_FORMAT;
	snprintf(user, sizeof(user), "u%zu", index == batch->same_at ? 0 : index);
	*ret_cred = cred_of(user, (uint8_t)(index + 1));
	if (index == batch->bad_at)
		ret_cred->token_count = 0;
	if (index == batch->used_at) {
		*ret_state = state_of(ret_cred);
		ret_state->tokens[0].moving = 4711;
		ret_state->spent = 5;
	}
	return TOTP_OK;
}

static size_t count_present(struct store *store, size_t count)
{
	size_t present = 0;

	for (size_t i = 0; i < count; i++) {
		bool has = false;
		char user[32];

		snprintf(user, sizeof(user), "u%zu", i);
		assert_ok(store_has(store, user, &has, NULL));
		present += has;
	}
	return present;
}

static void many_are_created_at_once(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {NOWHERE, NOWHERE, NOWHERE, NOWHERE};
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	assert_ok(store_create_many(f->store, 100, next_of, &batch, NULL));
	assert_int_equal(100, count_present(f->store, 100));
	assert_ok(store_read(f->store, "u99", &txn, NULL));
	assert_int_equal(100, txn.cred.id[0]);
	assert_int_equal(1, txn.state.sequence);
	assert_int_equal(0, txn.state.tokens[0].moving);
}

static void of_many_each_gets_the_state_that_was_passed_with_it(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {NOWHERE, NOWHERE, NOWHERE, 7};
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	assert_ok(store_create_many(f->store, 10, next_of, &batch, NULL));
	assert_ok(store_read(f->store, "u7", &txn, NULL));
	assert_int_equal(4711, txn.state.tokens[0].moving);
	assert_int_equal(5, txn.state.spent);
	store_end(&txn);
	assert_ok(store_read(f->store, "u8", &txn, NULL));
	assert_int_equal(0, txn.state.tokens[0].moving);
}

static void creating_none_creates_nothing(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {0, NOWHERE, NOWHERE, NOWHERE};

	assert_ok(store_create_many(f->store, 0, next_of, &batch, NULL));
}

static void of_many_none_is_created_if_one_fails(void **state)
{
	static const struct {
		struct batch batch;
		enum totp_err err;
	} rows[] = {
		{{.fails_at = 0, .same_at = NOWHERE, .bad_at = NOWHERE, .used_at = NOWHERE},
		 TOTP_ERR_FORMAT},
		{{.fails_at = 20, .same_at = NOWHERE, .bad_at = NOWHERE, .used_at = NOWHERE},
		 TOTP_ERR_FORMAT},
		{{.fails_at = 39, .same_at = NOWHERE, .bad_at = NOWHERE, .used_at = NOWHERE},
		 TOTP_ERR_FORMAT},
		{{.fails_at = NOWHERE, .same_at = 20, .bad_at = NOWHERE, .used_at = NOWHERE},
		 TOTP_ERR_EXISTS},
		{{.fails_at = NOWHERE, .same_at = NOWHERE, .bad_at = 20, .used_at = NOWHERE},
		 TOTP_ERR_RANGE},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct batch batch = rows[i].batch;

		assert_int_equal(rows[i].err,
				 store_create_many(f->store, 40, next_of, &batch, NULL));
		assert_int_equal(0, count_present(f->store, 40));
	}
}

static void of_many_none_is_created_if_one_existed_which_stays_unchanged(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {NOWHERE, NOWHERE, NOWHERE, NOWHERE};
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};

	add_user(f->store, "u20", 200);
	assert_refused(EXISTS, store_create_many(f->store, 40, next_of, &batch, &why));
	assert_says("u20", why);
	assert_int_equal(1, count_present(f->store, 40));
	assert_ok(store_read(f->store, "u20", &txn, NULL));
	assert_int_equal(200, txn.cred.id[0]);
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

	assert_ok(store_invite_put(store, &invite, NULL));
}

static void assert_invited(struct store *store, const char *user, uint32_t uid)
{
	struct invite seen = {.user = ""}, expected = invite_of(user, uid);

	assert_ok(store_invite_get(store, user, &seen, NULL));
	assert_string_equal(expected.user, seen.user);
	assert_int_equal(expected.uid, seen.uid);
	assert_int_equal(expected.created, seen.created);
	assert_int_equal(expected.expires, seen.expires);
	assert_memory_equal(&expected, &seen, sizeof(seen));
}

static void assert_not_invited(struct store *store, const char *user)
{
	struct invite seen;

	assert_refused(NOT_FOUND, store_invite_get(store, user, &seen, NULL));
	assert_refused(NOT_FOUND, store_invite_remove(store, user, NULL));
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
	assert_ok(store_has(other, "alice", &has, NULL));
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
	assert_ok(store_invite_remove(f->store, "alice", NULL));
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

static void a_failed_enrollment_leaves_the_invitation(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of("alice", 1);
	struct login_state fresh;

	invite(f->store, "alice", 1000);
	cred.tokens[0].digits = 9;
	fresh = state_of(&cred);
	assert_refused(RANGE, store_create(f->store, &cred, &fresh, NULL));
	assert_invited(f->store, "alice", 1000);
}

static void a_revocation_removes_the_invitation_too(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	invite(f->store, "alice", 1000);
	assert_ok(store_remove(f->store, "alice", deadline_in(100), NULL));
	assert_not_invited(f->store, "alice");
	invite(f->store, "alice", 1000);
	assert_refused(NOT_FOUND, store_remove(f->store, "alice", deadline_in(100), NULL));
	assert_invited(f->store, "alice", 1000); /* there was no record to remove */
}

static void an_invitation_out_of_range_is_not_stored(void **state)
{
	struct fixture *f = *state;
	struct invite invite = invite_of("alice", 1000);
	struct reason why = {""};

	invite.expires = invite.created;
	assert_refused(RANGE, store_invite_put(f->store, &invite, &why));
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
		assert_ok(store_remove(f->store, users[i], deadline_in(1000), NULL));
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
	assert_refused(RANGE, store_has(f->store, user, &has, &why));
	assert_says("too long", why);
	assert_refused(RANGE, read_error(f->store, user, NULL));
	assert_refused(RANGE, read_error(f->store, "", NULL));
	assert_refused(NOT_FOUND, store_remove(f->store, user, deadline_in(100), NULL));
}

static void the_longest_name_has_a_record(void **state)
{
	struct fixture *f = *state;
	char user[CRED_USER_MAX + 1];

	memset(user, 'a', CRED_USER_MAX);
	user[CRED_USER_MAX] = '\0';
	add_user(f->store, user, 1);
	assert_ok(read_error(f->store, user, NULL));
	assert_ok(store_remove(f->store, user, deadline_in(1000), NULL));
}

static void setting_up_again_fails_and_changes_nothing(void **state)
{
	static const uint8_t other[SHA256_LEN] = {9};
	struct fixture *f = *state;
	OWN_STORE struct store *again = NULL;
	struct reason why = {""};

	add_user(f->store, "alice", 1);
	assert_refused(EXISTS, store_setup(f->store_dir, 0, 0, other, &why));
	assert_says("already", why);
	again = open_again(f);
	assert_int_equal(7, store_info(again)->machine[0]);
	assert_ok(read_error(again, "alice", NULL));
}

static void a_store_remembers_its_machine(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(7, store_info(f->store)->machine[0]);
	assert_int_equal(0, store_info(f->store)->machine[31]);
	assert_null(store_close(NULL));
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
		STORE_TEST(waiting_for_a_lock_ends_at_the_deadline),
		STORE_TEST(a_deadline_that_has_passed_still_takes_a_free_lock),
		STORE_TEST(a_released_lock_is_taken),
		STORE_TEST(a_killed_holder_leaves_no_lock_behind),
		STORE_TEST(a_holder_that_hangs_delays_no_reader_and_no_other_user),
		STORE_TEST(two_transactions_of_one_process_exclude_each_other),
		STORE_TEST(a_child_forked_meanwhile_keeps_no_lock),
		STORE_TEST(locking_makes_the_state_current),
		STORE_TEST(of_many_processes_no_commit_is_lost),
		STORE_TEST(a_record_replaced_or_removed_between_read_and_lock_is_stale),
		STORE_TEST(a_lock_on_a_stale_record_cannot_commit),
		STORE_TEST(every_process_reads_the_new_record_after_a_replacement),
		STORE_TEST(a_credential_read_alone_can_be_replaced),
		STORE_TEST(a_replacement_needs_the_lock_a_new_id_and_the_same_user),
		STORE_TEST(the_transaction_is_over_after_a_replacement_either_way),
		STORE_TEST(a_removed_user_is_proved_absent_and_may_be_created_again),
		STORE_TEST(a_login_that_holds_its_lock_too_long_does_not_prevent_a_removal),
		STORE_TEST(many_are_created_at_once),
		STORE_TEST(of_many_each_gets_the_state_that_was_passed_with_it),
		STORE_TEST(creating_none_creates_nothing),
		STORE_TEST(of_many_none_is_created_if_one_fails),
		STORE_TEST(of_many_none_is_created_if_one_existed_which_stays_unchanged),
		STORE_TEST(an_invitation_is_read_as_it_was_stored),
		STORE_TEST(a_new_invitation_replaces_the_old_one),
		STORE_TEST(a_revoked_invitation_is_gone),
		STORE_TEST(an_enrollment_uses_the_invitation_up),
		STORE_TEST(a_failed_enrollment_leaves_the_invitation),
		STORE_TEST(a_revocation_removes_the_invitation_too),
		STORE_TEST(an_invitation_out_of_range_is_not_stored),
		STORE_TEST(every_invited_user_is_listed_and_nobody_else),
		STORE_TEST(every_name_has_exactly_one_encoding),
		STORE_TEST(a_name_is_empty_or_too_long_for_an_encoding),
		STORE_TEST(hostile_names_are_users_like_others),
		STORE_TEST(a_user_with_too_long_a_name_is_neither_found_nor_proved_absent),
		STORE_TEST(the_longest_name_has_a_record),
		STORE_TEST(setting_up_again_fails_and_changes_nothing),
		STORE_TEST(a_store_remembers_its_machine),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
