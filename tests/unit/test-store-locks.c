/* SPDX-License-Identifier: BSD-2-Clause */
/* The locks of the files engine: what it promises beyond the contract, by excluding others. */
#include "store_fixture.h"

#include "naps.h"

#include <sys/file.h>

static void replace_now(struct store *store, const char *user, uint8_t n)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred = cred_of(user, n);
	struct login_state fresh = state_of(&cred);

	begin(store, user, &txn);
	assert_ok(store_replace(&txn, &cred, &fresh, NULL));
}

static void waiting_for_a_lock_ends_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	struct holder holder;
	uint64_t start;

	add_user(f->store, "alice", 1);
	holder = holder_begin(&f->config, "alice");
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	napped = 0;
	start = io_monotonic_ns();
	assert_refused(TIMEOUT, store_begin(&txn, start + 300 * MS, &why));
	assert_true(io_monotonic_ns() - start >= 300 * MS);
	assert_in_range(napped, 1, 300 * MS + NAP_NS);
	assert_says("locked", why);
	holder_end(&holder);
}

static void a_deadline_that_has_passed_still_takes_a_free_lock(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct holder holder;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_ok(store_begin(&txn, 0, NULL));
	store_end(&txn);

	holder = holder_begin(&f->config, "alice");
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	napped = 0;
	assert_refused(TIMEOUT, store_begin(&txn, 0, NULL));
	assert_int_equal(0, napped);
	holder_end(&holder);
}

static void a_released_lock_is_taken(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct holder holder;

	add_user(f->store, "alice", 1);
	holder = holder_begin(&f->config, "alice");
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_refused(TIMEOUT, store_begin(&txn, deadline_in(20), NULL));
	holder_end(&holder);
	assert_ok(store_begin(&txn, deadline_in(1000), NULL));
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

	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	holder = holder_begin(&f->config, "alice");
	kill(holder.pid, SIGSTOP);
	napped = 0;
	assert_ok(read_error(f->store, "alice", NULL));
	begin(f->store, "bob", &txn);
	assert_ok(store_commit(&txn, &txn.state, NULL));
	assert_int_equal(0, napped);
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
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &two, NULL));
	assert_refused(TIMEOUT, store_begin(&two, deadline_in(20), NULL));
	store_end(&one);
	assert_ok(store_begin(&two, deadline_in(1000), NULL));
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
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &early, NULL));
	begin(f->store, "alice", &other);
	other.state.tokens[0].moving = 77;
	assert_ok(store_commit(&other, &other.state, NULL));

	assert_int_equal(0, early.state.tokens[0].moving);
	assert_ok(store_begin(&early, deadline_in(1000), NULL));
	assert_int_equal(77, early.state.tokens[0].moving);
}

static void a_lock_on_a_stale_record_cannot_commit(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_TXN struct store_txn seen = STORE_TXN_NONE;
	struct login_state next;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	next = txn.state;
	next.failures = 9;
	replace_now(f->store, "alice", 2);
	assert_refused(STALE, store_begin(&txn, deadline_in(1000), NULL));
	assert_true(store_commit(&txn, &next, NULL) != TOTP_OK);
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &seen, NULL));
	assert_int_equal(0, seen.state.failures);
}

static void a_record_replaced_or_removed_between_read_and_lock_is_stale(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	replace_now(f->store, "alice", 2);
	assert_refused(STALE, store_begin(&txn, deadline_in(1000), NULL));
	store_end(&txn);

	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_int_equal(2, txn.cred.id[0]);
	assert_ok(store_remove(f->store, "alice", deadline_in(1000), NULL));
	assert_refused(STALE, store_begin(&txn, deadline_in(1000), NULL));
	store_end(&txn);

	/* created again with the same id: still not the record that was read */
	add_user(f->store, "alice", 3);
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_ok(store_remove(f->store, "alice", deadline_in(1000), NULL));
	add_user(f->store, "alice", 3);
	assert_refused(STALE, store_begin(&txn, deadline_in(1000), NULL));
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
	napped = 0;
	start = io_monotonic_ns();
	assert_ok(store_remove(other, "alice", start + 200 * MS, NULL));
	assert_true(io_monotonic_ns() - start >= 200 * MS);
	assert_in_range(napped, 1, 200 * MS + NAP_NS);
	assert_refused(STALE, store_commit(&txn, &next, NULL));
	assert_refused(NOT_FOUND, read_error(f->store, "alice", NULL));
}

/* Another process could now change the keys, which no record may change under. */
static void assert_free(const struct fixture *f)
{
	OWN_FD int fd = open(in_store(f, "users"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(0, flock(fd, LOCK_EX | LOCK_NB));
}

static void a_change_that_is_made_or_not_made_leaves_the_records_unlocked(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of("alice", 1);
	struct login_state fresh = state_of(&cred);
	const struct invite invite = {
		.uid = 1000, .created = NOW, .expires = NOW + 3600, .user = "bob"};

	add_user(f->store, "alice", 1);
	assert_free(f);
	assert_refused(EXISTS, store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	assert_free(f);
	replace_now(f->store, "alice", 2);
	assert_free(f);
	assert_ok(store_invite_put(f->store, &invite, deadline_in(2000), NULL));
	assert_free(f);
	assert_ok(store_invite_remove(f->store, "bob", deadline_in(2000), NULL));
	assert_free(f);
	assert_refused(NOT_FOUND, store_invite_remove(f->store, "bob", deadline_in(2000), NULL));
	assert_free(f);
	assert_ok(store_remove(f->store, "alice", deadline_in(2000), NULL));
	assert_free(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(waiting_for_a_lock_ends_at_the_deadline),
		STORE_TEST(a_deadline_that_has_passed_still_takes_a_free_lock),
		STORE_TEST(a_released_lock_is_taken),
		STORE_TEST(a_killed_holder_leaves_no_lock_behind),
		STORE_TEST(a_holder_that_hangs_delays_no_reader_and_no_other_user),
		STORE_TEST(two_transactions_of_one_process_exclude_each_other),
		STORE_TEST(a_child_forked_meanwhile_keeps_no_lock),
		STORE_TEST(locking_makes_the_state_current),
		STORE_TEST(a_lock_on_a_stale_record_cannot_commit),
		STORE_TEST(a_record_replaced_or_removed_between_read_and_lock_is_stale),
		STORE_TEST(a_login_that_holds_its_lock_too_long_does_not_prevent_a_removal),
		STORE_TEST(a_change_that_is_made_or_not_made_leaves_the_records_unlocked),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
