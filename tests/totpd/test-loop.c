/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A totpd that runs: its sockets, its loop and the processes that answer, on a store of the test's
 * own. Name service, clock and log are the test's: there are root, alice (1000) and bob (1001).
 * Needs root.
 */
#include "../unit/store_fixture.h"
#include "accounts.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "host/ask.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/source.h"
#include "loop.h"

#define STEP (NOW / 30)

/* --- what replaces the host --- */

int64_t clock_now(void)
{
	return NOW;
}

int64_t clock_booted(void)
{
	return NOW - 86400;
}

static bool has_random = true;

ssize_t getrandom(void *ret_bytes, size_t len, unsigned flags)
{
	if (has_random)
		return syscall(SYS_getrandom, ret_bytes, len, flags);
	errno = ENOSYS;
	return -1;
}

#define LOGGED_MAX 65536

static char *logged; /* of all processes */

void log_send(int priority, const struct log_event *event)
{
	size_t len = strlen(logged);

	snprintf(logged + len, LOGGED_MAX - len, "%s %s %s\n", event->outcome, event->reason,
		 event->detail ? event->detail : "");
}

/* --- a totpd --- */

static struct loop loop; /* too large for the stack */
static struct policy policy;
static pid_t totpd;
static char conf[64], run_dir[48];
static void (*before_it_runs)(void);   /* in its process; or NULL */
static void (*before_it_starts)(void); /* when its sockets are there; or NULL */

static void start(const char *lines, bool activated)
{
	const struct account terminator = accounts[1];
	char text[2048];
	struct reason why = {""};

	snprintf(text, sizeof(text), "store_dir = %s\nkeyring = %s\nrun_dir = %s\n%s",
		 policy.store_dir, policy.keyring, run_dir, lines);
	write_file(conf, text, strlen(text), 0644);
	loop = (struct loop)LOOP_NONE;
	loop.server.conf = conf;
	loop.idle = 300000000;
	assert_ok(server_load_policy(&loop.server));
	assert_ok(keyring_load(policy.keyring, &loop.server.keyring, NULL));
	if (listeners_make(run_dir, &terminator, &loop.listeners, &why) != TOTP_OK)
		fail_msg("%s", why.text);
	loop.listeners.activated = activated;
	if (before_it_starts)
		before_it_starts();
	totpd = fork();
	assert_true(totpd >= 0);
	if (totpd == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (loop_prepare(&loop) != TOTP_OK)
			_exit(99);
		if (before_it_runs)
			before_it_runs();
		_exit(loop_run(&loop));
	}
	listeners_close(&loop.listeners);
}

static int begin_test(void **state)
{
	struct cred bob = cred_of("bob", 2);
	struct login_state fresh = state_of(&bob);
	const struct fixture *f;

	assert_int_equal(0, fixture_begin(state));
	f = *state;
	assert_int_equal(0, chmod(f->dir, 0711));
	snprintf(conf, sizeof(conf), "%.31s/policy", f->dir);
	snprintf(run_dir, sizeof(run_dir), "%.31s/run", f->dir);
	logged = mmap(NULL, LOGGED_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	policy_default(&policy);
	strcpy(policy.store_dir, f->store_dir);
	strcpy(policy.keyring, f->keyring);
	strcpy(policy.run_dir, run_dir);
	add_user(f->store, "alice", 1);
	bob.uid = 1001;
	assert_ok(store_create(f->store, &bob, &fresh, deadline_in(2000), NULL));
	totpd = 0;
	before_it_runs = before_it_starts = NULL;
	return 0;
}

static int end_test(void **state)
{
	if (totpd > 0) {
		kill(totpd, SIGKILL);
		waitpid(totpd, NULL, 0);
	}
	munmap(logged, LOGGED_MAX);
	return fixture_end(state);
}

static size_t times_logged(const char *text)
{
	size_t times = 0;

	for (const char *at = logged; (at = strstr(at, text)); at++)
		times++;
	return times;
}

static void wait_until_logged(const char *text)
{
	for (unsigned i = 0; i < 1000 && !strstr(logged, text); i++)
		pause_ms(20);
	assert_contains(text, logged);
}

static bool has_children(void)
{
	char path[64], pids[4096];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)totpd, (int)totpd);
	return read_file(path, pids, sizeof(pids)) > 0;
}

/* Returns how long it took. */
static uint64_t wait_for_its_children(void)
{
	uint64_t before = io_monotonic_ns();

	for (unsigned i = 0; i < 1000 && has_children(); i++)
		pause_ms(20);
	assert_false(has_children());
	return io_monotonic_ns() - before;
}

/* The exit code of totpd, which ends by itself. */
static int end_of_totpd(void)
{
	int status = 0;

	assert_int_equal(totpd, waitpid(totpd, &status, 0));
	totpd = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* --- clients --- */

static const char *code_of(const char *user, uint64_t step)
{
	static struct code code;
	struct cred cred = cred_of(user, user[0] == 'a' ? 1 : 2);

	code = (struct code){0};
	assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 6, &cred.tokens[0].secret}, step, &code));
	return code.text;
}

static struct wire_request request_of(enum wire_op op, const char *user, const char *answer)
{
	struct wire_request request = {.op = op, .service = "locker"};

	strcpy(request.user, user);
	if (answer)
		answer_parse(answer, NULL, &request.answer);
	return request;
}

static struct wire_response response;

/* Ask as programs do: what ask_totpd returns, or the error in the response. */
static enum totp_err ask(const char *name, enum wire_op op, const char *user, const char *answer)
{
	struct wire_request request = request_of(op, user, answer);
	enum totp_err err = ask_totpd(&policy, name, &request, &response, NULL);

	return err == TOTP_OK ? response.err : err;
}

static enum verdict check(const char *user, const char *answer)
{
	assert_ok(ask(ASK_ROOT_SOCKET, WIRE_CHECK, user, answer));
	return response.outcome.verdict;
}

/* A process that was stopped and goes on does so as well. */
static ssize_t receive(int fd, void *bytes, size_t len, int flags)
{
	ssize_t got;

	do
		got = recv(fd, bytes, len, flags);
	while (got < 0 && errno == EINTR);
	return got;
}

static int connect_to(const char *name, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = 20};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", run_dir, name);
	assert_int_equal(0, connect(fd, (struct sockaddr *)&address, sizeof(address)));
	assert_int_equal(0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	return fd;
}

/* What the program that ends TLS says first of a connection: which host it is from. */
static const uint8_t proxy_header[] = "\r\n\r\n\0\r\nQUIT\n"
				      "\x21\x11\0\x1c"
				      "\x7f\0\0\x01\x7f\0\0\x01\x9c\x40\x1d\x13"
				      "\x20\0\x0d"
				      "\x07\0\0\0\0"
				      "\x22\0\x05web01";

/* From the host web and these two characters. */
static void send_host(int fd, char first, char second)
{
	uint8_t message[sizeof(proxy_header) - 1];

	memcpy(message, proxy_header, sizeof(message));
	message[sizeof(message) - 2] = (uint8_t)first;
	message[sizeof(message) - 1] = (uint8_t)second;
	assert_ok(io_write(fd, message, sizeof(message)));
}

/*
 * A login host asks, through the program that ends TLS. False: it was not answered, as a program
 * that does not send its request within a second.
 */
static bool try_to_ask_from(char host, enum wire_op op, const char *user, const char *answer)
{
	OWN_FD int fd = connect_to(VERIFIER_SOCKET, SOCK_STREAM);
	struct relay_request relay = {.known = true,
				      .uid = user[0] == 'a' ? 1000 : 1001,
				      .wait_ms = 20000,
				      .request = request_of(op, user, answer)};
	struct relay_response relayed;
	uint8_t message[sizeof(proxy_header) - 1 + RELAY_REQUEST_LEN + RELAY_RESPONSE_LEN];

	relay.request.source = (struct source){.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}};
	assert_int_equal(RELAY_HELLO_LEN, receive(fd, message, RELAY_HELLO_LEN, MSG_WAITALL));
	assert_ok(relay_get_hello(message, RELAY_HELLO_LEN, relay.nonce));
	memcpy(message, proxy_header, sizeof(proxy_header) - 1);
	message[sizeof(proxy_header) - 2] = (uint8_t)host;
	assert_ok(relay_put_request(&relay, message + sizeof(proxy_header) - 1));
	if (send(fd, message, sizeof(proxy_header) - 1 + RELAY_REQUEST_LEN, MSG_NOSIGNAL) < 0 ||
	    receive(fd, message, RELAY_RESPONSE_LEN, MSG_WAITALL) != RELAY_RESPONSE_LEN)
		return false;
	assert_ok(relay_get_response(message, RELAY_RESPONSE_LEN, &relayed));
	response = relayed.response;
	return true;
}

static enum totp_err ask_from(char host, enum wire_op op, const char *user, const char *answer)
{
	bool answered = false;

	for (unsigned i = 0; i < 5 && !answered; i++) /* this process may be slow */
		answered = try_to_ask_from(host, op, user, answer);
	assert_true(answered);
	return response.err;
}

static void assert_closed(int fd)
{
	uint8_t byte;
	ssize_t len = receive(fd, &byte, 1, 0);

	if (len > 0 || (len < 0 && errno != ECONNRESET))
		fail_msg("the connection is open: %zd, %s", len, strerror(errno));
}

/* --- requests --- */

static void a_code_is_accepted_once_and_a_wrong_one_denied(void **unused)
{
	start("", false);
	assert_int_equal(VERDICT_ALLOW, check("alice", code_of("alice", STEP)));
	assert_int_equal(VERDICT_DENY, check("alice", code_of("alice", STEP)));
	assert_int_equal(JUDGE_USED_CODE, response.outcome.reason);
	assert_int_equal(VERDICT_DENY, check("bob", "00000000"));
	assert_int_equal(VERDICT_ALLOW, check("bob", code_of("bob", STEP)));
}

static void of_many_who_use_a_code_at_once_one_is_allowed(void **unused)
{
	const char *code = code_of("alice", STEP);
	pid_t pids[8];
	unsigned allowed = 0;

	start("", false);
	for (size_t i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(ask(ASK_ROOT_SOCKET, WIRE_CHECK, "alice", code) == TOTP_OK &&
					      response.outcome.verdict == VERDICT_ALLOW
				      ? 7
				      : 0);
	}
	for (size_t i = 0; i < COUNT(pids); i++) {
		int status = 0;

		waitpid(pids[i], &status, 0);
		allowed += WIFEXITED(status) && WEXITSTATUS(status) == 7;
	}
	assert_int_equal(1, allowed);
}

static void a_user_may_ask_about_no_other_user(void **unused)
{
	pid_t child;
	int status = 0;

	start("", false);
	child = fork();
	if (child == 0) {
		if (setresuid(1000, 1000, 1000) != 0)
			_exit(1);
		_exit(ask(ASK_SOCKET, WIRE_LOOK, "alice", NULL) == TOTP_OK && response.enrolled &&
				      ask(ASK_SOCKET, WIRE_LOOK, "bob", NULL) ==
					      TOTP_ERR_FORBIDDEN &&
				      !response.enrolled
			      ? 7
			      : 2);
	}
	waitpid(child, &status, 0);
	assert_int_equal(7, WEXITSTATUS(status));
}

static void a_malformed_request_gets_an_error_and_the_next_one_its_answer(void **unused)
{
	uint8_t message[WIRE_RESPONSE_LEN];
	OWN_FD int fd = -1;
	ssize_t len = -1;

	start("", false);
	for (unsigned i = 0; i < 5 && len <= 0; i++) { /* this process may be slow */
		fd_close(fd);
		fd = connect_to(ASK_ROOT_SOCKET, SOCK_SEQPACKET);
		if (send(fd, "not at all", 10, MSG_NOSIGNAL) == 10)
			len = receive(fd, message, sizeof(message), 0);
	}
	assert_int_equal(sizeof(message), len);
	assert_ok(wire_get_response(message, sizeof(message), &response));
	assert_refused(FORMAT, response.err);
	assert_int_equal(VERDICT_DENY, response.outcome.verdict);
	assert_closed(fd);
	assert_int_equal(VERDICT_ALLOW, check("alice", code_of("alice", STEP)));
}

static void a_request_that_brings_a_descriptor_is_not_answered(void **unused)
{
	struct wire_request request = request_of(WIRE_CHECK, "alice", code_of("alice", STEP));
	uint8_t message[WIRE_REQUEST_LEN];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec data = {message, sizeof(message)};
	struct msghdr header = {.msg_iov = &data,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	OWN_FD int fd = -1;
	const int carried = STDERR_FILENO;

	start("", false);
	strcpy(request.store.dir, policy.store_dir);
	request.deadline = deadline_in(20000);
	assert_ok(wire_put_request(&request, message));
	memcpy(CMSG_DATA(&control.head), &carried, sizeof(carried));
	fd = connect_to(ASK_ROOT_SOCKET, SOCK_SEQPACKET);
	if (sendmsg(fd, &header, MSG_NOSIGNAL) >= 0) /* a kernel may refuse to send it */
		assert_closed(fd);
	assert_int_equal(VERDICT_ALLOW, check("alice", code_of("alice", STEP)));
}

static void clients_that_say_nothing_delay_nobody(void **unused)
{
	int fds[5];
	uint64_t before;

	start("", false);
	before = io_monotonic_ns();
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = connect_to(i % 2 ? ASK_SOCKET : ASK_ROOT_SOCKET, SOCK_SEQPACKET);
	assert_int_equal(VERDICT_ALLOW, check("alice", code_of("alice", STEP)));
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_closed(fds[i]); /* after a while */
	assert_in_range(io_monotonic_ns() - before, 500000000, 20000000000);
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

static void never_be_idle(void)
{
	loop.idle = UINT64_MAX;
}

/* False: it was not sent within a second of the connection. */
static bool send_request(int fd, struct wire_request request)
{
	uint8_t message[WIRE_REQUEST_LEN];

	strcpy(request.store.dir, policy.store_dir);
	request.deadline = deadline_in(20000);
	assert_ok(wire_put_request(&request, message));
	return send(fd, message, sizeof(message), MSG_NOSIGNAL) == sizeof(message);
}

static void a_connection_is_closed_soon_after_the_answer(void **unused)
{
	uint64_t shortest = UINT64_MAX;
	uint8_t message[WIRE_RESPONSE_LEN];

	before_it_runs = never_be_idle;
	start("", true);
	for (unsigned i = 0; i < 5; i++) { /* another process may delay some */
		OWN_FD int fd = connect_to(ASK_ROOT_SOCKET, SOCK_SEQPACKET);
		uint64_t before;

		if (!send_request(fd, request_of(WIRE_LOOK, "alice", NULL)) ||
		    receive(fd, message, sizeof(message), 0) != sizeof(message))
			continue;
		before = io_monotonic_ns();
		assert_closed(fd);
		if (io_monotonic_ns() - before < shortest)
			shortest = io_monotonic_ns() - before;
		pause_ms(100);
	}
	assert_in_range(shortest, 0, 600000000);
}

/*
 * As many ask for alice as one user may have clients, and one more, while her record is locked. How
 * many of them wait, and is only the surplus one closed, while bob gets his answer?
 */
static size_t ask_for_alice_at_once(struct wire_request request, bool *ret_surplus_closed)
{
	int fds[CLIENTS_UID];
	OWN_FD int surplus = -1;
	uint8_t byte;
	size_t waiting = 0;

	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = connect_to(ASK_ROOT_SOCKET, SOCK_SEQPACKET);
		(void)send_request(fds[i], request);
	}
	surplus = connect_to(ASK_ROOT_SOCKET, SOCK_SEQPACKET);
	(void)send_request(surplus, request);
	*ret_surplus_closed = receive(surplus, &byte, 1, 0) <= 0;
	for (size_t i = 0; i < COUNT(fds); i++)
		waiting += receive(fds[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
	assert_ok(ask(ASK_ROOT_SOCKET, WIRE_LOOK, "bob", NULL));
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	return waiting;
}

static void what_su_asks_for_a_user_counts_as_that_user_s(void **state)
{
	struct wire_request request = request_of(WIRE_CHECK, "alice", code_of("alice", STEP));
	const struct fixture *f = *state;
	bool surplus_closed = false;
	struct holder holder;
	size_t waiting = 0;
	uint64_t before;

	request.source = source_of_uid(1000);
	start("", false);
	for (unsigned i = 0; i < 5; i++) {
		holder = holder_begin(&f->config, "alice"); /* so that none of them is answered */
		before = io_monotonic_ns();
		waiting = ask_for_alice_at_once(request, &surplus_closed);
		before = io_monotonic_ns() - before;
		holder_end(&holder);
		if (before < 900 * MS)
			break; /* all have sent in time, and no lock was waited for in vain */
		(void)wait_for_its_children();
	}
	assert_int_equal(CLIENTS_UID, waiting);
	assert_true(surplus_closed);
	assert_int_equal(VERDICT_ALLOW, check("bob", code_of("bob", STEP)));
}

static void a_socket_is_open_to_those_who_may_ask_there(void **unused)
{
	static const struct {
		const char *name;
		mode_t mode;
		uid_t owner;
	} rows[] = {
		{ASK_ROOT_SOCKET, 0600, 0}, {ASK_SOCKET, 0666, 0}, {VERIFIER_SOCKET, 0600, 1000}};

	start("", false);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char path[96];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", run_dir, rows[i].name);
		assert_int_equal(0, stat(path, &st));
		assert_int_equal(S_IFSOCK | rows[i].mode, st.st_mode);
		assert_int_equal(rows[i].owner, st.st_uid);
	}
}

/* --- what is short --- */

/* From now on it can open no more files. */
static void take_its_descriptors(struct rlimit *ret_before)
{
	struct rlimit limit;
	char path[64];

	assert_int_equal(0, prlimit(totpd, RLIMIT_NOFILE, NULL, ret_before));
	limit = *ret_before;
	for (limit.rlim_cur = 0;; limit.rlim_cur++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)totpd, (int)limit.rlim_cur);
		if (access(path, F_OK) != 0)
			break;
	}
	assert_in_range(limit.rlim_cur, 5, 100); /* poll needs as many */
	assert_int_equal(0, prlimit(totpd, RLIMIT_NOFILE, &limit, NULL));
}

static void without_descriptors_it_says_so_once_and_goes_on_as_soon_as_there_are_some(void **unused)
{
	static const char sentence[] =
		"error accept no connection can be accepted: Too many open files";
	struct rlimit before;
	OWN_FD int fd = -1;

	start("", false);
	assert_int_equal(VERDICT_ALLOW, check("alice", code_of("alice", STEP)));
	(void)wait_for_its_children();
	take_its_descriptors(&before);
	fd = connect_to(ASK_ROOT_SOCKET, SOCK_SEQPACKET);
	wait_until_logged(sentence);
	pause_ms(1000);
	assert_int_equal(1, times_logged(sentence));
	assert_int_equal(0, prlimit(totpd, RLIMIT_NOFILE, &before, NULL));
	assert_int_equal(VERDICT_ALLOW, check("bob", code_of("bob", STEP)));
}

static void a_poll_that_fails_is_logged_and_ends_it(void **unused)
{
	static const struct rlimit none = {0, 0};

	start("", false);
	assert_int_equal(VERDICT_ALLOW, check("alice", code_of("alice", STEP)));
	assert_int_equal(0, prlimit(totpd, RLIMIT_NOFILE, &none, NULL));
	assert_int_equal(0, kill(totpd, SIGCHLD)); /* so that it calls poll again */
	assert_int_equal(EXIT_FAILURE, end_of_totpd());
	assert_int_equal(1, times_logged("error system_call_failed poll: Invalid argument"));
}

static void withhold_lines_of_as_many_users_as_are_counted(void)
{
	for (size_t i = 0; i <= LOG_LIMIT_USERS; i++)
		loop.server.log_limit->users[i] =
			(struct log_counts){.uid = 1000 + (uid_t)i,
					    .written = {LOG_DENIED_LINES},
					    .withheld = {3},
					    .end = io_monotonic_ns() + 300000000};
}

static void what_was_withheld_is_logged_once_by_a_process_that_ends(void **state)
{
	uint64_t took = UINT64_MAX;

	/* its alarm would end it after four seconds; another process may delay it */
	for (unsigned i = 0; i < 3 && took > 3000000000; i++) {
		if (i) {
			end_test(state);
			begin_test(state);
		}
		before_it_runs = withhold_lines_of_as_many_users_as_are_counted;
		start("", false);
		wait_until_logged("of other users");
		took = wait_for_its_children();
	}
	assert_in_range(took, 0, 3000000000);
	pause_ms(1200); /* it looks again each second */
	assert_int_equal(LOG_LIMIT_USERS + 1, times_logged("withheld flood 3 more denials"));
	assert_contains("of uid 1000 in the last minute", logged);
	assert_int_equal(VERDICT_ALLOW, check("alice", code_of("alice", STEP)));
}

/* --- login hosts --- */

static void a_host_that_guesses_is_denied_and_another_one_is_not(void **unused)
{
	enum totp_err err = TOTP_OK;

	start("hosts = web01, web02\nhost_failures = 2\n", false);
	for (unsigned i = 0; i < 2; i++) {
		assert_ok(ask_from('1', WIRE_CHECK, "alice", "00000000"));
		assert_int_equal(VERDICT_DENY, response.outcome.verdict);
	}
	/* a code is counted after its answer was sent */
	for (unsigned i = 0; i < 100 && err == TOTP_OK; i++) {
		pause_ms(20);
		err = ask_from('1', WIRE_CHECK, "bob", "00000000");
	}
	assert_refused(FORBIDDEN, err);
	assert_refused(FORBIDDEN, ask_from('1', WIRE_CHECK, "alice", code_of("alice", STEP)));
	assert_int_equal(WIRE_CHECK, response.op);
	assert_int_equal(VERDICT_DENY, response.outcome.verdict);
	assert_says("the host web01 has sent too many wrong codes", response.why);
	assert_ok(ask_from('1', WIRE_LOOK, "alice", NULL)); /* looking gives nothing away */
	assert_true(response.enrolled);
	assert_ok(ask_from('2', WIRE_CHECK, "alice", code_of("alice", STEP)));
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
	assert_contains("deny host_failures the host web01 sent 2 wrong codes", logged);
}

static void what_is_right_costs_a_host_nothing(void **unused)
{
	start("hosts = web01\nhost_failures = 1\n", false);
	for (unsigned i = 0; i < 3; i++)
		assert_ok(ask_from('1', WIRE_LOOK, "alice", NULL));
	assert_ok(ask_from('1', WIRE_CHECK, "alice", code_of("alice", STEP)));
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
	assert_ok(ask_from('1', WIRE_CHECK, "bob", code_of("bob", STEP)));
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
}

static void a_host_that_may_send_no_wrong_code_has_none_checked_and_others_are_not_affected(
	void **unused)
{
	start("hosts = web01\nhost_failures = 0\n", false);
	assert_refused(FORBIDDEN, ask_from('1', WIRE_CHECK, "alice", code_of("alice", STEP)));
	assert_ok(ask_from('1', WIRE_LOOK, "alice", NULL));
	assert_int_equal(VERDICT_ALLOW, check("alice", code_of("alice", STEP)));
}

static void a_host_that_is_not_listed_is_denied(void **unused)
{
	start("hosts = web01\n", false);
	assert_refused(FORBIDDEN, ask_from('3', WIRE_CHECK, "alice", code_of("alice", STEP)));
	assert_int_equal(VERDICT_DENY, response.outcome.verdict);
	assert_ok(ask_from('1', WIRE_CHECK, "alice", code_of("alice", STEP)));
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
}

#define HOSTS (CLIENTS_UID + 20)

/* As when totpd was started again: all of them are there before it is. How many are answered? */
static size_t ask_from_hosts_at_once(void)
{
	struct relay_request relay = {
		.wait_ms = 20000, .request = {.op = WIRE_LOOK, .user = "alice", .service = "su"}};
	int fds[HOSTS];
	uint8_t nonces[HOSTS][RELAY_NONCE_LEN], message[RELAY_REQUEST_LEN + RELAY_RESPONSE_LEN];
	size_t answered = 0;

	assert_int_equal(0, kill(totpd, SIGSTOP));
	for (size_t i = 0; i < HOSTS; i++) {
		fds[i] = connect_to(VERIFIER_SOCKET, SOCK_STREAM);
		send_host(fds[i], (char)('0' + i / 26), (char)('a' + i % 26));
	}
	assert_int_equal(0, kill(totpd, SIGCONT));
	for (size_t i = 0; i < HOSTS; i++) {
		assert_int_equal(RELAY_HELLO_LEN,
				 receive(fds[i], message, RELAY_HELLO_LEN, MSG_WAITALL));
		assert_ok(relay_get_hello(message, RELAY_HELLO_LEN, nonces[i]));
	}
	for (size_t i = 0; i < HOSTS; i++) {
		memcpy(relay.nonce, nonces[i], sizeof(relay.nonce));
		assert_ok(relay_put_request(&relay, message));
		(void)!send(fds[i], message, RELAY_REQUEST_LEN, MSG_NOSIGNAL);
	}
	for (size_t i = 0; i < HOSTS; i++) {
		answered += receive(fds[i], message, RELAY_RESPONSE_LEN, MSG_WAITALL) ==
			    RELAY_RESPONSE_LEN;
		close(fds[i]);
	}
	return answered;
}

static void of_hosts_that_connect_at_once_each_is_answered(void **unused)
{
	size_t answered = 0;

	start("hosts = *\n", false);
	for (unsigned i = 0; i < 5 && answered < HOSTS; i++) {
		uint64_t before = io_monotonic_ns();

		answered = ask_from_hosts_at_once();
		if (io_monotonic_ns() - before < 900 * MS)
			break; /* all have sent in time */
	}
	assert_int_equal(HOSTS, answered);
}

static void have_no_random_bytes(void)
{
	has_random = false;
}

/* Its request could be one of before. */
static void without_random_bytes_a_host_is_disconnected_at_once(void **unused)
{
	uint64_t shortest = UINT64_MAX;

	before_it_runs = have_no_random_bytes;
	start("hosts = web01\n", false);
	for (unsigned i = 0; i < 5; i++) { /* another process may delay some */
		OWN_FD int fd = connect_to(VERIFIER_SOCKET, SOCK_STREAM);
		uint64_t before = io_monotonic_ns();

		assert_closed(fd);
		if (io_monotonic_ns() - before < shortest)
			shortest = io_monotonic_ns() - before;
	}
	assert_in_range(shortest, 0, 600000000);
}

/* --- the end --- */

static void a_signal_ends_it_and_idle_connections_with_it(void **unused)
{
	OWN_FD int fd = -1;
	uint64_t before;

	start("", false);
	fd = connect_to(ASK_SOCKET, SOCK_SEQPACKET);
	assert_int_equal(VERDICT_ALLOW, check("alice", code_of("alice", STEP)));
	before = io_monotonic_ns();
	assert_int_equal(0, kill(totpd, SIGTERM));
	assert_int_equal(0, end_of_totpd());
	assert_closed(fd);
	assert_in_range(io_monotonic_ns() - before, 0, 20000000000);
	/* what it said before is forgotten */
	assert_int_not_equal(TOTP_OK, ask(ASK_ROOT_SOCKET, WIRE_CHECK, "alice", "123456"));
	assert_int_equal(VERDICT_DENY, response.outcome.verdict);
}

static int early = -1;

/* It could end before a request that comes later. */
static void ask_early(void)
{
	early = connect_to(ASK_ROOT_SOCKET, SOCK_SEQPACKET);
	assert_true(send_request(early, request_of(WIRE_LOOK, "alice", NULL)));
}

static void one_that_a_manager_started_ends_when_it_is_idle_and_no_other(void **unused)
{
	uint64_t before = io_monotonic_ns();
	uint8_t message[WIRE_RESPONSE_LEN];

	before_it_starts = ask_early;
	start("", true);
	before_it_starts = NULL;
	assert_int_equal(sizeof(message), receive(early, message, sizeof(message), 0));
	early = fd_close(early);
	assert_ok(wire_get_response(message, sizeof(message), &response));
	assert_ok(response.err);
	assert_true(response.enrolled);
	assert_int_equal(0, end_of_totpd());
	assert_in_range(io_monotonic_ns() - before, 300000000, 20000000000);
	strcat(run_dir, "2"); /* a process that has just been started may still have the sockets */
	start("", false);
	pause_ms(1500);
	assert_int_equal(0, waitpid(totpd, NULL, WNOHANG));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin_test, end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_code_is_accepted_once_and_a_wrong_one_denied),
		TEST(of_many_who_use_a_code_at_once_one_is_allowed),
		TEST(a_socket_is_open_to_those_who_may_ask_there),
		TEST(a_user_may_ask_about_no_other_user),
		TEST(a_malformed_request_gets_an_error_and_the_next_one_its_answer),
		TEST(a_request_that_brings_a_descriptor_is_not_answered),
		TEST(clients_that_say_nothing_delay_nobody),
		TEST(a_connection_is_closed_soon_after_the_answer),
		TEST(what_su_asks_for_a_user_counts_as_that_user_s),
		TEST(without_descriptors_it_says_so_once_and_goes_on_as_soon_as_there_are_some),
		TEST(a_poll_that_fails_is_logged_and_ends_it),
		TEST(what_was_withheld_is_logged_once_by_a_process_that_ends),
		TEST(a_host_that_guesses_is_denied_and_another_one_is_not),
		TEST(what_is_right_costs_a_host_nothing),
		TEST(a_host_that_may_send_no_wrong_code_has_none_checked_and_others_are_not_affected),
		TEST(a_host_that_is_not_listed_is_denied),
		TEST(of_hosts_that_connect_at_once_each_is_answered),
		TEST(without_random_bytes_a_host_is_disconnected_at_once),
		TEST(a_signal_ends_it_and_idle_connections_with_it),
		TEST(one_that_a_manager_started_ends_when_it_is_idle_and_no_other),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
