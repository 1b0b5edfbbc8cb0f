/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A login that totpd checks, since the store is the verifiers': what the module sends, and what it
 * makes of each answer. A process of this test takes the place of totpd.
 */
#include "module.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "host/ask.h"
#include "login/wire.h"

#define VERIFIER "store = verifier\nverifiers = 192.0.2.9:7443\n"

enum fault {
	ANSWERS_WELL,
	ANSWERS_ANOTHER_OPERATION,
	ANSWERS_IN_ANOTHER_VERSION,
	ANSWERS_TOO_SHORT,
	ANSWERS_TOO_LONG,
	ANSWERS_NOTHING, /* closes the connection, after it has read the request */
};

/* What the test and the process that listens share. */
struct listening {
	struct wire_response look, check; /* what it answers */
	enum fault fault;                 /* of its answers to WIRE_CHECK */
	unsigned drops;                   /* so many connections are closed before they are read */
	unsigned connections, looks, checks;
	struct wire_request request; /* the last WIRE_CHECK */
};

static struct listening *listening;
static pid_t listener;

static void answer_one(int fd)
{
	uint8_t message[WIRE_RESPONSE_LEN + 1] = {0};
	struct wire_request request;
	struct wire_response response;
	size_t len = WIRE_RESPONSE_LEN;
	ssize_t got = recv(fd, message, sizeof(message), 0);
	enum fault fault = ANSWERS_WELL;

	if (got <= 0 || wire_get_request(message, (size_t)got, &request) != TOTP_OK)
		return;
	response = request.op == WIRE_LOOK ? listening->look : listening->check;
	response.op = request.op;
	listening->looks += request.op == WIRE_LOOK;
	if (request.op == WIRE_CHECK) {
		listening->checks++;
		listening->request = request;
		fault = listening->fault;
	}
	if (fault == ANSWERS_NOTHING)
		return;
	if (fault == ANSWERS_ANOTHER_OPERATION)
		response.op = WIRE_ADD;
	if (wire_put_response(&response, message) != TOTP_OK)
		return;
	message[3] ^= fault == ANSWERS_IN_ANOTHER_VERSION;
	if (fault == ANSWERS_TOO_SHORT)
		len--;
	else if (fault == ANSWERS_TOO_LONG)
		len++;
	send(fd, message, len, MSG_NOSIGNAL);
}

static _Noreturn void run_listener(int fd)
{
	int connection;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((connection = accept(fd, NULL, NULL)) >= 0) {
		uint8_t first;

		listening->connections++;
		if (listening->drops) {
			listening->drops--;
			recv(connection, &first, 1, MSG_PEEK); /* the request has arrived */
		} else {
			answer_one(connection);
		}
		close(connection);
	}
	_exit(1);
}

/* Listen with the rights of this account: the kernel shows it to those who connect. */
static void listen_as(uid_t uid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/%s", scene.dir,
		 ASK_ROOT_SOCKET);
	unlink(address.sun_path);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&address, sizeof(address)));
	assert_int_equal(0, chmod(address.sun_path, 0600));
	assert_int_equal(0, seteuid(uid));
	assert_int_equal(0, listen(fd, 8));
	assert_int_equal(0, seteuid(0));
	listener = fork();
	if (listener == 0)
		run_listener(fd);
	close(fd);
}

static int begin_with_totpd(void **unused)
{
	setup(unused);
	scene_policy(&scene, VERIFIER);
	mkdir(scene_path(&scene, "run"), 0755);
	listening = mmap(NULL, sizeof(*listening), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	listening->look.enrolled = true;
	listening->check.outcome = (struct outcome){.verdict = VERDICT_ALLOW, .reason = JUDGE_CODE};
	listen_as(0);
	scene_log_clear();
	return 0;
}

static void stop_listening(void)
{
	if (listener > 0) {
		kill(listener, SIGKILL);
		waitpid(listener, NULL, 0);
	}
	listener = 0;
}

static int end_with_totpd(void **unused)
{
	stop_listening();
	munmap(listening, sizeof(*listening));
	return teardown(unused);
}

static const char *heard;

static int log_in(const char *answer)
{
	static struct talk talk;
	int code;

	talk = (struct talk){.answer = answer, .rhost = A};
	code = scene_talk(&scene, "daemon", &talk);
	heard = talk.heard;
	return code;
}

/* Denied, as an error of the host: neither allowed nor left to the other modules of the stack. */
static void assert_broken(int code)
{
	if (code == PAM_SUCCESS || code == SCENE_IGNORED || code == PAM_IGNORE)
		fail_msg("a login with an error got PAM code %d", code);
	assert_holds(heard, BROKEN);
}

/* --- the verdict --- */

static void totpd_is_sent_the_code_and_its_verdict_decides(void **unused)
{
	const struct source from = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}};
	const struct wire_request *sent = &listening->request;

	assert_int_equal(PAM_SUCCESS, log_in("123456"));
	assert_int_equal(1, listening->checks);
	assert_string_equal("daemon", sent->user);
	assert_string_equal(SCENE_SERVICE, sent->service);
	assert_true(source_equal(&from, &sent->source));
	assert_int_equal(ANSWER_CODE, sent->answer.kind);
	assert_string_equal("123456", sent->answer.code.text);
	assert_string_equal("", sent->store.dir);
	assert_logged("outcome=allow");

	listening->check.outcome =
		(struct outcome){.verdict = VERDICT_DENY, .reason = JUDGE_WRONG_CODE};
	assert_int_equal(PAM_AUTH_ERR, log_in("123456"));
	assert_string_equal(REFUSED, heard);
	listening->check.outcome = (struct outcome){
		.verdict = VERDICT_WAIT, .reason = JUDGE_THROTTLED, .wait_seconds = 90};
	assert_true(log_in("123456") != PAM_SUCCESS);
}

static void an_answer_that_is_no_code_is_denied_and_not_sent(void **unused)
{
	static const char *const answers[] = {"", "x", "12345", "123456789", "12345a"};

	for (size_t i = 0; i < COUNT(answers); i++) {
		assert_int_equal(PAM_AUTH_ERR, log_in(answers[i]));
		assert_int_equal(0, listening->checks);
	}
}

static void a_user_whom_totpd_does_not_know_is_asked_and_denied(void **unused)
{
	listening->look.enrolled = false;
	assert_int_equal(PAM_AUTH_ERR, log_in("123456"));
	assert_string_equal(REFUSED, heard);
	assert_int_equal(0, listening->checks);
	assert_logged("not_enrolled");
	/* or no longer: the record was removed while the person typed */
	listening->look.enrolled = true;
	listening->check.err = TOTP_ERR_NOT_FOUND;
	assert_int_equal(PAM_AUTH_ERR, log_in("123456"));
	assert_string_equal(REFUSED, heard);
}

static void a_source_is_remembered_for_as_long_as_the_policy_says(void **unused)
{
	scene_policy(&scene, VERIFIER "remember = 1h\n");
	listening->look.status.last_success = scene_now - 3599;
	assert_int_equal(PAM_SUCCESS, log_in("no code"));
	assert_string_equal("", heard);
	listening->look.status.last_success = scene_now - 3600;
	assert_int_equal(PAM_AUTH_ERR, log_in("no code"));
	listening->look.status.last_success = scene_now + 1;
	assert_int_equal(PAM_AUTH_ERR, log_in("no code"));
	assert_int_equal(0, listening->checks);
}

/* --- errors --- */

static void no_error_that_totpd_reports_allows_a_login(void **unused)
{
	for (int err = TOTP_OK + 1; err < TOTP_ERR_COUNT_; err++) {
		int code;

		listening->look.err = TOTP_OK;
		listening->check.err = (enum totp_err)err;
		code = log_in("123456");
		if (err != TOTP_ERR_NOT_FOUND)
			assert_broken(code);
		listening->look.err = (enum totp_err)err;
		assert_broken(log_in("123456"));
	}
}

static void an_error_is_logged_with_what_totpd_says_or_where_to_look(void **unused)
{
	listening->check.err = TOTP_ERR_TIMEOUT;
	assert_broken(log_in("123456"));
	assert_logged("its log says why");
	strcpy(listening->check.why.text, "no verifier has time");
	assert_broken(log_in("123456"));
	assert_logged("no verifier has time");
}

static void a_malformed_answer_allows_nobody_and_is_not_asked_for_again(void **unused)
{
	for (enum fault fault = ANSWERS_ANOTHER_OPERATION; fault <= ANSWERS_NOTHING; fault++) {
		listening->fault = fault;
		listening->checks = 0;
		assert_broken(log_in("123456"));
		assert_int_equal(1, listening->checks);
	}
}

static void a_connection_that_is_closed_before_the_request_was_read_is_made_again(void **unused)
{
	listening->drops = 2;
	assert_int_equal(PAM_SUCCESS, log_in("123456"));
	assert_int_equal(4, listening->connections);
	assert_int_equal(1, listening->looks);
	assert_int_equal(1, listening->checks);
}

/* --- who listens --- */

static void where_no_process_listens_everybody_is_denied(void **unused)
{
	stop_listening();
	assert_broken(log_in("123456"));
	assert_logged("no process is listening");
	unlink(scene_path(&scene, "run/" ASK_ROOT_SOCKET));
	assert_broken(log_in("123456"));
}

static void a_failure_closes_no_descriptor_of_the_program(void **unused)
{
	int kept = dup(STDIN_FILENO);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool open_still;

	assert_true(fd >= 0);
	assert_int_equal(STDIN_FILENO, dup2(fd, STDIN_FILENO));
	unlink(scene_path(&scene, "run/" ASK_ROOT_SOCKET));
	assert_broken(log_in("123456"));
	open_still = fcntl(STDIN_FILENO, F_GETFD) >= 0;
	if (kept >= 0)
		dup2(kept, STDIN_FILENO);
	close(kept);
	close(fd);
	assert_true(open_still);
}

static void a_socket_that_root_does_not_own_is_not_connected_to(void **unused)
{
	assert_int_equal(0, chown(scene_path(&scene, "run/" ASK_ROOT_SOCKET), 1, 0));
	assert_broken(log_in("123456"));
	assert_int_equal(0, listening->connections);
	assert_logged("not a socket that root owns");
	assert_int_equal(0, chown(scene_path(&scene, "run/" ASK_ROOT_SOCKET), 0, 0));
	assert_int_equal(0, chmod(scene_path(&scene, "run"), 0777));
	assert_broken(log_in("123456"));
	assert_int_equal(0, listening->connections);
}

static void a_process_that_does_not_run_as_root_is_sent_nothing(void **unused)
{
	stop_listening();
	listen_as(1);
	assert_broken(log_in("123456"));
	assert_int_equal(0, listening->looks);
	assert_logged("runs as uid 1, expected root");
}

#define with_totpd(test) cmocka_unit_test_setup_teardown(test, begin_with_totpd, end_with_totpd)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_totpd(totpd_is_sent_the_code_and_its_verdict_decides),
		with_totpd(an_answer_that_is_no_code_is_denied_and_not_sent),
		with_totpd(a_user_whom_totpd_does_not_know_is_asked_and_denied),
		with_totpd(a_source_is_remembered_for_as_long_as_the_policy_says),
		with_totpd(no_error_that_totpd_reports_allows_a_login),
		with_totpd(an_error_is_logged_with_what_totpd_says_or_where_to_look),
		with_totpd(a_malformed_answer_allows_nobody_and_is_not_asked_for_again),
		with_totpd(a_connection_that_is_closed_before_the_request_was_read_is_made_again),
		with_totpd(where_no_process_listens_everybody_is_denied),
		with_totpd(a_failure_closes_no_descriptor_of_the_program),
		with_totpd(a_socket_that_root_does_not_own_is_not_connected_to),
		with_totpd(a_process_that_does_not_run_as_root_is_sent_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
