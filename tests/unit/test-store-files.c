/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to the files engine only: files that an attacker prepared, disks that are full, and
 * what a killed writer leaves. The store's own account is the attacker here.
 */
#include "store_fixture.h"

#include "naps.h"
#include "point.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define SOON (100 * MS) /* it chooses to wait no longer, to look once more */

/* The library's sync goes through here: a disk that does not confirm. */
static unsigned syncs, syncs_fail;

int fdatasync(int fd)
{
	syncs++;
	if (syncs_fail) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static size_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static void assert_entries(const struct fixture *f, size_t users, size_t states)
{
	assert_int_equal(users, count_entries(in_store(f, "users")));
	assert_int_equal(states, count_entries(in_store(f, "state")));
}

/* Replace another file by this one, owned by the store's account. */
static void put_copy(const char *from, const char *to)
{
	uint8_t data[STATE_FILE_LEN];
	size_t len = read_file(from, data, sizeof(data));

	unlink(to);
	write_file(to, data, len, 0600);
	assert_int_equal(0, chown(to, SERVICE_UID, SERVICE_UID));
}

/* ---- the store itself ---- */

static void remove_all(const struct fixture *f)
{
	directory_end(f->store_dir);
}

static void remove_marker(const struct fixture *f)
{
	unlink(in_store(f, "STORE"));
}

static void remove_users(const struct fixture *f)
{
	rmdir(in_store(f, "users"));
}

static void remove_states(const struct fixture *f)
{
	rmdir(in_store(f, "state"));
}

static void open_store_to_all(const struct fixture *f)
{
	chmod(f->store_dir, 0777);
}

static void open_users_to_group(const struct fixture *f)
{
	chmod(in_store(f, "users"), 0770);
}

static void open_states_to_all(const struct fixture *f)
{
	chmod(in_store(f, "state"), 0703);
}

static void give_store_away(const struct fixture *f)
{
	assert_int_equal(0, chown(f->store_dir, SERVICE_UID, SERVICE_UID));
}

static void give_states_away(const struct fixture *f)
{
	assert_int_equal(0, chown(in_store(f, "state"), SERVICE_UID + 1, 0));
}

static void link_store(const struct fixture *f)
{
	const char *moved = path_in(f->dir, "moved");

	assert_int_equal(0, rename(f->store_dir, moved));
	assert_int_equal(0, symlink(moved, f->store_dir));
}

static void link_users(const struct fixture *f)
{
	assert_int_equal(0, rename(in_store(f, "users"), in_store(f, "moved")));
	assert_int_equal(0, symlink("moved", in_store(f, "users")));
}

static void make_users_a_file(const struct fixture *f)
{
	rmdir(in_store(f, "users"));
	write_file(in_store(f, "users"), "x", 1, 0700);
}

static void set_marker(const struct fixture *f, const char *text)
{
	write_file(in_store(f, "STORE"), text, strlen(text), 0644);
}

#define ID      "id 00112233445566778899aabbccddeeff\n"
#define MACHINE "machine 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"

static void empty_marker(const struct fixture *f)
{
	set_marker(f, "");
}

static void cut_marker(const struct fixture *f)
{
	set_marker(f, "pam_totp store 1\n" ID);
}

static void stretch_marker(const struct fixture *f)
{
	set_marker(f, "pam_totp store 1\n" ID MACHINE "\n");
}

static void misspell_marker(const struct fixture *f)
{
	set_marker(f, "pam_totp store 1\n" ID "machine xyz\n");
}

static void make_marker_newer(const struct fixture *f)
{
	set_marker(f, "pam_totp store 3\nwhatever there will be\n");
}

static void flood_marker(const struct fixture *f)
{
	char text[1000];

	memset(text, 'x', sizeof(text));
	write_file(in_store(f, "STORE"), text, sizeof(text), 0644);
}

static void make_marker_a_fifo(const struct fixture *f)
{
	remove_marker(f);
	assert_int_equal(0, mkfifo(in_store(f, "STORE"), 0644));
}

static void link_marker(const struct fixture *f)
{
	assert_int_equal(0, rename(in_store(f, "STORE"), path_in(f->dir, "S")));
	assert_int_equal(0, symlink(path_in(f->dir, "S"), in_store(f, "STORE")));
}

static void give_marker_away(const struct fixture *f)
{
	assert_int_equal(0, chown(in_store(f, "STORE"), SERVICE_UID, 0));
}

static void an_incomplete_store_is_rejected_with_a_reason(void **state)
{
	static const struct {
		void (*damage)(const struct fixture *f);
		enum totp_err err;
		const char *words;
	} rows[] = {
		{remove_all, TOTP_ERR_NOT_FOUND, "totpctl init"},
		{remove_marker, TOTP_ERR_NOT_FOUND, "mounted"},
		{remove_users, TOTP_ERR_UNSAFE, "users"},
		{remove_states, TOTP_ERR_UNSAFE, "state"},
		{open_store_to_all, TOTP_ERR_UNSAFE, "0777"},
		{open_users_to_group, TOTP_ERR_UNSAFE, "0770"},
		{open_states_to_all, TOTP_ERR_UNSAFE, "0703"},
		{give_store_away, TOTP_ERR_UNSAFE, "owned by uid 4711"},
		{give_states_away, TOTP_ERR_UNSAFE, "owned by uid 4712"},
		{link_store, TOTP_ERR_UNSAFE, "not a directory"},
		{link_users, TOTP_ERR_UNSAFE, "not a directory"},
		{make_users_a_file, TOTP_ERR_UNSAFE, "not a directory"},
		{empty_marker, TOTP_ERR_FORMAT, "damaged"},
		{cut_marker, TOTP_ERR_FORMAT, "damaged"},
		{stretch_marker, TOTP_ERR_FORMAT, "damaged"},
		{misspell_marker, TOTP_ERR_FORMAT, "damaged"},
		{make_marker_newer, TOTP_ERR_UNSUPPORTED, "newer version"},
		{flood_marker, TOTP_ERR_UNSAFE, "1000 bytes"},
		{make_marker_a_fifo, TOTP_ERR_UNSAFE, "not a regular file"},
		{link_marker, TOTP_ERR_UNSAFE, "not a regular file"},
		{give_marker_away, TOTP_ERR_UNSAFE, "owned by uid 4711"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		OWN_STORE struct store *store = NULL;
		struct reason why = {""};

		fixture_end(state);
		fixture_begin(state);
		rows[i].damage(f);
		napped = 0;
		assert_int_equal(rows[i].err, files_open(&f->config, &store, &why));
		assert_says(rows[i].words, why);
		assert_null(store);
		assert_in_range(napped, 0, SOON);
	}
}

static void a_store_that_only_root_uses_needs_no_account(void **state)
{
	static const uint8_t machine[SHA256_LEN];
	struct fixture *f = *state;
	struct stat st;

	fixture_end(state);
	directory_begin(f->dir);
	snprintf(f->store_dir, sizeof(f->store_dir), "%.31s/root", f->dir);
	snprintf(f->keyring, sizeof(f->keyring), "%.31s/keyring", f->dir);
	assert_ok(keyring_create(f->keyring, NOW, NULL));
	assert_ok(files_setup(f->store_dir, &(struct files_owner){0, 0}, machine, NULL));
	f->store = open_again(f);
	add_user(f->store, "alice", 1);
	assert_ok(read_error(f->store, "alice", NULL));
	assert_int_equal(0, stat(in_store(f, "users/alice"), &st));
	assert_int_equal(0, st.st_uid);
}

/* --- an account that was created after the store --- */

static void make_store_of_root(struct fixture *f)
{
	static const uint8_t machine[SHA256_LEN];

	f->store = store_close(f->store);
	directory_end(f->store_dir);
	assert_ok(files_setup(f->store_dir, &(struct files_owner){0, 0}, machine, NULL));
	f->store = open_again(f);
}

static uid_t owner_of(const char *path)
{
	struct stat st;

	assert_int_equal(0, lstat(path, &st));
	return st.st_uid;
}

static bool give(const struct fixture *f)
{
	OWN_STORE struct store *store = open_again(f);
	bool given = false;

	assert_ok(files_give(store, &service, &given, NULL));
	return given;
}

static void a_store_of_root_is_given_to_an_account_created_later(void **state)
{
	static const char *const mine[] = {"users", "state", "invites", "users/alice",
					   "invites/bob"};
	static const struct invite invite = {
		.user = "bob", .created = 1, .expires = 1 + INVITE_SECONDS_MIN};
	struct fixture *f = *state;

	make_store_of_root(f);
	add_user(f->store, "alice", 1);
	assert_ok(store_invite_put(f->store, &invite, deadline_in(2000), NULL));
	write_file(in_store(f, "users/bob~0123456789abcdef"), "", 0, 0600);
	assert_true(give(f));
	for (size_t i = 0; i < COUNT(mine); i++)
		assert_int_equal(SERVICE_UID, owner_of(in_store(f, mine[i])));
	assert_int_equal(SERVICE_UID, owner_of(state_path(f, "alice", 1)));
	assert_int_equal(0, owner_of(f->store_dir));
	assert_int_equal(0, owner_of(in_store(f, "STORE")));
	assert_int_equal(0, owner_of(in_store(f, "users/bob~0123456789abcdef")));
	/* a process that opens it now finds every record */
	f->store = store_close(f->store);
	f->store = open_again(f);
	assert_ok(read_error(f->store, "alice", NULL));
	assert_false(give(f));
}

/* Anyone who can write to the directory may have linked it there, and unlinked it since. */
static void the_account_gets_a_copy_and_never_the_file_that_was_found(void **state)
{
	struct fixture *f = *state;
	OWN_FD int cred_fd = -1;
	OWN_FD int state_fd = -1;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state next;
	struct stat st;

	make_store_of_root(f);
	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	next = txn.state;
	next.failures = 7;
	assert_ok(store_commit(&txn, &next, NULL));
	cred_fd = open(in_store(f, "users/alice"), O_RDONLY | O_CLOEXEC);
	state_fd = open(state_path(f, "alice", 1), O_RDONLY | O_CLOEXEC);
	assert_true(cred_fd >= 0 && state_fd >= 0);
	assert_true(give(f));
	assert_int_equal(0, fstat(cred_fd, &st));
	assert_int_equal(0, st.st_uid);
	assert_int_equal(0, fstat(state_fd, &st));
	assert_int_equal(0, st.st_uid);
	assert_int_equal(SERVICE_UID, owner_of(in_store(f, "users/alice")));
	assert_int_equal(SERVICE_UID, owner_of(state_path(f, "alice", 1)));
	f->store = store_close(f->store);
	f->store = open_again(f);
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_int_equal(7, txn.state.failures);
}

struct linking {
	char from[512], to[512];
	_Atomic bool over;
};

static void *link_and_unlink(void *context)
{
	struct linking *linking = context;

	while (!linking->over) {
		(void)!link(linking->from, linking->to);
		unlink(linking->to);
	}
	return NULL;
}

static void a_link_that_comes_and_goes_meanwhile_exposes_nothing(void **state)
{
	struct fixture *f = *state;
	struct linking linking = {.over = false};
	pthread_t thread;

	make_store_of_root(f);
	strcpy(linking.from, path_in(f->dir, "outside"));
	strcpy(linking.to, in_store(f, "users/alice"));
	write_file(linking.from, "", 0, 0600);
	assert_int_equal(0, pthread_create(&thread, NULL, link_and_unlink, &linking));
	for (unsigned i = 0; i < 300; i++) {
		(void)give(f);
		if (owner_of(linking.from) != 0)
			break;
	}
	linking.over = true;
	assert_int_equal(0, pthread_join(thread, NULL));
	assert_int_equal(0, owner_of(linking.from));
}

static void a_directory_of_another_owner_does_not_become_a_store(void **state)
{
	static const uint8_t machine[SHA256_LEN];
	struct fixture *f = *state;
	struct reason why = {""};

	f->store = store_close(f->store);
	directory_end(f->store_dir);
	assert_int_equal(0, mkdir(f->store_dir, 0700));
	assert_int_equal(0, chown(f->store_dir, SERVICE_UID + 1, 0));
	assert_refused(UNSAFE, files_setup(f->store_dir, &service, machine, &why));
	assert_says("owned by uid", why);
	assert_int_equal(SERVICE_UID + 1, owner_of(f->store_dir));
}

/* It was linked under another name, which it lost when the file was replaced. */
static void only_records_of_root_are_given(void **state)
{
	static char shadow[STATE_FILE_LEN] = "root:$y$j9T$:20000:0:99999:7:::\n";
	static const char *const others[] = {"users/shadow", "state/shadow", "invites/shadow",
					     "users/other"};
	struct fixture *f = *state;

	make_store_of_root(f);
	add_user(f->store, "alice", 1);
	for (size_t i = 0; i < COUNT(others); i++)
		write_file(in_store(f, others[i]), shadow, i == 3 ? 4 : sizeof(shadow), 0600);
	assert_true(give(f));
	for (size_t i = 0; i < COUNT(others); i++)
		assert_int_equal(0, owner_of(in_store(f, others[i])));
	assert_int_equal(SERVICE_UID, owner_of(in_store(f, "users/alice")));
}

static void an_interrupted_change_of_owner_prevents_no_login_and_can_continue(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	make_store_of_root(f);
	add_user(f->store, "alice", 1);
	assert_int_equal(0, chown(in_store(f, "users"), SERVICE_UID, SERVICE_UID));
	f->store = store_close(f->store);
	f->store = open_again(f);
	begin(f->store, "alice", &txn);
	assert_ok(store_commit(&txn, &txn.state, NULL));
	assert_true(give(f));
	assert_int_equal(SERVICE_UID, owner_of(in_store(f, "users/alice")));
	assert_int_equal(SERVICE_UID, owner_of(in_store(f, "state")));
}

static void a_file_that_root_does_not_own_is_not_given(void **state)
{
	struct fixture *f = *state;
	const char *outside = path_in(f->dir, "outside");

	make_store_of_root(f);
	write_file(outside, "x", 1, 0600);
	assert_int_equal(0, symlink(outside, in_store(f, "users/link")));
	assert_int_equal(0, link(outside, in_store(f, "users/hard")));
	assert_int_equal(0, mkfifo(in_store(f, "users/fifo"), 0600));
	assert_int_equal(0, mkdir(in_store(f, "users/directory"), 0700));
	write_file(in_store(f, "users/others"), "x", 1, 0600);
	assert_int_equal(0, chown(in_store(f, "users/others"), SERVICE_UID + 1, 0));
	assert_true(give(f));
	assert_int_equal(0, owner_of(outside));
	assert_int_equal(0, owner_of(in_store(f, "users/link")));
	assert_int_equal(0, owner_of(in_store(f, "users/fifo")));
	assert_int_equal(0, owner_of(in_store(f, "users/directory")));
	assert_int_equal(SERVICE_UID + 1, owner_of(in_store(f, "users/others")));
}

static void what_an_interrupted_giving_left_is_no_obstacle(void **state)
{
	struct fixture *f = *state;

	make_store_of_root(f);
	add_user(f->store, "alice", 1);
	write_file(in_store(f, "users/alice~give"), "half a cop", 10, 0600);
	assert_true(give(f));
	assert_int_equal(SERVICE_UID, owner_of(in_store(f, "users/alice")));
	assert_int_equal(-1, access(in_store(f, "users/alice~give"), F_OK));
}

static void a_record_that_cannot_be_given_is_reported_and_the_others_are_given(void **state)
{
	struct fixture *f = *state;
	struct reason why = {""};
	bool given = false;

	make_store_of_root(f);
	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	assert_int_equal(0, mkdir(in_store(f, "users/alice~give"), 0700));
	assert_refused(SYSTEM, files_give(f->store, &service, &given, &why));
	assert_says("users/alice: cannot change the owner", why);
	assert_true(given);
	assert_int_equal(0, owner_of(in_store(f, "users/alice")));
	assert_int_equal(SERVICE_UID, owner_of(in_store(f, "users/bob")));
}

static void note_first(void *context, const char *user)
{
	char *first = context;

	if (!first[0])
		strcpy(first, user);
}

static void of_records_that_cannot_be_given_the_first_is_reported(void **state)
{
	struct fixture *f = *state;
	struct reason why = {""};
	char first[CRED_USER_MAX + 1] = "", sentence[128];
	bool given = false;

	make_store_of_root(f);
	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	assert_int_equal(0, mkdir(in_store(f, "users/alice~give"), 0700));
	assert_int_equal(0, mkdir(in_store(f, "users/bob~give"), 0700));
	assert_ok(store_each(f->store, STORE_RECORD, note_first, first, NULL));
	assert_refused(SYSTEM, files_give(f->store, &service, &given, &why));
	snprintf(sentence, sizeof(sentence), "users/%s: cannot change the owner", first);
	assert_says(sentence, why);
}

static void a_store_that_is_being_changed_is_given_the_next_time(void **state)
{
	struct fixture *f = *state;
	struct reason why = {""};
	bool given = false;
	int fd;

	make_store_of_root(f);
	add_user(f->store, "alice", 1);
	fd = open(in_store(f, "users"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(0, flock(fd, LOCK_SH)); /* as a program that writes a record */
	assert_refused(TIMEOUT, files_give(f->store, &service, &given, &why));
	assert_says("users/alice: cannot change the owner: timed out", why);
	assert_int_equal(0, owner_of(in_store(f, "users/alice")));
	assert_int_equal(-1, access(in_store(f, "users/alice~give"), F_OK));
	close(fd);
	assert_true(give(f)); /* the directories are its own already */
	assert_int_equal(SERVICE_UID, owner_of(in_store(f, "users/alice")));
	assert_false(give(f));
}

static void a_record_without_a_state_is_given_alone(void **state)
{
	struct fixture *f = *state;

	make_store_of_root(f);
	add_user(f->store, "alice", 1);
	assert_int_equal(0, unlink(state_path(f, "alice", 1)));
	assert_int_equal(0, rmdir(in_store(f, "invites"))); /* as of an older version */
	assert_true(give(f));
	assert_int_equal(SERVICE_UID, owner_of(in_store(f, "users/alice")));
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

static void a_directory_of_another_owner_is_not_given(void **state)
{
	struct fixture *f = *state;
	struct reason why = {""};
	bool given = true;

	make_store_of_root(f);
	assert_int_equal(0, chown(in_store(f, "state"), SERVICE_UID + 1, 0));
	assert_refused(UNSAFE, files_give(f->store, &service, &given, &why));
	assert_says("state: owned by uid", why);
	/* nothing was closed that was not opened */
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

static void an_interrupted_setup_is_completed(void **state)
{
	static const uint8_t machine[SHA256_LEN] = {3};
	struct fixture *f = *state;

	remove_marker(f);
	remove_states(f);
	set_marker(f, ""); /* the temporary marker of a killed totpctl init */
	assert_int_equal(0, rename(in_store(f, "STORE"), in_store(f, "STORE~0123456789abcdef")));
	chmod(f->store_dir, 0700);
	assert_ok(files_setup(f->store_dir, &service, machine, NULL));
	f->store = store_close(f->store);
	f->config.machine = machine;
	f->store = open_again(f);
	assert_ok(store_check_place(f->store, 0, NULL));
	add_user(f->store, "alice", 1);
	assert_ok(read_error(f->store, "alice", NULL));
}

static void assert_mode(const char *path, mode_t mode, uid_t uid)
{
	struct stat st;

	assert_int_equal(0, lstat(path, &st));
	assert_int_equal(mode, st.st_mode & 07777);
	assert_int_equal(uid, st.st_uid);
	assert_int_equal(uid, st.st_gid);
}

static void setting_up_leaves_no_descriptor_open(void **state)
{
	struct fixture *f = *state;
	int first = dup(STDERR_FILENO), next;

	close(first);
	assert_int_equal(0, rename(f->store_dir, path_in(f->dir, "another")));
	assert_int_equal(0, mkdir(f->store_dir, 0755)); /* a directory that is there already */
	assert_ok(files_setup(f->store_dir, &service, (uint8_t[32]){0}, NULL));
	assert_refused(EXISTS, files_setup(f->store_dir, &service, (uint8_t[32]){0}, NULL));
	next = dup(STDERR_FILENO);
	close(next);
	assert_int_equal(first, next);
}

static void modes_and_owners_are_right_under_any_umask(void **state)
{
	static const mode_t masks[] = {0, 022, 0777};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(masks); i++) {
		mode_t was = umask(masks[i]);

		directory_end(f->store_dir);
		assert_ok(files_setup(f->store_dir, &service, (uint8_t[32]){0}, NULL));
		f->store = store_close(f->store);
		f->store = open_again(f);
		add_user(f->store, "alice", 1);
		umask(was);
		assert_mode(f->store_dir, 0755, 0);
		assert_mode(in_store(f, "STORE"), 0644, 0);
		assert_mode(in_store(f, "users"), 0700, SERVICE_UID);
		assert_mode(in_store(f, "state"), 0700, SERVICE_UID);
		assert_mode(in_store(f, "users/alice"), 0600, SERVICE_UID);
		assert_mode(state_path(f, "alice", 1), 0600, SERVICE_UID);
	}
}

static void no_descriptor_stays_open_after_an_exec(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	for (int fd = 3; fd < 64; fd++) {
		int flags = fcntl(fd, F_GETFD);
		char link[64], target[256] = "";

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (flags < 0 || readlink(link, target, sizeof(target) - 1) < 0)
			continue;
		if (strncmp(target, f->dir, strlen(f->dir)) == 0)
			assert_int_equal(FD_CLOEXEC, flags);
	}
}

/* ---- the keyring ---- */

static void lose_keyring(const struct fixture *f)
{
	unlink(f->keyring);
}

static void empty_keyring(const struct fixture *f)
{
	write_file(f->keyring, "", 0, 0600);
}

static void open_keyring_to_all(const struct fixture *f)
{
	chmod(f->keyring, 0644);
}

static void give_keyring_away(const struct fixture *f)
{
	assert_int_equal(0, chown(f->keyring, SERVICE_UID, 0));
}

static void make_keyring_a_fifo(const struct fixture *f)
{
	unlink(f->keyring);
	assert_int_equal(0, mkfifo(f->keyring, 0600));
}

static void make_new_keyring(const struct fixture *f)
{
	unlink(f->keyring);
	assert_ok(keyring_create(f->keyring, NOW, NULL));
}

/* The same id with another key: a copy with a typing error. */
static void change_key(const struct fixture *f)
{
	char text[256];
	size_t len = read_file(f->keyring, text, sizeof(text));

	text[12] = text[12] == 'A' ? 'B' : 'A';
	write_file(f->keyring, text, len, 0600);
}

static void an_unusable_keyring_is_an_error_and_never_proves_absence(void **state)
{
	static const struct {
		void (*damage)(const struct fixture *f);
		enum totp_err err;
		const char *words;
	} rows[] = {
		{lose_keyring, TOTP_ERR_SYSTEM, "restore it from your backup"},
		{empty_keyring, TOTP_ERR_FORMAT, "holds no key"},
		{open_keyring_to_all, TOTP_ERR_UNSAFE, "0644"},
		{give_keyring_away, TOTP_ERR_UNSAFE, "owned by uid 4711"},
		{make_keyring_a_fifo, TOTP_ERR_UNSAFE, "not a regular file"},
		{make_new_keyring, TOTP_ERR_SEAL, "does not hold: restore that line"},
		{change_key, TOTP_ERR_SEAL, "cannot be opened"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		OWN_STORE struct store *store = NULL;
		struct reason why = {""};
		bool has = false;

		fixture_end(state);
		fixture_begin(state);
		add_user(f->store, "alice", 1);
		rows[i].damage(f);
		store = open_again(f);
		napped = 0;
		assert_int_equal(rows[i].err, read_error(store, "alice", &why));
		assert_in_range(napped, 0, SOON);
		assert_says("users/alice", why);
		assert_says(rows[i].words, why);
		assert_ok(look_for(store, "alice", &has, NULL));
		assert_true(has);
		assert_refused(NOT_FOUND, read_error(store, "bob", NULL));
	}
}

static void without_a_keyring_nobody_can_be_enrolled_but_anybody_revoked(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *store = NULL;
	struct cred cred = cred_of("bob", 2);
	struct login_state fresh = state_of(&cred);
	bool has = true;

	add_user(f->store, "alice", 1);
	lose_keyring(f);
	store = open_again(f);
	assert_refused(SYSTEM, store_create(store, &cred, &fresh, deadline_in(2000), NULL));
	assert_ok(look_for(store, "bob", &has, NULL));
	assert_false(has);
	assert_ok(store_remove(store, "alice", deadline_in(1000), NULL));
	assert_entries(f, 0, 0);
}

static void the_first_key_encrypts_and_every_key_decrypts(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *rotated = NULL;
	OWN_STORE struct store *later = NULL;
	char text[512], old[256];
	uint8_t box[4096];
	size_t old_len;

	add_user(f->store, "alice", 1);
	old_len = read_file(f->keyring, old, sizeof(old));
	make_new_keyring(f);
	memcpy(text + read_file(f->keyring, text, sizeof(text) - old_len), old, old_len);
	write_file(f->keyring, text, 2 * old_len, 0600);

	rotated = open_again(f);
	assert_ok(read_error(rotated, "alice", NULL));
	add_user(rotated, "bob", 2);
	write_file(f->keyring, text, old_len, 0600); /* the old key is dropped */
	later = open_again(f);
	assert_ok(read_error(later, "bob", NULL));
	assert_refused(SEAL, read_error(later, "alice", NULL));
	assert_true(read_file(in_store(f, "users/bob"), box, sizeof(box)) > SEAL_OVERHEAD);
}

static void no_part_of_a_credential_can_be_read_from_the_disk(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 0x5a);
	uint8_t box[8192];
	size_t len = read_file(in_store(f, "users/alice"), box, sizeof(box));

	assert_null(memmem(box, len, cred.tokens[0].secret.data, 8));
	assert_null(memmem(box, len, cred.state_key, 8));
	assert_null(memmem(box, len, "phone", 5));
	len = read_file(state_path(f, "alice", 0x5a), box, sizeof(box));
	assert_null(memmem(box, len, cred.state_key, 8));
}

/* ---- a user's two files ---- */

/* Each kind of damage is done to the file at `path`, a record or a state of alice. */
static void make_fifo(const struct fixture *f, const char *path)
{
	unlink(path);
	assert_int_equal(0, mkfifo(path, 0600));
	assert_int_equal(0, chown(path, SERVICE_UID, 0));
}

static void make_socket(const struct fixture *f, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	OWN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static void make_folder(const struct fixture *f, const char *path)
{
	unlink(path);
	assert_int_equal(0, mkdir(path, 0700));
}

static void make_link(const struct fixture *f, const char *path)
{
	assert_int_equal(0, rename(path, path_in(f->dir, "moved")));
	assert_int_equal(0, symlink(path_in(f->dir, "moved"), path));
}

static void make_loop(const struct fixture *f, const char *path)
{
	unlink(path);
	assert_int_equal(0, symlink(path, path));
}

static void add_hard_link(const struct fixture *f, const char *path)
{
	assert_int_equal(0, link(path, path_in(f->dir, "second")));
}

static void open_to_all(const struct fixture *f, const char *path)
{
	chmod(path, 0666);
}

static void let_group_read(const struct fixture *f, const char *path)
{
	chmod(path, 0640);
}

static void give_away(const struct fixture *f, const char *path)
{
	assert_int_equal(0, chown(path, SERVICE_UID + 1, 0));
}

static void stretch(const struct fixture *f, const char *path)
{
	assert_int_equal(0, truncate(path, 1 << 20));
}

static void cut(const struct fixture *f, const char *path)
{
	struct stat st;

	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0, truncate(path, st.st_size - 1));
}

static void add_byte(const struct fixture *f, const char *path)
{
	struct stat st;

	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0, truncate(path, st.st_size + 1));
}

static void make_empty(const struct fixture *f, const char *path)
{
	assert_int_equal(0, truncate(path, 0));
}

static void flip_a_bit_at(const char *path, off_t offset)
{
	OWN_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte = 0;

	assert_int_equal(1, pread(fd, &byte, 1, offset));
	byte ^= 4;
	assert_int_equal(1, pwrite(fd, &byte, 1, offset));
}

static void flip_a_bit_of_magic(const struct fixture *f, const char *path)
{
	flip_a_bit_at(path, 0);
}

static void flip_a_bit_of_key_id(const struct fixture *f, const char *path)
{
	flip_a_bit_at(path, 7);
}

static void flip_a_bit_inside(const struct fixture *f, const char *path)
{
	flip_a_bit_at(path, 40);
}

static void zero(const struct fixture *f, const char *path)
{
	uint8_t zeros[STATE_FILE_LEN] = {0};
	OWN_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_ok(io_write(fd, zeros, sizeof(zeros)));
}

static void flip_a_bit_of_both_slots(const struct fixture *f, const char *path)
{
	flip_a_bit_at(path, 100);
	flip_a_bit_at(path, STATE_SLOT_LEN + 100);
}

static void swap_slots(const struct fixture *f, const char *path)
{
	uint8_t file[STATE_FILE_LEN];
	OWN_FD int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_int_equal(sizeof(file), pread(fd, file, sizeof(file), 0));
	assert_ok(io_pwrite(fd, file + STATE_SLOT_LEN, STATE_SLOT_LEN, 0));
	assert_ok(io_pwrite(fd, file, STATE_SLOT_LEN, STATE_SLOT_LEN));
}

static void put_record_of_bob(const struct fixture *f, const char *path)
{
	put_copy(in_store(f, "users/bob"), path);
}

static void put_state_of_bob(const struct fixture *f, const char *path)
{
	put_copy(state_path(f, "bob", 2), path);
}

static void just_remove(const struct fixture *f, const char *path)
{
	assert_int_equal(0, unlink(path));
}

struct damage {
	void (*do_to)(const struct fixture *f, const char *path);
	enum totp_err err;
	const char *words;
};

/* Alice is denied at once with a reason; bob's record works as before. */
static void try_damage(void **state, const struct damage *damage, bool to_state)
{
	struct fixture *f = *state;
	struct reason why = {""};

	fixture_end(state);
	fixture_begin(state);
	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	damage->do_to(f, to_state ? state_path(f, "alice", 1) : in_store(f, "users/alice"));

	napped = 0;
	assert_int_equal(damage->err, read_error(f->store, "alice", &why));
	assert_in_range(napped, 0, SOON);
	assert_says(damage->words, why);
	assert_ok(read_error(f->store, "bob", NULL));
}

static void an_unsafe_record_is_rejected_with_a_reason(void **state)
{
	static const struct damage rows[] = {
		{make_fifo, TOTP_ERR_UNSAFE, "users/alice: not a regular file"},
		{make_socket, TOTP_ERR_UNSAFE, "users/alice: not a regular file"},
		{make_folder, TOTP_ERR_UNSAFE, "users/alice: not a regular file"},
		{make_link, TOTP_ERR_UNSAFE, "users/alice: not a regular file"},
		{make_loop, TOTP_ERR_UNSAFE, "users/alice: not a regular file"},
		{add_hard_link, TOTP_ERR_UNSAFE, "users/alice: 2 hard links"},
		{open_to_all, TOTP_ERR_UNSAFE, "users/alice: mode 0666"},
		{let_group_read, TOTP_ERR_UNSAFE, "users/alice: mode 0640"},
		{give_away, TOTP_ERR_UNSAFE, "users/alice: owned by uid 4712"},
		{stretch, TOTP_ERR_UNSAFE, "users/alice: 1048576 bytes"},
		{cut, TOTP_ERR_SEAL, "users/alice: cannot be opened"},
		{add_byte, TOTP_ERR_SEAL, "users/alice: cannot be opened"},
		{make_empty, TOTP_ERR_FORMAT, "users/alice: not a sealed record"},
		{flip_a_bit_of_magic, TOTP_ERR_FORMAT, "users/alice: not a sealed record"},
		{flip_a_bit_of_key_id, TOTP_ERR_SEAL, "users/alice: sealed by key"},
		{flip_a_bit_inside, TOTP_ERR_SEAL, "users/alice: cannot be opened"},
		{put_record_of_bob, TOTP_ERR_SEAL, "users/alice: cannot be opened"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		bool has = false;

		try_damage(state, &rows[i], false);
		assert_ok(look_for(f->store, "alice", &has, NULL));
		assert_true(has);
	}
}

static void an_unsafe_state_is_rejected_with_a_reason(void **state)
{
	static const struct damage rows[] = {
		{just_remove, TOTP_ERR_SEAL, "missing: run totpctl repair"},
		{make_fifo, TOTP_ERR_UNSAFE, "state/alice"},
		{make_socket, TOTP_ERR_UNSAFE, "not a regular file"},
		{make_folder, TOTP_ERR_UNSAFE, "not a regular file"},
		{make_link, TOTP_ERR_UNSAFE, "not a regular file"},
		{make_loop, TOTP_ERR_UNSAFE, "not a regular file"},
		{add_hard_link, TOTP_ERR_UNSAFE, "2 hard links"},
		{open_to_all, TOTP_ERR_UNSAFE, "mode 0666"},
		{let_group_read, TOTP_ERR_UNSAFE, "mode 0640"},
		{give_away, TOTP_ERR_UNSAFE, "owned by uid 4712"},
		{stretch, TOTP_ERR_UNSAFE, "1048576 bytes"},
		{add_byte, TOTP_ERR_UNSAFE, "8193 bytes"},
		{cut, TOTP_ERR_SEAL, "damaged: run totpctl repair"},
		{make_empty, TOTP_ERR_SEAL, "damaged: run totpctl repair"},
		{zero, TOTP_ERR_SEAL, "damaged: run totpctl repair"},
		{flip_a_bit_of_both_slots, TOTP_ERR_SEAL, "damaged: run totpctl repair"},
		{swap_slots, TOTP_ERR_SEAL, "damaged: run totpctl repair"},
		{put_state_of_bob, TOTP_ERR_SEAL, "damaged: run totpctl repair"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;

		try_damage(state, &rows[i], true);
		assert_ok(store_read_cred(f->store, "alice", deadline_in(2000), &txn, NULL));
	}
}

static void whatever_was_damaged_a_user_can_be_removed(void **state)
{
	static const struct damage rows[] = {
		{make_fifo, TOTP_ERR_UNSAFE, ""},     {make_link, TOTP_ERR_UNSAFE, ""},
		{add_hard_link, TOTP_ERR_UNSAFE, ""}, {open_to_all, TOTP_ERR_UNSAFE, ""},
		{stretch, TOTP_ERR_UNSAFE, ""},       {make_empty, TOTP_ERR_NOT_FOUND, ""},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		struct damage row = rows[i / 2];
		bool to_state = i & 1;

		if (row.err == TOTP_ERR_NOT_FOUND)
			row.err = to_state ? TOTP_ERR_SEAL : TOTP_ERR_FORMAT;
		try_damage(state, &row, to_state);
		assert_ok(store_remove(f->store, "alice", deadline_in(1000), NULL));
		assert_refused(NOT_FOUND, read_error(f->store, "alice", NULL));
		assert_entries(f, 1, 1);
		assert_ok(read_error(f->store, "bob", NULL));
	}
}

static void removing_a_damaged_user_leaves_users_with_similar_names(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "a", 1);
	add_user(f->store, "a.b", 2);
	add_user(f->store, "ab", 3);
	make_empty(f, in_store(f, "users/a"));
	assert_ok(store_remove(f->store, "a", deadline_in(1000), NULL));
	assert_entries(f, 2, 2);
	assert_ok(read_error(f->store, "a.b", NULL));
	assert_ok(read_error(f->store, "ab", NULL));
}

static void a_lost_state_is_replaced_with_a_new_credential(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred second = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);

	add_user(f->store, "alice", 1);
	just_remove(f, state_path(f, "alice", 1));
	assert_ok(store_read_cred(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_ok(store_begin(&txn, deadline_in(1000), NULL));
	assert_ok(store_replace(&txn, &second, &fresh, NULL));
	assert_ok(read_error(f->store, "alice", NULL));
	assert_entries(f, 1, 1);
}

static void an_older_credential_put_back_has_no_state(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred second = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);
	struct reason why = {""};

	add_user(f->store, "alice", 1);
	put_copy(in_store(f, "users/alice"), path_in(f->dir, "backup"));
	begin(f->store, "alice", &txn);
	assert_ok(store_replace(&txn, &second, &fresh, NULL));
	assert_entries(f, 1, 1);
	put_copy(path_in(f->dir, "backup"), in_store(f, "users/alice"));
	assert_refused(SEAL, read_error(f->store, "alice", &why));
	assert_says("missing: run totpctl repair", why);
}

static void an_older_state_put_back_does_not_verify_with_a_new_credential(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred second = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);

	add_user(f->store, "alice", 1);
	put_copy(state_path(f, "alice", 1), path_in(f->dir, "backup"));
	begin(f->store, "alice", &txn);
	assert_ok(store_replace(&txn, &second, &fresh, NULL));
	put_copy(path_in(f->dir, "backup"), state_path(f, "alice", 2));
	assert_refused(SEAL, read_error(f->store, "alice", NULL));
}

static void a_file_replaced_by_hand_between_read_and_lock_is_stale(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	put_copy(state_path(f, "alice", 1), path_in(f->dir, "copy"));
	assert_int_equal(0, rename(path_in(f->dir, "copy"), state_path(f, "alice", 1)));
	assert_refused(STALE, store_begin(&txn, deadline_in(1000), NULL));
	store_end(&txn);

	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
	assert_int_equal(0, unlink(in_store(f, "users/alice"))); /* revoked with rm */
	assert_refused(STALE, store_begin(&txn, deadline_in(1000), NULL));
}

static void a_box_of_one_user_that_holds_another_user_is_rejected(void **state)
{
	struct fixture *f = *state;
	OWN_KEYRING struct keyring keyring = {0};
	struct cred alice = add_user(f->store, "alice", 1);
	uint8_t plain[CRED_BYTES_MAX], box[CRED_BYTES_MAX + SEAL_OVERHEAD];
	size_t len = 0;

	assert_ok(keyring_load(f->keyring, &keyring, NULL));
	assert_ok(cred_encode(&alice, plain, &len));
	assert_ok(seal_close(&keyring.keys[0], "bob", plain, len, box));
	write_file(in_store(f, "users/bob"), box, len + SEAL_OVERHEAD, 0600);
	assert_refused(SEAL, read_error(f->store, "bob", NULL));
	assert_ok(read_error(f->store, "alice", NULL));
}

/* ---- writes that are cut short ---- */

static void commits_write_the_slots_in_turn(void **state)
{
	struct fixture *f = *state;
	static uint8_t before[STATE_FILE_LEN], after[STATE_FILE_LEN];

	add_user(f->store, "alice", 1);
	for (unsigned i = 0; i < 4; i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;
		size_t slot = i & 1; /* the first commit has sequence 2 */

		read_file(state_path(f, "alice", 1), before, sizeof(before));
		begin(f->store, "alice", &txn);
		txn.state.failures = i + 1;
		assert_ok(store_commit(&txn, &txn.state, NULL));
		read_file(state_path(f, "alice", 1), after, sizeof(after));
		assert_true(memcmp(before + slot * STATE_SLOT_LEN, after + slot * STATE_SLOT_LEN,
				   STATE_SLOT_LEN) != 0);
		slot ^= 1;
		assert_memory_equal(before + slot * STATE_SLOT_LEN, after + slot * STATE_SLOT_LEN,
				    STATE_SLOT_LEN);
	}
}

static void one_damaged_slot_is_tolerated_and_reported_until_the_next_commit(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	for (unsigned i = 0; i < 4; i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;

		flip_a_bit_at(state_path(f, "alice", 1), (off_t)(i & 1) * STATE_SLOT_LEN + 60);
		begin(f->store, "alice", &txn);
		assert_true(txn.torn);
		/* either the state before or the state after the lost write, never a mixture */
		assert_in_range(txn.state.failures, i ? i - 1 : 0, i);
		txn.state.failures = i + 1;
		assert_ok(store_commit(&txn, &txn.state, NULL));
		assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, NULL));
		assert_int_equal(i + 1, txn.state.failures);
		assert_false(txn.torn);
	}
}

static void a_commit_that_fails_on_the_disk_leaves_the_state_unchanged(void **state)
{
	/* nothing at all; half of the second slot; all but its last byte */
	static const rlim_t limits[] = {0, STATE_SLOT_LEN + 2000, STATE_FILE_LEN - 1};
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	for (size_t i = 0; i < COUNT(limits); i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;
		struct reason why = {""};

		/* so that the next slot is the second one */
		begin(f->store, "alice", &txn);
		if (!(txn.state.sequence & 1)) {
			txn.state.failures = 0;
		} else {
			assert_ok(store_commit(&txn, &txn.state, NULL));
			begin(f->store, "alice", &txn);
		}
		txn.state.failures = 99;
		limit_files(limits[i]);
		assert_refused(SYSTEM, store_commit(&txn, &txn.state, &why));
		limit_files(RLIM_INFINITY);
		assert_says("cannot write", why);

		begin(f->store, "alice", &txn);
		assert_false(txn.torn);
		assert_int_equal(0, txn.state.failures);
		txn.state.failures = 0;
		assert_ok(store_commit(&txn, &txn.state, NULL));
	}
}

static void a_failed_sync_denies_and_is_not_tried_again(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	syncs = 0;
	syncs_fail = 1;
	assert_refused(SYSTEM, store_commit(&txn, &txn.state, &why));
	syncs_fail = 0;
	assert_int_equal(1, syncs);
	assert_says("cannot write", why);
	begin(f->store, "alice", &txn); /* the lock is gone */
	assert_ok(store_commit(&txn, &txn.state, NULL));
	assert_int_equal(2, syncs);
}

static void a_replacement_that_fails_on_the_disk_keeps_the_old_record(void **state)
{
	/* no state; half a state */
	static const rlim_t limits[] = {0, 5000};
	struct fixture *f = *state;
	static uint8_t before[4096], after[4096];
	size_t len;

	add_user(f->store, "alice", 1);
	len = read_file(in_store(f, "users/alice"), before, sizeof(before));
	for (size_t i = 0; i < COUNT(limits); i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;
		struct cred second = cred_of("alice", 2);
		struct login_state fresh = state_of(&second);
		struct reason why = {""};

		begin(f->store, "alice", &txn);
		limit_files(limits[i]);
		assert_refused(SYSTEM, store_replace(&txn, &second, &fresh, &why));
		limit_files(RLIM_INFINITY);
		assert_says("users/alice: cannot write", why);
		assert_entries(f, 1, 1);
		assert_int_equal(len, read_file(in_store(f, "users/alice"), after, sizeof(after)));
		assert_memory_equal(before, after, len);
		begin(f->store, "alice", &txn);
		assert_ok(store_commit(&txn, &txn.state, NULL));
	}
}

static void a_creation_that_fails_on_the_disk_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of("alice", 1);
	struct login_state fresh = state_of(&cred);

	limit_files(0);
	assert_refused(SYSTEM, store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	limit_files(RLIM_INFINITY);
	assert_entries(f, 0, 0);
	assert_ok(store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	assert_entries(f, 1, 1);
}

static enum totp_err next_user(void *context, size_t index, struct cred *ret_cred,
			       struct login_state *unused_state)
{
	char user[32];

	snprintf(user, sizeof(user), "u%zu", index);
	*ret_cred = cred_of(user, (uint8_t)(index + 1));
	if (index == 5 && context)
		limit_files(0);
	return TOTP_OK;
}

static void a_bulk_creation_that_fails_on_the_disk_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct reason why = {""};
	int yes = 1;

	assert_refused(SYSTEM, create_all(f->store, 10, next_user, &yes, &why));
	limit_files(RLIM_INFINITY);
	assert_says("u5", why);
	assert_entries(f, 0, 0);
	assert_ok(create_all(f->store, 10, next_user, NULL, NULL));
	assert_entries(f, 10, 10);
}

static void creating_an_existing_user_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct cred second = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);

	add_user(f->store, "alice", 1);
	assert_refused(EXISTS, store_create(f->store, &second, &fresh, deadline_in(2000), NULL));
	assert_entries(f, 1, 1);
}

static void leftovers_of_a_killed_writer_affect_nobody(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred second = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);
	bool has = true;

	write_file(in_store(f, "users/alice~0123456789abcdef"), "half", 4, 0600);
	write_file(state_path(f, "alice", 77), "half", 4, 0600);
	assert_ok(look_for(f->store, "alice", &has, NULL));
	assert_false(has);
	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	assert_ok(store_commit(&txn, &txn.state, NULL));
	begin(f->store, "alice", &txn);
	assert_ok(store_replace(&txn, &second, &fresh, NULL));
	add_user(f->store, "bob", 3);
	assert_ok(read_error(f->store, "alice", NULL));
	assert_ok(store_remove(f->store, "alice", deadline_in(1000), NULL));
	assert_refused(NOT_FOUND, read_error(f->store, "alice", NULL));
}

static void replace_and_remove_unlink_the_old_state(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred second = cred_of("alice", 2);
	struct login_state fresh = state_of(&second);

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	assert_ok(store_replace(&txn, &second, &fresh, NULL));
	assert_entries(f, 1, 1);
	assert_int_equal(0, access(state_path(f, "alice", 2), F_OK));
	assert_ok(store_remove(f->store, "alice", deadline_in(1000), NULL));
	assert_entries(f, 0, 0);
}

/* ---- others at the same time ---- */

static void the_lock_survives_processes_that_open_and_close_the_file(void **state)
{
	struct fixture *f = *state;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_TXN struct store_txn other = STORE_TXN_NONE;

	add_user(f->store, "alice", 1);
	begin(f->store, "alice", &txn);
	close(open(state_path(f, "alice", 1), O_RDWR | O_CLOEXEC)); /* would release a POSIX lock */
	assert_ok(store_read(f->store, "alice", deadline_in(2000), &other, NULL));
	assert_refused(TIMEOUT, store_begin(&other, deadline_in(20), NULL));
}

static enum totp_err replace_alice(struct store *store)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred = cred_of("alice", 200);
	struct login_state fresh = state_of(&cred);
	enum totp_err err;

	assert_ok(store_read_cred(store, "alice", deadline_in(2000), &txn, NULL));
	err = store_begin(&txn, deadline_in(10), NULL);
	return err == TOTP_OK ? store_replace(&txn, &cred, &fresh, NULL) : err;
}

static enum totp_err remove_alice(struct store *store)
{
	return store_remove(store, "alice", deadline_in(10), NULL);
}

/*
 * What a login gets if another process changes its record at point `at`. If the record changes
 * before the lock is taken, the login gets "stale", or "absent" if `absent` is a correct answer;
 * after that the change has to wait. *ret_came: did the login reach that point?
 */
static void login_with_change_at(struct fixture *f, change_fn *change, unsigned at, bool absent,
				 bool *ret_came)
{
	OWN_STORE struct store *other = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	enum totp_err err;

	point_store = other;
	point_change = change;
	point_countdown = at;
	err = store_read(f->store, "alice", deadline_in(2000), &txn, &why);
	if (err == TOTP_OK)
		err = store_begin(&txn, deadline_in(1000), &why);
	*ret_came = !point_change;
	point_change = NULL;

	if (err != TOTP_OK && err != TOTP_ERR_STALE && !(absent && err == TOTP_ERR_NOT_FOUND))
		fail_msg("point %u: %s: %s", at, err_name(err), why.text);
	if (!*ret_came || point_err == TOTP_ERR_TIMEOUT)
		assert_ok(err);
	else
		assert_ok(point_err);
	if (err == TOTP_OK && *ret_came && point_err == TOTP_OK)
		assert_int_equal(200, txn.cred.id[0]); /* changed before the login looked at it */
}

static void try_change_at_every_point(struct fixture *f, change_fn *change, bool absent)
{
	unsigned waited = 0;
	bool came = true;

	for (unsigned at = 1; came; at++) {
		bool has = false;

		add_user(f->store, "alice", 1);
		login_with_change_at(f, change, at, absent, &came);
		waited += came && point_err == TOTP_ERR_TIMEOUT;
		assert_true(came || at > 5);
		assert_ok(look_for(f->store, "alice", &has, NULL));
		if (has)
			assert_ok(store_remove(f->store, "alice", deadline_in(1000), NULL));
	}
	/* a replacement waits for the login, a removal only for a limited time */
	assert_int_equal(!absent, waited > 0);
}

static void a_record_replaced_at_any_point_is_found_or_stale(void **state)
{
	try_change_at_every_point(*state, replace_alice, false);
}

static void a_record_removed_at_any_point_is_found_stale_or_absent(void **state)
{
	try_change_at_every_point(*state, remove_alice, true);
}

/* --- the files that are there --- */

struct named {
	char names[8][300];
	size_t count;
};

static void note_name(void *context, const char *name)
{
	struct named *named = context;

	assert_in_range(named->count, 0, COUNT(named->names) - 1);
	snprintf(named->names[named->count++], sizeof(named->names[0]), "%s", name);
}

static bool was_named(const struct named *named, const char *name)
{
	for (size_t i = 0; i < named->count; i++)
		if (strcmp(named->names[i], name) == 0)
			return true;
	return false;
}

static void every_user_with_a_record_is_listed_damaged_or_not(void **state)
{
	struct fixture *f = *state;
	struct named named = {.count = 0};

	assert_ok(store_each(f->store, STORE_RECORD, note_name, &named, NULL));
	assert_int_equal(0, named.count);
	add_user(f->store, "alice", 1);
	add_user(f->store, "Bob@corp", 2);
	write_file(in_store(f, "users/damaged"), "x", 1, 0600);
	write_file(in_store(f, "users/alice~0123456789abcdef"), "x", 1, 0600);
	write_file(in_store(f, "users/%61lice"), "x", 1, 0600); /* not the encoding of alice */
	write_file(in_store(f, "users/%zz"), "x", 1, 0600);
	write_file(in_store(f, "users/%4"), "x", 1, 0600);
	assert_ok(store_each(f->store, STORE_RECORD, note_name, &named, NULL));
	assert_int_equal(3, named.count);
	assert_true(was_named(&named, "alice") && was_named(&named, "Bob@corp"));
	assert_true(was_named(&named, "damaged"));
}

static void the_longest_names_are_listed(void **state)
{
	struct fixture *f = *state;
	struct named named = {.count = 0};
	char user[CRED_USER_MAX + 1] = {0}, path[CRED_USER_MAX + 64];

	memset(user, 'u', CRED_USER_MAX);
	add_user(f->store, user, 1);
	assert_ok(store_each(f->store, STORE_RECORD, note_name, &named, NULL));
	assert_int_equal(1, named.count);
	assert_true(was_named(&named, user));
	user[0] = 'v';
	snprintf(path, sizeof(path), "state/%s.00112233445566778899aabbccddeeff", user);
	write_file(in_store(f, path), "x", 1, 0600);
	named.count = 0;
	assert_ok(files_each_stray(f->store, note_name, &named, NULL));
	assert_int_equal(1, named.count);
	assert_true(was_named(&named, path));
}

static void note_row(void *context, const struct store_row *row)
{
	note_name(context, row->user);
}

static void records_are_read_in_the_order_of_their_users(void **state)
{
	static const char *const users[] = {"f", "b", "h", "d", "a", "g", "c", "e"};
	struct fixture *f = *state;
	struct named named = {.count = 0};

	for (size_t i = 0; i < COUNT(users); i++)
		add_user(f->store, users[i], (uint8_t)(i + 1));
	assert_ok(store_each_credential(f->store, note_row, &named, NULL));
	assert_int_equal(COUNT(users), named.count);
	for (size_t i = 0; i < COUNT(users); i++)
		assert_int_equal('a' + i, named.names[i][0]);
}

static void only_files_that_belong_to_no_record_are_listed(void **state)
{
	struct fixture *f = *state;
	struct named named = {.count = 0};

	add_user(f->store, "alice", 1);
	add_user(f->store, "bob", 2);
	assert_ok(files_each_stray(f->store, note_name, &named, NULL));
	assert_int_equal(0, named.count);
	write_file(in_store(f, "users/alice~0123456789abcdef"), "x", 1, 0600);
	write_file(in_store(f, "state/alice~0123456789abcdef"), "x", 1, 0600);
	write_file(in_store(f, "state/alice.00112233445566778899aabbccddeeff"), "x", 1, 0600);
	write_file(in_store(f, "state/gone.00112233445566778899aabbccddeeff"), "x", 1, 0600);
	write_file(in_store(f, "users/bob"), "x", 1, 0600); /* its state may be needed */
	assert_ok(files_each_stray(f->store, note_name, &named, NULL));
	assert_int_equal(4, named.count);
	assert_true(was_named(&named, "users/alice~0123456789abcdef"));
	assert_true(was_named(&named, "state/alice~0123456789abcdef"));
	assert_true(was_named(&named, "state/alice.00112233445566778899aabbccddeeff"));
	assert_true(was_named(&named, "state/gone.00112233445566778899aabbccddeeff"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(an_incomplete_store_is_rejected_with_a_reason),
		STORE_TEST(a_store_that_only_root_uses_needs_no_account),
		STORE_TEST(a_store_of_root_is_given_to_an_account_created_later),
		STORE_TEST(the_account_gets_a_copy_and_never_the_file_that_was_found),
		STORE_TEST(a_link_that_comes_and_goes_meanwhile_exposes_nothing),
		STORE_TEST(a_directory_of_another_owner_does_not_become_a_store),
		STORE_TEST(only_records_of_root_are_given),
		STORE_TEST(an_interrupted_change_of_owner_prevents_no_login_and_can_continue),
		STORE_TEST(a_file_that_root_does_not_own_is_not_given),
		STORE_TEST(what_an_interrupted_giving_left_is_no_obstacle),
		STORE_TEST(a_record_that_cannot_be_given_is_reported_and_the_others_are_given),
		STORE_TEST(of_records_that_cannot_be_given_the_first_is_reported),
		STORE_TEST(a_store_that_is_being_changed_is_given_the_next_time),
		STORE_TEST(a_record_without_a_state_is_given_alone),
		STORE_TEST(a_directory_of_another_owner_is_not_given),
		STORE_TEST(an_interrupted_setup_is_completed),
		STORE_TEST(setting_up_leaves_no_descriptor_open),
		STORE_TEST(modes_and_owners_are_right_under_any_umask),
		STORE_TEST(no_descriptor_stays_open_after_an_exec),
		STORE_TEST(an_unusable_keyring_is_an_error_and_never_proves_absence),
		STORE_TEST(without_a_keyring_nobody_can_be_enrolled_but_anybody_revoked),
		STORE_TEST(the_first_key_encrypts_and_every_key_decrypts),
		STORE_TEST(no_part_of_a_credential_can_be_read_from_the_disk),
		STORE_TEST(an_unsafe_record_is_rejected_with_a_reason),
		STORE_TEST(an_unsafe_state_is_rejected_with_a_reason),
		STORE_TEST(whatever_was_damaged_a_user_can_be_removed),
		STORE_TEST(removing_a_damaged_user_leaves_users_with_similar_names),
		STORE_TEST(a_lost_state_is_replaced_with_a_new_credential),
		STORE_TEST(an_older_credential_put_back_has_no_state),
		STORE_TEST(an_older_state_put_back_does_not_verify_with_a_new_credential),
		STORE_TEST(a_file_replaced_by_hand_between_read_and_lock_is_stale),
		STORE_TEST(a_box_of_one_user_that_holds_another_user_is_rejected),
		STORE_TEST(commits_write_the_slots_in_turn),
		STORE_TEST(one_damaged_slot_is_tolerated_and_reported_until_the_next_commit),
		STORE_TEST(a_commit_that_fails_on_the_disk_leaves_the_state_unchanged),
		STORE_TEST(a_failed_sync_denies_and_is_not_tried_again),
		STORE_TEST(a_replacement_that_fails_on_the_disk_keeps_the_old_record),
		STORE_TEST(a_creation_that_fails_on_the_disk_leaves_nothing),
		STORE_TEST(a_bulk_creation_that_fails_on_the_disk_leaves_nothing),
		STORE_TEST(creating_an_existing_user_leaves_nothing_behind),
		STORE_TEST(leftovers_of_a_killed_writer_affect_nobody),
		STORE_TEST(replace_and_remove_unlink_the_old_state),
		STORE_TEST(the_lock_survives_processes_that_open_and_close_the_file),
		STORE_TEST(a_record_replaced_at_any_point_is_found_or_stale),
		STORE_TEST(a_record_removed_at_any_point_is_found_stale_or_absent),
		STORE_TEST(every_user_with_a_record_is_listed_damaged_or_not),
		STORE_TEST(the_longest_names_are_listed),
		STORE_TEST(records_are_read_in_the_order_of_their_users),
		STORE_TEST(only_files_that_belong_to_no_record_are_listed),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
