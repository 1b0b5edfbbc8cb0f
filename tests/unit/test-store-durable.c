/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a command has acknowledged is on the disk. The store's calls go through this file, which
 * keeps a list of what is not on the disk yet: the bytes of a file until it is synced, an entry of
 * a directory until the directory is synced. When a call returns, the list must be empty; no file
 * may get its name while its bytes are on the list, and no name may appear in users/ while an entry
 * of state/ is on it. A login state that takes the name of another is locked until the disk has its
 * name: what a login wrote there before could be lost with it.
 *
 * Each operation runs once as it is, and then once for each of its syncs without that sync, which
 * the test must notice: so no sync can be dropped.
 */
#include "bulk.h"
#include "store_fixture.h"

#include <stdarg.h>
#include <sys/syscall.h>

#include "store/files/files.h"

#define WAITING_MAX 64

static char base[64]; /* the watched directory; "": none */
static char waiting[WAITING_MAX][256];
static size_t waiting_count;
static char lost[1024];     /* what a power cut could have lost, one sentence each */
static char replacing[256]; /* a login state that took the name of another; "": none */
static unsigned syncs, left_out;
static bool left_out_fails;

static void lose(const char *what, const char *path)
{
	size_t len = strlen(lost);

	snprintf(lost + len, sizeof(lost) - len, "%s %s\n", path + strlen(base), what);
}

/* The path of an entry of a directory, or of the open file itself; false: it is not watched. */
static bool path_of(int fd, const char *name, char path[256])
{
	char link[32], found[256] = {0};

	if (!base[0] || (name && name[0] == '/'))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, found, sizeof(found) - 1) < 0 || strncmp(found, base, strlen(base)) != 0)
		return false;
	snprintf(path, 256, "%s%s%s", found, name ? "/" : "", name ? name : "");
	return true;
}

static bool waits(const char *path)
{
	for (size_t i = 0; i < waiting_count; i++)
		if (strcmp(waiting[i], path) == 0)
			return true;
	return false;
}

static bool is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static void let_path_wait(const char *path)
{
	if (waits(path))
		return;
	assert_true(waiting_count < WAITING_MAX);
	strcpy(waiting[waiting_count++], path);
}

static void let_wait(int fd, const char *name)
{
	char path[256];

	if (path_of(fd, name, path))
		let_path_wait(path);
}

/* The directory of a new entry that has a whole path. */
static void let_parent_wait(const char *path)
{
	char parent[256];

	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (base[0] && is_below(parent, base))
		let_path_wait(parent);
}

static void settle(const char *path, bool all_below)
{
	size_t kept = 0;

	for (size_t i = 0; i < waiting_count; i++) {
		bool settled = all_below ? is_below(waiting[i], path) : !strcmp(waiting[i], path);

		if (!settled && kept++ != i)
			memcpy(waiting[kept - 1], waiting[i], sizeof(waiting[i]));
	}
	waiting_count = kept;
}

static bool can_be_locked(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	OWN_FD int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static void sync_watched(int fd, bool all_below)
{
	char path[256];

	if (replacing[0] && path_of(fd, NULL, path) && is_below(replacing, path)) {
		if (can_be_locked(replacing))
			lose("can be changed before its name is there", replacing);
		replacing[0] = '\0';
	}
	if (path_of(fd, NULL, path) && ++syncs != left_out)
		settle(path, all_below);
}

/* An entry gets a name: its bytes are on the disk, and so is the state of a record. */
static void name_entry(int from_fd, const char *from, int to_fd, const char *to)
{
	char path[256], states[128];

	if (!path_of(from_fd, from, path))
		return;
	if (waits(path))
		lose("has a name before its bytes are there", path);
	settle(path, false);
	assert_true(path_of(to_fd, to, path));
	snprintf(states, sizeof(states), "%s/store/" FILES_STATES, base);
	for (size_t i = 0; i < waiting_count && strstr(path, "/" FILES_USERS "/"); i++)
		if (is_below(waiting[i], states))
			lose("has its name before its state is there", path);
	if (is_below(path, states) && access(path, F_OK) == 0)
		strcpy(replacing, path);
	let_wait(to_fd, NULL);
}

/* --- calls of libc --- */

int openat(int dir_fd, const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list args;
	int fd;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	fd = (int)syscall(SYS_openat, dir_fd, name, flags, mode);
	if (fd >= 0 && (flags & O_EXCL))
		let_wait(dir_fd, NULL);
	return fd;
}

int mkdirat(int dir_fd, const char *name, mode_t mode)
{
	int code = (int)syscall(SYS_mkdirat, dir_fd, name, mode);

	if (code == 0 && name[0] == '/')
		let_parent_wait(name);
	else if (code == 0)
		let_wait(dir_fd, NULL);
	return code;
}

ssize_t write(int fd, const void *data, size_t len)
{
	let_wait(fd, NULL);
	return syscall(SYS_write, fd, data, len);
}

/* The sync that is left out may fail, as when a disk breaks. */
static int result_of_sync(void)
{
	if (!base[0] || !left_out_fails || syncs != left_out)
		return 0;
	errno = EIO;
	return -1;
}

int fsync(int fd)
{
	sync_watched(fd, false);
	return result_of_sync();
}

int fdatasync(int fd)
{
	sync_watched(fd, false);
	return result_of_sync();
}

int syncfs(int fd)
{
	sync_watched(fd, true);
	return result_of_sync();
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	name_entry(from_fd, from, to_fd, to);
	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return renameat2(from_fd, from, to_fd, to, 0);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	name_entry(from_fd, from, to_fd, to);
	return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int unlinkat(int dir_fd, const char *name, int flags)
{
	int code = (int)syscall(SYS_unlinkat, dir_fd, name, flags);
	char path[256];

	if (code == 0 && path_of(dir_fd, name, path)) {
		settle(path, false);
		let_wait(dir_fd, NULL);
	}
	return code;
}

/* --- operations --- */

typedef void step_fn(const struct fixture *f);

static void watch(const struct fixture *f, unsigned without)
{
	strcpy(base, f->dir);
	waiting_count = syncs = 0;
	replacing[0] = lost[0] = '\0';
	left_out = without;
}

static void look(void)
{
	for (size_t i = 0; i < waiting_count; i++)
		lose("waits for the disk", waiting[i]);
	base[0] = '\0';
}

/* Run on a new store, without the sync of this number; 0: with all of them. */
static unsigned run(step_fn *prepare, step_fn *operate, unsigned without)
{
	void *state = NULL;

	left_out_fails = false;
	assert_int_equal(0, fixture_begin(&state));
	if (prepare)
		prepare(state);
	watch(state, without);
	operate(state);
	look();
	fixture_end(&state);
	return syncs;
}

static void assert_durable(step_fn *prepare, step_fn *operate)
{
	unsigned count = run(prepare, operate, 0);

	assert_string_equal("", lost);
	assert_int_not_equal(0, count);
	for (unsigned i = 1; i <= count; i++) {
		(void)run(prepare, operate, i);
		if (!lost[0])
			fail_msg("nobody notices that sync %u of %u is left out", i, count);
	}
}

static void create(const struct fixture *f)
{
	add_user(f->store, "alice", 1);
}

static void replace(const struct fixture *f)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred = cred_of("alice", 2);
	struct login_state state = state_of(&cred);

	begin(f->store, "alice", &txn);
	assert_ok(store_replace(&txn, &cred, &state, NULL));
}

static void remove_record(const struct fixture *f)
{
	assert_ok(store_remove(f->store, "alice", deadline_in(2000), NULL));
}

static void create_many(const struct fixture *f)
{
	assert_ok(create_all(f->store, 3, next_of, NULL, NULL));
}

static void invite(const struct fixture *f)
{
	const struct invite invite = {
		.user = "alice", .uid = 1000, .created = NOW, .expires = NOW + 86400};

	assert_ok(store_invite_put(f->store, &invite, deadline_in(2000), NULL));
}

static void uninvite(const struct fixture *f)
{
	assert_ok(store_invite_remove(f->store, "alice", deadline_in(2000), NULL));
}

static void drop_invites(const struct fixture *f)
{
	assert_int_equal(0, rmdir(in_store(f, FILES_INVITES)));
}

static int give_to_root(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return lchown(path, 0, 0);
}

static void create_as_root(const struct fixture *f)
{
	static const struct invite invite = {
		.user = "carol", .created = NOW, .expires = NOW + 86400};

	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	assert_ok(store_invite_put(f->store, &invite, deadline_in(2000), NULL));
	assert_int_equal(0, nftw(f->store_dir, give_to_root, 8, FTW_PHYS));
}

static void give(const struct fixture *f)
{
	OWN_STORE struct store *store = open_again(f);
	bool given = false;

	assert_ok(files_give(store, &service, &given, NULL));
	assert_true(given);
}

static void set_up(const struct fixture *f)
{
	static const uint8_t machine[SHA256_LEN] = {7};

	assert_ok(files_setup(path_in(f->dir, "another"), &service, machine, NULL));
}

static void make_keyring(const struct fixture *f)
{
	assert_ok(keyring_create(path_in(f->store_dir, "another-keyring"), NOW, NULL));
}

/* --- tests --- */

static void a_created_record_survives_a_power_cut(void **unused)
{
	assert_durable(NULL, create);
}

static void where_the_disk_does_not_confirm_a_sync_no_record_is_created(void **unused)
{
	const struct cred cred = cred_of("alice", 1);
	const struct login_state fresh = state_of(&cred);
	enum totp_err err = TOTP_ERR_SYSTEM;

	left_out_fails = true;
	for (unsigned i = 1; err != TOTP_OK; i++) {
		void *state = NULL;
		const struct fixture *f;

		assert_int_equal(0, fixture_begin(&state));
		f = state;
		watch(f, i);
		err = store_create(f->store, &cred, &fresh, deadline_in(2000), NULL);
		base[0] = '\0';
		if (err == TOTP_OK) {
			assert_int_equal(i - 1, syncs); /* all of them have failed once */
			assert_true(syncs >= 4);
		} else {
			assert_refused(SYSTEM, err);
			assert_int_equal(-1, access(in_store(f, "users/alice"), F_OK));
			assert_int_equal(-1, access(state_path(f, "alice", 1), F_OK));
		}
		fixture_end(&state);
	}
	left_out_fails = false;
}

static void a_replaced_record_survives_a_power_cut(void **unused)
{
	assert_durable(create, replace);
}

static void a_removed_record_stays_removed_after_a_power_cut(void **unused)
{
	assert_durable(create, remove_record);
}

static void records_that_were_created_in_bulk_survive_a_power_cut(void **unused)
{
	assert_durable(NULL, create_many);
}

static void an_invitation_survives_a_power_cut(void **unused)
{
	assert_durable(NULL, invite);
	assert_durable(drop_invites, invite);
}

static void a_removed_invitation_stays_removed_after_a_power_cut(void **unused)
{
	assert_durable(invite, uninvite);
}

static void a_store_that_is_given_to_its_account_survives_a_power_cut(void **unused)
{
	assert_durable(create_as_root, give);
}

static void a_store_and_a_keyring_survive_a_power_cut(void **unused)
{
	assert_durable(NULL, set_up);
	assert_durable(NULL, make_keyring);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_created_record_survives_a_power_cut),
		cmocka_unit_test(where_the_disk_does_not_confirm_a_sync_no_record_is_created),
		cmocka_unit_test(a_replaced_record_survives_a_power_cut),
		cmocka_unit_test(a_removed_record_stays_removed_after_a_power_cut),
		cmocka_unit_test(records_that_were_created_in_bulk_survive_a_power_cut),
		cmocka_unit_test(an_invitation_survives_a_power_cut),
		cmocka_unit_test(a_removed_invitation_stays_removed_after_a_power_cut),
		cmocka_unit_test(a_store_that_is_given_to_its_account_survives_a_power_cut),
		cmocka_unit_test(a_store_and_a_keyring_survive_a_power_cut),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
