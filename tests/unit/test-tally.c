/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting decisions in a file, by many processes, and never to the harm of one of them. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "host/tally.h"

#define PROCESSES 8
#define TIMES     500

static char dir[] = "/tmp/tally.XXXXXX";
static char path[64];

static void make_file(size_t len)
{
	static const uint8_t zeros[sizeof(uint64_t) * TALLY_MAX + 1];
	OWN_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal((ssize_t)len, write(fd, zeros, len));
}

static uint64_t count_of(size_t index)
{
	uint64_t counts[TALLY_MAX];

	assert_int_equal(TOTP_OK, tally_read(dir, TALLY_LOGINS, counts));
	return counts[index];
}

static int make_dir(void **unused)
{
	(void)unused;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/%s", dir, TALLY_LOGINS);
	return 0;
}

static int remove_dir(void **unused)
{
	(void)unused;
	(void)unlink(path);
	return rmdir(dir);
}

static void each_decision_has_its_number(void **unused)
{
	size_t others = 0;

	for (const char *name = tally_names; *name; name += strlen(name) + 1)
		others++;
	assert_true(others < TALLY_MAX);
	make_file(sizeof(uint64_t) * TALLY_MAX);
	(void)tally_count(dir, TALLY_LOGINS, "allow", "code");
	(void)tally_count(dir, TALLY_LOGINS, "deny", "wrong_code");
	(void)tally_count(dir, TALLY_LOGINS, "deny", "wrong_code");
	(void)tally_count(dir, TALLY_LOGINS, "error", "no_memory");
	(void)tally_count(dir, TALLY_LOGINS, "deny", "code");
	assert_int_equal(1, count_of(0));
	assert_int_equal(2, count_of(4));
	assert_int_equal(2, count_of(others));
}

static int count_many(void)
{
	int counted = 0;

	for (int i = 0; i < TIMES; i++)
		counted += tally_count(dir, TALLY_LOGINS, "allow", "code");
	return counted;
}

/* Each process passes on by a pipe how often it counted; a number that is taken is given up. */
static void many_processes_count_at_once(void **unused)
{
	int fds[2], counted = 0, of_one;

	make_file(sizeof(uint64_t) * TALLY_MAX);
	assert_int_equal(0, pipe(fds));
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			of_one = count_many();
			_exit(write(fds[1], &of_one, sizeof(of_one)) != sizeof(of_one));
		}
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(sizeof(of_one), read(fds[0], &of_one, sizeof(of_one)));
		counted += of_one;
	}
	while (wait(NULL) > 0)
		;
	close(fds[0]);
	close(fds[1]);
	assert_true(counted > 0);
	assert_int_equal(counted, count_of(0));
}

static void a_number_that_another_process_keeps_is_given_up(void **unused)
{
	struct flock lock = {.l_type = F_WRLCK, .l_len = sizeof(uint64_t)};
	OWN_FD int fd = -1;

	make_file(sizeof(uint64_t) * TALLY_MAX);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(0, fcntl(fd, F_OFD_SETLK, &lock));
	assert_false(tally_count(dir, TALLY_LOGINS, "allow", "code"));
	assert_true(tally_count(dir, TALLY_LOGINS, "deny", "wrong_code"));
	assert_int_equal(0, count_of(0));
}

static void without_a_whole_file_nothing_is_counted(void **unused)
{
	const struct rlimit none = {0, RLIM_INFINITY};
	struct rlimit before;
	uint64_t counts[TALLY_MAX];

	(void)unlink(path);
	assert_false(tally_count(dir, TALLY_LOGINS, "allow", "code"));
	assert_int_equal(-1, access(path, F_OK));
	assert_int_equal(TOTP_ERR_NOT_FOUND, tally_read(dir, TALLY_LOGINS, counts));

	make_file(7);
	assert_false(tally_count(dir, TALLY_LOGINS, "allow", "code"));
	assert_int_equal(TOTP_ERR_FORMAT, tally_read(dir, TALLY_LOGINS, counts));

	/* a user may limit the size of files before su: a write would end the process */
	make_file(sizeof(uint64_t) * TALLY_MAX);
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &none));
	assert_false(tally_count(dir, TALLY_LOGINS, "allow", "code"));
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
	assert_int_equal(0, count_of(0));

	(void)unlink(path);
	assert_int_equal(0, mkfifo(path, 0600));
	assert_false(tally_count(dir, TALLY_LOGINS, "allow", "code"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_decision_has_its_number),
		cmocka_unit_test(many_processes_count_at_once),
		cmocka_unit_test(a_number_that_another_process_keeps_is_given_up),
		cmocka_unit_test(without_a_whole_file_nothing_is_counted),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
