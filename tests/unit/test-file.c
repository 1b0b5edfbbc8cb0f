/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are written whole: what reaches the disk when, and what a failure leaves. */
#include "store_fixture.h"

#include <dirent.h>
#include <sys/syscall.h>

#include "base/file.h"

/* What the code under test did: 'f' and 'd' for a sync of a file or directory, 'r' for a rename. */
static char done[16];
static char failing; /* one of them, which fails */

static int note(char what)
{
	size_t len = strlen(done);

	if (len + 1 < sizeof(done))
		done[len] = what;
	if (what != failing)
		return 0;
	errno = EIO;
	return -1;
}

int fsync(int fd)
{
	struct stat st = {0};

	return fstat(fd, &st) == 0 ? note(S_ISDIR(st.st_mode) ? 'd' : 'f') : -1;
}

/* What a rename with flags gives, or 0; how many calls of unlinkat fail. */
static int flags_err;
static unsigned unlinks_fail;

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	if (flags && flags_err) {
		errno = flags_err;
		return -1;
	}
	return note('r') == 0 ? (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags) : -1;
}

int unlinkat(int fd, const char *name, int flags)
{
	if (unlinks_fail == 0)
		return (int)syscall(SYS_unlinkat, fd, name, flags);
	unlinks_fail--;
	errno = EIO;
	return -1;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return renameat2(from_fd, from, to_fd, to, 0);
}

struct ground {
	char dir[32];
	int fd;
	struct file_new file;
};

static int ground_begin(void **state)
{
	static struct ground ground;

	directory_begin(ground.dir);
	ground.fd = open(ground.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ground.file = (struct file_new){ground.fd,       "file",          0640,
					FILE_SAME_OWNER, FILE_SAME_GROUP, FILE_DURABLE};
	memset(done, 0, sizeof(done));
	failing = '\0';
	flags_err = 0;
	unlinks_fail = 0;
	*state = &ground;
	return 0;
}

static int ground_end(void **state)
{
	struct ground *g = *state;

	close(g->fd);
	directory_end(g->dir);
	return 0;
}

static size_t count_files(const struct ground *g)
{
	DIR *dir = opendir(g->dir);
	size_t count = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* This is the only file, and it holds this. */
static void assert_holds(const struct ground *g, const char *text)
{
	char found[32] = {0};
	OWN_FD int fd = openat(g->fd, "file", O_RDONLY);

	assert_int_equal(strlen(text), read(fd, found, sizeof(found) - 1));
	assert_string_equal(text, found);
	assert_int_equal(1, count_files(g));
}

static void a_file_is_replaced_by_one_whose_bytes_are_on_the_disk(void **state)
{
	struct ground *g = *state;
	struct stat st;

	write_file(path_in(g->dir, "file"), "old", 3, 0600);
	umask(077);
	assert_ok(file_replace(&g->file, "new", 3));
	assert_holds(g, "new");
	assert_string_equal("frd", done);
	assert_int_equal(0, fstatat(g->fd, "file", &st, 0));
	assert_int_equal(0640, st.st_mode & 07777);
}

static void a_failure_leaves_the_old_file_alone(void **state)
{
	struct ground *g = *state;

	write_file(path_in(g->dir, "file"), "old", 3, 0600);
	for (const char *what = "fr"; *what; what++) {
		failing = *what;
		assert_refused(SYSTEM, file_replace(&g->file, "new", 3));
		assert_int_equal(EIO, errno);
		assert_holds(g, "old");
	}
}

static void a_directory_that_is_not_synced_makes_it_uncertain(void **state)
{
	struct ground *g = *state;

	write_file(path_in(g->dir, "file"), "old", 3, 0600);
	failing = 'd';
	assert_refused(UNCERTAIN, file_replace(&g->file, "new", 3));
	assert_int_equal(EIO, errno);
	assert_holds(g, "new");
}

static void a_new_file_replaces_none(void **state)
{
	struct ground *g = *state;

	assert_ok(file_put_new(&g->file, "first", 5));
	assert_string_equal("frd", done);
	assert_refused(EXISTS, file_put_new(&g->file, "second", 6));
	assert_holds(g, "first");
	assert_refused(EXISTS, file_write(&g->file, "third", 5));
	assert_holds(g, "first");
}

static void a_file_that_may_be_durable_later_waits_for_nothing(void **state)
{
	struct ground *g = *state;

	g->file.durable = FILE_DURABLE_LATER;
	assert_ok(file_put_new(&g->file, "text", 4));
	assert_string_equal("r", done);
	assert_holds(g, "text");
}

static void half_a_file_does_not_stay(void **state)
{
	struct ground *g = *state;

	failing = 'f';
	assert_refused(SYSTEM, file_write(&g->file, "text", 4));
	assert_refused(SYSTEM, file_put_new(&g->file, "text", 4));
	assert_int_equal(0, count_files(g));
}

static void a_path_is_replaced_and_its_directory_synced(void **state)
{
	struct ground *g = *state;
	char path[64];

	snprintf(path, sizeof(path), "%s/file", g->dir);
	g->file.dir_fd = AT_FDCWD;
	g->file.name = path;
	assert_ok(file_replace(&g->file, "text", 4));
	assert_string_equal("frd", done);
	assert_holds(g, "text");
}

static void descriptor_0_is_as_good_as_others(void **state)
{
	struct ground *g = *state;
	int kept = dup(STDIN_FILENO);

	close(STDIN_FILENO);
	errno = EIO;
	assert_ok(file_sync_entry(path_in(g->dir, "file")));
	if (kept >= 0) {
		dup2(kept, STDIN_FILENO);
		close(kept);
	}
}

static void a_path_that_no_kernel_takes_is_refused(void **state)
{
	struct ground *g = *state;
	static char path[PATH_MAX + 16], temp[FILE_TEMP_LEN];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 2] = '/';
	assert_refused(SYSTEM, file_sync_entry(path));
	assert_int_equal(ENAMETOOLONG, errno);
	assert_refused(SYSTEM, file_temp_name("file", temp, sizeof(temp)));
	assert_int_equal(ENAMETOOLONG, errno);
	assert_string_equal("", done);
	assert_int_equal(0, count_files(g));
}

/* As on NFS, which knows no flags of a rename: the name is another link for a moment. */
static void a_new_file_replaces_none_without_flags_of_a_rename(void **state)
{
	struct ground *g = *state;

	flags_err = EINVAL;
	assert_ok(file_put_new(&g->file, "first", 5));
	assert_holds(g, "first");
	assert_refused(EXISTS, file_put_new(&g->file, "second", 6));
	assert_holds(g, "first");
}

static void a_new_file_that_keeps_its_temporary_name_is_taken_back(void **state)
{
	struct ground *g = *state;

	flags_err = EINVAL;
	unlinks_fail = 1;
	assert_ok(file_write(&g->file, "text", 4));
	assert_refused(SYSTEM, file_name_new(g->fd, "file", "other"));
	assert_holds(g, "text");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_file_is_replaced_by_one_whose_bytes_are_on_the_disk, ground_begin,
			ground_end),
		cmocka_unit_test_setup_teardown(a_failure_leaves_the_old_file_alone, ground_begin,
						ground_end),
		cmocka_unit_test_setup_teardown(a_directory_that_is_not_synced_makes_it_uncertain,
						ground_begin, ground_end),
		cmocka_unit_test_setup_teardown(a_new_file_replaces_none, ground_begin, ground_end),
		cmocka_unit_test_setup_teardown(a_file_that_may_be_durable_later_waits_for_nothing,
						ground_begin, ground_end),
		cmocka_unit_test_setup_teardown(half_a_file_does_not_stay, ground_begin,
						ground_end),
		cmocka_unit_test_setup_teardown(a_path_is_replaced_and_its_directory_synced,
						ground_begin, ground_end),
		cmocka_unit_test_setup_teardown(descriptor_0_is_as_good_as_others, ground_begin,
						ground_end),
		cmocka_unit_test_setup_teardown(a_path_that_no_kernel_takes_is_refused,
						ground_begin, ground_end),
		cmocka_unit_test_setup_teardown(a_new_file_replaces_none_without_flags_of_a_rename,
						ground_begin, ground_end),
		cmocka_unit_test_setup_teardown(
			a_new_file_that_keeps_its_temporary_name_is_taken_back, ground_begin,
			ground_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
