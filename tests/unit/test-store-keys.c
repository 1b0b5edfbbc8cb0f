/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys that encrypt records, and their rotation while other processes run: what store/store.h
 * promises about it.
 */
#include "store_fixture.h"

#include "kernel.h"
#include "point.h"

#include <dirent.h>

#include "store/files/files.h"
#include "store/keyring.h"

#define MANY 600 /* records: with the limit below, more than are encrypted again in one pass */
#define OPEN 200 /* files that may be open meanwhile */

/* Where a process waits for itself only, nothing but its sleep moves the clock forward. */
static bool alone;
static uint64_t slept, stopped; /* ns; stopped: the clock, when it became so */

static void be_alone(void)
{
	stopped = io_monotonic_ns();
	slept = 0;
	alone = true;
}

int nanosleep(const struct timespec *wait, struct timespec *rest)
{
	if (!alone)
		return clock_nanosleep(CLOCK_MONOTONIC, 0, wait, rest) == 0 ? 0 : -1;
	slept += (uint64_t)wait->tv_sec * 1000 * MS + (uint64_t)wait->tv_nsec;
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	uint64_t ns = stopped + slept;

	if (!alone || clock != CLOCK_MONOTONIC)
		return kernel_clock_gettime(clock, ret_time);
	*ret_time = (struct timespec){.tv_sec = (time_t)(ns / (1000 * MS)),
				      .tv_nsec = (long)(ns % (1000 * MS))};
	return 0;
}

/* --- looking --- */

struct seen {
	enum store_kind kind;
	size_t count;
	char names[8][32];
	uint32_t keys[8];
	enum totp_err errs[8];
	struct reason whys[8];
};

static void see_key(void *context, const struct store_sealed *sealed)
{
	struct seen *seen = context;
	size_t i = seen->count;

	if (sealed->kind != seen->kind)
		return;
	seen->count++;
	if (i >= COUNT(seen->names))
		return;
	snprintf(seen->names[i], sizeof(seen->names[i]), "%.31s", sealed->user);
	seen->keys[i] = sealed->key_id;
	seen->errs[i] = sealed->err;
	seen->whys[i] = sealed->why;
}

static size_t index_of(const struct seen *seen, const char *user)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->names[i], user) == 0)
			return i;
	fail_msg("%s is not told of", user);
	return 0;
}

static uint32_t key_of(struct store *store, const char *user)
{
	struct seen seen = {0};

	assert_ok(store_each_key(store, see_key, &seen, NULL));
	assert_ok(seen.errs[index_of(&seen, user)]);
	return seen.keys[index_of(&seen, user)];
}

static uint32_t first_key(const struct fixture *f)
{
	OWN_KEYRING struct keyring keyring;

	assert_ok(keyring_load(f->keyring, &keyring, NULL));
	return keyring.keys[0].id;
}

static size_t count_temporary(const struct fixture *f)
{
	DIR *dir = opendir(in_store(f, "users"));
	size_t count = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		count += strchr(entry->d_name, '~') != NULL;
	closedir(dir);
	return count;
}

/* --- rotating --- */

static const struct fixture *rotated; /* whose keyring it is */

static void add_key(const struct fixture *f, struct keyring_rotation *rotation)
{
	OWN_KEYRING_TEXT struct keyring_text text;
	OWN_KEYRING struct keyring keyring;

	assert_ok(keyring_text_load(f->keyring, &text, &keyring, NULL));
	assert_ok(keyring_rotation_begin(&text, NOW, rotation, NULL));
	assert_ok(keyring_put(f->keyring, keyring_text_of(&text), NULL));
}

static void promote_key(const struct fixture *f, struct keyring_rotation *rotation)
{
	OWN_KEYRING_TEXT struct keyring_text text;
	OWN_KEYRING struct keyring keyring;

	assert_ok(keyring_text_load(f->keyring, &text, &keyring, NULL));
	assert_ok(keyring_rotation_promote(&text, rotation));
	assert_ok(keyring_put(f->keyring, keyring_text_of(&text), NULL));
}

static void drop_key(const struct fixture *f, const struct keyring_rotation *rotation)
{
	OWN_KEYRING_TEXT struct keyring_text text;
	OWN_KEYRING struct keyring keyring;

	assert_ok(keyring_text_load(f->keyring, &text, &keyring, NULL));
	keyring_rotation_end(&text, rotation);
	assert_ok(keyring_put(f->keyring, keyring_text_of(&text), NULL));
}

struct told {
	size_t count, good;
	enum totp_err err; /* the last key that is none */
	struct reason why;
};

static void note(void *context, const char *user, enum totp_err err, const struct reason *why)
{
	struct told *told = context;

	(void)user;
	told->count++;
	told->good += err == TOTP_OK;
	if (err == TOTP_OK)
		return;
	told->err = err;
	told->why = *why;
}

static enum totp_err reseal(struct store *store, char *const *users, size_t count,
			    struct told *told)
{
	struct store_reseal wish = {STORE_RECORD, users, count, note, told};

	*told = (struct told){.err = TOTP_OK};
	return store_reseal(store, &wish, NULL);
}

static enum totp_err reseal_one(struct store *store, const char *user, struct told *told)
{
	char name[32];
	char *users[] = {name};

	snprintf(name, sizeof(name), "%s", user);
	return reseal(store, users, 1, told);
}

/* A whole rotation of a store that holds only alice. */
static enum totp_err rotate_alice(struct store *store)
{
	struct keyring_rotation rotation;
	struct told told;
	enum totp_err err = store_claim_keys(store, NULL);

	if (err != TOTP_OK)
		return err;
	add_key(rotated, &rotation);
	promote_key(rotated, &rotation);
	assert_ok(store_seal_with(store, rotation.to, deadline_in(1000), NULL));
	assert_ok(reseal_one(store, "alice", &told));
	assert_int_equal(1, told.count);
	if (told.err == TOTP_OK)
		drop_key(rotated, &rotation);
	return told.err;
}

/* A store in which alice's record is encrypted with a key that has become the second one. */
static struct store *with_a_new_key(struct fixture *f, struct keyring_rotation *rotation)
{
	struct store *store = open_again(f);

	assert_ok(store_claim_keys(store, NULL));
	add_key(f, rotation);
	promote_key(f, rotation);
	return store;
}

/* --- tests --- */

static void every_record_shows_which_key_encrypted_it(void **state)
{
	struct fixture *f = *state;
	struct keyring_rotation rotation;
	struct seen seen = {0};
	uint32_t old = first_key(f);
	OWN_STORE struct store *store = NULL;

	add_user(f->store, "alice", 1);
	add_user(f->store, "carol", 3);
	store = with_a_new_key(f, &rotation);
	add_user(store, "bob", 2);
	write_file(in_store(f, "users/dave"), "not a box", 9, 0600);
	assert_int_equal(0, chmod(in_store(f, "users/carol"), 0644));
	write_file(in_store(f, "users/alice~0123456789abcdef"), "half", 4, 0600);

	assert_ok(store_each_key(store, see_key, &seen, NULL));
	assert_int_equal(4, seen.count);
	assert_int_equal(old, seen.keys[index_of(&seen, "alice")]);
	assert_int_equal(rotation.to, seen.keys[index_of(&seen, "bob")]);
	assert_refused(UNSAFE, seen.errs[index_of(&seen, "carol")]);
	assert_says("users/carol: mode 0644", seen.whys[index_of(&seen, "carol")]);
	assert_refused(FORMAT, seen.errs[index_of(&seen, "dave")]);
}

static void a_record_encrypted_again_holds_what_it_held(void **state)
{
	struct fixture *f = *state;
	static uint8_t before[STATE_FILE_LEN], after[STATE_FILE_LEN];
	uint8_t a[CRED_BYTES_MAX], b[CRED_BYTES_MAX];
	struct cred cred = add_user(f->store, "alice", 1);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct keyring_rotation rotation;
	struct told told;
	size_t a_len = 0, b_len = 0;
	OWN_STORE struct store *store = with_a_new_key(f, &rotation);

	assert_int_equal(rotation.from, key_of(store, "alice"));
	read_file(state_path(f, "alice", 1), before, sizeof(before));
	assert_ok(reseal_one(store, "alice", &told));
	assert_int_equal(1, told.good);
	assert_int_equal(rotation.to, key_of(store, "alice"));
	read_file(state_path(f, "alice", 1), after, sizeof(after));
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(0, count_temporary(f));

	drop_key(f, &rotation);
	begin(f->store, "alice", &txn);
	assert_ok(cred_encode(&cred, a, &a_len));
	assert_ok(cred_encode(&txn.cred, b, &b_len));
	assert_int_equal(a_len, b_len);
	assert_memory_equal(a, b, a_len);
	assert_ok(store_commit(&txn, &txn.state, NULL));
}

static void records_of_the_active_key_are_left_unchanged(void **state)
{
	struct fixture *f = *state;
	struct stat before, after;
	struct told told;

	add_user(f->store, "alice", 1);
	assert_int_equal(0, stat(in_store(f, "users/alice"), &before));
	assert_ok(store_claim_keys(f->store, NULL));
	assert_ok(reseal_one(f->store, "alice", &told));
	assert_int_equal(1, told.good);
	assert_int_equal(0, stat(in_store(f, "users/alice"), &after));
	assert_int_equal(before.st_ino, after.st_ino);
}

static enum totp_err next_user(void *context, size_t index, struct cred *ret_cred,
			       struct login_state *unused_state)
{
	char user[32];

	snprintf(user, sizeof(user), "u%zu", index);
	*ret_cred = cred_of(user, (uint8_t)(index + 1));
	return TOTP_OK;
}

static void many_are_encrypted_again_and_a_damaged_one_does_not_stop_the_others(void **state)
{
	struct fixture *f = *state;
	static char names[MANY][8];
	static char *users[MANY];
	struct rlimit limit, few;
	struct keyring_rotation rotation;
	struct told told;
	OWN_STORE struct store *store = NULL;

	assert_ok(create_all(f->store, MANY, next_user, NULL, NULL));
	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "u%zu", i);
		users[i] = names[i];
	}
	write_file(in_store(f, "users/u77"), "damaged, and no box", 19, 0600);
	store = with_a_new_key(f, &rotation);

	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &limit));
	few = (struct rlimit){OPEN, limit.rlim_max};
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &few));
	assert_ok(reseal(store, users, MANY, &told));
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &limit));
	assert_int_equal(MANY, told.count);
	assert_int_equal(MANY - 1, told.good);
	assert_refused(FORMAT, told.err);
	assert_says("users/u77", told.why);
	drop_key(f, &rotation);
	for (size_t i = 0; i < MANY; i++)
		if (i != 77)
			assert_ok(read_error(f->store, users[i], NULL));
	assert_int_equal(0, count_temporary(f));
}

static void invitations_are_encrypted_again_like_records(void **state)
{
	struct fixture *f = *state;
	struct invite invite = {"bob", 1002, NOW, NOW + 3600}, seen;
	struct seen keys = {.kind = STORE_INVITE};
	struct keyring_rotation rotation;
	struct told told;
	char *users[] = {invite.user};
	struct store_reseal wish = {STORE_INVITE, users, 1, note, &told};
	OWN_STORE struct store *store = NULL;

	assert_ok(
		store_each_key(f->store, see_key, &keys, NULL)); /* the directory does not exist */
	assert_int_equal(0, keys.count);
	assert_ok(store_invite_put(f->store, &invite, deadline_in(2000), NULL));
	store = with_a_new_key(f, &rotation);
	assert_ok(store_each_key(store, see_key, &keys, NULL));
	assert_int_equal(1, keys.count);
	assert_int_equal(rotation.from, keys.keys[0]);

	told = (struct told){.count = 0};
	assert_ok(store_reseal(store, &wish, NULL));
	assert_int_equal(1, told.good);
	drop_key(f, &rotation);
	assert_ok(store_invite_get(f->store, "bob", deadline_in(2000), &seen, NULL));
	assert_int_equal(NOW + 3600, seen.expires);
}

static void a_user_revoked_meanwhile_is_reported_as_gone(void **state)
{
	struct fixture *f = *state;
	struct told told;

	assert_ok(store_claim_keys(f->store, NULL));
	assert_ok(reseal_one(f->store, "nobody", &told));
	assert_refused(NOT_FOUND, told.err);
}

static void leftovers_of_an_interrupted_run_are_overwritten(void **state)
{
	struct fixture *f = *state;
	struct keyring_rotation rotation;
	struct told told;
	char name[64];
	OWN_STORE struct store *store = NULL;

	add_user(f->store, "alice", 1);
	store = with_a_new_key(f, &rotation);
	snprintf(name, sizeof(name), "users/alice~%016x", (unsigned)rotation.to);
	write_file(in_store(f, name), "half", 4, 0600);
	assert_ok(reseal_one(store, "alice", &told));
	assert_int_equal(1, told.good);
	assert_int_equal(0, count_temporary(f));
	assert_ok(read_error(f->store, "alice", NULL));
}

static void a_failing_disk_leaves_every_record_unchanged(void **state)
{
	struct fixture *f = *state;
	struct keyring_rotation rotation;
	struct told told;
	OWN_STORE struct store *store = NULL;

	add_user(f->store, "alice", 1);
	store = with_a_new_key(f, &rotation);
	limit_files(10);
	assert_refused(SYSTEM, reseal_one(store, "alice", &told));
	limit_files(RLIM_INFINITY);
	assert_int_equal(0, told.count);
	assert_int_equal(0, count_temporary(f));
	assert_int_equal(rotation.from, key_of(store, "alice"));
	assert_ok(read_error(store, "alice", NULL));
}

/* --- keys that are added and removed --- */

static void a_key_that_was_added_later_is_found(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *other = open_again(f);

	rotated = f;
	add_user(f->store, "alice", 1);
	assert_ok(read_error(f->store, "alice", NULL)); /* its keys are loaded */
	assert_ok(rotate_alice(other));
	assert_ok(read_error(f->store, "alice", NULL));
}

static void a_write_uses_the_key_that_is_active_at_that_time(void **state)
{
	struct fixture *f = *state;
	struct keyring_rotation rotation;
	OWN_STORE struct store *store = NULL;

	add_user(f->store, "alice", 1); /* its keys are loaded */
	store = with_a_new_key(f, &rotation);
	add_user(f->store, "bob", 2);
	assert_int_equal(rotation.to, key_of(store, "bob"));
}

/* totpd cannot read the keyring again: it has to be restarted. */
static void a_process_with_given_keys_encrypts_with_no_old_key(void **state)
{
	struct fixture *f = *state;
	OWN_KEYRING struct keyring keys;
	struct files_config config = f->config;
	struct cred cred = cred_of("bob", 2);
	struct login_state fresh = state_of(&cred);
	struct keyring_rotation rotation;
	struct reason why = {""};
	OWN_STORE struct store *store = NULL;

	assert_ok(keyring_load(f->keyring, &keys, NULL));
	config.keys = &keys;
	assert_ok(files_open(&config, &store, NULL));
	add_user(store, "alice", 1);
	add_key(f, &rotation);
	assert_refused(STALE, store_create(store, &cred, &fresh, deadline_in(2000), &why));
	assert_says("try again", why);
	assert_true(store_lacks_key(store));
	assert_ok(read_error(store, "alice",
			     NULL)); /* records that it can decrypt it still decrypts */

	/* if it cannot look at the keyring, it does not know of a change */
	assert_int_equal(0, unlink(f->keyring));
	assert_ok(store_create(store, &cred, &fresh, deadline_in(2000), NULL));
}

static void only_one_process_at_a_time_claims_the_keys(void **state)
{
	struct fixture *f = *state;
	struct store *other = open_again(f);
	struct reason why = {""};
	struct told told;

	add_user(f->store, "alice", 1);
	assert_refused(ARGUMENT, reseal_one(f->store, "alice", &told));
	assert_ok(store_claim_keys(other, NULL));
	assert_ok(store_claim_keys(other, NULL));
	assert_refused(TIMEOUT, store_claim_keys(f->store, &why));
	assert_says("another program is changing the keys", why);
	other = store_close(other);
	assert_ok(store_claim_keys(f->store, NULL));
}

static void a_write_that_began_earlier_is_waited_for(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *other = open_again(f);
	struct reason why = {""};
	uint64_t start;

	be_alone();
	start = io_monotonic_ns();
	assert_ok(store_seal_with(other, first_key(f), deadline_in(1000), NULL));
	assert_ok(files_begin_sealing(files_of(f->store), deadline_in(2000), NULL));
	assert_refused(TIMEOUT, store_seal_with(other, first_key(f), deadline_in(50), &why));
	assert_in_range(io_monotonic_ns() - start, 50 * MS, 100 * MS);
	assert_says("other programs are changing records", why);
	files_end_change(files_of(f->store));
	assert_ok(store_seal_with(other, first_key(f), deadline_in(1000), NULL));
}

static void a_write_meanwhile_waits_no_longer_than_a_login(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *other = open_again(f);
	struct cred cred = cred_of("bob", 2);
	struct login_state fresh = state_of(&cred);
	uint64_t start;

	be_alone();
	start = io_monotonic_ns();
	add_user(f->store, "alice", 1);
	assert_ok(files_begin_alone(files_of(other), deadline_in(100), NULL));
	assert_refused(TIMEOUT, store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	assert_in_range(io_monotonic_ns() - start, STORE_WAIT_MS * MS, (STORE_WAIT_MS + 100) * MS);
	assert_ok(read_error(f->store, "alice", NULL)); /* logins are not affected */
	files_end_change(files_of(other));
	assert_ok(store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
}

/* --- logins at the same time --- */

static void a_login_that_holds_its_lock_too_long_loses_its_record_and_no_state(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct keyring_rotation rotation;
	struct told told;
	OWN_STORE struct store *store = NULL;
	uint64_t start;

	add_user(f->store, "alice", 1);
	store = with_a_new_key(f, &rotation);
	begin(f->store, "alice", &txn);
	be_alone();
	start = io_monotonic_ns();
	assert_ok(reseal_one(store, "alice", &told));
	assert_in_range(io_monotonic_ns() - start, STORE_WAIT_MS * MS, (STORE_WAIT_MS + 1000) * MS);
	assert_int_equal(1, told.good);
	txn.state.tokens[0].moving = 77;
	assert_refused(STALE, store_commit(&txn, &txn.state, NULL));
	begin(f->store, "alice", &txn);
	assert_int_equal(77, txn.state.tokens[0].moving); /* what it used up stays used up */
}

enum { IN_TIME, HELD_NOTHING, LOST, LATE };

/* LATE: this process was not scheduled for as long as a rotation waits. */
static int commit_in_a_moment(const struct fixture *f, int ready)
{
	OWN_STORE struct store *store = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err err;
	uint64_t start;

	if (store_read(store, "alice", deadline_in(2000), &txn, NULL) != TOTP_OK ||
	    store_begin(&txn, deadline_in(2000), NULL) != TOTP_OK)
		return HELD_NOTHING;
	start = io_monotonic_ns();
	if (write(ready, "", 1) != 1)
		return HELD_NOTHING;
	pause_ms(60);
	err = store_commit(&txn, &txn.state, NULL);
	if (io_monotonic_ns() - start >= STORE_WAIT_MS * MS)
		return LATE;
	return err == TOTP_OK ? IN_TIME : LOST;
}

static int reseal_during_a_login(struct fixture *f)
{
	struct keyring_rotation rotation;
	struct told told;
	OWN_STORE struct store *store = NULL;
	int ready[2], status = 0;
	char byte;
	pid_t child;

	add_user(f->store, "alice", 1);
	store = with_a_new_key(f, &rotation);
	assert_int_equal(0, pipe2(ready, O_CLOEXEC));
	child = fork();
	if (child == 0)
		_exit(commit_in_a_moment(f, ready[1]));
	close(ready[1]);
	assert_int_equal(1, read(ready[0], &byte, 1));
	assert_ok(reseal_one(store, "alice", &told));
	assert_int_equal(1, told.good);
	assert_int_equal(child, waitpid(child, &status, 0));
	close(ready[0]);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_login_that_ends_in_time_loses_nothing(void **state)
{
	int ended = reseal_during_a_login(*state);

	for (unsigned tries = 0; ended == LATE && tries < 10; tries++) {
		fixture_end(state);
		fixture_begin(state);
		ended = reseal_during_a_login(*state);
	}
	assert_int_equal(IN_TIME, ended);
}

/* Until the other end of `told` is closed. */
static int seal_until_told(const struct fixture *f, int ready, int told)
{
	OWN_STORE struct store *store = open_again(f);
	char byte;

	if (files_begin_sealing(files_of(store), deadline_in(2000), NULL) != TOTP_OK ||
	    write(ready, "", 1) != 1)
		return 1;
	return read(told, &byte, 1) == 0 ? 0 : 1;
}

static int reseal_meanwhile(struct store *store)
{
	struct told told;

	return reseal_one(store, "alice", &told) == TOTP_OK && told.good == 1 ? 0 : 1;
}

/* A user may have stopped su in the middle of an enrollment. */
static void logins_continue_while_a_write_is_waited_for(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct keyring_rotation rotation;
	OWN_STORE struct store *store = NULL;
	enum totp_err err = TOTP_ERR_TIMEOUT;
	int ready[2], told[2], status = 0;
	pid_t children[2];
	char byte;

	add_user(f->store, "alice", 1);
	store = with_a_new_key(f, &rotation);
	assert_int_equal(0, pipe2(ready, O_CLOEXEC));
	assert_int_equal(0, pipe2(told, O_CLOEXEC));
	children[0] = fork();
	if (children[0] == 0) {
		close(told[1]);
		_exit(seal_until_told(f, ready[1], told[0]));
	}
	assert_int_equal(1, read(ready[0], &byte, 1));
	children[1] = fork();
	if (children[1] == 0) {
		close(told[1]);
		_exit(reseal_meanwhile(store));
	}
	pause_ms(100); /* until it waits, most likely */
	/* a process that is not scheduled for a while may miss its chances */
	for (unsigned tries = 0; tries < 3 && err == TOTP_ERR_TIMEOUT; tries++) {
		store_end(&txn);
		assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
		err = store_begin(&txn, deadline_in(2000), NULL);
	}
	assert_ok(err);
	store_end(&txn);
	close(told[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(children[i], waitpid(children[i], &status, 0));
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	close(ready[0]);
	close(ready[1]);
	close(told[0]);
}

/*
 * A whole rotation at point `at` of a login. Before the lock is taken the login gets "stale", and
 * its next attempt succeeds; after that the rotation takes the record from the login, because this
 * process holds the lock. *ret_came: did the login reach that point?
 */
static void login_with_rotation_at(struct fixture *f, unsigned at, bool *ret_came)
{
	OWN_STORE struct store *login = open_again(f);
	OWN_STORE struct store *other = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	enum totp_err err;

	point_store = other;
	point_change = rotate_alice;
	point_countdown = at;
	err = store_read(login, "alice", deadline_in(2000), &txn, &why);
	if (err == TOTP_OK)
		err = store_begin(&txn, deadline_in(1000), &why);
	*ret_came = !point_change;
	point_change = NULL;
	if (err == TOTP_OK)
		err = store_commit(&txn, &txn.state, &why);

	if (err != TOTP_OK && err != TOTP_ERR_STALE)
		fail_msg("point %u: %s: %s", at, err_name(err), why.text);
	if (*ret_came)
		assert_ok(point_err);
	store_end(&txn);
	begin(login, "alice", &txn);
	assert_ok(store_commit(&txn, &txn.state, &why));
}

static void a_login_during_a_rotation_finds_its_record_or_is_stale(void **state)
{
	struct fixture *f = *state;
	bool came = true;

	rotated = f;
	be_alone();
	add_user(f->store, "alice", 1);
	for (unsigned at = 1; came; at++) {
		login_with_rotation_at(f, at, &came);
		assert_true(came || at > 8);
	}
	assert_int_equal(0, count_temporary(f));
}

/* --- other processes at any point while records are encrypted again --- */

static enum totp_err log_in(struct store *store)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err err = store_read(store, "alice", deadline_in(2000), &txn, NULL);

	if (err == TOTP_OK)
		err = store_begin(&txn, deadline_in(20), NULL);
	if (err != TOTP_OK)
		return err;
	txn.state.failures++;
	return store_commit(&txn, &txn.state, NULL);
}

static enum totp_err replace(struct store *store)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred = cred_of("alice", 200);
	struct login_state fresh = state_of(&cred);
	enum totp_err err = store_read_cred(store, "alice", deadline_in(2000), &txn, NULL);

	if (err == TOTP_OK)
		err = store_begin(&txn, deadline_in(20), NULL);
	return err == TOTP_OK ? store_replace(&txn, &cred, &fresh, NULL) : err;
}

/*
 * An operation that holds no lock of the state: the record's lock is lost, or another process has
 * waited for it in vain.
 */
static enum totp_err revoke_alice(struct store *store)
{
	return store_remove(store, "alice", deadline_in(0), NULL);
}

static void reseal_with_change_at(struct fixture *f, change_fn *change, unsigned at, bool *ret_came)
{
	struct keyring_rotation rotation;
	struct told told;
	bool has = false;
	OWN_STORE struct store *other = open_again(f);
	OWN_STORE struct store *store = NULL;

	add_user(f->store, "alice", 1);
	store = with_a_new_key(f, &rotation);
	point_store = other;
	point_change = change;
	point_countdown = at;
	point_err = TOTP_OK;
	assert_ok(reseal_one(store, "alice", &told));
	*ret_came = !point_change;
	point_change = NULL;
	/* an operation that had to wait has failed, and has changed nothing */
	if (point_err != TOTP_OK && point_err != TOTP_ERR_TIMEOUT)
		fail_msg("point %u: %s", at, err_name(point_err));
	assert_int_equal(0, count_temporary(f));

	assert_ok(look_for(store, "alice", &has, NULL));
	if (*ret_came && change == revoke_alice && point_err == TOTP_OK)
		assert_false(has);
	else
		assert_ok(read_error(store, "alice", NULL));
	if (has && told.err == TOTP_OK)
		assert_int_equal(rotation.to, key_of(store, "alice"));
	if (*ret_came && change == replace && point_err == TOTP_OK) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;

		assert_ok(store_read(store, "alice", deadline_in(2000), &txn, NULL));
		assert_int_equal(200, txn.cred.id[0]);
	}
	if (has)
		assert_ok(store_remove(store, "alice", deadline_in(1000), NULL));
	drop_key(f, &rotation);
}

static void try_at_every_point(struct fixture *f, change_fn *change)
{
	bool came = true;

	be_alone();
	for (unsigned at = 1; came; at++) {
		reseal_with_change_at(f, change, at, &came);
		assert_true(came || at > 8);
	}
}

static void a_login_at_any_point_loses_nothing(void **state)
{
	try_at_every_point(*state, log_in);
}

static void a_record_replaced_at_any_point_stays_replaced(void **state)
{
	try_at_every_point(*state, replace);
}

static void a_record_revoked_at_any_point_stays_revoked(void **state)
{
	try_at_every_point(*state, revoke_alice);
}

static int keys_begin(void **state)
{
	alone = false;
	return fixture_begin(state);
}

#define KEYS_TEST(f) cmocka_unit_test_setup_teardown(f, keys_begin, fixture_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		KEYS_TEST(every_record_shows_which_key_encrypted_it),
		KEYS_TEST(a_record_encrypted_again_holds_what_it_held),
		KEYS_TEST(records_of_the_active_key_are_left_unchanged),
		KEYS_TEST(many_are_encrypted_again_and_a_damaged_one_does_not_stop_the_others),
		KEYS_TEST(invitations_are_encrypted_again_like_records),
		KEYS_TEST(a_user_revoked_meanwhile_is_reported_as_gone),
		KEYS_TEST(leftovers_of_an_interrupted_run_are_overwritten),
		KEYS_TEST(a_failing_disk_leaves_every_record_unchanged),
		KEYS_TEST(a_key_that_was_added_later_is_found),
		KEYS_TEST(a_write_uses_the_key_that_is_active_at_that_time),
		KEYS_TEST(a_process_with_given_keys_encrypts_with_no_old_key),
		KEYS_TEST(only_one_process_at_a_time_claims_the_keys),
		KEYS_TEST(a_write_that_began_earlier_is_waited_for),
		KEYS_TEST(a_write_meanwhile_waits_no_longer_than_a_login),
		KEYS_TEST(a_login_that_holds_its_lock_too_long_loses_its_record_and_no_state),
		KEYS_TEST(a_login_that_ends_in_time_loses_nothing),
		KEYS_TEST(logins_continue_while_a_write_is_waited_for),
		KEYS_TEST(a_login_during_a_rotation_finds_its_record_or_is_stale),
		KEYS_TEST(a_login_at_any_point_loses_nothing),
		KEYS_TEST(a_record_replaced_at_any_point_stays_replaced),
		KEYS_TEST(a_record_revoked_at_any_point_stays_revoked),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
