/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A login host asks its verifiers: real TLS on loopback. Processes of this test take the place of
 * verifiers, and do what verifiers do or must not do.
 */
#include "../unit/store_fixture.h"

#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "base/authority.h"
#include "verifiers.h"

#define WAIT_MS 30000 /* no test needs so long on an idle machine */

enum act {
	ANSWERS,
	ANSWERS_ANOTHER_CONNECTION, /* the nonce is not of the hello */
	ANSWERS_ANOTHER_OPERATION,
	ANSWERS_HALF,
	CLOSES, /* after the request */
	ANSWERS_THAT_IT_CANNOT_WORK,
	ANSWERS_NO_SUCH_USER,
	SAYS_NOTHING, /* accepts connections */
	GREETS_AS_ANOTHER_PROGRAM,
	GREETS_AS_ANOTHER_VERSION,
	IS_DOWN,
};

#define CONNECTED UINT32_MAX

struct verifier {
	in_port_t port;
	pid_t pid;
	int reports; /* of the process: CONNECTED, or how many ms a request waits */
	int held;    /* has the port of one that is down; or -1 */
	unsigned connections, requests;
	unsigned wait_ms; /* of the last request */
};

static char dir[32];
static struct verifier verifiers[2];
static uint64_t failed_until[POLICY_VERIFIERS_MAX];
static struct verifiers asked = {.failed_until = failed_until};
static struct policy policy;                  /* too large for the stack */
static const char *host_of_all = "127.0.0.1"; /* as the policy lists it */
static struct wire_response response;

/* --- certificates --- */

static void write_pem(const char *name, const struct pem *pem)
{
	write_file(path_in(dir, name), pem->text, pem->len, 0600);
}

/* A certificate NAME.crt and its key NAME.key. */
static void issue(const struct authority *authority, const char *name, const char *address,
		  unsigned uses)
{
	const int64_t now = time(NULL);
	const struct cert_wish wish = {.name = name,
				       .names = &address,
				       .name_count = 1,
				       .uses = uses,
				       .from = now - 3600,
				       .until = now + 3600};
	struct pem key, certificate;
	char file[64];

	assert_ok(authority_issue(authority, &wish, &key, &certificate));
	snprintf(file, sizeof(file), "%s.crt", name);
	write_pem(file, &certificate);
	snprintf(file, sizeof(file), "%s.key", name);
	write_pem(file, &key);
}

static struct authority *make_authority(const char *certificate_file)
{
	const int64_t now = time(NULL);
	struct pem key, certificate;
	struct authority *authority = NULL;

	assert_ok(authority_make("test", now - 3600, now + 7200, &key, &certificate));
	assert_ok(authority_read((struct piece){certificate.text, certificate.len},
				 (struct piece){key.text, key.len}, &authority));
	write_pem(certificate_file, &certificate);
	return authority;
}

static int make_certificates(void **unused)
{
	OWN_AUTHORITY struct authority *ours = NULL, *other = NULL;

	directory_begin(dir);
	ours = make_authority("ca.crt");
	other = make_authority("other-ca.crt");
	issue(ours, "host", "host.example", CERT_CLIENT);
	issue(ours, "verifier", "127.0.0.1", CERT_SERVER);
	issue(ours, "named", "localhost", CERT_SERVER);
	issue(ours, "of-another-name", "localhost.example", CERT_SERVER);
	issue(ours, "of-another-address", "127.0.0.2", CERT_SERVER);
	issue(ours, "of-a-host", "127.0.0.1", CERT_CLIENT);
	issue(other, "of-another-authority", "127.0.0.1", CERT_SERVER);
	issue(other, "stranger", "host.example", CERT_CLIENT);
	return 0;
}

static int remove_certificates(void **unused)
{
	directory_end(dir);
	return 0;
}

/* --- verifiers --- */

/* In the verifier's process: no assertion, since its failure would not be seen. */
static void serve(SSL *ssl, enum act act, int reports)
{
	uint8_t hello[RELAY_HELLO_LEN], request[RELAY_REQUEST_LEN], message[RELAY_RESPONSE_LEN];
	const uint8_t nonce[RELAY_NONCE_LEN] = {7, 1};
	struct relay_request relay;
	uint32_t report;
	struct relay_response answer = {.response = {.op = WIRE_CHECK}};
	size_t got = 0, some = 0;

	relay_put_hello(nonce, hello);
	hello[0] ^= act == GREETS_AS_ANOTHER_PROGRAM;
	hello[3] ^= act == GREETS_AS_ANOTHER_VERSION;
	if (act == SAYS_NOTHING)
		pause();
	if (SSL_accept(ssl) != 1 || SSL_write_ex(ssl, hello, sizeof(hello), &some) != 1)
		return;
	for (; got < sizeof(request); got += some)
		if (SSL_read_ex(ssl, request + got, sizeof(request) - got, &some) != 1)
			return;
	if (relay_get_request(request, sizeof(request), &relay) != TOTP_OK)
		return;
	report = relay.wait_ms;
	if (write(reports, &report, sizeof(report)) < 0 || act == CLOSES)
		return;
	memcpy(answer.nonce, relay.nonce, sizeof(answer.nonce));
	answer.nonce[0] ^= act == ANSWERS_ANOTHER_CONNECTION;
	answer.response.op = relay.request.op;
	if (act == ANSWERS_ANOTHER_OPERATION)
		answer.response.op = relay.request.op == WIRE_LOOK ? WIRE_CHECK : WIRE_LOOK;
	if (act == ANSWERS_THAT_IT_CANNOT_WORK)
		answer.response.err = TOTP_ERR_TIMEOUT;
	else if (act == ANSWERS_NO_SUCH_USER)
		answer.response.err = TOTP_ERR_NOT_FOUND;
	else if (answer.response.op == WIRE_LOOK)
		answer.response.enrolled = true;
	else
		answer.response.outcome =
			(struct outcome){.verdict = VERDICT_ALLOW, .reason = JUDGE_CODE};
	if (relay_put_response(&answer, message) == TOTP_OK)
		SSL_write_ex(ssl, message, sizeof(message) / (act == ANSWERS_HALF ? 2 : 1), &some);
}

static _Noreturn void run_verifier(int listener, enum act act, const char *certificate, int reports)
{
	const uint32_t connected = CONNECTED;
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	char file[64];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	snprintf(file, sizeof(file), "%s.crt", certificate);
	SSL_CTX_use_certificate_chain_file(context, path_in(dir, file));
	snprintf(file, sizeof(file), "%s.key", certificate);
	SSL_CTX_use_PrivateKey_file(context, path_in(dir, file), SSL_FILETYPE_PEM);
	SSL_CTX_load_verify_locations(context, path_in(dir, "ca.crt"), NULL);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	while ((fd = accept(listener, NULL, NULL)) >= 0 &&
	       write(reports, &connected, sizeof(connected)) == sizeof(connected)) {
		SSL *ssl = SSL_new(context);

		SSL_set_fd(ssl, fd);
		serve(ssl, act, reports);
		SSL_shutdown(ssl);
		SSL_free(ssl);
		close(fd);
	}
	_exit(1);
}

static void start(size_t index, enum act act, const char *certificate)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);
	int pipes[2], listener = socket(AF_INET, SOCK_STREAM, 0);
	char entry[64];

	assert_int_equal(0, bind(listener, (struct sockaddr *)&address, len));
	assert_int_equal(0, getsockname(listener, (struct sockaddr *)&address, &len));
	assert_int_equal(0, pipe(pipes));
	assert_int_equal(0, fcntl(pipes[0], F_SETFL, O_NONBLOCK));
	verifiers[index] =
		(struct verifier){.port = ntohs(address.sin_port), .reports = pipes[0], .held = -1};
	if (act == IS_DOWN) {
		verifiers[index].held = dup(listener); /* no other program gets the port */
	} else {
		assert_int_equal(0, listen(listener, 8));
		verifiers[index].pid = fork();
		assert_true(verifiers[index].pid >= 0);
		if (verifiers[index].pid == 0)
			run_verifier(listener, act, certificate, pipes[1]);
	}
	close(listener);
	close(pipes[1]);
	snprintf(entry, sizeof(entry), "%s%s:%u", index ? ", " : "", host_of_all,
		 verifiers[index].port);
	strcat(policy.verifiers, entry);
}

static void stop_verifier(struct verifier *verifier)
{
	if (verifier->pid > 0) {
		kill(verifier->pid, SIGKILL);
		waitpid(verifier->pid, NULL, 0);
	}
	if (verifier->port) {
		close(verifier->reports);
		fd_close(verifier->held);
	}
	*verifier = (struct verifier){.port = 0};
}

static int begin_asking(void **unused)
{
	memset(&policy, 0, sizeof(policy));
	strcpy(policy.fleet_dir, dir);
	host_of_all = "127.0.0.1";
	memset(failed_until, 0, sizeof(failed_until));
	return 0;
}

static int end_asking(void **unused)
{
	for (size_t i = 0; i < COUNT(verifiers); i++)
		stop_verifier(&verifiers[i]);
	asked.identity = tls_forget(asked.identity);
	return 0;
}

static int begin_again(void)
{
	end_asking(NULL);
	return begin_asking(NULL);
}

/* Ask all verifiers of the policy, and take what the processes report. */
static enum totp_err ask(enum wire_op op, unsigned wait_ms)
{
	struct relay_request relay = {
		.known = true, .uid = 1000, .request = {.op = op, .user = "alice"}};
	enum totp_err err;
	uint32_t report;

	response = (struct wire_response){.enrolled = true, .outcome = {.verdict = VERDICT_ALLOW}};
	err = verifiers_ask(&asked, &policy, &relay, io_deadline(wait_ms), &response);
	for (size_t i = 0; i < COUNT(verifiers); i++) {
		struct verifier *verifier = &verifiers[i];

		while (verifier->port && read(verifier->reports, &report, sizeof(report)) > 0) {
			verifier->connections += report == CONNECTED;
			verifier->requests += report != CONNECTED;
			if (report != CONNECTED)
				verifier->wait_ms = report;
		}
	}
	return err;
}

/* The same until the first verifier had time enough to be sent a request. */
static enum totp_err ask_first(enum wire_op op)
{
	enum totp_err err = TOTP_ERR_PEER;

	for (unsigned i = 0; i < 40 && !verifiers[0].requests; i++) {
		failed_until[0] = verifiers[1].requests = 0;
		err = ask(op, WAIT_MS);
	}
	assert_int_equal(1, verifiers[0].requests);
	return err;
}

static void assert_nothing_is_allowed(void)
{
	assert_int_equal(VERDICT_DENY, response.outcome.verdict);
	assert_false(response.enrolled);
	assert_string_not_equal("", response.why.text);
}

/* --- the answer --- */

static void the_answer_of_a_verifier_is_returned(void **unused)
{
	start(0, ANSWERS, "verifier");
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
	assert_int_equal(JUDGE_CODE, response.outcome.reason);
	assert_int_equal(1, verifiers[0].requests);
	assert_ok(ask(WIRE_LOOK, WAIT_MS));
	assert_int_equal(VERDICT_DENY, response.outcome.verdict);
	assert_true(response.enrolled);
}

static void a_verifier_is_sent_how_long_the_host_waits(void **unused)
{
	start(0, ANSWERS, "verifier");
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
	assert_in_range(verifiers[0].wait_ms, WAIT_MS / 3, WAIT_MS);
	assert_ok(ask(WIRE_CHECK, 200000)); /* more than the message can hold */
	assert_int_equal(UINT16_MAX, verifiers[0].wait_ms);
}

static void whatever_else_comes_allows_nobody(void **unused)
{
	static const enum act acts[] = {ANSWERS_ANOTHER_CONNECTION, ANSWERS_ANOTHER_OPERATION,
					ANSWERS_HALF, CLOSES};

	for (size_t i = 0; i < COUNT(acts); i++) {
		start(0, acts[i], "verifier");
		assert_refused(TIMEOUT, ask(WIRE_CHECK, WAIT_MS));
		assert_nothing_is_allowed();
		assert_non_null(strstr(response.why.text, "the code may be used up"));
		assert_refused(PEER, ask(WIRE_LOOK, WAIT_MS));
		assert_nothing_is_allowed();
		begin_again();
	}
}

/* --- which verifier --- */

static void after_a_code_was_sent_no_other_verifier_is_asked(void **unused)
{
	start(0, CLOSES, "verifier");
	start(1, ANSWERS, "verifier");
	assert_refused(TIMEOUT, ask_first(WIRE_CHECK));
	assert_nothing_is_allowed();
	assert_int_equal(0, verifiers[1].requests);
}

static void what_changes_nothing_is_asked_of_the_next_one(void **unused)
{
	start(0, CLOSES, "verifier");
	start(1, ANSWERS, "verifier");
	assert_ok(ask_first(WIRE_LOOK));
	assert_true(response.enrolled);
	assert_string_equal("", response.why.text);
	assert_int_equal(1, verifiers[1].requests);
}

static void a_verifier_that_does_not_greet_is_sent_nothing_and_the_next_one_answers(void **unused)
{
	static const enum act acts[] = {SAYS_NOTHING, GREETS_AS_ANOTHER_PROGRAM,
					GREETS_AS_ANOTHER_VERSION, IS_DOWN};

	for (size_t i = 0; i < COUNT(acts); i++) {
		start(0, acts[i], "verifier");
		start(1, ANSWERS, "verifier");
		assert_ok(ask(WIRE_CHECK, WAIT_MS));
		assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
		assert_int_equal(0, verifiers[0].requests);
		begin_again();
	}
}

static void a_verifier_that_failed_is_asked_last_for_ten_seconds(void **unused)
{
	uint64_t before = io_monotonic_ns();

	start(0, GREETS_AS_ANOTHER_VERSION, "verifier");
	start(1, ANSWERS, "verifier");
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
	assert_int_equal(1, verifiers[0].connections);
	assert_in_range(failed_until[0], before + VERIFIERS_PAUSE_NS,
			io_monotonic_ns() + VERIFIERS_PAUSE_NS);
	assert_int_equal(0, failed_until[1]);
	failed_until[0] = io_monotonic_ns() + 10 * VERIFIERS_PAUSE_NS;
	failed_until[1] = 1; /* long ago */
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
	assert_int_equal(1, verifiers[0].connections);
	assert_int_equal(0, failed_until[1]);
	failed_until[0] = 1;
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
	assert_int_equal(2, verifiers[0].connections);
}

/* It has lost its way to etcd, for example: the other verifiers need not. */
static void a_verifier_that_cannot_work_is_asked_last_for_ten_seconds(void **unused)
{
	uint64_t before = io_monotonic_ns();

	start(0, ANSWERS_THAT_IT_CANNOT_WORK, "verifier");
	start(1, ANSWERS, "verifier");
	assert_ok(ask_first(WIRE_CHECK)); /* the code may be used up */
	assert_refused(TIMEOUT, response.err);
	assert_int_equal(VERDICT_DENY, response.outcome.verdict);
	assert_int_equal(0, verifiers[1].requests);
	assert_in_range(failed_until[0], before + VERIFIERS_PAUSE_NS,
			io_monotonic_ns() + VERIFIERS_PAUSE_NS);
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
	assert_int_equal(1, verifiers[0].requests);
}

static void what_a_verifier_cannot_look_up_is_asked_of_the_next_one(void **unused)
{
	start(0, ANSWERS_THAT_IT_CANNOT_WORK, "verifier");
	start(1, ANSWERS, "verifier");
	assert_ok(ask_first(WIRE_LOOK));
	assert_ok(response.err);
	assert_true(response.enrolled);
	assert_string_equal("", response.why.text);
	begin_again();
	start(0, ANSWERS_THAT_IT_CANNOT_WORK, "verifier");
	start(1, IS_DOWN, "verifier");
	assert_refused(PEER, ask_first(WIRE_LOOK));
	assert_nothing_is_allowed();
	begin_again();
	start(0, ANSWERS_THAT_IT_CANNOT_WORK, "verifier"); /* the last one's answer counts */
	assert_ok(ask(WIRE_LOOK, WAIT_MS));
	assert_refused(TIMEOUT, response.err);
}

/* The one before it has taken too long, or the program that asks wants an answer at once. */
static void a_verifier_for_which_no_time_was_left_has_not_failed(void **unused)
{
	start(0, ANSWERS, "verifier");
	assert_refused(PEER, ask(WIRE_CHECK, 900));
	assert_nothing_is_allowed();
	assert_non_null(strstr(response.why.text, "no time is left"));
	assert_int_equal(0, failed_until[0]);
}

/* Any user of the host can ask late: nobody else's login asks another verifier first for it. */
static void a_verifier_that_a_program_gives_no_time_to_greet_has_not_failed(void **unused)
{
	start(0, SAYS_NOTHING, "verifier");
	for (unsigned wait_ms = 1010; wait_ms < 1300; wait_ms += 50) {
		assert_refused(PEER, ask(WIRE_CHECK, wait_ms));
		assert_nothing_is_allowed();
		assert_int_equal(0, failed_until[0]);
	}
}

static void what_a_verifier_says_of_a_user_is_its_answer(void **unused)
{
	start(0, ANSWERS_NO_SUCH_USER, "verifier");
	start(1, ANSWERS, "verifier");
	assert_ok(ask_first(WIRE_LOOK));
	assert_refused(NOT_FOUND, response.err);
	assert_int_equal(0, failed_until[0]);
	assert_int_equal(0, verifiers[1].requests);
}

static void all_that_failed_are_still_asked(void **unused)
{
	start(0, ANSWERS, "verifier");
	failed_until[0] = io_monotonic_ns() + 10 * VERIFIERS_PAUSE_NS;
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
}

static void without_an_answer_it_returns_in_time_and_names_each_verifier(void **unused)
{
	uint64_t before, first = UINT64_MAX;

	start(0, SAYS_NOTHING, "verifier");
	start(1, IS_DOWN, "verifier");
	/* the last second is kept for an answer, and two verifiers share the rest */
	for (unsigned i = 0; i < 20 && first > 600000000; i++) {
		failed_until[0] = failed_until[1] = 0;
		before = io_monotonic_ns();
		assert_refused(PEER, ask(WIRE_CHECK, 2000));
		assert_nothing_is_allowed();
		assert_non_null(
			strstr(response.why.text, "127.0.0.1: no answer in time; 127.0.0.1"));
		first = failed_until[0] - VERIFIERS_PAUSE_NS - before;
	}
	assert_in_range(first, 500000000, 600000000);
}

static void a_policy_without_verifiers_is_reported(void **unused)
{
	assert_refused(PEER, ask(WIRE_CHECK, WAIT_MS));
	assert_nothing_is_allowed();
	assert_non_null(strstr(response.why.text, "set verifiers"));
}

/* --- certificates --- */

static void only_the_certificate_of_a_verifier_at_its_address_is_accepted(void **unused)
{
	static const char *const wrong[] = {"of-another-address", "of-a-host",
					    "of-another-authority"};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		start(0, ANSWERS, wrong[i]);
		assert_refused(PEER, ask(WIRE_CHECK, WAIT_MS));
		assert_nothing_is_allowed();
		assert_non_null(strstr(response.why.text, "127.0.0.1: its certificate: "));
		assert_int_equal(0, verifiers[0].requests);
		begin_again();
	}
}

static void a_verifier_that_is_listed_by_name_has_a_certificate_of_that_name(void **unused)
{
	static const char *const wrong[] = {"of-another-name", "verifier", "of-another-authority"};

	host_of_all = "localhost";
	start(0, ANSWERS, "named");
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		begin_again();
		host_of_all = "localhost";
		start(0, ANSWERS, wrong[i]);
		assert_refused(PEER, ask(WIRE_CHECK, WAIT_MS));
		assert_nothing_is_allowed();
		assert_non_null(strstr(response.why.text, "localhost: its certificate: "));
		assert_int_equal(0, verifiers[0].requests);
	}
	/* nor does a name stand for the address that it has */
	begin_again();
	start(0, ANSWERS, "named");
	assert_refused(PEER, ask(WIRE_CHECK, WAIT_MS));
	assert_int_equal(0, verifiers[0].requests);
}

static void copy_file(const char *from, const char *to)
{
	char text[PEM_MAX];
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - 60}};
	static int64_t changes;

	write_file(path_in(dir, to), text, read_file(path_in(dir, from), text, sizeof(text)), 0600);
	times[1].tv_sec -= ++changes; /* another time than before, on any file system */
	assert_int_equal(0, utimensat(AT_FDCWD, path_in(dir, to), times, 0));
}

static void certificates_are_read_again_when_their_files_have_changed(void **unused)
{
	copy_file("host.crt", "kept.crt");
	copy_file("host.key", "kept.key");
	start(0, ANSWERS, "verifier");
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
	copy_file("stranger.crt", "host.crt");
	copy_file("stranger.key", "host.key");
	assert_refused(PEER, ask(WIRE_CHECK, WAIT_MS));
	assert_nothing_is_allowed();
	assert_non_null(
		strstr(response.why.text, "rejects this host's certificate: it is of a CA "));
	copy_file("kept.key", "host.key");
	assert_refused(FORMAT, ask(WIRE_CHECK, WAIT_MS)); /* the key of another certificate */
	assert_non_null(strstr(response.why.text, "/host.key: "));
	copy_file("kept.crt", "host.crt");
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
	copy_file("ca.crt", "kept-ca.crt");
	copy_file("other-ca.crt", "ca.crt");
	assert_refused(PEER, ask(WIRE_CHECK, WAIT_MS));
	copy_file("kept-ca.crt", "ca.crt");
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
}

static void a_key_that_every_user_can_read_is_not_used(void **unused)
{
	start(0, ANSWERS, "verifier");
	for (mode_t bit = 1; bit <= 4; bit *= 2) {
		assert_int_equal(0, chmod(path_in(dir, "host.key"), 0600 | bit));
		assert_refused(UNSAFE, ask(WIRE_CHECK, WAIT_MS));
		assert_nothing_is_allowed();
		assert_non_null(
			strstr(response.why.text, "/host.key: every user can read the key"));
		assert_int_equal(0, verifiers[0].connections);
	}
	assert_int_equal(0, chmod(path_in(dir, "host.key"), 0640));
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
}

static void without_each_of_its_files_a_host_asks_nobody(void **unused)
{
	static const char *const names[] = {TLS_CA, TLS_CERTIFICATE, TLS_KEY};

	start(0, ANSWERS, "verifier");
	assert_ok(ask(WIRE_CHECK, WAIT_MS)); /* it has read its own files, of which one is ca.crt */
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_int_equal(0, rename(path_in(dir, names[i]), path_in(dir, "away")));
		assert_refused(SYSTEM, ask(WIRE_CHECK, WAIT_MS));
		assert_nothing_is_allowed();
		assert_non_null(strstr(response.why.text, names[i]));
		write_file(path_in(dir, names[i]), "no certificate\n", 15, 0600);
		assert_refused(FORMAT, ask(WIRE_CHECK, WAIT_MS));
		assert_non_null(strstr(response.why.text, names[i]));
		assert_int_equal(0, rename(path_in(dir, "away"), path_in(dir, names[i])));
	}
	assert_int_equal(1, verifiers[0].connections);
	assert_ok(ask(WIRE_CHECK, WAIT_MS));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin_asking, end_asking)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_answer_of_a_verifier_is_returned),
		TEST(a_verifier_is_sent_how_long_the_host_waits),
		TEST(whatever_else_comes_allows_nobody),
		TEST(after_a_code_was_sent_no_other_verifier_is_asked),
		TEST(what_changes_nothing_is_asked_of_the_next_one),
		TEST(a_verifier_that_does_not_greet_is_sent_nothing_and_the_next_one_answers),
		TEST(a_verifier_that_failed_is_asked_last_for_ten_seconds),
		TEST(a_verifier_that_cannot_work_is_asked_last_for_ten_seconds),
		TEST(what_a_verifier_cannot_look_up_is_asked_of_the_next_one),
		TEST(a_verifier_for_which_no_time_was_left_has_not_failed),
		TEST(a_verifier_that_a_program_gives_no_time_to_greet_has_not_failed),
		TEST(what_a_verifier_says_of_a_user_is_its_answer),
		TEST(all_that_failed_are_still_asked),
		TEST(without_an_answer_it_returns_in_time_and_names_each_verifier),
		TEST(a_policy_without_verifiers_is_reported),
		TEST(only_the_certificate_of_a_verifier_at_its_address_is_accepted),
		TEST(a_verifier_that_is_listed_by_name_has_a_certificate_of_that_name),
		TEST(certificates_are_read_again_when_their_files_have_changed),
		TEST(a_key_that_every_user_can_read_is_not_used),
		TEST(without_each_of_its_files_a_host_asks_nobody),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
