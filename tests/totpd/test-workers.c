/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that answer one client after the other, with real ones. */
#include "../unit/unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "workers.h"

#define POLICY 7

static struct workers workers;

/* Write to each client its index and how many came before; the third one lacks a key. */
static _Noreturn void serve(int end)
{
	struct client client;
	size_t index;
	uint8_t count = 0;

	while (worker_take(end, &client, &index)) {
		const uint8_t answer[] = {(uint8_t)index, count++, (uint8_t)client.peer.uid};

		(void)!write(client.fd, answer, sizeof(answer));
		fd_close(client.fd);
		if (!worker_report(end, count == 3))
			_exit(1);
	}
	_exit(0);
}

static struct worker *start(void)
{
	int end = -1;
	struct worker *worker = workers_prepare(&workers, &end);

	assert_non_null(worker);
	worker->policy = POLICY;
	worker->pid = fork();
	assert_true(worker->pid >= 0);
	if (worker->pid == 0) {
		fd_close(worker->fd);
		serve(end);
	}
	fd_close(end);
	return worker;
}

static bool wait_for_report(const struct worker *worker, unsigned *ret_found)
{
	struct pollfd polled = {.fd = worker->fd, .events = POLLIN};

	assert_int_equal(1, poll(&polled, 1, 10000));
	return worker_read_report(worker, ret_found);
}

static void end_all(void)
{
	workers_close(&workers);
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (workers.all[i].pid)
			waitpid(workers.all[i].pid, NULL, 0);
	memset(&workers, 0, sizeof(workers));
}

static void a_worker_answers_one_client_after_the_other(void **unused)
{
	struct worker *worker = start();

	for (uint8_t i = 0; i < 3; i++) {
		uint8_t answer[3] = {0};
		struct client client = {.state = CLIENT_WAITING, .peer = {.uid = 70u + i}};
		unsigned found = 0;
		int pair[2];

		assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
		client.fd = pair[0];
		assert_ptr_equal(worker, workers_idle(&workers, POLICY));
		assert_true(worker_give(worker, &client, 40u + i));
		assert_null(workers_idle(&workers, POLICY)); /* it is busy */
		assert_true(wait_for_report(worker, &found));
		worker->busy = false;
		assert_int_equal(i == 2, found);
		fd_close(pair[0]);
		/* after its report the worker has closed the connection */
		assert_int_equal(3, read(pair[1], answer, sizeof(answer)));
		assert_int_equal(40 + i, answer[0]);
		assert_int_equal(i, answer[1]);
		assert_int_equal(70 + i, answer[2]);
		assert_int_equal(0, read(pair[1], answer, sizeof(answer)));
		fd_close(pair[1]);
	}
	end_all();
}

static void a_worker_ends_when_totpd_closes_its_end(void **unused)
{
	struct worker *worker = start();
	int status = -1;

	worker_end(worker);
	assert_int_equal(worker->pid, waitpid(worker->pid, &status, 0));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_ptr_equal(worker, workers_find(&workers, worker->pid));
	memset(&workers, 0, sizeof(workers));
}

static void a_report_that_totpd_does_not_get_is_known(void **unused)
{
	int pair[2];
	uint8_t report = 0;

	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	assert_true(worker_report(pair[1], 4));
	assert_int_equal(1, read(pair[0], &report, 1));
	assert_int_equal(4, report);
	fd_close(pair[0]);
	assert_false(worker_report(pair[1], 4));
	fd_close(pair[1]);
}

static void a_worker_with_an_older_policy_gets_no_client_and_ends(void **unused)
{
	struct worker *worker = start();
	int status = -1;

	assert_null(workers_idle(&workers, POLICY + 1));
	assert_int_equal(worker->pid, waitpid(worker->pid, &status, 0));
	assert_true(WIFEXITED(status));
	memset(&workers, 0, sizeof(workers));
}

static void a_worker_that_died_reports_nothing_and_takes_nothing(void **unused)
{
	struct worker *worker = start();
	struct client client = {.fd = STDERR_FILENO};
	unsigned found = 0;

	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, NULL, 0);
	assert_false(wait_for_report(worker, &found));
	assert_false(worker_give(worker, &client, 0));
	assert_false(worker->busy);
	worker_end(worker);
	memset(&workers, 0, sizeof(workers));
}

static void there_are_so_many_workers_and_no_more(void **unused)
{
	int end = -1;

	for (size_t i = 0; i < WORKERS_MAX; i++)
		start();
	assert_null(workers_prepare(&workers, &end));
	end_all();
	assert_non_null(start());
	end_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_answers_one_client_after_the_other),
		cmocka_unit_test(a_worker_ends_when_totpd_closes_its_end),
		cmocka_unit_test(a_report_that_totpd_does_not_get_is_known),
		cmocka_unit_test(a_worker_with_an_older_policy_gets_no_client_and_ends),
		cmocka_unit_test(a_worker_that_died_reports_nothing_and_takes_nothing),
		cmocka_unit_test(there_are_so_many_workers_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
