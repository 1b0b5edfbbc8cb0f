/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A test's own store in a directory under /tmp, and records to put into it. All of it is removed
 * when the test ends, however it ends. Needs root: the records belong to an account of their own,
 * as on a real host.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "store/store.h"

#define SERVICE_UID 4711 /* who owns the records; no such account is needed */
#define NOW         1800000000
#define MS          1000000ull /* nanoseconds */

struct fixture {
	char dir[32];
	char store_dir[48];
	char keyring[48];
	struct store_config config;
	struct store *store;
};

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_begin, fixture_end)

/* meson counts 77 as skipped. */
#define SKIP_UNLESS_ROOT() \
	do { \
		if (geteuid() != 0) { \
			puts("skipped: needs root"); \
			return 77; \
		} \
	} while (0)

#define assert_says(words, why) assert_contains((words), (why).text)

static inline void assert_contains(const char *words, const char *text)
{
	if (!strstr(text, words))
		fail_msg("expected \"%s\" in \"%s\"", words, text);
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void directory_begin(char dir[32])
{
	strcpy(dir, "/tmp/pam_totp-unit-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static inline void directory_end(const char *dir)
{
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* A path below the fixture's directory; the last eight stay valid. */
static inline const char *path_in(const char *dir, const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static inline const char *in_store(const struct fixture *f, const char *name)
{
	return path_in(f->store_dir, name);
}

static inline void write_file(const char *path, const void *data, size_t len, mode_t mode)
{
	OWN_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_ok(io_write(fd, data, len));
	assert_int_equal(0, fchmod(fd, mode));
}

static inline size_t read_file(const char *path, void *buf, size_t cap)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	assert_true(fd >= 0);
	assert_ok(io_read_all(fd, buf, cap, &len));
	return len;
}

/* Open the store once more, as another process would. */
static inline struct store *open_again(const struct fixture *f)
{
	struct store *store = NULL;
	struct reason why = {""};

	if (store_open(&f->config, &store, &why) != TOTP_OK)
		fail_msg("%s", why.text);
	return store;
}

static inline int fixture_begin(void **state)
{
	static struct fixture fixture;
	static const uint8_t machine[SHA256_LEN] = {7};
	struct fixture *f = &fixture;

	*f = (struct fixture){.store = NULL};
	directory_begin(f->dir);
	snprintf(f->store_dir, sizeof(f->store_dir), "%.31s/store", f->dir);
	snprintf(f->keyring, sizeof(f->keyring), "%.31s/keyring", f->dir);
	f->config = (struct store_config){.dir = f->store_dir, .keyring = f->keyring};
	*state = f;
	assert_ok(keyring_create(f->keyring, NOW, NULL));
	assert_ok(store_setup(f->store_dir, SERVICE_UID, SERVICE_UID, machine, NULL));
	f->store = open_again(f);
	return 0;
}

static inline int fixture_end(void **state)
{
	struct fixture *f = *state;

	f->store = store_close(f->store);
	directory_end(f->dir);
	return 0;
}

/* A credential with one token; n sets id, state key and secret. */
static inline struct cred cred_of(const char *user, uint8_t n)
{
	struct cred cred = {.version = record_version_newest,
			    .uid_bound = true,
			    .uid = 1000,
			    .created = NOW,
			    .token_count = 1};
	struct token *token = &cred.tokens[0];

	memset(cred.id, n, sizeof(cred.id));
	memset(cred.state_key, n + 1, sizeof(cred.state_key));
	snprintf(cred.user, sizeof(cred.user), "%s", user);
	*token = (struct token){.id = 1,
				.type = TOKEN_TOTP,
				.alg = HMAC_SHA1,
				.digits = 6,
				.period = 30,
				.created = NOW,
				.label = "phone"};
	token->secret.len = 20;
	memset(token->secret.data, n, 20);
	return cred;
}

static inline struct login_state state_of(const struct cred *cred)
{
	struct login_state state;

	state_init(cred, &state);
	return state;
}

/* Compare their encodings: the bytes between the members may differ. */
static inline void assert_same_cred(const struct cred *expected, const struct cred *seen)
{
	static uint8_t a[CRED_BYTES_MAX], b[CRED_BYTES_MAX];
	size_t a_len = 0, b_len = 0;

	assert_ok(cred_encode(expected, a, &a_len));
	assert_ok(cred_encode(seen, b, &b_len));
	assert_int_equal(a_len, b_len);
	assert_memory_equal(a, b, a_len);
}

/* Store a record of this user in which nothing has happened. */
static inline struct cred add_user(struct store *store, const char *user, uint8_t n)
{
	struct cred cred = cred_of(user, n);
	struct login_state state = state_of(&cred);
	struct reason why = {""};

	if (store_create(store, &cred, &state, &why) != TOTP_OK)
		fail_msg("%s: %s", user, why.text);
	return cred;
}

/* "state/NAME.CREDID" for a plain name, as cred_of has made it. */
static inline const char *state_path(const struct fixture *f, const char *user, uint8_t n)
{
	uint8_t id[CRED_ID_LEN];
	char hex[2 * CRED_ID_LEN + 1], name[128];

	memset(id, n, sizeof(id));
	text_to_hex(id, sizeof(id), hex);
	snprintf(name, sizeof(name), "state/%s.%s", user, hex);
	return in_store(f, name);
}

static inline enum totp_err read_error(struct store *store, const char *user, struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	return store_read(store, user, &txn, why);
}

static inline uint64_t deadline_in(unsigned ms)
{
	return io_monotonic_ns() + ms * MS;
}

static inline void begin(struct store *store, const char *user, struct store_txn *txn)
{
	assert_ok(store_read(store, user, txn, NULL));
	assert_ok(store_lock(txn, deadline_in(2000), NULL));
}

static inline void pause_ms(unsigned ms)
{
	struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&wait, NULL);
}

/* Another process that holds a user's lock until the test releases it or kills the process. */
struct holder {
	pid_t pid;
	int tell; /* closing it releases the lock */
};

static inline void hold(const struct store_config *config, const char *user, int ready, int told)
{
	OWN_STORE struct store *store = NULL;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	char byte = 0;

	if (store_open(config, &store, NULL) != TOTP_OK ||
	    store_read(store, user, &txn, NULL) != TOTP_OK ||
	    store_lock(&txn, deadline_in(2000), NULL) != TOTP_OK || write(ready, "", 1) != 1)
		return;
	(void)!read(told, &byte, 1);
}

static inline struct holder holder_begin(const struct store_config *config, const char *user)
{
	struct holder holder;
	int ready[2], told[2];
	char byte = 0;

	assert_int_equal(0, pipe2(ready, O_CLOEXEC));
	assert_int_equal(0, pipe2(told, O_CLOEXEC));
	holder.pid = fork();
	assert_true(holder.pid >= 0);
	if (holder.pid == 0) {
		close(told[1]);
		hold(config, user, ready[1], told[0]);
		_exit(0);
	}
	close(ready[1]);
	close(told[0]);
	holder.tell = told[1];
	assert_int_equal(1, read(ready[0], &byte, 1));
	close(ready[0]);
	return holder;
}

static inline void holder_end(struct holder *holder)
{
	close(holder->tell);
	waitpid(holder->pid, NULL, 0);
}

/*
 * Let no file of this process grow beyond this many bytes, as a caller of ours may have been
 * started; writing more is an error, not a signal.
 */
static inline void limit_files(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &limit));
}

#endif
