/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a list of requests to totpd, from any client, about any user, with answers right and
 * wrong. A model beside it knows who may ask what, which tokens and codes each user has, and which
 * were used: totpd's answer is the model's, and so is what it shows of the record afterwards.
 *
 * Input: one byte of SWITCHES, then seven bytes for each request, see struct step.
 */
#include "fuzz.h"

#include <err.h>
#include <ftw.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/source.h"
#include "../totpd/accounts.h"
#include "requests.h"
#include "store/files.h"

#define START        INT64_C(1700000010)
#define PERIOD       30
#define WINDOW       2
#define CODES        3  /* recovery codes of an enrollment */
#define REQUESTS_MAX 30 /* fewer than the throttle allows to fail */
#define SECRETS      12

enum { NO_SELF_SERVICE = 1, BOB_MAY_CHECK = 2 };

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

/* No line may hold what is secret; which lines there are is for other tests. */
static char typed_code[16];

void log_send(int priority, const struct log_event *event)
{
	(void)priority;
	if (event->detail && typed_code[0])
		REQUIRE(!strstr(event->detail, typed_code));
}

/* No sync waits for a disk: this does not test the disk. */
int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int fsync(int fd)
{
	(void)fd;
	return 0;
}

/* --- totpd --- */

static char directory[] = "/tmp/pam_totp-fuzz.XXXXXX";
static struct server server;
static struct log_limit log_limit;
static struct log_counts counts;
static int connection[2];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void remove_directory(void)
{
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_totpd(void)
{
	static const uint8_t machine[SHA256_LEN] = {1};
	struct policy *policy = &server.policy;

	if (!mkdtemp(directory))
		err(99, "%s", directory);
	atexit(remove_directory);
	policy_default(policy);
	snprintf(policy->store_dir, sizeof(policy->store_dir), "%s/store", directory);
	snprintf(policy->keyring, sizeof(policy->keyring), "%s/keyring", directory);
	snprintf(policy->run_dir, sizeof(policy->run_dir), "%s/run", directory);
	policy->enforce = ENFORCE_OPTIONAL;
	policy->recovery_codes = CODES;
	policy->window = WINDOW;
	policy->attempts = 50;
	strcpy(policy->hosts, "web01, web03");
	strcpy(policy->hosts_self, "web01");
	strcpy(policy->hosts_enroll, "web01");
	REQUIRE(keyring_create(policy->keyring, START, NULL) == TOTP_OK);
	REQUIRE(files_setup(policy->store_dir, &(struct files_owner){0, 0}, machine, NULL) ==
		TOTP_OK);
	REQUIRE(keyring_load(policy->keyring, &server.keyring, NULL) == TOTP_OK);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, connection) == 0);
	server.counts = &counts;
	server.log_limit = &log_limit;
}

/* --- the model --- */

struct model_token {
	unsigned secret;
	char label[8];
	uint64_t last; /* the step that was used last */
};

struct model {
	bool enrolled;
	size_t token_count;
	struct model_token tokens[CRED_TOKENS_MAX];
	struct recovery_code codes[RECOVERY_MAX];
	size_t code_count;
};

static struct model users[2]; /* alice and bob */

static const char *code_of(unsigned secret, uint64_t step)
{
	static struct code codes[4];
	static unsigned next;
	struct code *code = &codes[next++ % 4];
	struct secret key = {.len = SECRET_NEW_LEN};

	memset(key.data, (int)('A' + secret), key.len);
	*code = (struct code){""};
	REQUIRE(hotp_code(&(struct hotp){HMAC_SHA1, 6, &key}, step, code) == TOTP_OK);
	return code->text;
}

static struct model_token *token_of(struct model *user, const char *label)
{
	for (size_t i = 0; i < user->token_count; i++)
		if (strcmp(user->tokens[i].label, label) == 0)
			return &user->tokens[i];
	return NULL;
}

/* Has a token other than this one the secret? */
static bool has_secret(const struct model *user, const struct model_token *except, unsigned secret)
{
	for (size_t i = 0; i < user->token_count; i++)
		if (&user->tokens[i] != except && user->tokens[i].secret == secret)
			return true;
	return false;
}

/* The first step in the window, after *last, whose code this is; 0: none. */
static uint64_t step_of(unsigned secret, const char *code, uint64_t last)
{
	uint64_t middle = (uint64_t)now / PERIOD;

	for (uint64_t step = middle - WINDOW; step <= middle + WINDOW; step++)
		if (step > last && strcmp(code_of(secret, step), code) == 0)
			return step;
	return 0;
}

/* Is the answer right? With `use`, then it is used up. */
static bool is_right(struct model *user, const struct answer *answer, bool use)
{
	if (!user->enrolled)
		return false;
	for (size_t i = 0; answer->kind == ANSWER_RECOVERY && i < user->code_count; i++) {
		if (strcmp(user->codes[i].text, answer->recovery.text) != 0)
			continue;
		if (use)
			user->codes[i] = user->codes[--user->code_count];
		return true;
	}
	for (size_t i = 0; answer->kind == ANSWER_CODE && i < user->token_count; i++) {
		struct model_token *token = &user->tokens[i];
		uint64_t step = step_of(token->secret, answer->code.text, token->last);

		if (!step)
			continue;
		if (use)
			token->last = step;
		return true;
	}
	return false;
}

/* --- one request --- */

struct step {
	uint8_t op, peer, user, answer, label, token, clock;
};

static const struct peer peers[] = {
	{.root = true},         {.uid = 1000},
	{.uid = 1001},          {.host = "web01"}, /* may do everything */
	{.host = "web02"},                         /* is not listed */
	{.host = "web03"},                         /* only checks */
	{.uid = RIGHTS_NOBODY}, {.uid = 1000, .root = true},
};
#define PEERS (sizeof(peers) / sizeof(peers[0]))

static const char *const names[] = {"alice", "bob", "mallory"};
static const char *const labels[] = {"one", "two", "three", "four"};

struct asked {
	const struct peer *peer;
	struct relay_request relay;
	const char *name;
	struct model *user; /* NULL: unknown */
	unsigned secret;    /* of the token in it */
	uint64_t confirmed; /* the step of the code that was typed for it; 0: a wrong one */
};

static bool is_change(enum wire_op op)
{
	return op >= WIRE_ADD && op <= WIRE_DISABLE;
}

/* A code of this user near now, a recovery code, a code of another token, or a wrong one. */
static void answer_with(const struct model *user, uint8_t choice, struct answer *ret_answer)
{
	uint64_t step = (uint64_t)now / PERIOD + (choice >> 4) % 7 - 3;
	unsigned which = choice & 15;

	if (user && which < 6 && user->token_count)
		answer_parse(code_of(user->tokens[which % user->token_count].secret, step), NULL,
			     ret_answer);
	else if (user && which < 9 && user->code_count)
		*ret_answer =
			(struct answer){.kind = ANSWER_RECOVERY,
					.recovery = user->codes[(choice >> 4) % user->code_count]};
	else if (which < 12)
		answer_parse(code_of(choice % SECRETS, step), NULL, ret_answer);
	else if (which < 14)
		answer_parse("ABCD-EFGH-JKMN", NULL, ret_answer);
	else
		*ret_answer = (struct answer){.kind = ANSWER_NONE};
}

static void give_token(struct asked *asked, uint8_t choice)
{
	struct wire_token *token = &asked->relay.request.token;
	uint64_t step = (uint64_t)now / PERIOD + (choice >> 4) % 7 - 3;

	asked->secret = (unsigned)(choice & 15) % SECRETS;
	*token = (struct wire_token){
		.type = TOKEN_TOTP, .alg = HMAC_SHA1, .digits = 6, .period = PERIOD};
	strcpy(token->label, asked->relay.request.label);
	token->secret.len = SECRET_NEW_LEN;
	memset(token->secret.data, (int)('A' + asked->secret), SECRET_NEW_LEN);
	answer_parse(choice >> 7 ? "000000" : code_of(asked->secret, step), NULL, &token->typed);
	asked->confirmed = step_of(asked->secret, token->typed.code.text, 0);
}

static void make_request(const struct step *step, struct asked *ret_asked)
{
	struct wire_request *wire = &ret_asked->relay.request;
	unsigned name = step->user % 3;

	*ret_asked = (struct asked){.peer = &peers[step->peer % PEERS], .name = names[name]};
	ret_asked->user = name < 2 ? &users[name] : NULL;
	ret_asked->relay.known = name < 2;
	ret_asked->relay.uid = name < 2 ? 1000 + name : 0;
	wire->op = WIRE_LOOK + step->op % WIRE_ENROLL_IN_LOGIN;
	wire->deadline = io_monotonic_ns() + UINT64_C(20000000000);
	wire->recovery_codes = CODES;
	strcpy(wire->user, ret_asked->name);
	strcpy(wire->service, "fuzz");
	strcpy(wire->store.dir, server.policy.store_dir);
	strcpy(wire->label, labels[step->label % 4]);
	if (wire->op == WIRE_RENAME)
		strcpy(wire->new_label, labels[(step->label >> 2) % 4]);
	answer_with(ret_asked->user, step->answer, &wire->answer);
	if (wire->op == WIRE_ENROLL || wire->op == WIRE_ENROLL_IN_LOGIN || wire->op == WIRE_ADD ||
	    wire->op == WIRE_REPLACE)
		give_token(ret_asked, step->token);
	strcpy(typed_code, wire->answer.kind == ANSWER_CODE ? wire->answer.code.text : "");
}

/* --- what the model says --- */

static bool may_ask(const struct asked *asked, unsigned switches)
{
	const struct peer *peer = asked->peer;
	enum wire_op op = asked->relay.request.op;
	bool looks = op == WIRE_LOOK || op == WIRE_CHECK;

	if (peer->host[0])
		return strcmp(peer->host, "web01") == 0 ||
		       (strcmp(peer->host, "web03") == 0 && looks);
	if (peer->root)
		return peer->uid == 0;
	if (asked->user && op != WIRE_ENROLL_IN_LOGIN &&
	    peer->uid == 1000u + (asked->user == &users[1]))
		return true;
	return looks && (switches & BOB_MAY_CHECK) && peer->uid == 1001;
}

/* Does the policy, which is not that of a host, allow it? */
static bool is_offered(const struct asked *asked, unsigned switches)
{
	enum wire_op op = asked->relay.request.op;
	bool is_new = op == WIRE_ENROLL || op == WIRE_ADD || op == WIRE_REPLACE;

	return asked->peer->host[0] || !is_new || !(switches & NO_SELF_SERVICE);
}

/* Can the record be changed so, by a right answer? */
static bool is_possible(const struct asked *asked)
{
	const struct wire_request *wire = &asked->relay.request;
	struct model *user = asked->user;
	const struct model_token *found = token_of(user, wire->label), *same;

	if (wire->op == WIRE_ADD)
		return asked->confirmed && !found && !has_secret(user, NULL, asked->secret) &&
		       user->token_count < CRED_TOKENS_MAX;
	if (wire->op == WIRE_REPLACE)
		return asked->confirmed && found && !has_secret(user, found, asked->secret);
	if (wire->op == WIRE_REMOVE)
		return found && user->token_count > 1;
	same = token_of(user, wire->new_label);
	return wire->op != WIRE_RENAME || (found && (!same || same == found));
}

static void take_codes(struct model *user, const struct wire_response *response)
{
	REQUIRE(response->code_count == CODES);
	user->code_count = CODES;
	memcpy(user->codes, response->codes, CODES * sizeof(user->codes[0]));
}

static void add_token(struct model *user, const struct asked *asked)
{
	struct model_token *token = &user->tokens[user->token_count++];

	*token = (struct model_token){.secret = asked->secret, .last = asked->confirmed};
	strcpy(token->label, asked->relay.request.label);
}

static void change_model(const struct asked *asked, const struct wire_response *response)
{
	const struct wire_request *wire = &asked->relay.request;
	struct model *user = asked->user;
	struct model_token *token = token_of(user, wire->label);

	if (wire->op == WIRE_ADD) {
		add_token(user, asked);
	} else if (wire->op == WIRE_REPLACE) {
		/* by its own secret: what was used stays used */
		if (token->secret != asked->secret || token->last < asked->confirmed)
			token->last = asked->confirmed;
		token->secret = asked->secret;
	} else if (wire->op == WIRE_REMOVE) {
		*token = user->tokens[--user->token_count];
	} else if (wire->op == WIRE_RENAME) {
		strcpy(token->label, wire->new_label);
	} else if (wire->op == WIRE_RECOVERY) {
		take_codes(user, response);
	} else {
		*user = (struct model){.enrolled = false};
	}
}

/* Nothing is learned or changed by a client that may not ask that. */
static void require_nothing(const struct wire_response *response)
{
	REQUIRE(response->err != TOTP_OK && response->outcome.verdict == VERDICT_DENY);
	REQUIRE(!response->enrolled && response->code_count == 0);
	REQUIRE(response->status.token_count == 0 && response->outcome.label[0] == '\0');
}

static void compare_enrollment(const struct asked *asked, const struct wire_response *response,
			       bool allowed)
{
	struct model *user = asked->user;
	bool expected = allowed && user && !user->enrolled && asked->confirmed;

	REQUIRE((response->err == TOTP_OK) == expected);
	REQUIRE(expected || response->code_count == 0);
	if (!expected)
		return;
	*user = (struct model){.enrolled = true};
	add_token(user, asked);
	take_codes(user, response);
}

static void compare_change(const struct asked *asked, const struct wire_response *response,
			   bool allowed)
{
	struct model *user = asked->user;
	const struct answer *answer = &asked->relay.request.answer;
	bool possible = user && user->enrolled && allowed && is_possible(asked);
	bool made = response->err == TOTP_OK && response->outcome.verdict == VERDICT_ALLOW;

	REQUIRE(made == (possible && is_right(user, answer, false)));
	REQUIRE(made || response->code_count == 0);
	if (!made)
		return;
	(void)is_right(user, answer, true);
	change_model(asked, response);
}

static void compare(const struct asked *asked, const struct wire_response *response,
		    unsigned switches)
{
	const struct outcome *outcome = &response->outcome;
	struct model *user = asked->user;
	enum wire_op op = asked->relay.request.op;
	bool enrolled = user && user->enrolled;

	REQUIRE(response->op == op);
	if (!asked->peer->root && !asked->peer->host[0]) {
		/* a code of the future would be an oracle */
		REQUIRE(!outcome->off || (outcome->off_type == TOKEN_TOTP && outcome->offset < 0));
	}
	if (!may_ask(asked, switches)) {
		require_nothing(response);
		return;
	}
	if (op == WIRE_ENROLL || op == WIRE_ENROLL_IN_LOGIN) {
		compare_enrollment(asked, response, is_offered(asked, switches));
	} else if (is_change(op)) {
		compare_change(asked, response, is_offered(asked, switches));
	} else if (op == WIRE_CHECK && enrolled) {
		bool right = is_right(user, &asked->relay.request.answer, true);

		REQUIRE(response->err == TOTP_OK);
		REQUIRE(outcome->verdict == (right ? VERDICT_ALLOW : VERDICT_DENY));
	} else if (op == WIRE_CHECK) {
		/* what is no code is denied without a look at the record */
		REQUIRE(response->err == TOTP_ERR_NOT_FOUND ||
			(user && asked->relay.request.answer.kind < ANSWER_CODE));
		REQUIRE(outcome->verdict == VERDICT_DENY);
	} else {
		REQUIRE(response->err == TOTP_OK || (!user && op == WIRE_STATUS));
		REQUIRE(response->enrolled == enrolled && outcome->verdict == VERDICT_DENY);
	}
}

static void ask(const struct asked *asked, struct wire_response *ret_response)
{
	(void)!request_answer(&server, asked->peer, connection[0], &asked->relay, ret_response);
}

/* What root sees of each user. */
static void compare_records(void)
{
	for (uint8_t i = 0; i < 2; i++) {
		const struct step status = {.op = WIRE_STATUS - WIRE_LOOK, .user = i};
		struct wire_response response;
		struct asked asked;

		make_request(&status, &asked);
		ask(&asked, &response);
		REQUIRE(response.err == TOTP_OK && response.enrolled == users[i].enrolled);
		REQUIRE(response.status.token_count == users[i].token_count);
		REQUIRE(response.status.recovery_left == users[i].code_count);
		for (size_t t = 0; t < response.status.token_count; t++)
			REQUIRE(token_of(&users[i], response.status.tokens[t].label));
	}
}

static void forget_users(void)
{
	const struct files_config config = {.dir = server.policy.store_dir,
					    .keyring = server.policy.keyring};
	struct store *store = NULL;

	REQUIRE(files_open(&config, &store, NULL) == TOTP_OK);
	for (size_t i = 0; i < 2; i++)
		if (users[i].enrolled)
			REQUIRE(store_remove(store, names[i], io_deadline(STORE_WAIT_MS), NULL) ==
				TOTP_OK);
	store_close(store);
	memset(users, 0, sizeof(users));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned switches = size ? data[0] : 0;
	size_t number = size ? (size - 1) / sizeof(struct step) : 0;

	if (!server.counts)
		make_totpd();
	server.policy.enroll_tool = !(switches & NO_SELF_SERVICE);
	strcpy(server.policy.may_check, switches & BOB_MAY_CHECK ? "bob" : "");
	now = START;
	for (size_t i = 0; i < number && i < REQUESTS_MAX; i++) {
		struct step step;
		struct asked asked;
		struct wire_response response;

		memcpy(&step, data + 1 + i * sizeof(step), sizeof(step));
		now += (int8_t)step.clock * INT64_C(10);
		make_request(&step, &asked);
		ask(&asked, &response);
		compare(&asked, &response, switches);
		compare_records();
	}
	forget_users();
	return 0;
}
