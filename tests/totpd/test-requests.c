/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What totpd answers to one request. Name service, clock and log are this test's own: there are
 * root, alice (1000) and bob (1001), and nobody else.
 */
#include "../unit/store_fixture.h"
#include "accounts.h"

#include <sys/socket.h>

#include "host/clock.h"
#include "host/log.h"
#include "host/source.h"
#include "host/tally.h"
#include "requests.h"

#define STEP (NOW / 30)

/* --- what replaces the host --- */

static int64_t now;

int64_t clock_now(void)
{
	return now;
}

int64_t clock_booted(void)
{
	return now;
}

static char logged[2048]; /* since the last request */

void log_send(int priority, const struct log_event *event)
{
	size_t len = strlen(logged);

	snprintf(logged + len, sizeof(logged) - len, "%s %s %s %s %s \"%s\" %s\n",
		 event->user ? event->user : "-", event->service, event->source, event->outcome,
		 event->reason, event->token ? event->token : "",
		 event->detail ? event->detail : "");
}

/* --- what replaces the verifiers --- */

static struct relay_request relayed; /* the last request that was sent to them */
static enum totp_err verifier_err = TOTP_ERR_NOT_FOUND;

enum totp_err verifiers_ask(struct verifiers *verifiers, const struct policy *policy,
			    struct relay_request *relay, uint64_t deadline,
			    struct wire_response *ret_response)
{
	relayed = *relay;
	ret_response->err = verifier_err;
	return TOTP_OK;
}

/* --- a totpd that serves the fixture's store --- */

static struct server server; /* too large for the stack */
static struct log_limit log_limit;
static struct log_counts counts;
static int connection[2] = {-1, -1};

static const struct peer alice = {.uid = 1000}, bob = {.uid = 1001}, root = {.root = true};
static const struct peer web01 = {.uid = 0, .host = "web01"};

static void connect_client(void)
{
	for (size_t i = 0; i < 2; i++)
		if (connection[i] >= 0)
			close(connection[i]);
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, connection));
}

static int serve(void **state)
{
	const struct fixture *f;

	assert_int_equal(0, fixture_begin(state));
	f = *state;
	now = NOW;
	counts = (struct log_counts){0};
	log_limit = (struct log_limit){.users = {{0}}};
	server = (struct server){.counts = &counts, .log_limit = &log_limit};
	policy_default(&server.policy);
	server.policy.enforce = ENFORCE_OPTIONAL;
	server.policy.enroll_tool = true;
	server.policy.recovery_codes = 3;
	server.policy.attempts = 50;
	strcpy(server.policy.hosts, "web01");
	strcpy(server.policy.store_dir, f->store_dir);
	strcpy(server.policy.keyring, f->keyring);
	strcpy(server.policy.run_dir, f->dir);
	assert_ok(keyring_load(f->keyring, &server.keyring, NULL));
	connect_client();
	return 0;
}

#define REQUEST_TEST(f) cmocka_unit_test_setup_teardown(f, serve, fixture_end)

static const char *code_of(uint8_t n, uint64_t step)
{
	static struct code codes[4];
	static unsigned next;
	struct code *code = &codes[next++ % COUNT(codes)];
	struct cred cred = cred_of("alice", n);

	*code = (struct code){0};
	assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 6, &cred.tokens[0].secret}, step, code));
	return code->text;
}

static struct wire_request request_of(enum wire_op op, const char *user, const char *answer)
{
	struct wire_request request = {
		.op = op, .service = "locker", .deadline = deadline_in(20000)};

	strcpy(request.user, user);
	strcpy(request.store.dir, server.policy.store_dir);
	if (answer)
		answer_parse(answer, NULL, &request.answer);
	if (op == WIRE_REPLACE || op == WIRE_REMOVE || op == WIRE_RENAME)
		strcpy(request.label, "phone");
	if (op == WIRE_RENAME)
		strcpy(request.new_label, "old phone");
	return request;
}

/* The n-th phone is to be stored; its code is the one of `step`. */
static void give_token(struct wire_request *request, uint8_t n, uint64_t step)
{
	const struct token token = cred_of("alice", n).tokens[0];

	request->token = (struct wire_token){.type = token.type,
					     .alg = token.alg,
					     .digits = token.digits,
					     .period = token.period,
					     .label = "second phone",
					     .secret = token.secret};
	answer_parse(code_of(n, step), NULL, &request->token.typed);
}

static struct wire_request request_with_token(enum wire_op op, const char *user, const char *answer)
{
	struct wire_request request = request_of(op, user, answer);

	give_token(&request, 9, STEP);
	return request;
}

static bool lacks_key;

static struct wire_response ask(const struct peer *peer, const struct wire_request *request)
{
	struct relay_request relay = {.request = *request};
	struct wire_response response = {0};

	if (peer->host[0]) {
		relay.known = strcmp(request->user, "alice") == 0;
		relay.uid = relay.known ? 1000 : 0;
	}
	logged[0] = '\0';
	lacks_key = request_answer(&server, peer, connection[0], &relay, &response);
	return response;
}

#define assert_logged(words) assert_contains((words), logged)

static struct wire_response check(const struct peer *peer, const char *user, const char *code)
{
	struct wire_request request = request_of(WIRE_CHECK, user, code);

	return ask(peer, &request);
}

static const enum wire_op changes[] = {WIRE_ADD,    WIRE_REPLACE,  WIRE_REMOVE,
				       WIRE_RENAME, WIRE_RECOVERY, WIRE_DISABLE};

static struct wire_request change_of(enum wire_op op, const char *code)
{
	return op == WIRE_ADD || op == WIRE_REPLACE ? request_with_token(op, "alice", code)
						    : request_of(op, "alice", code);
}

/* --- checks --- */

static void a_code_is_accepted_once_and_each_try_is_logged(void **state)
{
	struct fixture *f = *state;
	const char *code = code_of(1, STEP);
	struct wire_response response;

	add_user(f->store, "alice", 1);
	response = check(&alice, "alice", code);
	assert_ok(response.err);
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
	assert_string_equal("alice locker uid:1000 allow code \"phone\" \n", logged);
	response = check(&alice, "alice", code);
	assert_ok(response.err);
	assert_int_equal(VERDICT_DENY, response.outcome.verdict);
	assert_logged("alice locker uid:1000 deny used_code");
}

static void what_root_asks_is_not_logged(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	assert_int_equal(VERDICT_DENY, check(&root, "alice", "00000000").outcome.verdict);
	assert_string_equal("", logged);
	assert_refused(NOT_FOUND, check(&root, "nobody", "000000").err);
	assert_string_equal("", logged);
}

static void no_user_may_ask_about_another_or_enroll_as_a_login_does(void **state)
{
	struct fixture *f = *state;
	struct wire_request request = request_with_token(WIRE_ENROLL_IN_LOGIN, "bob", NULL);

	add_user(f->store, "alice", 1);
	for (enum wire_op op = WIRE_LOOK; op <= WIRE_DISABLE; op++) {
		struct wire_request other = change_of(op, code_of(1, STEP));
		struct wire_response response = ask(&bob, &other);

		assert_refused(FORBIDDEN, response.err);
		assert_says("about another user", response.why);
		assert_logged("alice locker uid:1001 error not_allowed");
	}
	assert_refused(FORBIDDEN, ask(&bob, &request).err);
	assert_int_equal(VERDICT_ALLOW, check(&alice, "alice", code_of(1, STEP)).outcome.verdict);
}

static void root_counts_only_on_its_socket_and_a_uid_without_a_number_never(void **state)
{
	static const struct peer impostor = {.uid = 1000, .root = true}, mapped = {.uid = 65534};
	struct fixture *f = *state;
	struct wire_response response;

	add_user(f->store, "alice", 1);
	assert_refused(FORBIDDEN, check(&impostor, "alice", code_of(1, STEP)).err);
	response = check(&mapped, "alice", code_of(1, STEP));
	assert_refused(FORBIDDEN, response.err);
	assert_says("user namespace", response.why);
}

static void an_account_of_may_check_looks_and_checks_and_does_nothing_else(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	strcpy(server.policy.may_check, "bob");
	for (enum wire_op op = WIRE_LOOK; op <= WIRE_ENROLL_IN_LOGIN; op++) {
		struct wire_request request = change_of(op, "000000");
		bool may = op == WIRE_LOOK || op == WIRE_CHECK;

		assert_int_equal(may ? TOTP_OK : TOTP_ERR_FORBIDDEN, ask(&bob, &request).err);
	}
}

/* A program that may read this could find the code by trying. */
static void users_are_told_of_old_codes_and_of_no_future_one_whatever_they_ask(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	for (size_t i = 0; i <= COUNT(changes); i++) {
		enum wire_op op = i < COUNT(changes) ? changes[i] : WIRE_CHECK;
		struct wire_request future = change_of(op, code_of(1, STEP + 10));
		struct wire_request old = change_of(op, code_of(1, STEP - 10));
		struct wire_request wrong = change_of(op, "000000");
		struct wire_response response = ask(&alice, &future);
		struct wire_response unknown;

		assert_ok(response.err);
		assert_logged("code is +10 steps off");
		unknown = ask(&alice, &wrong);
		assert_int_equal(unknown.outcome.reason, response.outcome.reason);
		assert_int_equal(unknown.outcome.off, response.outcome.off);
		assert_int_equal(unknown.outcome.off_type, response.outcome.off_type);
		assert_int_equal(unknown.outcome.offset, response.outcome.offset);
		assert_string_equal(unknown.outcome.label, response.outcome.label);

		response = ask(&alice, &old);
		assert_int_equal(VERDICT_DENY, response.outcome.verdict);
		assert_true(response.outcome.off);
		assert_int_equal(-10, response.outcome.offset);
	}
}

static void root_is_told_of_future_codes_and_a_login_host_is_not(void **state)
{
	struct fixture *f = *state;
	struct wire_response response, unknown;

	add_user(f->store, "alice", 1);
	response = check(&root, "alice", code_of(1, STEP + 10));
	assert_int_equal(10, response.outcome.offset);
	response = check(&web01, "alice", code_of(1, STEP + 10));
	assert_logged("alice locker@web01 ");
	assert_logged("code is +10 steps off");
	unknown = check(&web01, "alice", "000000");
	assert_int_equal(JUDGE_WRONG_CODE, response.outcome.reason);
	assert_int_equal(unknown.outcome.reason, response.outcome.reason);
	assert_false(response.outcome.off);
	assert_int_equal(0, response.outcome.offset);
	assert_string_equal("", response.outcome.label);
	response = check(&web01, "alice", code_of(1, STEP - 10));
	assert_int_equal(-10, response.outcome.offset);
}

static void an_unknown_user_has_no_code(void **unused)
{
	strcpy(server.policy.may_check, "bob");
	assert_refused(NOT_FOUND, check(&bob, "nobody", "000000").err);
	assert_refused(NOT_FOUND, check(&web01, "nobody", "000000").err);
	assert_refused(NOT_FOUND, check(&root, "nobody", "000000").err);
}

static void of_a_program_that_may_tell_sources_the_log_has_the_name(void **state)
{
	struct fixture *f = *state;
	struct wire_request request = request_of(WIRE_CHECK, "alice", "000000");

	add_user(f->store, "alice", 1);
	request.source = (struct source){.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}};
	strcpy(server.policy.may_check, "bob");
	ask(&bob, &request);
	assert_logged("alice locker uid:1001 deny");
	strcpy(server.policy.may_tell_source, "bob");
	ask(&bob, &request);
	assert_logged("alice bob/locker 192.0.2.1 deny");
}

/* --- what uses nothing up --- */

static void a_client_that_left_or_waits_no_longer_uses_up_nothing(void **state)
{
	struct fixture *f = *state;
	struct wire_request late = request_of(WIRE_CHECK, "alice", code_of(1, STEP));
	struct wire_request enroll = request_with_token(WIRE_ENROLL, "bob", NULL);
	bool has = true;

	add_user(f->store, "alice", 1);
	late.deadline = io_monotonic_ns();
	assert_refused(TIMEOUT, ask(&alice, &late).err);
	close(connection[1]);
	connection[1] = -1;
	assert_refused(TIMEOUT, check(&alice, "alice", code_of(1, STEP)).err);
	assert_refused(TIMEOUT, ask(&bob, &enroll).err);
	assert_ok(look_for(f->store, "bob", &has, NULL));
	assert_false(has);
	connect_client();
	assert_int_equal(VERDICT_ALLOW, check(&alice, "alice", code_of(1, STEP)).outcome.verdict);
	assert_ok(ask(&bob, &enroll).err);
}

static void a_request_about_another_store_is_denied(void **state)
{
	struct fixture *f = *state;
	struct wire_request request = request_of(WIRE_CHECK, "alice", code_of(1, STEP));
	struct wire_response response;

	add_user(f->store, "alice", 1);
	strcpy(request.store.dir, "/var/lib/other");
	response = ask(&alice, &request);
	assert_refused(OTHER_STORE, response.err);
	assert_says("and not the store /var/lib/other", response.why);
	request.store.dir[0] = '\0';
	response = ask(&alice, &request);
	assert_refused(OTHER_STORE, response.err);
	assert_says("the one that `store` names", response.why);
	strcpy(request.store.dir, f->store_dir);
	memset(request.store.id, 7, sizeof(request.store.id));
	assert_refused(OTHER_STORE, ask(&alice, &request).err);

	/* the id counts, whatever the path: it may be reached by two */
	memcpy(request.store.id, store_info(f->store)->id, sizeof(request.store.id));
	strcpy(request.store.dir, "/var/lib/other");
	response = ask(&alice, &request);
	assert_ok(response.err);
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
}

static void with_a_mistake_in_the_policy_or_without_keys_everything_is_denied(void **state)
{
	struct fixture *f = *state;
	struct wire_response response;

	add_user(f->store, "alice", 1);
	server.policy_invalid = true;
	response = check(&root, "alice", code_of(1, STEP));
	assert_refused(FORMAT, response.err);
	assert_says("totpctl check", response.why);
	assert_false(lacks_key);
	response = check(&alice, "alice", code_of(1, STEP));
	assert_refused(FORMAT, response.err);
	assert_string_equal("", response.why.text);
	assert_logged("error wrong_format \"\" the policy has a mistake");

	server.policy_invalid = false;
	keyring_wipe(&server.keyring);
	response = check(&root, "alice", code_of(1, STEP));
	assert_refused(FORMAT, response.err);
	assert_says("could not read the keyring", response.why);
	assert_true(lacks_key);
	assert_ok(keyring_load(f->keyring, &server.keyring, NULL));
	assert_int_equal(VERDICT_ALLOW, check(&alice, "alice", code_of(1, STEP)).outcome.verdict);
	assert_false(lacks_key);
}

static void a_group_of_the_policy_that_is_missing_makes_no_user_missing(void **state)
{
	struct fixture *f = *state;
	struct wire_request status = request_of(WIRE_STATUS, "alice", NULL);
	struct wire_request enroll = request_with_token(WIRE_ENROLL, "bob", NULL);
	struct wire_request code = request_of(WIRE_CHECK, "alice", "000000");

	add_user(f->store, "alice", 1);
	strcpy(server.policy.required_for, "@missing");
	assert_refused(SYSTEM, ask(&alice, &status).err);
	assert_logged("error system_call_failed \"\" group missing does not exist");
	assert_refused(SYSTEM, ask(&bob, &enroll).err);
	server.policy.store = STORE_AT_VERIFIER;
	code.store = (struct wire_store){.id = {0}};
	assert_refused(SYSTEM, ask(&alice, &code).err);
	assert_logged("group missing does not exist");
}

/* --- looking --- */

static void a_look_says_whether_there_is_a_record(void **state)
{
	struct fixture *f = *state;
	struct wire_request request = request_of(WIRE_LOOK, "alice", NULL);
	struct wire_response response = ask(&root, &request);

	assert_ok(response.err);
	assert_false(response.enrolled);
	assert_int_equal(NOW, response.status.created);
	add_user(f->store, "alice", 1);
	response = ask(&root, &request);
	assert_ok(response.err);
	assert_true(response.enrolled);
	assert_false(response.pending);
	/* of a name that nobody has, too, and then of this very name */
	add_user(f->store, "nobody", 2);
	strcpy(request.user, "nobody");
	response = ask(&root, &request);
	assert_ok(response.err);
	assert_true(response.enrolled);
}

static void the_status_shows_all_that_the_owner_may_see(void **state)
{
	struct fixture *f = *state;
	struct wire_request request = request_of(WIRE_STATUS, "alice", NULL);
	struct wire_response response = ask(&alice, &request);
	const struct wire_shown *shown = &response.status.tokens[0];

	assert_ok(response.err);
	assert_false(response.enrolled);
	assert_true(response.may_enroll);
	assert_false(response.required);
	assert_false(response.invited);
	server.policy.enforce = ENFORCE_REQUIRED;
	add_user(f->store, "alice", 1);
	check(&alice, "alice", code_of(1, STEP));
	now = NOW + 60;
	check(&alice, "alice", "000000");
	response = ask(&alice, &request);
	assert_ok(response.err);
	assert_true(response.enrolled);
	assert_true(response.required);
	assert_false(response.may_enroll);
	assert_false(response.disabled);
	assert_false(response.pending);
	assert_int_equal(1, response.outcome.failures);
	assert_int_equal(NOW + 60, response.outcome.last_failure);
	assert_int_equal(SOURCE_UID, response.outcome.failure_source.kind);
	assert_int_equal(NOW, response.status.created);
	assert_int_equal(NOW, response.status.last_success);
	assert_int_equal(0, response.status.recovery_count);
	assert_int_equal(0, response.status.wait_seconds);
	assert_int_equal(1, response.status.token_count);
	assert_int_equal(TOKEN_TOTP, shown->type);
	assert_int_equal(HMAC_SHA1, shown->alg);
	assert_int_equal(6, shown->digits);
	assert_int_equal(30, shown->period);
	assert_string_equal("phone", shown->label);
	assert_int_equal(NOW, shown->created);
	assert_int_equal(NOW, shown->last_used);
}

static void a_later_user_of_a_name_learns_nothing_of_the_earlier_one(void **state)
{
	struct fixture *f = *state;
	struct wire_request request = request_of(WIRE_STATUS, "bob", NULL);
	struct wire_response response;

	add_user(f->store, "bob", 1); /* made for uid 1000 */
	response = ask(&bob, &request);
	assert_refused(UNSAFE, response.err);
	assert_string_equal("", response.why.text);
	assert_int_equal(0, response.status.token_count);
	assert_false(response.enrolled);
	assert_logged("bob locker uid:1001 error unsafe");
	assert_refused(UNSAFE, check(&bob, "bob", code_of(1, STEP)).err);
}

/* --- enrolling and changing --- */

static void only_what_the_policy_allows_is_changed(void **state)
{
	static const struct {
		enum wire_op op;
		bool enroll_tool;
		uint32_t recovery_codes;
		enum enforce enforce;
		const char *words;
	} rows[] = {
		{WIRE_ADD, false, 3, ENFORCE_OPTIONAL, "can change your phones and tokens"},
		{WIRE_REPLACE, false, 3, ENFORCE_OPTIONAL, "can change your phones and tokens"},
		{WIRE_RECOVERY, true, 0, ENFORCE_OPTIONAL, "can make new recovery codes"},
		{WIRE_DISABLE, true, 3, ENFORCE_REQUIRED, "the policy requires codes of you"},
	};
	struct fixture *f = *state;
	struct wire_request enroll = request_with_token(WIRE_ENROLL, "bob", NULL);

	add_user(f->store, "alice", 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct wire_request request = change_of(rows[i].op, code_of(1, STEP));
		struct wire_response response;

		server.policy.enroll_tool = rows[i].enroll_tool;
		server.policy.recovery_codes = rows[i].recovery_codes;
		server.policy.enforce = rows[i].enforce;
		response = ask(&alice, &request);
		assert_refused(FORBIDDEN, response.err);
		assert_says("only your administrator ", response.why);
		assert_says(rows[i].words, response.why);
	}
	server.policy.enroll_tool = false;
	assert_refused(FORBIDDEN, ask(&bob, &enroll).err);
	assert_int_equal(VERDICT_ALLOW, check(&alice, "alice", code_of(1, STEP)).outcome.verdict);
}

static void each_change_uses_up_a_code_and_is_logged(void **state)
{
	static const struct {
		enum wire_op op;
		const char *words;
	} rows[] = {
		{WIRE_ADD, "token-added self \"second phone\""},
		{WIRE_RECOVERY, "recovery-codes self"},
		{WIRE_REMOVE, "token-removed self \"second phone\""},
		{WIRE_RENAME, "token-renamed self \"phone\""},
		{WIRE_DISABLE, "revoked self"},
	};
	struct fixture *f = *state;
	struct wire_request status = request_of(WIRE_STATUS, "alice", NULL);
	struct wire_response response;
	bool has = true;

	add_user(f->store, "alice", 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct wire_request request = change_of(rows[i].op, code_of(1, STEP + i));

		now = NOW + 30 * (int64_t)i;
		if (rows[i].op == WIRE_REMOVE)
			strcpy(request.label, "second phone");
		response = ask(&alice, &request);
		assert_ok(response.err);
		assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
		assert_logged("alice locker uid:1000 allow code \"");
		assert_logged(rows[i].words);
		assert_int_equal(rows[i].op == WIRE_RECOVERY ? 3 : 0, response.code_count);
		assert_int_equal(rows[i].op == WIRE_RECOVERY, response.codes[0].text[0] != '\0');
		if (rows[i].op == WIRE_ADD)
			assert_int_equal(2, ask(&alice, &status).status.token_count);
	}
	assert_ok(look_for(f->store, "alice", &has, NULL));
	assert_false(has);
}

static void the_code_of_a_change_is_counted_and_the_change_is_no_decision(void **state)
{
	struct fixture *f = *state;
	struct wire_request add = request_with_token(WIRE_ADD, "alice", code_of(1, STEP));
	struct wire_request enroll = request_with_token(WIRE_ENROLL, "bob", NULL);

	add_user(f->store, "alice", 1);
	assert_ok(tally_make(f->dir, TALLY_TOTPD, getuid(), getgid()));
	assert_int_equal(VERDICT_ALLOW, ask(&alice, &add).outcome.verdict);
	assert_int_equal(VERDICT_DENY, check(&alice, "alice", "000000").outcome.verdict);
	assert_ok(ask(&bob, &enroll).err);
	assert_int_equal(1, tally_read(f->dir, TALLY_TOTPD, "allow.code"));
	assert_int_equal(1, tally_read(f->dir, TALLY_TOTPD, "deny.wrong_code"));
	assert_int_equal(0, tally_read(f->dir, TALLY_TOTPD, "other.other"));
	/* nor is a request that a user may not make; an error of the host is */
	assert_refused(FORBIDDEN, check(&bob, "alice", "000000").err);
	assert_int_equal(0, tally_read(f->dir, TALLY_TOTPD, "other.other"));
	server.policy_invalid = true;
	assert_refused(FORMAT, check(&alice, "alice", "000000").err);
	server.policy_invalid = false;
	assert_int_equal(1, tally_read(f->dir, TALLY_TOTPD, "other.other"));
}

static void a_wrong_code_changes_nothing(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	for (size_t i = 0; i < COUNT(changes); i++) {
		struct wire_request request = change_of(changes[i], "000000");
		struct wire_response response = ask(&alice, &request);

		assert_ok(response.err);
		assert_int_equal(VERDICT_DENY, response.outcome.verdict);
		assert_int_equal(0, response.code_count);
		assert_string_equal("alice locker uid:1000 deny wrong_code \"\" \n", logged);
	}
}

static void a_new_token_is_confirmed_here_too(void **unused)
{
	struct wire_request good = request_with_token(WIRE_ENROLL, "bob", NULL);
	struct wire_request request = good;
	struct wire_response response;

	give_token(&request, 9, STEP + 5);
	response = ask(&bob, &request);
	assert_refused(RANGE, response.err);
	assert_says("came too late", response.why);

	request = good;
	request.token.type = 0;
	assert_refused(ARGUMENT, ask(&bob, &request).err);
	request = good;
	request.token.label[0] = '\0';
	assert_refused(ARGUMENT, ask(&bob, &request).err);
	request = good;
	request.token.typed.kind = ANSWER_NONE;
	assert_refused(ARGUMENT, ask(&bob, &request).err);
	request = good;
	request.token.secret.len = SECRET_GOOD_MIN - 1;
	assert_refused(ARGUMENT, ask(&bob, &request).err);

	response = ask(&bob, &good);
	assert_ok(response.err);
	assert_int_equal(3, response.code_count);
	assert_logged("bob locker uid:1001 enrolled self \"second phone\"");
	/* the code that confirmed the phone is used up */
	response = check(&bob, "bob", code_of(9, STEP));
	assert_int_equal(VERDICT_DENY, response.outcome.verdict);
	response = check(&bob, "bob", code_of(9, STEP + 1));
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
	assert_refused(EXISTS, ask(&root, &good).err);
}

static void in_a_login_root_decides_who_enrolls_and_how_many_codes_there_are(void **state)
{
	struct fixture *f = *state;
	struct wire_request request = request_with_token(WIRE_ENROLL_IN_LOGIN, "bob", NULL);
	struct wire_response response;

	server.policy.enroll_tool = false;
	request.recovery_codes = 2;
	request.by_invitation = true;
	response = ask(&root, &request);
	assert_refused(FORBIDDEN, response.err);
	request.by_invitation = false;
	response = ask(&root, &request);
	assert_ok(response.err);
	assert_int_equal(2, response.code_count);
	assert_string_equal("", logged);
	strcpy(request.user, "nobody");
	assert_refused(ARGUMENT, ask(&root, &request).err);
	assert_ok(store_remove(f->store, "bob", deadline_in(2000), NULL));
}

static void after_the_last_date_only_users_with_an_invitation_enroll(void **state)
{
	struct fixture *f = *state;
	struct wire_request request = request_with_token(WIRE_ENROLL, "bob", NULL);
	struct wire_request status = request_of(WIRE_STATUS, "bob", NULL);
	struct invite invite = {
		.user = "bob", .uid = 1001, .created = NOW - 10, .expires = NOW + 3600};

	server.policy.enroll_until = NOW - 2 * 86400;
	assert_refused(FORBIDDEN, ask(&bob, &request).err);
	assert_false(ask(&bob, &status).may_enroll);
	assert_false(ask(&bob, &status).invited);
	assert_ok(store_invite_put(f->store, &invite, deadline_in(2000), NULL));
	assert_true(ask(&bob, &status).may_enroll);
	assert_ok(ask(&bob, &request).err);
	assert_false(ask(&bob, &status).invited);
}

/* --- login hosts --- */

static void a_login_host_may_do_what_its_lists_allow(void **state)
{
	struct fixture *f = *state;
	struct wire_request enroll = request_with_token(WIRE_ENROLL, "alice", NULL);
	struct wire_request status = request_of(WIRE_STATUS, "alice", NULL);
	struct wire_response response;

	assert_refused(FORBIDDEN, ask(&web01, &enroll).err);
	assert_refused(FORBIDDEN, ask(&web01, &status).err);
	strcpy(server.policy.hosts_self, "web01");
	strcpy(server.policy.hosts_enroll, "web01");
	server.policy.enroll_tool = false; /* the host's own policy counts */
	response = ask(&web01, &status);
	assert_ok(response.err);
	assert_false(response.enrolled);
	assert_ok(ask(&web01, &enroll).err);
	response = ask(&web01, &status);
	assert_true(response.enrolled);
	assert_int_equal(1, response.status.token_count);
	response = check(&web01, "alice", code_of(9, STEP + 1));
	assert_int_equal(VERDICT_ALLOW, response.outcome.verdict);
	assert_ok(store_remove(f->store, "alice", deadline_in(2000), NULL));
}

static void a_verifier_that_asks_other_verifiers_answers_no_host(void **unused)
{
	struct wire_response response;

	server.policy.store = STORE_AT_VERIFIER;
	response = check(&web01, "alice", "000000");
	assert_refused(FORBIDDEN, response.err);
	assert_says("has no store", response.why);
}

/* Notices count as read where a person sees text, and a user's own program may lie about that. */
static void a_host_tells_its_verifier_that_a_person_sees_text_on_root_s_word_alone(void **unused)
{
	struct wire_request request = request_of(WIRE_CHECK, "alice", "000000");

	server.policy.store = STORE_AT_VERIFIER;
	request.store = (struct wire_store){.id = {0}};
	request.tells = true;
	assert_refused(NOT_FOUND, ask(&root, &request).err);
	assert_true(relayed.request.tells);
	assert_refused(NOT_FOUND, ask(&alice, &request).err);
	assert_string_equal("alice", relayed.request.user);
	assert_false(relayed.request.tells);
}

static void a_host_decides_by_its_own_policy_before_and_after_it_asks_its_verifier(void **unused)
{
	struct wire_request status = request_of(WIRE_STATUS, "alice", NULL);
	struct wire_request enroll = request_with_token(WIRE_ENROLL, "alice", NULL);
	struct wire_request unknown = request_of(WIRE_CHECK, "nobody", "000000");
	struct wire_response response;

	server.policy.store = STORE_AT_VERIFIER;
	server.policy.enforce = ENFORCE_OPTIONAL;
	status.store = enroll.store = unknown.store = (struct wire_store){.id = {0}};
	verifier_err = TOTP_OK;
	response = ask(&alice, &status);
	assert_ok(response.err);
	assert_false(response.required);
	strcpy(server.policy.required_for, "alice");
	assert_true(ask(&alice, &status).required);
	assert_ok(ask(&alice, &enroll).err);
	server.policy.enroll_tool = false;
	relayed.request.user[0] = '\0';
	assert_refused(FORBIDDEN, ask(&alice, &enroll).err);
	assert_refused(NOT_FOUND, ask(&root, &unknown).err);
	assert_string_equal("", relayed.request.user);
	verifier_err = TOTP_ERR_NOT_FOUND;
}

static void a_host_that_may_not_ask_uses_up_no_user_s_lines_of_the_log(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	assert_int_equal(VERDICT_DENY, check(&web01, "alice", "000000").outcome.verdict);
	assert_int_equal(1000, counts.uid);
	server.policy.hosts[0] = '\0';
	assert_refused(FORBIDDEN, check(&web01, "alice", "000000").err);
	assert_int_equal(web01.uid, counts.uid);
}

static void a_store_in_files_is_closed_after_each_request(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	for (int worker = 0; worker <= 1; worker++) {
		server.is_worker = worker;
		check(&alice, "alice", "000000");
		assert_null(server.store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		REQUEST_TEST(a_code_is_accepted_once_and_each_try_is_logged),
		REQUEST_TEST(what_root_asks_is_not_logged),
		REQUEST_TEST(no_user_may_ask_about_another_or_enroll_as_a_login_does),
		REQUEST_TEST(root_counts_only_on_its_socket_and_a_uid_without_a_number_never),
		REQUEST_TEST(an_account_of_may_check_looks_and_checks_and_does_nothing_else),
		REQUEST_TEST(users_are_told_of_old_codes_and_of_no_future_one_whatever_they_ask),
		REQUEST_TEST(root_is_told_of_future_codes_and_a_login_host_is_not),
		REQUEST_TEST(an_unknown_user_has_no_code),
		REQUEST_TEST(of_a_program_that_may_tell_sources_the_log_has_the_name),
		REQUEST_TEST(a_client_that_left_or_waits_no_longer_uses_up_nothing),
		REQUEST_TEST(a_request_about_another_store_is_denied),
		REQUEST_TEST(with_a_mistake_in_the_policy_or_without_keys_everything_is_denied),
		REQUEST_TEST(a_group_of_the_policy_that_is_missing_makes_no_user_missing),
		REQUEST_TEST(a_look_says_whether_there_is_a_record),
		REQUEST_TEST(the_status_shows_all_that_the_owner_may_see),
		REQUEST_TEST(a_later_user_of_a_name_learns_nothing_of_the_earlier_one),
		REQUEST_TEST(only_what_the_policy_allows_is_changed),
		REQUEST_TEST(each_change_uses_up_a_code_and_is_logged),
		REQUEST_TEST(the_code_of_a_change_is_counted_and_the_change_is_no_decision),
		REQUEST_TEST(a_wrong_code_changes_nothing),
		REQUEST_TEST(a_new_token_is_confirmed_here_too),
		REQUEST_TEST(in_a_login_root_decides_who_enrolls_and_how_many_codes_there_are),
		REQUEST_TEST(after_the_last_date_only_users_with_an_invitation_enroll),
		REQUEST_TEST(a_login_host_may_do_what_its_lists_allow),
		REQUEST_TEST(a_verifier_that_asks_other_verifiers_answers_no_host),
		REQUEST_TEST(
			a_host_tells_its_verifier_that_a_person_sees_text_on_root_s_word_alone),
		REQUEST_TEST(
			a_host_decides_by_its_own_policy_before_and_after_it_asks_its_verifier),
		REQUEST_TEST(a_host_that_may_not_ask_uses_up_no_user_s_lines_of_the_log),
		REQUEST_TEST(a_store_in_files_is_closed_after_each_request),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
