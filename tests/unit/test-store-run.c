/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * readonly_login: a disk that fails now and then, and a directory that is empty after a reboot.
 * Whatever the disk does, no code may be accepted twice.
 */
#include "store_fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define BOOTED (NOW - 1000)

/* --- a disk that fails: writes and syncs below the store --- */

static char refusing[48]; /* the store's directory; the other one works */
static int refusal_of_writes, refusal_of_syncs;

static bool is_refused(int fd, int refusal)
{
	char link[32], path[200];
	ssize_t len;

	if (!refusal)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	assert_true(len > 0);
	path[len] = '\0';
	if (strncmp(path, refusing, strlen(refusing)) != 0)
		return false;
	errno = refusal;
	return true;
}

int fdatasync(int fd)
{
	return is_refused(fd, refusal_of_syncs) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (is_refused(fd, refusal_of_writes))
		return -1;
	return pwritev(fd, &(struct iovec){(void *)(uintptr_t)data, len}, 1, offset);
}

static void refuse_writes(int refusal)
{
	refusal_of_writes = refusal;
}

/* --- the fixture, with a run_dir --- */

static char run_dir[48];

static const char *in_run(const char *name)
{
	return path_in(run_dir, name);
}

static const char *run_file(const struct fixture *f, const char *user, uint8_t n)
{
	char name[128];

	snprintf(name, sizeof(name), "%s", state_path(f, user, n) + strlen(f->store_dir) + 1);
	return in_run(name);
}

static struct store *open_at(struct fixture *f, int64_t booted)
{
	f->store = store_close(f->store);
	f->config.booted = booted;
	f->store = open_again(f);
	return f->store;
}

static int run_begin(void **state)
{
	struct fixture *f;

	refusal_of_writes = refusal_of_syncs = 0;
	if (fixture_begin(state) != 0)
		return -1;
	f = *state;
	memcpy(refusing, f->store_dir, sizeof(refusing));
	snprintf(run_dir, sizeof(run_dir), "%.31s/run", f->dir);
	f->config.run_dir = run_dir;
	open_at(f, BOOTED);
	return 0;
}

static int run_end(void **state)
{
	refusal_of_writes = refusal_of_syncs = 0;
	return fixture_end(state);
}

#define RUN_TEST(f) cmocka_unit_test_setup_teardown(f, run_begin, run_end)

/* One login: the step becomes the last one; returns the commit's error. */
static enum totp_err use_step(const struct fixture *f, uint64_t step, bool *ret_in_run)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state next;
	enum totp_err err;

	begin(f->store, "alice", &txn);
	next = txn.state;
	next.tokens[0].moving = step;
	err = store_commit(&txn, &next, NULL);
	*ret_in_run = txn.in_run;
	return err;
}

static uint64_t last_step(const struct fixture *f)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	return txn.state.tokens[0].moving;
}

/* What only the disk knows. */
static uint64_t step_on_disk(const struct fixture *f)
{
	struct files_config config = {.dir = f->store_dir, .keyring = f->keyring};
	OWN_STORE struct store *store = NULL;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	assert_ok(files_open(&config, &store, NULL));
	assert_ok(store_read(store, "alice", deadline_in(2000), &txn, NULL));
	return txn.state.tokens[0].moving;
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(0, stat(path, &st));
	return st.st_size;
}

/* --- failures --- */

static void run_dir_stands_in_for_a_disk_that_cannot_write(void **state)
{
	static const int refusals[] = {EROFS, ENOSPC, EDQUOT, EIO};
	struct fixture *f = *state;
	uint64_t step = 100;
	bool in_run = false;

	add_user(f->store, "alice", 1);
	for (size_t i = 0; i < COUNT(refusals); i++) {
		refuse_writes(refusals[i]);
		assert_ok(use_step(f, ++step, &in_run));
		assert_true(in_run);
		assert_int_equal(step, last_step(f));
		assert_int_equal(0, step_on_disk(f));
	}
	assert_int_equal(STATE_FILE_LEN, size_of(run_file(f, "alice", 1)));
}

static void run_dir_stands_in_for_a_disk_that_does_not_confirm(void **state)
{
	struct fixture *f = *state;
	bool in_run = false;

	add_user(f->store, "alice", 1);
	refusal_of_syncs = EIO;
	assert_ok(use_step(f, 100, &in_run));
	assert_true(in_run);
	assert_int_equal(100, last_step(f));
	assert_ok(use_step(f, 101, &in_run));
	assert_int_equal(101, last_step(f));
	refusal_of_syncs = 0;
	assert_ok(use_step(f, 102, &in_run));
	assert_false(in_run);
	assert_int_equal(102, step_on_disk(f));
}

static void any_other_failure_denies(void **state)
{
	static const int refusals[] = {EFBIG, EPERM, EACCES, EBADF, EINVAL, ENOMEM};
	struct fixture *f = *state;
	bool in_run = false;

	add_user(f->store, "alice", 1);
	for (size_t i = 0; i < COUNT(refusals); i++) {
		refuse_writes(refusals[i]);
		assert_refused(SYSTEM, use_step(f, 100, &in_run));
		assert_false(in_run);
	}
	assert_int_equal(0, last_step(f));
	assert_int_equal(0, size_of(run_file(f, "alice", 1)));
}

static void without_a_run_dir_a_failing_disk_denies(void **state)
{
	struct fixture *f = *state;
	bool in_run = false;

	add_user(f->store, "alice", 1);
	f->config.run_dir = NULL;
	open_at(f, 0);
	assert_int_equal(0, store_info(f->store)->since);
	refuse_writes(ENOSPC);
	assert_refused(SYSTEM, use_step(f, 100, &in_run));
	assert_int_equal(-1, access(run_file(f, "alice", 1), F_OK));
}

static void a_run_dir_that_fails_too_denies(void **state)
{
	struct fixture *f = *state;
	bool in_run = false;

	add_user(f->store, "alice", 1);
	memcpy(refusing, f->dir, sizeof(f->dir)); /* both are below it */
	refuse_writes(ENOSPC);
	assert_refused(SYSTEM, use_step(f, 100, &in_run));
	refuse_writes(0);
	assert_int_equal(0, last_step(f));
	assert_ok(use_step(f, 100, &in_run));
}

static void a_change_that_must_survive_a_reboot_is_denied(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred = cred_of("alice", 1);
	struct login_state fresh, next;
	struct reason why = {""};

	cred.tokens[0].type = TOKEN_HOTP;
	cred.tokens[0].period = 0;
	cred.recovery_count = 1;
	memset(cred.recovery_salt, 1, sizeof(cred.recovery_salt));
	cred.must_confirm = true;
	fresh = state_of(&cred);
	assert_ok(store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	refuse_writes(ENOSPC);
	begin(f->store, "alice", &txn);
	next = txn.state;
	next.spent = 1;
	assert_refused(SYSTEM, store_commit(&txn, &next, &why));
	assert_says("recovery codes", why);
	begin(f->store, "alice", &txn);
	next = txn.state;
	next.bypass_used = 1;
	assert_refused(SYSTEM, store_commit(&txn, &next, &why));
	begin(f->store, "alice", &txn);
	next = txn.state;
	next.tokens[0].last_used =
		1; /* the first code: after a reboot the record would be unconfirmed again */
	assert_refused(SYSTEM, store_commit(&txn, &next, &why));
	begin(f->store, "alice", &txn);
	next = txn.state;
	next.tokens[0].moving = 1;
	assert_refused(SYSTEM, store_commit(&txn, &next, &why));
	begin(f->store, "alice", &txn);
	next = txn.state;
	next.failures = 1; /* a wrong code is counted nevertheless */
	assert_ok(store_commit(&txn, &next, &why));
	assert_true(txn.in_run);
}

static void run_dir_stands_in_for_a_read_only_mount_and_is_merged_later(void **state)
{
	struct fixture *f = *state;
	bool in_run = false;

	add_user(f->store, "alice", 1);
	assert_int_equal(0, unshare(CLONE_NEWNS));
	assert_int_equal(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	assert_int_equal(0, mount(f->store_dir, f->store_dir, NULL, MS_BIND, NULL));
	assert_int_equal(0,
			 mount(NULL, f->store_dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	open_at(f, BOOTED);
	assert_ok(use_step(f, 100, &in_run));
	assert_true(in_run);
	assert_ok(use_step(f, 101, &in_run));
	assert_int_equal(101, last_step(f));
	assert_int_equal(0, mount(NULL, f->store_dir, NULL, MS_REMOUNT | MS_BIND, NULL));
	assert_int_equal(101, last_step(f));
	assert_ok(use_step(f, 102, &in_run));
	assert_false(in_run);
	assert_int_equal(102, step_on_disk(f));
	assert_int_equal(0, size_of(run_file(f, "alice", 1)));
	open_at(f, BOOTED);
	assert_int_equal(0, umount2(f->store_dir, MNT_DETACH));
}

/* --- merging --- */

static void failures_that_were_counted_in_run_count_on_the_disk(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state next;

	add_user(f->store, "alice", 1);
	for (unsigned i = 1; i <= 4; i++) {
		refuse_writes(i < 4 ? ENOSPC : 0);
		begin(f->store, "alice", &txn);
		next = txn.state;
		assert_int_equal(i - 1, next.shared[0].burst.used);
		next.shared[0].burst.used++;
		next.failures++;
		assert_ok(store_commit(&txn, &next, NULL));
		assert_int_equal(i < 4, txn.in_run);
	}
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_int_equal(4, txn.state.failures);
	assert_int_equal(4, txn.state.shared[0].burst.used);
}

static void a_write_to_the_disk_never_overwrites_the_slot_that_counts(void **state)
{
	static uint8_t before[STATE_FILE_LEN], after[STATE_FILE_LEN];
	struct fixture *f = *state;
	uint64_t step = 100;
	bool in_run = false;

	add_user(f->store, "alice", 1);
	for (unsigned refused = 0; refused < 4; refused++) {
		uint64_t on_disk = step_on_disk(f);
		unsigned changed = 0;

		for (unsigned i = 0; i < refused; i++) {
			refuse_writes(EROFS);
			assert_ok(use_step(f, ++step, &in_run));
		}
		refuse_writes(0);
		read_file(state_path(f, "alice", 1), before, sizeof(before));
		assert_ok(use_step(f, ++step, &in_run));
		read_file(state_path(f, "alice", 1), after, sizeof(after));
		changed |= memcmp(before, after, STATE_SLOT_LEN) != 0 ? 1 : 0;
		changed |=
			memcmp(before + STATE_SLOT_LEN, after + STATE_SLOT_LEN, STATE_SLOT_LEN) != 0
				? 2
				: 0;
		assert_true(changed == 1 || changed == 2);
		/* if that write were lost, the disk would still know what it knew */
		memset(after + (changed == 1 ? 0 : STATE_SLOT_LEN), 0xee, STATE_SLOT_LEN);
		write_file(state_path(f, "alice", 1), after, sizeof(after), 0600);
		assert_int_equal(on_disk, step_on_disk(f));
		write_file(state_path(f, "alice", 1), before, sizeof(before), 0600);
		assert_ok(use_step(f, ++step, &in_run));
	}
}

static void whatever_the_disk_does_no_step_goes_back(void **state)
{
	static const int moods[] = {0, 0, EIO, ENOSPC, EROFS, EDQUOT};
	struct fixture *f = *state;
	uint64_t step = 1;

	add_user(f->store, "alice", 1);
	srand(6238);
	for (unsigned i = 0; i < 400; i++) {
		bool in_run = false;

		refuse_writes(moods[(unsigned)rand() % COUNT(moods)]);
		refusal_of_syncs = rand() % 4 ? 0 : EIO;
		if (rand() % 5 == 0)
			open_at(f, BOOTED);
		assert_int_equal(step, last_step(f) ? last_step(f) : 1);
		assert_ok(use_step(f, ++step, &in_run));
		assert_int_equal(refusal_of_writes || refusal_of_syncs, in_run);
	}
}

static void flaky_child(const struct fixture *f, unsigned seed)
{
	srand(seed);
	for (unsigned i = 0; i < 20; i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;
		OWN_STORE struct store *store = open_again(f);
		struct login_state next;

		refuse_writes(rand() % 2 ? EIO : 0);
		assert_ok(store_read(store, "alice", deadline_in(2000), &txn, NULL));
		assert_ok(store_begin(&txn, deadline_in(20000), NULL));
		next = txn.state;
		next.failures++;
		next.tokens[0].moving++;
		assert_ok(store_commit(&txn, &next, NULL));
	}
	_exit(0);
}

static void of_many_processes_on_an_unreliable_disk_no_commit_is_lost(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	int status;

	add_user(f->store, "alice", 1);
	for (unsigned i = 0; i < 8; i++)
		if (fork() == 0)
			flaky_child(f, i);
	for (unsigned i = 0; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(0, status);
	}
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_int_equal(160, txn.state.failures);
	assert_int_equal(160, txn.state.tokens[0].moving);
}

static void a_replaced_record_keeps_what_run_dir_knew(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred;
	struct login_state next;
	bool in_run = false;

	add_user(f->store, "alice", 1);
	refuse_writes(EIO);
	assert_ok(use_step(f, 100, &in_run));
	refuse_writes(0);
	begin(f->store, "alice", &txn);
	assert_int_equal(100, txn.state.tokens[0].moving);
	cred = txn.cred;
	memset(cred.id, 2, sizeof(cred.id));
	next = txn.state;
	memset(next.cred_id, 2, sizeof(next.cred_id));
	assert_ok(store_replace(&txn, &cred, &next, NULL));
	assert_int_equal(-1, access(run_file(f, "alice", 1), F_OK));
	assert_int_equal(100, last_step(f));
	assert_ok(store_remove(f->store, "alice", deadline_in(2000), NULL));
	assert_int_equal(-1, access(run_file(f, "alice", 2), F_OK));
}

/* --- files there that are not as they should be --- */

static void an_interrupted_first_write_has_no_effect(void **state)
{
	struct fixture *f = *state;
	bool in_run = false;

	add_user(f->store, "alice", 1);
	refuse_writes(EIO);
	assert_ok(use_step(f, 100, &in_run));
	assert_int_equal(0, truncate(run_file(f, "alice", 1), STATE_FILE_LEN - 1));
	assert_int_equal(0, last_step(f));
	assert_ok(use_step(f, 101, &in_run));
	assert_int_equal(101, last_step(f));
}

static void an_interrupted_later_write_is_reported(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	static uint8_t file[STATE_FILE_LEN];
	bool in_run = false;

	add_user(f->store, "alice", 1);
	refuse_writes(EIO);
	assert_ok(use_step(f, 100, &in_run));
	assert_ok(use_step(f, 101, &in_run));
	read_file(run_file(f, "alice", 1), file, sizeof(file));
	file[100] ^= 1;
	write_file(run_file(f, "alice", 1), file, sizeof(file), 0600);
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_true(txn.torn);
}

static void a_state_there_with_a_wrong_mac_denies(void **state)
{
	struct fixture *f = *state;
	uint8_t file[STATE_FILE_LEN] = {1};
	struct reason why = {""};

	add_user(f->store, "alice", 1);
	write_file(run_file(f, "alice", 1), file, sizeof(file), 0600);
	assert_refused(SEAL, read_error(f->store, "alice", &why));
	assert_says("run_dir", why);
	unlink(run_file(f, "alice", 1));
	assert_int_equal(0, symlink(state_path(f, "alice", 1), run_file(f, "alice", 1)));
	assert_refused(UNSAFE, read_error(f->store, "alice", &why));
}

static void an_unsafe_or_malformed_run_dir_is_rejected(void **state)
{
	struct fixture *f = *state;
	struct store *store = NULL;
	struct reason why = {""};

	write_file(in_run("since"), "soon\n", 5, 0644);
	assert_refused(FORMAT, files_open(&f->config, &store, &why));
	assert_says("since", why);
	write_file(in_run("since"), "", 0, 0644);
	assert_refused(FORMAT, files_open(&f->config, &store, &why));
	unlink(in_run("since"));
	assert_int_equal(0, chown(run_dir, SERVICE_UID, 0));
	assert_refused(UNSAFE, files_open(&f->config, &store, &why));
	assert_int_equal(0, chown(run_dir, 0, 0));
	assert_int_equal(0, chmod(run_dir, 0777));
	assert_refused(UNSAFE, files_open(&f->config, &store, &why));
	f->config.run_dir = "/proc/nothing/here";
	assert_refused(SYSTEM, files_open(&f->config, &store, &why));
}

/* --- totpd, which runs as the store's account, beside programs of root --- */

/* Open the store as the account does: the keyring was read before. */
static void become_service(struct fixture *f)
{
	static struct keyring keys;

	assert_ok(keyring_load(f->keyring, &keys, NULL));
	assert_int_equal(0, chmod(f->dir, 0711));
	f->config.keys = &keys;
	assert_int_equal(0, setresgid(SERVICE_UID, SERVICE_UID, SERVICE_UID));
	assert_int_equal(0, setresuid(SERVICE_UID, SERVICE_UID, SERVICE_UID));
	assert_int_equal(0, prctl(PR_SET_DUMPABLE, 1)); /* is_refused looks at its descriptors */
}

/* Do something as the account, in a process of its own. */
static void as_service(struct fixture *f, void (*what)(struct fixture *f))
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		become_service(f);
		what(f);
		_exit(0);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_int_equal(0, status);
}

static void assert_owner(const char *path, uid_t owner, mode_t mode)
{
	struct stat st;

	assert_int_equal(0, lstat(path, &st));
	assert_int_equal(owner, st.st_uid);
	assert_int_equal(mode, st.st_mode & 07777);
}

static void use_101_to_200(struct fixture *f)
{
	bool aside = false;

	open_at(f, BOOTED);
	assert_int_equal(100, last_step(f));
	for (uint64_t step = 101; step <= 200; step++)
		assert_ok(use_step(f, step, &aside));
	assert_true(aside);
}

static void use_101_to_200_anew(struct fixture *f)
{
	bool aside = false;

	open_at(f, BOOTED);
	assert_int_equal(0, last_step(f));
	assert_ok(use_step(f, 200, &aside));
}

static void the_account_owns_what_root_creates_there_and_both_use_it(void **state)
{
	struct fixture *f = *state;
	mode_t before = umask(077);
	bool aside = false;

	unlink(in_run("since"));
	rmdir(in_run("state"));
	rmdir(run_dir);
	open_at(f, BOOTED);
	add_user(f->store, "alice", 1);
	refuse_writes(EROFS);
	assert_ok(use_step(f, 100, &aside));
	umask(before);
	assert_owner(run_dir, 0, 0755);
	assert_owner(in_run("since"), 0, 0644);
	assert_owner(in_run("state"), SERVICE_UID, 0700);
	assert_owner(run_file(f, "alice", 1), SERVICE_UID, 0600);
	as_service(f, use_101_to_200);
	assert_int_equal(200, last_step(f));
	assert_ok(use_step(f, 201, &aside));
	assert_int_equal(0, unlink(run_file(f, "alice", 1)));
	as_service(f, use_101_to_200_anew);
	assert_owner(run_file(f, "alice", 1), SERVICE_UID, 0600);
	assert_int_equal(200, last_step(f));
}

static void a_directory_of_states_of_another_owner_is_given_to_the_account(void **state)
{
	struct fixture *f = *state;
	bool aside = false;

	add_user(f->store, "alice", 1);
	assert_int_equal(0, chown(in_run("state"), 0, 0));
	open_at(f, BOOTED);
	assert_owner(in_run("state"), SERVICE_UID, 0700);
	assert_int_equal(0, chown(in_run("state"), SERVICE_UID + 1, 0));
	open_at(f, BOOTED);
	assert_owner(in_run("state"), SERVICE_UID, 0700);
	refuse_writes(EROFS);
	assert_ok(use_step(f, 100, &aside));
	/* a file owned by root is accepted as well, any other is not */
	assert_int_equal(0, chown(run_file(f, "alice", 1), 0, 0));
	assert_int_equal(100, last_step(f));
	assert_int_equal(0, chown(run_file(f, "alice", 1), SERVICE_UID + 1, 0));
	assert_refused(UNSAFE, read_error(f->store, "alice", NULL));
}

static void look_without_since(struct fixture *f)
{
	assert_int_equal(BOOTED - 50, store_info(open_at(f, BOOTED - 50))->since);
	assert_int_equal(-1, access(in_run("since"), F_OK));
}

static void look_with_since(struct fixture *f)
{
	assert_int_equal(BOOTED, store_info(open_at(f, BOOTED - 50))->since);
}

static void the_account_uses_since_and_without_it_the_time_of_the_boot(void **state)
{
	struct fixture *f = *state;

	as_service(f, look_with_since);
	assert_int_equal(0, unlink(in_run("since")));
	as_service(f, look_without_since);
	open_at(f, BOOTED);
	as_service(f, look_with_since);
}

static void look_without_folder(struct fixture *f)
{
	struct store *store = NULL;
	struct reason why = {""};

	assert_refused(SYSTEM, files_open(&f->config, &store, &why));
	assert_says("cannot make the directory", why);
}

static void the_account_alone_creates_no_directory(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(0, rmdir(in_run("state")));
	as_service(f, look_without_folder);
	assert_int_equal(0, unlink(in_run("since")));
	assert_int_equal(0, rmdir(run_dir));
	as_service(f, look_without_folder);
}

/* --- reboots --- */

static void since_is_the_latest_known_time_of_a_boot(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(BOOTED, store_info(f->store)->since);
	assert_int_equal(BOOTED,
			 store_info(open_at(f, BOOTED - 50))->since); /* the clock was set back */
	assert_int_equal(BOOTED + 50, store_info(open_at(f, BOOTED + 50))->since);
	assert_int_equal(BOOTED, store_info(open_at(f, -3))->since);
	assert_int_equal(0, unlink(in_run("since")));
	assert_int_equal(0, store_info(open_at(f, 0))->since);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN_TEST(run_dir_stands_in_for_a_disk_that_cannot_write),
		RUN_TEST(run_dir_stands_in_for_a_disk_that_does_not_confirm),
		RUN_TEST(any_other_failure_denies),
		RUN_TEST(without_a_run_dir_a_failing_disk_denies),
		RUN_TEST(a_run_dir_that_fails_too_denies),
		RUN_TEST(a_change_that_must_survive_a_reboot_is_denied),
		RUN_TEST(failures_that_were_counted_in_run_count_on_the_disk),
		RUN_TEST(a_write_to_the_disk_never_overwrites_the_slot_that_counts),
		RUN_TEST(whatever_the_disk_does_no_step_goes_back),
		RUN_TEST(of_many_processes_on_an_unreliable_disk_no_commit_is_lost),
		RUN_TEST(a_replaced_record_keeps_what_run_dir_knew),
		RUN_TEST(an_interrupted_first_write_has_no_effect),
		RUN_TEST(an_interrupted_later_write_is_reported),
		RUN_TEST(a_state_there_with_a_wrong_mac_denies),
		RUN_TEST(an_unsafe_or_malformed_run_dir_is_rejected),
		RUN_TEST(the_account_owns_what_root_creates_there_and_both_use_it),
		RUN_TEST(a_directory_of_states_of_another_owner_is_given_to_the_account),
		RUN_TEST(the_account_uses_since_and_without_it_the_time_of_the_boot),
		RUN_TEST(the_account_alone_creates_no_directory),
		RUN_TEST(since_is_the_latest_known_time_of_a_boot),
		RUN_TEST(run_dir_stands_in_for_a_read_only_mount_and_is_merged_later),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
