/* SPDX-License-Identifier: BSD-2-Clause */
/* When totpd gives its connections to a process that closes them. fork is this test's own. */
#include "../unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "closer.h"

#define MS 1000000ull /* nanoseconds */

static unsigned forks;
static bool forks_fail;

pid_t fork(void)
{
	forks++;
	if (forks_fail) {
		errno = EAGAIN;
		return -1;
	}
	return 4711;
}

static struct closer closer;

static int begin_test(void **unused)
{
	closer = (struct closer)CLOSER_NONE;
	forks = 0;
	forks_fail = false;
	return closer_begin(&closer) == TOTP_OK ? 0 : -1;
}

static int end_test(void **unused)
{
	closer_close(&closer);
	return 0;
}

/* Give it one end of a connection; returns the other. */
static int give(uint64_t due)
{
	int pair[2];

	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	closer_take(&closer, &pair[0], due);
	assert_int_equal(-1, pair[0]);
	return pair[1];
}

static void give_many(size_t count, uint64_t due)
{
	for (size_t i = 0; i < count; i++)
		close(give(due));
}

static bool is_closed(int other_end)
{
	char byte;

	return recv(other_end, &byte, 1, MSG_DONTWAIT) == 0;
}

static void a_connection_is_closed_when_it_is_due_and_not_before(void **unused)
{
	int client = give(100 * MS);

	assert_int_equal(100 + 1, closer_wait_ms(&closer, 0));
	assert_int_equal(1 + 1, closer_wait_ms(&closer, 99 * MS));
	assert_int_equal(0, closer_wait_ms(&closer, 100 * MS));
	assert_false(closer_run(&closer, 100 * MS - 1));
	assert_int_equal(0, forks);
	assert_false(is_closed(client));
	assert_false(closer_run(&closer, 100 * MS));
	assert_int_equal(1, forks);
	assert_int_equal(1, closer.running);
	assert_int_equal(0, closer.count);
	assert_true(is_closed(client));
	assert_int_equal(-1, closer_wait_ms(&closer, 100 * MS));
	assert_false(closer_run(&closer, 200 * MS));
	assert_int_equal(1, forks);
	close(client);
}

static void the_one_that_is_due_first_decides(void **unused)
{
	close(give(300 * MS));
	close(give(100 * MS));
	close(give(200 * MS));
	assert_int_equal(0, closer_wait_ms(&closer, 100 * MS));
	assert_false(closer_run(&closer, 100 * MS));
	assert_int_equal(1, forks);
	/* the next one begins with a time of its own */
	close(give(500 * MS));
	assert_int_equal(100 + 1, closer_wait_ms(&closer, 400 * MS));
}

static void many_are_closed_before_they_are_due(void **unused)
{
	give_many(255, 100 * MS);
	assert_false(closer_run(&closer, 0));
	assert_int_equal(0, forks);
	give_many(1, 100 * MS);
	assert_false(closer_run(&closer, 0));
	assert_int_equal(1, forks);
}

static void with_eight_processes_it_waits_for_many_and_with_thirty_two_for_one_to_end(void **unused)
{
	closer.running = 8;
	give_many(1, 0);
	assert_int_equal(-1, closer_wait_ms(&closer, MS));
	assert_false(closer_run(&closer, MS));
	assert_int_equal(0, forks);
	give_many(255, 0);
	assert_false(closer_run(&closer, MS));
	assert_int_equal(1, forks);
	assert_int_equal(9, closer.running);

	closer.running = 32;
	give_many(256, 0);
	assert_false(closer_run(&closer, 1000 * MS));
	assert_int_equal(1, forks);
	closer.running = 31;
	assert_false(closer_run(&closer, 2000 * MS));
	assert_int_equal(2, forks);
	assert_int_equal(32, closer.running);
}

static void without_a_process_it_keeps_them_and_tries_again_a_tenth_of_a_second_later(void **unused)
{
	int client = give(0);

	forks_fail = true;
	assert_false(closer_run(&closer, 50 * MS));
	assert_int_equal(1, forks);
	assert_int_equal(0, closer.running);
	assert_false(is_closed(client));
	assert_int_equal(100 + 1, closer_wait_ms(&closer, 50 * MS));
	assert_false(closer_run(&closer, 150 * MS - 1));
	assert_int_equal(1, forks);
	forks_fail = false;
	assert_false(closer_run(&closer, 150 * MS));
	assert_int_equal(2, forks);
	assert_true(is_closed(client));
	/* and then waits for nothing */
	close(client);
	client = give(150 * MS);
	assert_false(closer_run(&closer, 150 * MS));
	assert_int_equal(3, forks);
	close(client);
}

static void each_process_has_the_barrier_that_the_one_before_kept_open(void **unused)
{
	int next[2] = {closer.next[0], closer.next[1]};

	close(give(0));
	assert_false(closer_run(&closer, 0));
	assert_int_equal(next[0], closer.barrier[0]);
	assert_int_equal(next[1], closer.barrier[1]);
	assert_true(closer.next[0] >= 0 && closer.next[1] >= 0);
	assert_true(closer.next[0] != closer.barrier[0]);
	assert_true(fcntl(closer.barrier[1], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(closer.next[0], F_GETFD) & FD_CLOEXEC);
}

static void a_process_that_closes_ends_after_all_others_have_closed_too(void **unused)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	int status = -1;

	if (child == 0)
		closer_finish(&closer);
	usleep(50000); /* in which a process that does not wait ends */
	assert_int_equal(0, waitpid(child, &status, WNOHANG));
	closer.barrier[1] = fd_close(closer.barrier[1]);
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_int_equal(0, status);
}

static void it_has_room_for_768(void **unused)
{
	assert_true(closer_has_room(&closer, 768));
	assert_false(closer_has_room(&closer, 769));
	give_many(10, 0);
	assert_true(closer_has_room(&closer, 758));
	assert_false(closer_has_room(&closer, 759));
}

static void in_another_child_all_are_closed(void **unused)
{
	int client = give(0), barrier = closer.barrier[0];

	closer_close(&closer);
	assert_true(is_closed(client));
	assert_int_equal(-1, fcntl(barrier, F_GETFD));
	assert_int_equal(-1, closer.barrier[0]);
	assert_int_equal(-1, closer.next[1]);
	assert_int_equal(0, closer.count);
	close(client);
}

#define CLOSER_TEST(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOSER_TEST(a_connection_is_closed_when_it_is_due_and_not_before),
		CLOSER_TEST(the_one_that_is_due_first_decides),
		CLOSER_TEST(many_are_closed_before_they_are_due),
		CLOSER_TEST(
			with_eight_processes_it_waits_for_many_and_with_thirty_two_for_one_to_end),
		CLOSER_TEST(
			without_a_process_it_keeps_them_and_tries_again_a_tenth_of_a_second_later),
		CLOSER_TEST(each_process_has_the_barrier_that_the_one_before_kept_open),
		CLOSER_TEST(a_process_that_closes_ends_after_all_others_have_closed_too),
		CLOSER_TEST(it_has_room_for_768),
		CLOSER_TEST(in_another_child_all_are_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
