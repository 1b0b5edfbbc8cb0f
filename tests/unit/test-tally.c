/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting decisions in files, by many processes, and never to the harm of one of them. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/tally.h"

#define PROCESSES 8
#define TIMES     500

static char run_dir[] = "/tmp/tally.XXXXXX";
static char dir[64], allow_code[96];

static bool count(const char *outcome, const char *reason)
{
	return tally_count(run_dir, TALLY_LOGINS, outcome, reason);
}

static uint64_t read_count(const char *name)
{
	return tally_read(run_dir, TALLY_LOGINS, name);
}

static enum totp_err make(void)
{
	return tally_make(run_dir, TALLY_LOGINS, getuid(), getgid());
}

static int make_run_dir(void **unused)
{
	(void)unused;
	if (!mkdtemp(run_dir))
		return -1;
	snprintf(dir, sizeof(dir), "%s/%s", run_dir, TALLY_LOGINS);
	snprintf(allow_code, sizeof(allow_code), "%s/allow.code", dir);
	return 0;
}

static int remove_run_dir(void **unused)
{
	(void)unused;
	return rmdir(run_dir);
}

static int make_files(void **unused)
{
	(void)unused;
	return make() == TOTP_OK ? 0 : -1;
}

static int remove_files(void **unused)
{
	char path[128];

	(void)unused;
	for (const char *name = tally_names; *name; name += strlen(name) + 1) {
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		(void)unlink(path);
	}
	return rmdir(dir);
}

static void each_decision_has_its_number(void **unused)
{
	(void)unused;
	assert_true(count("allow", "code"));
	assert_true(count("deny", "wrong_code"));
	assert_true(count("deny", "wrong_code"));
	assert_true(count("error", "no_memory"));
	assert_true(count("deny", "code"));
	assert_int_equal(1, read_count("allow.code"));
	assert_int_equal(2, read_count("deny.wrong_code"));
	assert_int_equal(0, read_count("deny.used_code"));
	assert_int_equal(2, read_count("other.other"));
}

static void many_processes_count_at_once(void **unused)
{
	int status;

	(void)unused;
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			for (int k = 0; k < TIMES; k++)
				if (!count("allow", "code"))
					_exit(1);
			_exit(0);
		}
	while (wait(&status) > 0)
		assert_int_equal(0, status);
	assert_int_equal(PROCESSES * TIMES, read_count("allow.code"));
}

/* Where the file system can give up what was written: in memory, as /run, and in most others. */
static void a_large_number_takes_little_space(void **unused)
{
	static const char bytes[65536];
	struct stat st;
	int fd = open(allow_code, O_WRONLY | O_APPEND | O_CLOEXEC);

	(void)unused;
	assert_true(fd >= 0);
	for (int i = 0; i < 15; i++)
		assert_int_equal(sizeof(bytes), write(fd, bytes, sizeof(bytes)));
	assert_int_equal(sizeof(bytes) - 1, write(fd, bytes, sizeof(bytes) - 1));
	close(fd);
	assert_true(count("allow", "code"));
	assert_true(count("allow", "code"));
	assert_int_equal(16 * sizeof(bytes) + 1, read_count("allow.code"));
	assert_int_equal(0, stat(allow_code, &st));
	assert_true(st.st_blocks * 512 <= 65536);
}

static void a_number_stays_when_the_files_are_made_again(void **unused)
{
	(void)unused;
	assert_true(count("allow", "code"));
	assert_int_equal(TOTP_OK, make());
	assert_int_equal(1, read_count("allow.code"));
}

static void without_a_file_nothing_is_counted(void **unused)
{
	(void)unused;
	assert_false(count("allow", "code"));
	assert_int_equal(-1, access(dir, F_OK));
	assert_int_equal(0, read_count("allow.code"));
}

/* A write beyond the limit, which a user may set before su, would end the process. */
static void a_process_with_a_limit_for_files_counts_nothing(void **unused)
{
	const struct rlimit limit = {1 << 20, RLIM_INFINITY};
	struct rlimit before;

	(void)unused;
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &limit));
	assert_false(count("allow", "code"));
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
	assert_int_equal(0, read_count("allow.code"));
}

static void what_is_no_regular_file_is_replaced(void **unused)
{
	(void)unused;
	assert_int_equal(0, unlink(allow_code));
	assert_int_equal(0, mkfifo(allow_code, 0600));
	assert_false(count("allow", "code"));
	assert_int_equal(TOTP_OK, make());
	assert_true(count("allow", "code"));
	assert_int_equal(0, unlink(allow_code));
	assert_int_equal(0, symlink("/dev/null", allow_code));
	assert_false(count("allow", "code"));
	assert_int_equal(TOTP_OK, make());
	assert_true(count("allow", "code"));
	assert_int_equal(1, read_count("allow.code"));
}

static void a_file_or_link_in_place_of_the_directory_is_replaced(void **unused)
{
	(void)unused;
	assert_int_equal(0, symlink("/", dir));
	assert_int_equal(TOTP_OK, make());
	assert_true(count("allow", "code"));
}

static void files_are_for_their_owner_whatever_the_umask_is(void **unused)
{
	struct stat st;
	mode_t before = umask(0777);

	(void)unused;
	assert_int_equal(TOTP_OK, make());
	umask(0);
	assert_int_equal(0, unlink(allow_code));
	assert_int_equal(TOTP_OK, make());
	umask(before);
	assert_int_equal(0, stat(dir, &st));
	assert_int_equal(0710, st.st_mode & 0777);
	assert_int_equal(0, stat(allow_code, &st));
	assert_int_equal(0600, st.st_mode & 0777);
}

static void what_cannot_be_made_is_an_error(void **unused)
{
	struct rlimit before, none;

	(void)unused;
	assert_int_equal(TOTP_ERR_SYSTEM,
			 tally_make("/tmp/tally.none", TALLY_LOGINS, getuid(), getgid()));
	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &before));
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &none));
	assert_int_equal(TOTP_ERR_SYSTEM, make());
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &before));
	assert_int_equal(0, rmdir(dir));
	if (geteuid() != 0)
		return;
	/* a user cannot give it to a group of others */
	assert_int_equal(0, chmod(run_dir, 0777));
	assert_int_equal(0, seteuid(1000));
	assert_int_equal(TOTP_ERR_SYSTEM, tally_make(run_dir, TALLY_LOGINS, 1000, 0xfffff));
	assert_int_equal(0, seteuid(0));
	assert_int_equal(0, chmod(run_dir, 0700));
	/* it belongs to somebody else now */
	assert_int_equal(TOTP_ERR_UNSAFE, make());
}

static unsigned count_open(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void no_descriptor_stays_open(void **unused)
{
	unsigned before = count_open();

	(void)unused;
	assert_int_equal(TOTP_OK, make());
	assert_true(count("allow", "code"));
	assert_int_equal(before, count_open());
}

static void descriptor_0_is_as_good_as_others(void **unused)
{
	int kept = dup(STDIN_FILENO);
	enum totp_err err;
	bool counted;

	(void)unused;
	close(STDIN_FILENO);
	err = make();
	counted = count("allow", "code");
	if (kept >= 0) {
		dup2(kept, STDIN_FILENO);
		close(kept);
	}
	assert_int_equal(TOTP_OK, err);
	assert_true(counted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, make_files, remove_files)
#define WITHOUT(test)    cmocka_unit_test_teardown(test, remove_files)
		WITH_FILES(each_decision_has_its_number),
		WITH_FILES(many_processes_count_at_once),
		WITH_FILES(a_large_number_takes_little_space),
		WITH_FILES(a_number_stays_when_the_files_are_made_again),
		cmocka_unit_test(without_a_file_nothing_is_counted),
		WITH_FILES(a_process_with_a_limit_for_files_counts_nothing),
		WITH_FILES(what_is_no_regular_file_is_replaced),
		WITHOUT(a_file_or_link_in_place_of_the_directory_is_replaced),
		WITHOUT(files_are_for_their_owner_whatever_the_umask_is),
		WITHOUT(what_cannot_be_made_is_an_error),
		WITHOUT(no_descriptor_stays_open),
		WITHOUT(descriptor_0_is_as_good_as_others),
	};

	return cmocka_run_group_tests(tests, make_run_dir, remove_run_dir);
}
