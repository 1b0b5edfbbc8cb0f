/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a file with the rights of another user; needs root, and the uid of nobody as that user.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "import/as_user.h"
#include "base/io.h"
#include "base/own.h"

#define NOBODY 65534
#define SOON   UINT64_C(9000000000) /* ns: before the deadline that most tests set */

struct place {
	char dir[32];
	char file[64];
};

static int make_place(void **state)
{
	static struct place place;
	OWN_FD int fd = -1;

	strcpy(place.dir, "/tmp/as-user.XXXXXX");
	if (!mkdtemp(place.dir) || chmod(place.dir, 0755) != 0)
		return -1;
	snprintf(place.file, sizeof(place.file), "%s/file", place.dir);
	fd = open(place.file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	*state = &place;
	return fd < 0 || fchmod(fd, 0400) != 0 || fchown(fd, NOBODY, NOBODY) != 0 ||
			       io_write(fd, "what is mine", 12) != TOTP_OK
		       ? -1
		       : 0;
}

static int drop_place(void **state)
{
	const struct place *place = *state;

	unlink(place->file);
	return rmdir(place->dir);
}

static enum totp_err read_within(const char *path, uint64_t ms, size_t cap, struct reason *why)
{
	char buf[64];
	struct user_file file = {.uid = NOBODY,
				 .gid = NOBODY,
				 .path = path,
				 .deadline = io_monotonic_ns() + ms * 1000000,
				 .buf = buf,
				 .cap = cap};
	enum totp_err err = as_user_read(&file, why);

	if (err == TOTP_OK) {
		assert_int_equal(12, file.len);
		assert_memory_equal("what is mine", buf, 12);
		assert_int_equal(S_IFREG | 0400, file.mode);
	}
	return err;
}

static enum totp_err read_it(const char *path, struct reason *why)
{
	return read_within(path, 10000, 64, why);
}

static void a_file_of_the_user_is_read(void **state)
{
	const struct place *place = *state;
	struct reason why = {""};

	assert_ok(read_it(place->file, &why));
	assert_string_equal("", why.text);
	assert_ok(read_within(place->file, 10000, 12, &why));
}

static void a_missing_file_is_not_found(void **state)
{
	const struct place *place = *state;
	char path[96];
	struct reason why = {""};

	snprintf(path, sizeof(path), "%s/nothing", place->dir);
	assert_refused(NOT_FOUND, read_it(path, &why));
	snprintf(path, sizeof(path), "%s/nothing", place->file);
	assert_refused(NOT_FOUND, read_it(path, &why));
}

static void a_file_that_the_user_may_not_read_is_not_read(void **state)
{
	const struct place *place = *state;
	struct reason why = {""};

	assert_int_equal(0, chmod(place->file, 0));
	assert_refused(SYSTEM, read_it(place->file, &why));
	assert_string_equal("cannot be read by its user: Permission denied", why.text);
	assert_int_equal(0, chmod(place->file, 0400));
	assert_int_equal(0, chmod(place->dir, 0700));
	assert_refused(SYSTEM, read_it(place->file, &why));
}

static void no_group_of_root_gives_any_right(void **state)
{
	const struct place *place = *state;
	const gid_t groups[] = {0, 4711};
	struct reason why = {""};

	assert_int_equal(0, setgroups(2, groups));
	assert_int_equal(0, chown(place->dir, 0, 4711));
	assert_int_equal(0, chmod(place->dir, 0750));
	assert_refused(SYSTEM, read_it(place->file, &why));
	assert_int_equal(2, getgroups(0, NULL)); /* and this process is unchanged */
	assert_int_equal(0, geteuid());
}

static void a_file_of_another_user_is_rejected(void **state)
{
	const struct place *place = *state;
	struct reason why = {""};

	assert_int_equal(0, chmod(place->file, 0444));
	assert_int_equal(0, chown(place->file, 1, 1));
	assert_refused(UNSAFE, read_it(place->file, &why));
	assert_string_equal("owned by uid 1, expected uid 65534", why.text);
}

/* A file that root owned when it was looked at may have been replaced since. */
static void no_link_is_followed_with_the_rights_of_root(void **state)
{
	const struct place *place = *state;
	char buf[64], path[96];
	struct user_file file = {.path = path,
				 .deadline = io_monotonic_ns() + 10000000000ull,
				 .buf = buf,
				 .cap = sizeof(buf)};
	struct reason why = {""};

	snprintf(path, sizeof(path), "%s/link", place->dir);
	assert_int_equal(0, chown(place->file, 0, 0));
	assert_int_equal(0, symlink(place->file, path));
	assert_refused(UNSAFE, as_user_read(&file, &why));
	assert_string_equal("not a regular file", why.text);
	file.path = place->file;
	assert_ok(as_user_read(&file, NULL));
	assert_int_equal(0, unlink(path));
}

static void a_file_that_others_can_write_is_rejected(void **state)
{
	const struct place *place = *state;
	struct reason why = {""};

	assert_int_equal(0, chmod(place->file, 0420));
	assert_refused(UNSAFE, read_it(place->file, &why));
	assert_string_equal("others can write to it (mode 0420)", why.text);
}

static void a_pipe_is_not_waited_for(void **state)
{
	const struct place *place = *state;
	uint64_t began = io_monotonic_ns();
	struct reason why = {""};

	assert_int_equal(0, unlink(place->file));
	assert_int_equal(0, mkfifo(place->file, 0600));
	assert_int_equal(0, chown(place->file, NOBODY, NOBODY));
	assert_refused(UNSAFE, read_it(place->file, &why));
	assert_string_equal("not a regular file", why.text);
	assert_true(io_monotonic_ns() - began < SOON);
}

static void a_file_that_is_too_large_is_rejected(void **state)
{
	const struct place *place = *state;
	struct reason why = {""};

	assert_refused(RANGE, read_within(place->file, 10000, 11, &why));
	assert_string_equal("more than 11 bytes", why.text);
}

/* A file system that does not respond: its opens never return. */
static void a_file_system_that_does_not_respond_ends_in_a_timeout(void **state)
{
	const struct place *place = *state;
	OWN_FD int watch = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);
	uint64_t began = io_monotonic_ns();
	struct reason why = {""};

	if (watch < 0 ||
	    fanotify_mark(watch, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, place->file) != 0)
		skip(); /* a kernel without permission events */
	assert_refused(TIMEOUT, read_within(place->file, 200, 64, &why));
	assert_string_equal("its file system does not answer", why.text);
	assert_true(io_monotonic_ns() - began < SOON);
}

/* --- a file system of the user's own, in which a file can be read and never closed --- */

#define FILE_NODE 2

static struct fuse_attr attributes_of(uint64_t node)
{
	return (struct fuse_attr){.ino = node,
				  .size = 12,
				  .mode = node == FILE_NODE ? S_IFREG | 0400 : S_IFDIR | 0755,
				  .nlink = 1,
				  .uid = NOBODY,
				  .gid = NOBODY};
}

static void reply(int fd, uint64_t request, int error, const void *body, size_t len)
{
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + len), .error = -error, .unique = request};
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)(uintptr_t)body, len}};

	(void)!writev(fd, parts, len ? 2 : 1);
}

static void serve_one(int fd, const struct fuse_in_header *request)
{
	const struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096};
	const struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr = attributes_of(FILE_NODE)};
	const struct fuse_attr_out attributes = {.attr = attributes_of(request->nodeid)};
	const struct fuse_open_out open = {.fh = 1};

	switch (request->opcode) {
	case FUSE_INIT:
		reply(fd, request->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		reply(fd, request->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		reply(fd, request->unique, 0, &attributes, sizeof(attributes));
		break;
	case FUSE_OPEN:
		reply(fd, request->unique, 0, &open, sizeof(open));
		break;
	case FUSE_READ:
		reply(fd, request->unique, 0, "what is mine", 12);
		break;
	case FUSE_FLUSH: /* a request without a reply is waited for */
		break;
	default:
		reply(fd, request->unique, ENOSYS, NULL, 0);
	}
}

/* Mount it over dir; returns the process that serves it, or -1 where FUSE does not exist. */
static pid_t serve_over(const char *dir)
{
	static uint64_t message[FUSE_MIN_READ_BUFFER];
	char options[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	pid_t child;

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd,
		 NOBODY, NOBODY);
	if (fd < 0 || mount("as-user", dir, "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
		fd_close(fd);
		return -1;
	}
	child = fork();
	if (child == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
			_exit(1);
		while (read(fd, message, sizeof(message)) > 0)
			serve_one(fd, (const struct fuse_in_header *)message);
		_exit(0);
	}
	close(fd);
	return child;
}

static void a_file_that_cannot_be_closed_delays_nothing(void **state)
{
	const struct place *place = *state;
	enum totp_err err = TOTP_ERR_TIMEOUT;
	struct reason why = {""};
	uint64_t began;
	pid_t server;

	assert_int_equal(0, unlink(place->file));
	assert_int_equal(0, unshare(CLONE_NEWNS)); /* no other process sees it */
	assert_int_equal(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	server = serve_over(place->dir);
	if (server < 0)
		skip(); /* a kernel without FUSE */
	/* until it is fast enough; the process that cannot end is waited for as long */
	for (uint64_t ms = 1000; ms <= 16000 && err == TOTP_ERR_TIMEOUT; ms *= 4) {
		began = io_monotonic_ns();
		/* as many bytes as it may have: no read waits to learn that there are no more */
		err = read_within(place->file, ms, 12, &why);
		if (err == TOTP_OK)
			assert_true(io_monotonic_ns() - began < ms * 1000000 + SOON);
	}
	assert_ok(err);
	assert_int_equal(0, kill(server, SIGKILL));
	assert_int_equal(server, waitpid(server, NULL, 0));
	while (waitpid(-1, NULL, 0) > 0) /* the processes that could not close it */
		;
	assert_int_equal(0, umount2(place->dir, MNT_DETACH));
}

#define LARGE 60000
/* A uid that no account has: a process with it can kill ours, and no other process. */
#define STRANGER 3000000000u

static pid_t start_killer(void)
{
	pid_t child = fork();

	if (child == 0) {
		if (setresuid(STRANGER, STRANGER, STRANGER) != 0 ||
		    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
			_exit(1);
		for (;;)
			kill(-1, SIGKILL); /* everything that this uid may kill, except itself */
	}
	return child;
}

/*
 * Otherwise a truncated copy would be taken for the file, and used codes would be missing from it.
 */
static void whatever_the_user_does_to_the_process_no_file_is_read_in_part(void **state)
{
	static char text[LARGE], buf[LARGE + 1];
	const struct place *place = *state;
	unsigned whole = 0, failed = 0;
	OWN_FD int fd = open(place->file, O_WRONLY | O_TRUNC);
	pid_t killer;

	memset(text, 'x', sizeof(text));
	assert_ok(io_write(fd, text, sizeof(text)));
	assert_int_equal(0, fchown(fd, STRANGER, STRANGER));
	killer = start_killer();
	assert_true(killer > 0);
	/* until the other process was fast enough once */
	for (int i = 0; i < 200 || (failed == 0 && i < 20000); i++) {
		struct user_file file = {.uid = STRANGER,
					 .gid = STRANGER,
					 .path = place->file,
					 .deadline = io_monotonic_ns() + UINT64_C(10000000000),
					 .buf = buf,
					 .cap = sizeof(buf)};
		enum totp_err err = as_user_read(&file, NULL);

		assert_true(err == TOTP_ERR_SYSTEM || (err == TOTP_OK && file.len == LARGE));
		whole += err == TOTP_OK;
		failed += err != TOTP_OK;
	}
	assert_int_equal(0, kill(killer, SIGKILL));
	assert_int_equal(killer, waitpid(killer, NULL, 0));
	printf("# %u read, %u killed before they were\n", whole, failed);
	assert_true(failed > 0);
}

static void no_process_is_left(void **state)
{
	const struct place *place = *state;
	struct reason why = {""};

	assert_ok(read_it(place->file, &why));
	assert_int_equal(-1, waitpid(-1, NULL, WNOHANG));
}

int main(void)
{
#define AS_USER_TEST(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)
	static const struct CMUnitTest tests[] = {
		AS_USER_TEST(a_file_of_the_user_is_read),
		AS_USER_TEST(a_missing_file_is_not_found),
		AS_USER_TEST(a_file_that_the_user_may_not_read_is_not_read),
		AS_USER_TEST(no_group_of_root_gives_any_right),
		AS_USER_TEST(a_file_of_another_user_is_rejected),
		AS_USER_TEST(no_link_is_followed_with_the_rights_of_root),
		AS_USER_TEST(a_file_that_others_can_write_is_rejected),
		AS_USER_TEST(a_pipe_is_not_waited_for),
		AS_USER_TEST(a_file_that_is_too_large_is_rejected),
		AS_USER_TEST(whatever_the_user_does_to_the_process_no_file_is_read_in_part),
		AS_USER_TEST(no_process_is_left),
		AS_USER_TEST(a_file_system_that_does_not_respond_ends_in_a_timeout),
		AS_USER_TEST(a_file_that_cannot_be_closed_delays_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
