/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets that totpd makes itself, and which of those that it was passed it takes. */
#include "../unit/store_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "host/ask.h"
#include "listener.h"

static char dir[32], run_dir[200];

static int begin_test(void **unused)
{
	directory_begin(dir);
	snprintf(run_dir, sizeof(run_dir), "%s/run", dir);
	return 0;
}

static int end_test(void **unused)
{
	directory_end(dir);
	return 0;
}

static const struct account terminator = {.known = true, .uid = 4711, .gid = 4712};

static mode_t mode_of(const char *name, uid_t expected_owner)
{
	struct stat st;
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", run_dir, name);
	assert_int_equal(0, lstat(path, &st));
	assert_int_equal(expected_owner, st.st_uid);
	return st.st_mode;
}

static void each_socket_belongs_to_those_who_may_connect(void **unused)
{
	struct listeners listeners = LISTENERS_NONE;
	struct reason why = {""};

	assert_ok(listeners_make(run_dir, &terminator, &listeners, &why));
	assert_int_equal(S_IFDIR | 0755, mode_of(".", 0));
	assert_int_equal(S_IFSOCK | 0666, mode_of(ASK_SOCKET, 0));
	assert_int_equal(S_IFSOCK | 0600, mode_of(ASK_ROOT_SOCKET, 0));
	assert_int_equal(S_IFSOCK | 0600, mode_of(VERIFIER_SOCKET, 4711));
	assert_false(listeners.activated);
	listeners_close(&listeners);
	assert_int_equal(-1, listeners.user);
}

static void two_at_once_are_refused_and_sockets_that_were_left_are_replaced(void **unused)
{
	struct listeners first = LISTENERS_NONE, second = LISTENERS_NONE;
	struct reason why = {""};

	assert_ok(listeners_make(run_dir, NULL, &first, &why));
	assert_refused(EXISTS, listeners_make(run_dir, NULL, &second, &why));
	assert_says("another totpd is already running", why);
	assert_int_equal(-1, second.root);
	listeners_close(&first);
	assert_ok(listeners_make(run_dir, NULL, &second, &why));
	listeners_close(&second);
}

static void a_place_that_takes_no_socket_is_an_error(void **unused)
{
	struct listeners listeners = LISTENERS_NONE;
	struct reason why = {""};
	size_t len = strlen(run_dir);
	char path[300];

	/* something else stands there */
	assert_int_equal(0, mkdir(run_dir, 0755));
	snprintf(path, sizeof(path), "%s/" ASK_SOCKET, run_dir);
	write_file(path, "", 0, 0600);
	assert_refused(SYSTEM, listeners_make(run_dir, NULL, &listeners, &why));
	assert_says(ASK_SOCKET, why);
	assert_int_equal(0, access(path, F_OK));
	assert_int_equal(-1, listeners.root); /* which was made first */
	/* others could write there */
	assert_int_equal(0, chmod(run_dir, 0777));
	assert_refused(UNSAFE, listeners_make(run_dir, NULL, &listeners, &why));
	/* a file, and a directory that is not there */
	assert_refused(SYSTEM, listeners_make(path_in(run_dir, "no/run"), NULL, &listeners, &why));
	/* more than the address of a socket has room for */
	memset(run_dir + len, 'a', 100);
	run_dir[len + 100] = '\0';
	assert_refused(RANGE, listeners_make(run_dir, NULL, &listeners, &why));
	assert_says("too long for a socket", why);
}

/* --- passed by a service manager --- */

#define FIRST_FD 3

/* What comes of these descriptors, in a process of its own, whose descriptors they are. */
static enum totp_err take(const char *count, const char *names, const int *types, bool listens)
{
	struct listeners listeners = LISTENERS_NONE;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct reason why = {""};
	char pid[16];
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child > 0) {
		assert_int_equal(child, waitpid(child, &status, 0));
		assert_true(WIFEXITED(status));
		return (enum totp_err)WEXITSTATUS(status);
	}
	for (int i = 0; i < 3; i++) {
		int fd = socket(AF_UNIX, types[i], 0);

		snprintf(address.sun_path, sizeof(address.sun_path), "%s/%d", dir, i);
		if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		    (listens && listen(fd, 1) != 0) ||
		    (fd != FIRST_FD + i && dup2(fd, FIRST_FD + i) < 0))
			_exit(99);
		unlink(address.sun_path);
	}
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", count, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
	status = (int)listeners_take(&listeners, &why);
	if (status == TOTP_OK && !listeners.activated)
		_exit(98);
	if (status == TOTP_ERR_FORMAT && !strstr(why.text, "passed other sockets"))
		_exit(97);
	_exit(status);
}

static void passed_sockets_are_taken_by_name_and_type(void **unused)
{
	static const int types[] = {SOCK_SEQPACKET, SOCK_SEQPACKET, SOCK_STREAM};

	assert_ok(take("3", "user:root:verifier", types, true));
	assert_ok(take("2", "root:user", types, true));
	assert_ok(take("1", "user", types, true));
}

static void other_sockets_are_not_taken(void **unused)
{
	static const int types[] = {SOCK_SEQPACKET, SOCK_SEQPACKET, SOCK_STREAM};
	static const struct {
		const char *count, *names;
	} rows[] = {
		{"3", "user:root:other"},
		{"3", "user:user:verifier"},
		{"3", "verifier:root:user"},
		{"3", "user:root"},
		{"1", NULL},
		{"1", ""},
		{"4", "user:root:verifier:user"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (take(rows[i].count, rows[i].names, types, true) != TOTP_ERR_FORMAT)
			fail_msg("%s, %s", rows[i].count, rows[i].names);
	assert_refused(FORMAT, take("2", "user:root", types, false));
}

static void without_sockets_for_this_process_none_are_taken(void **unused)
{
	static const int types[] = {SOCK_SEQPACKET, SOCK_SEQPACKET, SOCK_STREAM};
	struct listeners listeners = LISTENERS_NONE;
	struct reason why = {""};
	char other[16];

	assert_refused(NOT_FOUND, take("0", "user", types, true));
	assert_refused(NOT_FOUND, take("two", "user", types, true));
	snprintf(other, sizeof(other), "%d", getpid() + 1);
	setenv("LISTEN_PID", other, 1);
	setenv("LISTEN_FDS", "2", 1);
	assert_refused(NOT_FOUND, listeners_take(&listeners, &why));
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	assert_refused(NOT_FOUND, listeners_take(&listeners, &why));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_socket_belongs_to_those_who_may_connect),
		TEST(two_at_once_are_refused_and_sockets_that_were_left_are_replaced),
		TEST(a_place_that_takes_no_socket_is_an_error),
		TEST(passed_sockets_are_taken_by_name_and_type),
		TEST(other_sockets_are_not_taken),
		TEST(without_sockets_for_this_process_none_are_taken),
	};

	SKIP_UNLESS_ROOT();
	umask(077);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
