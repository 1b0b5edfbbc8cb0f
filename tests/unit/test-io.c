/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"

/* A file that exists in memory only. */
static int file_of(const char *content)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_ok(io_pwrite(fd, content, strlen(content), 0));
	return fd;
}

static void a_file_is_read_whole_or_not_at_all(void **unused)
{
	OWN_FD int fd = file_of("12345");
	char buf[6];
	size_t len = 77;

	assert_refused(RANGE, io_read_all(fd, buf, 4, &len));
	assert_int_equal(77, len);
	assert_int_equal(0, lseek(fd, 0, SEEK_SET));
	assert_ok(io_read_all(fd, buf, 5, &len));
	assert_int_equal(5, len);
	assert_memory_equal("12345", buf, 5);
	assert_ok(io_read_all(fd, buf, 6, &len));
	assert_int_equal(0, len);
}

static void reading_at_an_offset_stops_at_the_end(void **unused)
{
	OWN_FD int fd = file_of("12345");
	char buf[8];
	size_t len = 77;

	assert_ok(io_pread(fd, buf, 2, 1, &len));
	assert_int_equal(2, len);
	assert_memory_equal("23", buf, 2);
	assert_ok(io_pread(fd, buf, sizeof(buf), 3, &len));
	assert_int_equal(2, len);
	assert_memory_equal("45", buf, 2);
	assert_ok(io_pread(fd, buf, sizeof(buf), 100, &len));
	assert_int_equal(0, len);
}

static void writing_at_an_offset_leaves_the_rest(void **unused)
{
	OWN_FD int fd = file_of("12345");
	char buf[5];
	size_t len = 0;

	assert_ok(io_pwrite(fd, "xy", 2, 1));
	assert_ok(io_pread(fd, buf, sizeof(buf), 0, &len));
	assert_memory_equal("1xy45", buf, 5);
}

static void a_closed_descriptor_is_an_error_with_errno(void **unused)
{
	char buf[1];
	size_t len = 77;

	errno = 0;
	assert_refused(SYSTEM, io_read_all(-1, buf, sizeof(buf), &len));
	assert_refused(SYSTEM, io_pread(-1, buf, sizeof(buf), 0, &len));
	assert_refused(SYSTEM, io_write(-1, buf, sizeof(buf)));
	assert_refused(SYSTEM, io_pwrite(-1, buf, sizeof(buf), 0));
	assert_int_equal(EBADF, errno);
	assert_int_equal(77, len);
}

static void closing_changes_no_errno(void **unused)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(-1, fd_close(fd));
	errno = ENOENT;
	assert_int_equal(-1, fd_close(fd)); /* EBADF */
	assert_int_equal(ENOENT, errno);
}

static void a_short_write_is_an_error(void **unused)
{
	static const char block[1 << 20];
	int ends[2];

	assert_int_equal(0, pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	errno = 0;
	assert_refused(SYSTEM, io_write(ends[1], block, sizeof(block)));
	assert_int_equal(EIO, errno);
	fd_close(ends[0]);
	fd_close(ends[1]);
}

/* The user who starts a set-uid program chooses the limit. */
static void a_write_that_the_limit_of_file_sizes_would_cut_short_is_not_begun(void **unused)
{
	OWN_FD int fd = file_of("");
	struct rlimit before, limit;
	char buf[9];
	size_t len = 0;
	int ends[2];

	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
	limit = (struct rlimit){.rlim_cur = 8, .rlim_max = before.rlim_max};
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &limit));
	assert_ok(io_write(fd, "abcdef", 6));
	assert_refused(SYSTEM, io_write(fd, "ghi", 3));
	assert_int_equal(EFBIG, errno);
	assert_ok(io_write(fd, "gh", 2));
	assert_refused(SYSTEM, io_pwrite(fd, "xy", 2, 7));
	assert_int_equal(EFBIG, errno);
	assert_ok(io_pwrite(fd, "xy", 2, 6));
	assert_int_equal(0, pipe2(ends, O_CLOEXEC));
	assert_ok(io_write(ends[1], "a pipe has no size", 18));
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
	assert_ok(io_pread(fd, buf, sizeof(buf), 0, &len));
	assert_int_equal(8, len);
	assert_memory_equal("abcdefxy", buf, 8);
	fd_close(ends[0]);
	fd_close(ends[1]);
}

static void the_monotonic_clock_never_goes_back(void **unused)
{
	uint64_t before = io_monotonic_ns();

	assert_true(before > 0);
	for (int i = 0; i < 1000; i++) {
		uint64_t now = io_monotonic_ns();

		assert_true(now >= before);
		before = now;
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_whole_or_not_at_all),
		cmocka_unit_test(reading_at_an_offset_stops_at_the_end),
		cmocka_unit_test(writing_at_an_offset_leaves_the_rest),
		cmocka_unit_test(a_closed_descriptor_is_an_error_with_errno),
		cmocka_unit_test(closing_changes_no_errno),
		cmocka_unit_test(a_short_write_is_an_error),
		cmocka_unit_test(a_write_that_the_limit_of_file_sizes_would_cut_short_is_not_begun),
		cmocka_unit_test(the_monotonic_clock_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
