/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each call by which a store reaches the kernel, memory or random bytes fails in turn: once, and
 * with all after it. Afterwards the old or the new record is stored, a login was allowed only if
 * its code is used up, no descriptor stays open, and the next try succeeds. The linker leads the
 * calls of the program here (--wrap), and not those of libc.
 */
#include "bulk.h"
#include "store_fixture.h"

#include <dirent.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/vfs.h>

#include "import/pwseal.h"
#include "login/attempt.h"
#include "login/change.h"
#include "login/enroll.h"
#include "otp/hotp.h"
#include "record/recovery.h"

#define STEP (NOW / 30)
#define MANY 17 /* more than are synced one by one */
#define EVER UINT_MAX

/* --- the calls that fail --- */

static struct {
	bool counts;
	unsigned count, first, last; /* of the calls; from 1 */
	int error;                   /* what the kernel says */
	char failed[24];             /* the last one that failed */
} plan;

static bool fails(const char *name, int error)
{
	if (!plan.counts || ++plan.count < plan.first || plan.count > plan.last)
		return false;
	snprintf(plan.failed, sizeof(plan.failed), "%s", name);
	errno = error;
	return true;
}

#define WRAP(type, name, given, passed, error, result) \
	type __real_##name given; \
	type __wrap_##name given; \
	type __wrap_##name given \
	{ \
		return fails(#name, error) ? (result) : __real_##name passed; \
	}

#define WRAP_CALL(type, name, given, passed) WRAP(type, name, given, passed, plan.error, -1)

/* What is written need not wait for the disk here. */
#define WRAP_SYNC(name) \
	int __wrap_##name(int fd); \
	int __wrap_##name(int fd) \
	{ \
		(void)fd; \
		return fails(#name, plan.error) ? -1 : 0; \
	}

/* With 64-bit offsets the calls have other names. */
#define WRAP_BOTH(type, name, given, passed) \
	WRAP_CALL(type, name, given, passed) \
	WRAP_CALL(type, name##64, given, passed)

WRAP_SYNC(fsync)
WRAP_SYNC(fdatasync)
WRAP_SYNC(syncfs)
WRAP(void *, malloc, (size_t len), (len), ENOMEM, NULL)
WRAP(void *, calloc, (size_t count, size_t len), (count, len), ENOMEM, NULL)
WRAP(void *, reallocarray, (void *old, size_t count, size_t len), (old, count, len), ENOMEM, NULL)
WRAP(char *, strdup, (const char *text), (text), ENOMEM, NULL)
WRAP(DIR *, fdopendir, (int fd), (fd), ENOMEM, NULL)
WRAP(char *, realpath, (const char *path, char *to), (path, to), plan.error, NULL)
WRAP(struct dirent *, readdir64, (DIR * dir), (dir), plan.error, NULL)
WRAP_CALL(ssize_t, getrandom, (void *to, size_t len, unsigned flags), (to, len, flags))
WRAP_CALL(int, renameat, (int fd, const char *from, int to_fd, const char *to),
	  (fd, from, to_fd, to))
WRAP_CALL(int, renameat2, (int fd, const char *from, int to_fd, const char *to, unsigned flags),
	  (fd, from, to_fd, to, flags))
WRAP_CALL(int, linkat, (int fd, const char *from, int to_fd, const char *to, int flags),
	  (fd, from, to_fd, to, flags))
WRAP_CALL(int, unlinkat, (int fd, const char *name, int flags), (fd, name, flags))
WRAP_CALL(int, mkdirat, (int fd, const char *name, mode_t mode), (fd, name, mode))
WRAP_CALL(int, mkdir, (const char *name, mode_t mode), (name, mode))
WRAP_CALL(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAP_CALL(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP_CALL(int, flock, (int fd, int how), (fd, how))
WRAP_CALL(ssize_t, read, (int fd, void *to, size_t len), (fd, to, len))
WRAP_CALL(ssize_t, write, (int fd, const void *from, size_t len), (fd, from, len))
WRAP_BOTH(int, fstat, (int fd, void *st), (fd, st))
WRAP_BOTH(int, fstatfs, (int fd, void *st), (fd, st))
WRAP_BOTH(int, fstatat, (int fd, const char *name, void *st, int flags), (fd, name, st, flags))
WRAP_BOTH(ssize_t, pread, (int fd, void *to, size_t len, off_t at), (fd, to, len, at))
WRAP_BOTH(ssize_t, pwrite, (int fd, const void *from, size_t len, off_t at), (fd, from, len, at))
#ifdef __GLIBC__ /* the names by which it looks at what it is passed */
WRAP_CALL(int, __open_2, (const char *name, int flags), (name, flags))
WRAP_CALL(int, __open64_2, (const char *name, int flags), (name, flags))
WRAP_CALL(int, __openat_2, (int fd, const char *name, int flags), (fd, name, flags))
WRAP_CALL(int, __openat64_2, (int fd, const char *name, int flags), (fd, name, flags))
WRAP_CALL(ssize_t, __read_chk, (int fd, void *to, size_t len, size_t room), (fd, to, len, room))
WRAP_CALL(ssize_t, __pread_chk, (int fd, void *to, size_t len, off_t at, size_t room),
	  (fd, to, len, at, room))
WRAP_CALL(ssize_t, __pread64_chk, (int fd, void *to, size_t len, off_t at, size_t room),
	  (fd, to, len, at, room))
WRAP(char *, __realpath_chk, (const char *path, char *to, size_t room), (path, to, room),
     plan.error, NULL)
#endif
#if defined(__TIMESIZE) && __TIMESIZE == 32 /* its names with 64-bit time */
WRAP_CALL(int, __fstat64_time64, (int fd, void *st), (fd, st))
WRAP_CALL(int, __fstatat64_time64, (int fd, const char *name, void *st, int flags),
	  (fd, name, st, flags))
#endif

/* The last argument is of this type, if there is one. */
#define WRAP_MORE(name, given, passed, before, more) \
	int __real_##name given; \
	int __wrap_##name given; \
	int __wrap_##name given \
	{ \
		va_list args; \
		more last; \
\
		va_start(args, before); \
		last = va_arg(args, more); \
		va_end(args); \
		return fails(#name, plan.error) ? -1 : __real_##name passed; \
	}
#define WRAP_MORE_BOTH(name, given, passed, before, more) \
	WRAP_MORE(name, given, passed, before, more) \
	WRAP_MORE(name##64, given, passed, before, more)

WRAP_MORE_BOTH(open, (const char *name, int flags, ...), (name, flags, last), flags, mode_t)
WRAP_MORE_BOTH(openat, (int fd, const char *name, int flags, ...), (fd, name, flags, last), flags,
	       mode_t)
WRAP_MORE_BOTH(fcntl, (int fd, int command, ...), (fd, command, last), command, void *)
#if defined(__TIMESIZE) && __TIMESIZE == 32
WRAP_MORE(__fcntl_time64, (int fd, int command, ...), (fd, command, last), command, void *)
#endif

/* --- one sweep --- */

typedef enum totp_err try_fn(struct fixture *f, struct reason *why);

struct flow {
	void (*prepare)(struct fixture *f);
	try_fn *operate;
	/* Look at what an operation with this result has left. */
	void (*check)(struct fixture *f, enum totp_err err);
	enum totp_err again; /* what the operation gives that was done already, besides TOTP_OK */
	unsigned least;      /* calls */
	bool is_long;        /* one error of the kernel is enough */
};

static size_t count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Run it with these calls failing; false: there are fewer calls. */
static bool run_at(const struct flow *flow, unsigned first, unsigned last, int error)
{
	void *state = NULL;
	struct fixture *f;
	struct reason why = {""};
	enum totp_err err;
	size_t before;

	assert_int_equal(0, fixture_begin(&state));
	f = state;
	if (flow->prepare)
		flow->prepare(f);
	before = count_open();
	plan.failed[0] = '\0';
	plan.first = first;
	plan.last = last;
	plan.error = error;
	plan.count = 0;
	plan.counts = true;
	err = flow->operate(f, &why);
	plan.counts = false;
	if (count_open() != before)
		fail_msg("%s, call %u: a descriptor stays open", plan.failed, first);
	if (plan.count < first && err != TOTP_OK)
		fail_msg("without a fault: %s: %s", err_name(err), why.text);
	if (err == TOTP_ERR_SYSTEM && !why.text[0])
		fail_msg("%s, call %u: no reason", plan.failed, first);
	flow->check(f, err);
	if (plan.count >= first) {
		why.text[0] = '\0';
		err = flow->operate(f, &why);
		if (err != TOTP_OK && err != flow->again)
			fail_msg("after %s, call %u: %s: %s", plan.failed, first, err_name(err),
				 why.text);
	}
	fixture_end(&state);
	return plan.count >= first;
}

static void sweep(const struct flow *flow)
{
	static const int errors[] = {EIO, EROFS, ENOSPC, EINTR};
	unsigned points = 0;

	for (size_t i = 0; i < COUNT(errors); i++) {
		unsigned count = 0;

		while (run_at(flow, count + 1, count + 1, errors[i]))
			count++;
		assert_true(count >= flow->least);
		points += count;
		for (unsigned n = 1; errors[i] == EIO && n <= count; n++, points++)
			(void)run_at(flow, n, EVER, EIO);
		if (flow->is_long)
			break;
	}
	print_message("%u points\n", points);
}

/* --- a store --- */

static void check_nothing(struct fixture *f, enum totp_err err)
{
	(void)f;
	(void)err;
}

static void with_alice(struct fixture *f)
{
	add_user(f->store, "alice", 1);
}

/* Alice's record can be read; returns its credential's first byte, and the state. */
static uint8_t look_at_alice(struct fixture *f, struct login_state *ret_state)
{
	OWN_STORE struct store *store = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};

	if (store_read(store, "alice", deadline_in(2000), &txn, &why) != TOTP_OK)
		fail_msg("%s: %s", plan.failed, why.text);
	if (ret_state)
		*ret_state = txn.state;
	return txn.cred.tokens[0].secret.data[0];
}

static void check_old_or_new(struct fixture *f, enum totp_err err)
{
	uint8_t old = cred_of("alice", 1).tokens[0].secret.data[0];
	uint8_t new = cred_of("alice", 2).tokens[0].secret.data[0];
	uint8_t seen = look_at_alice(f, NULL);

	assert_true(seen == old || seen == new);
	if (err == TOTP_OK)
		assert_int_equal(new, seen);
}

static enum totp_err set_up(struct fixture *f, struct reason *why)
{
	static const uint8_t machine[SHA256_LEN] = {7};
	enum totp_err err = files_setup(path_in(f->dir, "another"), &service, machine, why);

	if (err == TOTP_OK || err == TOTP_ERR_EXISTS)
		err = keyring_create(path_in(f->dir, "another-keyring"), NOW, why);
	return err;
}

static void a_store_is_set_up_whatever_fails(void **unused)
{
	sweep(&(struct flow){NULL, set_up, check_nothing, TOTP_ERR_EXISTS, 40, false});
}

static enum totp_err look_around(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	char path[FILES_PATH_MAX];
	uint8_t id[CRED_ID_LEN];
	enum totp_err err = files_identify(f->store_dir, id, why);

	if (err == TOTP_OK)
		err = files_open(&f->config, &store, why);
	return err == TOTP_OK ? files_state_path(store, "alice", path) : err;
}

static enum totp_err look_around_with_reason(struct fixture *f, struct reason *why)
{
	enum totp_err err = look_around(f, why);

	if (err != TOTP_OK && !why->text[0])
		reason_set(why, "the state has no path");
	return err;
}

static void a_store_is_opened_or_the_reason_is_told(void **unused)
{
	sweep(&(struct flow){with_alice, look_around_with_reason, check_nothing, TOTP_OK, 10,
			     false});
}

static enum totp_err create_alice(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	struct cred cred = cred_of("alice", 2);
	struct login_state state = state_of(&cred);
	enum totp_err err = files_open(&f->config, &store, why);

	return err == TOTP_OK ? store_create(store, &cred, &state, deadline_in(2000), why) : err;
}

static void check_created(struct fixture *f, enum totp_err err)
{
	OWN_STORE struct store *store = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err seen = store_read(store, "alice", deadline_in(2000), &txn, NULL);

	if (err == TOTP_OK)
		assert_ok(seen);
	else if (seen != TOTP_OK)
		assert_refused(NOT_FOUND, seen);
}

static void a_record_is_created_whole_or_not_at_all(void **unused)
{
	sweep(&(struct flow){NULL, create_alice, check_created, TOTP_ERR_EXISTS, 30, false});
}

static enum totp_err replace_alice(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred cred = cred_of("alice", 2);
	struct enroll_change change = {.cred = &cred};
	enum totp_err err = files_open(&f->config, &store, why);

	if (err == TOTP_OK)
		err = store_read(store, "alice", deadline_in(2000), &txn, why);
	if (err == TOTP_OK)
		err = store_begin(&txn, deadline_in(2000), why);
	return err == TOTP_OK ? enroll_commit(&txn, &change, why) : err;
}

static void a_record_is_replaced_whole_or_not_at_all(void **unused)
{
	sweep(&(struct flow){with_alice, replace_alice, check_old_or_new, TOTP_OK, 30, false});
}

static enum totp_err remove_alice(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	enum totp_err err = files_open(&f->config, &store, why);

	return err == TOTP_OK ? store_remove(store, "alice", deadline_in(2000), why) : err;
}

static void invite_bob(struct fixture *f)
{
	const struct invite invite = {
		.user = "bob", .uid = 1000, .created = NOW, .expires = NOW + 86400};

	assert_ok(store_invite_put(f->store, &invite, deadline_in(2000), NULL));
}

static void check_removed(struct fixture *f, enum totp_err err)
{
	check_created(f, err == TOTP_OK ? TOTP_ERR_NOT_FOUND : err);
	if (err == TOTP_OK)
		assert_refused(NOT_FOUND, read_error(f->store, "alice", NULL));
}

static void a_record_is_removed_or_it_is_there(void **unused)
{
	sweep(&(struct flow){with_alice, remove_alice, check_removed, TOTP_ERR_NOT_FOUND, 10,
			     false});
}

static enum totp_err create_many(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	enum totp_err err = files_open(&f->config, &store, why);

	return err == TOTP_OK ? create_all(store, 3, next_of, NULL, why) : err;
}

static void records_are_created_in_bulk_or_none_is(void **unused)
{
	sweep(&(struct flow){NULL, create_many, check_nothing, TOTP_ERR_EXISTS, 50, false});
}

/* --- logins and enrollments --- */

static void attempt_of_alice(struct attempt *who, const struct policy *policy,
			     struct answer *answer)
{
	struct cred cred = cred_of("alice", 1);
	struct code code = {0};

	assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 6, &cred.tokens[0].secret}, STEP, &code));
	answer_parse(code.text, NULL, answer);
	*who = (struct attempt){.user = "alice",
				.uid = 1000,
				.now = NOW,
				.policy = policy,
				.answer = answer,
				.source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}}};
}

static struct outcome login_outcome;

/* What is wrong with an answer is for the test to see: a denied login is an error here. */
static enum totp_err log_in(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	struct policy policy;
	struct answer answer;
	struct attempt who;
	enum totp_err err;
	bool counts = plan.counts;

	plan.counts = false;
	policy_default(&policy);
	attempt_of_alice(&who, &policy, &answer);
	plan.counts = counts;
	login_outcome = (struct outcome){.verdict = VERDICT_DENY};
	err = files_open(&f->config, &store, why);
	if (err == TOTP_OK)
		err = attempt(store, &who, &login_outcome, why);
	return err == TOTP_OK && login_outcome.verdict != VERDICT_ALLOW ? TOTP_ERR_FORBIDDEN : err;
}

static void check_login(struct fixture *f, enum totp_err err)
{
	struct login_state state;
	bool allowed = login_outcome.verdict == VERDICT_ALLOW;

	if (err != TOTP_OK)
		assert_false(allowed);
	(void)look_at_alice(f, &state);
	if (allowed)
		assert_int_equal(STEP, state.tokens[0].moving);
}

static void a_login_is_allowed_only_if_its_code_is_used_up(void **unused)
{
	sweep(&(struct flow){with_alice, log_in, check_login, TOTP_ERR_FORBIDDEN, 15, false});
}

static void with_run_dir(struct fixture *f)
{
	static char run_dir[48];

	snprintf(run_dir, sizeof(run_dir), "%.31s/run", f->dir);
	f->config.run_dir = run_dir;
	f->config.booted = NOW - 1000;
	with_alice(f);
}

static void a_login_that_may_stay_in_run_dir_is_allowed_only_if_its_code_is_used_up(void **unused)
{
	sweep(&(struct flow){with_run_dir, log_in, check_login, TOTP_ERR_FORBIDDEN, 15, false});
}

static struct recovery_code codes[RECOVERY_MAX];

static enum totp_err enroll_alice(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	struct enroll_first first = {.user = "alice",
				     .uid = 1000,
				     .now = NOW,
				     .token = cred_of("alice", 2).tokens[0],
				     .recovery_codes = 2};
	uint8_t count = 0;
	enum totp_err err = enroll_secret(&first.token.secret);

	memset(codes, 0, sizeof(codes));
	if (err != TOTP_OK)
		reason_set(why, "no secret");
	if (err == TOTP_OK)
		err = files_open(&f->config, &store, why);
	return err == TOTP_OK ? enroll_store(store, &first, codes, &count, why) : err;
}

static void check_enrolled(struct fixture *f, enum totp_err err)
{
	check_created(f, err);
	if (err != TOTP_OK)
		assert_wiped(codes);
}

static void an_enrollment_that_fails_gives_no_recovery_codes(void **unused)
{
	sweep(&(struct flow){NULL, enroll_alice, check_enrolled, TOTP_ERR_EXISTS, 40, false});
}

/* New codes and keys for a credential in memory. */
static enum totp_err make_codes(struct fixture *f, struct reason *why)
{
	static const char phrase[] = "correct horse";
	struct cred cred = cred_of("alice", 1), repaired = cred;
	struct login_state state;
	struct secret secret = {.len = sizeof(phrase) - 1};
	uint8_t box[PWSEAL_OVERHEAD + 1] = {0};
	enum totp_err err;

	(void)f;
	memset(codes, 0, sizeof(codes));
	memcpy(secret.data, phrase, secret.len);
	err = recovery_make(&cred, 2, codes);
	if (err == TOTP_OK)
		err = bypass_make(&cred, NOW, 60, 1, &codes[2]);
	if (err == TOTP_OK)
		err = enroll_repair(&repaired, NOW, 0, &state);
	if (err == TOTP_OK)
		err = pwseal_close(&secret, PWSEAL_EXPORT, 10, box, 1);
	if (err != TOTP_OK) {
		reason_set(why, "no random bytes");
		if (cred.bypass.uses == 0)
			assert_int_equal(0, codes[2].text[0]);
		if (cred.recovery_count == 0)
			assert_wiped(codes);
	}
	return err;
}

static void without_random_bytes_no_code_is_made(void **unused)
{
	sweep(&(struct flow){NULL, make_codes, check_nothing, TOTP_OK, 8, false});
}

/* --- invitations --- */

static enum totp_err invite_and_uninvite(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	struct invite invite = {
		.user = "alice", .uid = 1000, .created = NOW, .expires = NOW + 86400};
	enum totp_err err = files_open(&f->config, &store, why);

	if (err == TOTP_OK)
		err = store_invite_put(store, &invite, deadline_in(2000), why);
	if (err == TOTP_OK)
		err = store_invite_get(store, "alice", deadline_in(2000), &invite, why);
	return err == TOTP_OK ? store_invite_remove(store, "alice", deadline_in(2000), why) : err;
}

static void without_the_directory(struct fixture *f)
{
	assert_int_equal(0, rmdir(in_store(f, files_part(FILES_PART_INVITES))));
}

static void an_invitation_is_put_and_taken_back_whatever_fails(void **unused)
{
	sweep(&(struct flow){NULL, invite_and_uninvite, check_nothing, TOTP_OK, 20, false});
	sweep(&(struct flow){without_the_directory, invite_and_uninvite, check_nothing, TOTP_OK, 20,
			     false});
}

/* --- the whole store --- */

static void see_row(void *context, const struct store_row *row)
{
	size_t *seen = context;

	(void)row;
	++*seen;
}

static void see_name(void *context, const char *name)
{
	size_t *seen = context;

	(void)name;
	++*seen;
}

static void see_key(void *context, const struct store_sealed *sealed)
{
	size_t *seen = context;

	(void)sealed;
	++*seen;
}

static void with_both(struct fixture *f)
{
	with_alice(f);
	invite_bob(f);
}

static enum totp_err walk(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	size_t rows = 0, names = 0, keys = 0, strays = 0;
	enum totp_err err = files_open(&f->config, &store, why);

	if (err == TOTP_OK)
		err = store_each_credential(store, see_row, &rows, why);
	if (err == TOTP_OK)
		err = store_each(store, STORE_INVITE, see_name, &names, why);
	if (err == TOTP_OK)
		err = store_each_key(store, see_key, &keys, why);
	if (err == TOTP_OK)
		err = files_each_stray(store, see_name, &strays, why);
	if (err == TOTP_OK) {
		assert_int_equal(1, rows);
		assert_int_equal(1, names);
		assert_int_equal(2, keys);
	}
	return err;
}

static void a_walk_sees_every_record_or_says_that_it_does_not(void **unused)
{
	sweep(&(struct flow){with_both, walk, check_nothing, TOTP_OK, 30, false});
}

static enum totp_err accept(struct fixture *f, struct reason *why)
{
	static const uint8_t machine[SHA256_LEN] = {8};
	OWN_STORE struct store *store = NULL;
	struct files_config config = f->config;
	enum totp_err err;

	config.machine = machine;
	err = files_open(&config, &store, why);
	if (err == TOTP_OK)
		err = store_accept_place(store, NOW, deadline_in(2000), why);
	if (err == TOTP_OK)
		err = store_check_place(store, deadline_in(2000), why);
	return err == TOTP_OK ? store_set_newest(store, deadline_in(2000), why) : err;
}

static void check_open(struct fixture *f, enum totp_err err)
{
	(void)err;
	(void)store_close(open_again(f));
}

static void a_store_that_is_accepted_on_another_machine_stays_a_store(void **unused)
{
	sweep(&(struct flow){NULL, accept, check_open, TOTP_OK, 10, false});
}

static int give_to_root(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return lchown(path, 0, 0);
}

static void owned_by_root(struct fixture *f)
{
	with_both(f);
	assert_int_equal(0, nftw(f->store_dir, give_to_root, 8, FTW_PHYS));
}

static enum totp_err give(struct fixture *f, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	bool given = false;
	enum totp_err err = files_open(&f->config, &store, why);

	return err == TOTP_OK ? files_give(store, &service, &given, why) : err;
}

static void check_given(struct fixture *f, enum totp_err err)
{
	struct stat st;

	(void)look_at_alice(f, NULL);
	if (err != TOTP_OK)
		return;
	assert_int_equal(0, stat(in_store(f, "users/alice"), &st));
	assert_int_equal(SERVICE_UID, st.st_uid);
	assert_int_equal(0, stat(state_path(f, "alice", 1), &st));
	assert_int_equal(SERVICE_UID, st.st_uid);
}

static void a_store_is_given_whole_or_can_be_given_again(void **unused)
{
	sweep(&(struct flow){owned_by_root, give, check_given, TOTP_OK, 40, false});
}

/* --- keys --- */

static struct keyring_rotation rotation;

static enum totp_err edit_keyring(struct fixture *f, struct reason *why)
{
	OWN_KEYRING_TEXT struct keyring_text text;
	OWN_KEYRING struct keyring keyring;
	enum totp_err err = keyring_text_load(f->keyring, &text, &keyring, why);

	if (err == TOTP_OK)
		err = keyring_rotation_begin(&text, NOW, &rotation, why);
	if (err == TOTP_OK)
		err = keyring_rotation_promote(&text, &rotation);
	return err == TOTP_OK ? keyring_put(f->keyring, keyring_text_of(&text), why) : err;
}

static void check_keyring(struct fixture *f, enum totp_err err)
{
	OWN_KEYRING struct keyring keyring;

	(void)err;
	assert_ok(keyring_load(f->keyring, &keyring, NULL));
}

static void a_keyring_is_replaced_whole_or_not_at_all(void **unused)
{
	sweep(&(struct flow){NULL, edit_keyring, check_keyring, TOTP_OK, 10, false});
}

static void with_new_key(struct fixture *f, size_t users)
{
	struct reason why = {""};

	with_both(f);
	if (users)
		assert_ok(create_all(f->store, users, next_of, NULL, NULL));
	if (edit_keyring(f, &why) != TOTP_OK)
		fail_msg("%s", why.text);
}

static void few_with_new_key(struct fixture *f)
{
	with_new_key(f, 0);
}

static void many_with_new_key(struct fixture *f)
{
	with_new_key(f, MANY);
}

struct told {
	size_t count, stale;
};

static void tell(void *context, const char *user, enum totp_err err, const struct reason *why)
{
	struct told *told = context;

	(void)user;
	(void)why;
	told->count++;
	told->stale += err != TOTP_OK;
}

static enum totp_err reseal(struct fixture *f, char **users, size_t count, struct reason *why)
{
	char bob[] = "bob", *invited[] = {bob};
	OWN_STORE struct store *store = NULL;
	struct told told = {0};
	struct store_reseal records = {STORE_RECORD, users, count, tell, &told};
	struct store_reseal invites = {STORE_INVITE, invited, 1, tell, &told};
	enum totp_err err = files_open(&f->config, &store, why);

	if (err == TOTP_OK)
		err = store_claim_keys(store, why);
	if (err == TOTP_OK)
		err = store_seal_with(store, rotation.to, deadline_in(2000), why);
	if (err == TOTP_OK)
		err = store_reseal(store, &records, why);
	if (err == TOTP_OK)
		err = store_reseal(store, &invites, why);
	return err == TOTP_OK && told.stale ? TOTP_ERR_STALE : err;
}

static enum totp_err reseal_few(struct fixture *f, struct reason *why)
{
	char alice[] = "alice", *users[] = {alice};

	return reseal(f, users, 1, why);
}

static enum totp_err reseal_many(struct fixture *f, struct reason *why)
{
	char names[MANY][8], *users[MANY];

	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "u%zu", i);
		users[i] = names[i];
	}
	return reseal(f, users, MANY, why);
}

static void check_readable(struct fixture *f, enum totp_err err)
{
	(void)err;
	(void)look_at_alice(f, NULL);
}

static void a_rotation_leaves_each_record_readable(void **unused)
{
	sweep(&(struct flow){few_with_new_key, reseal_few, check_readable, TOTP_OK, 30, false});
}

static void a_rotation_of_many_leaves_each_record_readable(void **unused)
{
	sweep(&(struct flow){many_with_new_key, reseal_many, check_readable, TOTP_OK, 200, true});
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_is_set_up_whatever_fails),
		cmocka_unit_test(a_store_is_opened_or_the_reason_is_told),
		cmocka_unit_test(a_record_is_created_whole_or_not_at_all),
		cmocka_unit_test(a_record_is_replaced_whole_or_not_at_all),
		cmocka_unit_test(a_record_is_removed_or_it_is_there),
		cmocka_unit_test(records_are_created_in_bulk_or_none_is),
		cmocka_unit_test(a_login_is_allowed_only_if_its_code_is_used_up),
		cmocka_unit_test(
			a_login_that_may_stay_in_run_dir_is_allowed_only_if_its_code_is_used_up),
		cmocka_unit_test(an_enrollment_that_fails_gives_no_recovery_codes),
		cmocka_unit_test(without_random_bytes_no_code_is_made),
		cmocka_unit_test(an_invitation_is_put_and_taken_back_whatever_fails),
		cmocka_unit_test(a_walk_sees_every_record_or_says_that_it_does_not),
		cmocka_unit_test(a_store_that_is_accepted_on_another_machine_stays_a_store),
		cmocka_unit_test(a_store_is_given_whole_or_can_be_given_again),
		cmocka_unit_test(a_keyring_is_replaced_whole_or_not_at_all),
		cmocka_unit_test(a_rotation_leaves_each_record_readable),
		cmocka_unit_test(a_rotation_of_many_leaves_each_record_readable),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
