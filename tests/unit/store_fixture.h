/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A test's own store of the files engine in a directory under /tmp. All of it is removed when the
 * test ends, however it ends. Needs root: the records belong to an account of their own, as on a
 * real host.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "records.h"

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

#include "store/files.h"

#define SERVICE_UID 4711 /* who owns the records; no such account is needed */

struct fixture {
	char dir[32];
	char store_dir[48];
	char keyring[48];
	struct files_config config;
	struct store *store;
};

static const struct files_owner service = {SERVICE_UID, SERVICE_UID};

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_begin, fixture_end)

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

	if (files_open(&f->config, &store, &why) != TOTP_OK)
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
	f->config = (struct files_config){.dir = f->store_dir, .keyring = f->keyring};
	*state = f;
	assert_ok(keyring_create(f->keyring, NOW, NULL));
	assert_ok(files_setup(f->store_dir, &service, machine, NULL));
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

/* Another process that holds a user's lock until the test releases it or kills the process. */
struct holder {
	pid_t pid;
	int tell; /* closing it releases the lock */
};

static inline void hold(const struct files_config *config, const char *user, int ready, int told)
{
	OWN_STORE struct store *store = NULL;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	char byte = 0;

	if (files_open(config, &store, NULL) != TOTP_OK ||
	    store_read(store, user, deadline_in(2000), &txn, NULL) != TOTP_OK ||
	    store_begin(&txn, deadline_in(2000), NULL) != TOTP_OK || write(ready, "", 1) != 1)
		return;
	(void)!read(told, &byte, 1);
}

static inline struct holder holder_begin(const struct files_config *config, const char *user)
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
