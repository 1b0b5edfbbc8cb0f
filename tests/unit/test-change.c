/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What users change about their own record: a correct code and the change are stored together, or
 * neither is.
 */
#include "store_fixture.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "login/change.h"
#include "login/enroll.h"

#define STEP (NOW / 30)

#ifdef SYS_fcntl64 /* where off_t has more bits than long */
#define FCNTL SYS_fcntl64
#else
#define FCNTL SYS_fcntl
#endif

static unsigned renames_fail;

int renameat(int old_fd, const char *old_name, int new_fd, const char *new_name)
{
	if (renames_fail) {
		errno = EIO;
		return -1;
	}
	return renameat2(old_fd, old_name, new_fd, new_name, 0);
}

/* What another process does at the moment at which a lock is released. */
static enum totp_err (*at_unlock)(void);
static enum totp_err unlock_err;

int fcntl(int fd, int command, ...)
{
	enum totp_err (*then)(void) = NULL;
	va_list args;
	void *argument;
	int code;

	va_start(args, command);
	argument = va_arg(args, void *);
	va_end(args);
	code = (int)syscall(FCNTL, fd, command, argument);
	if (command == F_OFD_SETLK && ((const struct flock *)argument)->l_type == F_UNLCK)
		then = at_unlock;
	if (then) {
		at_unlock = NULL;
		unlock_err = then();
	}
	return code;
}

static const char wrong[] = "00000000";

static const char *code_of(uint8_t n, uint64_t step)
{
	static struct code code;
	struct cred cred = cred_of("alice", n);

	code = (struct code){0};
	assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 6, &cred.tokens[0].secret}, step, &code));
	return code.text;
}

static struct token token_of(const char *label, uint8_t n)
{
	struct token token = cred_of("alice", n).tokens[0];

	snprintf(token.label, sizeof(token.label), "%s", label);
	return token;
}

struct trial {
	enum totp_err err;
	struct outcome outcome;
	struct reason why;
};

static struct trial try_change(struct fixture *f, struct change *change, const char *text)
{
	struct attempt who = {.user = "alice",
			      .uid = 1000,
			      .now = NOW,
			      .source = {.kind = SOURCE_UID, .bytes = {0, 0, 3, 232}}};
	struct trial trial = {0};
	struct policy policy;
	struct answer answer;

	policy_default(&policy);
	answer_parse(text, NULL, &answer);
	who.policy = &policy;
	who.answer = &answer;
	trial.err = change_by(f->store, &who, change, &trial.outcome, &trial.why);
	return trial;
}

static void read_record(const struct fixture *f, struct cred *ret_cred,
			struct login_state *ret_state)
{
	OWN_STORE struct store *store = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	assert_ok(store_read(store, "alice", deadline_in(2000), &txn, NULL));
	*ret_cred = txn.cred;
	*ret_state = txn.state;
}

#define assert_done(call) \
	do { \
		struct trial seen_ = (call); \
		if (seen_.err != TOTP_OK) \
			fail_msg("%s: %s", err_name(seen_.err), seen_.why.text); \
		assert_int_equal(VERDICT_ALLOW, seen_.outcome.verdict); \
	} while (0)

/* The change is not made, and the code still works. */
#define assert_impossible(words, call) \
	do { \
		struct trial seen_ = (call); \
		assert_int_equal(TOTP_ERR_RANGE, seen_.err); \
		assert_int_equal(VERDICT_DENY, seen_.outcome.verdict); \
		assert_says(words, seen_.why); \
	} while (0)

static void a_token_is_added_with_a_correct_code_which_is_used_up(void **state)
{
	struct fixture *f = *state;
	struct token token = token_of("tablet", 2);
	struct change change = {.kind = CHANGE_ADD, .token = &token, .moving = STEP + 1};
	struct cred cred;
	struct login_state after;

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &change, code_of(1, STEP)));
	read_record(f, &cred, &after);
	assert_int_equal(2, cred.token_count);
	assert_string_equal("tablet", cred.tokens[1].label);
	assert_int_equal(STEP, after.tokens[0].moving);
	assert_int_equal(STEP + 1, after.tokens[1].moving);
	assert_int_equal(VERDICT_DENY, try_change(f, &change, code_of(1, STEP)).outcome.verdict);
}

/* --- the owner reads about it --- */

/* A login at NOW plus so many seconds; returns the notice that the user reads. */
static struct outcome log_in(struct fixture *f, const char *text, bool tells, unsigned after)
{
	struct attempt who = {.user = "alice",
			      .uid = 1000,
			      .now = NOW + after,
			      .tells = tells,
			      .source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}}};
	struct outcome outcome;
	struct reason why = {""};
	struct policy policy;
	struct answer answer;

	policy_default(&policy);
	answer_parse(text, NULL, &answer);
	who.policy = &policy;
	who.answer = &answer;
	assert_ok(attempt(f->store, &who, &outcome, &why));
	assert_int_equal(VERDICT_ALLOW, outcome.verdict);
	return outcome;
}

static void assert_told(unsigned added, unsigned replaced, unsigned recovery,
			const struct outcome *outcome)
{
	assert_int_equal(added, outcome->notices[NOTICE_ADDED].count);
	assert_int_equal(replaced, outcome->notices[NOTICE_REPLACED].count);
	assert_int_equal(recovery, outcome->notices[NOTICE_RECOVERY].count);
}

static void add_device(struct fixture *f)
{
	struct token token = token_of("tablet", 2);
	struct change change = {.kind = CHANGE_ADD, .token = &token, .moving = STEP};

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &change, code_of(1, STEP)));
}

static void a_device_that_was_added_is_reported_once_at_a_login_with_another_device(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome;

	add_device(f);
	outcome = log_in(f, code_of(1, STEP + 1), true, 30);
	assert_told(1, 0, 0, &outcome);
	assert_int_equal(NOW, outcome.notices[NOTICE_ADDED].last);
	assert_int_equal(SOURCE_UID, outcome.notices[NOTICE_ADDED].source.kind);
	outcome = log_in(f, code_of(1, STEP + 2), true, 60);
	assert_told(0, 0, 0, &outcome);
	outcome = log_in(f, code_of(2, STEP + 3), true, 90);
	assert_told(0, 0, 0, &outcome);
}

static void a_login_with_the_added_device_does_not_use_the_notice_up(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome;

	add_device(f);
	for (unsigned i = 1; i <= 3; i++) {
		outcome = log_in(f, code_of(2, STEP + i), true, 30 * i);
		assert_told(1, 0, 0, &outcome);
	}
	outcome = log_in(f, code_of(1, STEP + 4), true, 120);
	assert_told(1, 0, 0, &outcome);
	outcome = log_in(f, code_of(2, STEP + 5), true, 150);
	assert_told(0, 0, 0, &outcome);
}

static void a_login_that_shows_no_text_does_not_use_the_notice_up(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome;

	add_device(f);
	outcome = log_in(f, code_of(1, STEP + 1), false, 30);
	assert_told(0, 0, 0, &outcome);
	outcome = log_in(f, code_of(1, STEP + 2), true, 60);
	assert_told(1, 0, 0, &outcome);
}

static void the_only_device_replaced_and_new_recovery_codes_are_reported_once(void **state)
{
	struct fixture *f = *state;
	struct token token = token_of("phone", 2);
	struct change replace = {
		.kind = CHANGE_REPLACE, .label = "phone", .token = &token, .moving = STEP};
	struct change renew = {.kind = CHANGE_RECOVERY, .recovery_codes = 10};
	struct outcome outcome;

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &renew, code_of(1, STEP - 1)));
	assert_done(try_change(f, &replace, code_of(1, STEP)));
	outcome = log_in(f, code_of(2, STEP + 1), true, 30);
	assert_told(0, 1, 1, &outcome);
	outcome = log_in(f, code_of(2, STEP + 2), true, 60);
	assert_told(0, 0, 0, &outcome);
}

static void a_login_with_a_new_recovery_code_keeps_the_notice_about_the_codes(void **state)
{
	struct fixture *f = *state;
	struct change renew = {.kind = CHANGE_RECOVERY, .recovery_codes = 10};
	struct outcome outcome;
	char shown[RECOVERY_SHOWN_MAX];

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &renew, code_of(1, STEP)));
	recovery_show(&renew.codes[0], shown);
	outcome = log_in(f, shown, true, 30);
	assert_told(0, 0, 1, &outcome);
	outcome = log_in(f, code_of(1, STEP + 2), true, 60);
	assert_told(0, 0, 1, &outcome);
	outcome = log_in(f, code_of(1, STEP + 3), true, 90);
	assert_told(0, 0, 0, &outcome);
}

static void a_wrong_code_changes_nothing_and_is_counted(void **state)
{
	struct fixture *f = *state;
	static const enum change_kind kinds[] = {CHANGE_ADD,    CHANGE_REPLACE,  CHANGE_REMOVE,
						 CHANGE_RENAME, CHANGE_RECOVERY, CHANGE_DISABLE};
	struct token token = token_of("tablet", 2);
	struct cred before = add_user(f->store, "alice", 1), cred;
	struct login_state after;

	for (size_t i = 0; i < COUNT(kinds) && i < 5; i++) {
		struct change change = {.kind = kinds[i],
					.label = "phone",
					.new_label = "old",
					.token = &token,
					.recovery_codes = 10};
		struct trial trial = try_change(f, &change, wrong);

		assert_int_equal(TOTP_OK, trial.err);
		assert_int_equal(VERDICT_DENY, trial.outcome.verdict);
		assert_int_equal('\0', change.codes[0].text[0]);
		read_record(f, &cred, &after);
		assert_same_cred(&before, &cred);
		assert_int_equal(i + 1, after.failures);
	}
}

static void a_temporary_code_changes_nothing_and_is_not_used_up(void **state)
{
	static const enum change_kind kinds[] = {CHANGE_ADD,    CHANGE_REPLACE,  CHANGE_REMOVE,
						 CHANGE_RENAME, CHANGE_RECOVERY, CHANGE_DISABLE};
	struct fixture *f = *state;
	struct token token = token_of("tablet", 2);
	struct cred before = cred_of("alice", 1), cred;
	struct login_state fresh, after;
	char shown[RECOVERY_SHOWN_MAX];
	struct recovery_code code;

	assert_ok(bypass_make(&before, NOW, 3600, 1, &code));
	recovery_show(&code, shown);
	fresh = state_of(&before);
	assert_ok(store_create(f->store, &before, &fresh, deadline_in(2000), NULL));
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct change change = {.kind = kinds[i],
					.label = "phone",
					.new_label = "old",
					.token = &token,
					.recovery_codes = 10};
		struct trial trial = try_change(f, &change, shown);

		assert_int_equal(TOTP_ERR_FORBIDDEN, trial.err);
		assert_int_equal(VERDICT_DENY, trial.outcome.verdict);
		assert_says("ask your administrator", trial.why);
		assert_int_equal('\0', change.codes[0].text[0]);
		read_record(f, &cred, &after);
		assert_same_cred(&before, &cred);
		assert_int_equal(0, after.bypass_used);
	}
}

static void a_replaced_token_keeps_its_name_and_none_of_its_codes(void **state)
{
	struct fixture *f = *state;
	struct token token = token_of("whatever", 9);
	struct change change = {
		.kind = CHANGE_REPLACE, .label = "phone", .token = &token, .moving = STEP};
	struct cred cred;
	struct login_state after;

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &change, code_of(1, STEP + 1)));
	read_record(f, &cred, &after);
	assert_int_equal(1, cred.token_count);
	assert_string_equal("phone", cred.tokens[0].label);
	assert_memory_equal(&token.secret, &cred.tokens[0].secret, sizeof(struct secret));
	/* not the old token's step, which is later */
	assert_int_equal(STEP, after.tokens[0].moving);
}

static void a_token_replaced_by_the_same_secret_accepts_no_used_code(void **state)
{
	struct fixture *f = *state;
	struct token token = token_of("phone", 1);
	struct change change = {
		.kind = CHANGE_REPLACE, .label = "phone", .token = &token, .moving = STEP - 1};
	struct cred cred;
	struct login_state after;

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &change, code_of(1, STEP)));
	read_record(f, &cred, &after);
	assert_int_equal(STEP, after.tokens[0].moving);
}

static void a_token_is_removed_and_renamed(void **state)
{
	struct fixture *f = *state;
	struct token token = token_of("tablet", 2);
	struct change change = {.kind = CHANGE_ADD, .token = &token, .moving = STEP};
	struct cred cred;
	struct login_state after;

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &change, code_of(1, STEP - 1)));
	change = (struct change){.kind = CHANGE_RENAME, .label = "tablet", .new_label = "slate"};
	assert_done(try_change(f, &change, code_of(1, STEP)));
	change = (struct change){.kind = CHANGE_REMOVE, .label = "phone"};
	assert_done(try_change(f, &change, code_of(2, STEP + 1)));
	read_record(f, &cred, &after);
	assert_int_equal(1, cred.token_count);
	assert_string_equal("slate", cred.tokens[0].label);
	assert_int_equal(STEP + 1, after.tokens[0].moving);
	assert_int_equal(2, after.tokens[0].id);
}

static void new_recovery_codes_make_the_old_ones_invalid(void **state)
{
	struct fixture *f = *state;
	struct change change = {.kind = CHANGE_RECOVERY, .recovery_codes = 3};
	struct recovery_code old;
	struct cred cred;
	struct login_state after;
	int index = -1;

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &change, code_of(1, STEP)));
	old = change.codes[0];
	read_record(f, &cred, &after);
	assert_int_equal(3, cred.recovery_count);
	assert_ok(recovery_find(&cred, old.text, &index));
	assert_int_equal(0, index);
	/* and one of them allows to make newer ones, among which it is no longer valid */
	assert_done(try_change(f, &change, old.text));
	read_record(f, &cred, &after);
	assert_ok(recovery_find(&cred, old.text, &index));
	assert_int_equal(-1, index);
	assert_int_equal(0, after.spent);
}

static const struct attempt far_away = {.user = "alice",
					.uid = 1000,
					.now = NOW,
					.source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}}};

static void log_in_from_far_away(struct fixture *f, const char *text)
{
	struct attempt who = far_away;
	struct outcome outcome;
	struct policy policy;
	struct answer answer;
	struct reason why;

	policy_default(&policy);
	answer_parse(text, NULL, &answer);
	who.policy = &policy;
	who.answer = &answer;
	assert_ok(attempt(f->store, &who, &outcome, &why));
	assert_int_equal(VERDICT_ALLOW, outcome.verdict);
}

static bool is_remembered(const struct fixture *f)
{
	struct attempt who = far_away;
	OWN_STORE struct store *store = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct policy policy;
	struct reason why;
	struct look look;

	policy_default(&policy);
	policy.remember = 3600;
	who.policy = &policy;
	assert_ok(attempt_look(store, &who, &txn, &look, &why));
	return look.remembered;
}

static void removing_a_token_ends_what_is_remembered(void **state)
{
	struct fixture *f = *state;
	struct token tablet = token_of("tablet", 2), third = token_of("third", 3);
	struct change change = {.kind = CHANGE_ADD, .token = &tablet, .moving = STEP - 1};

	add_user(f->store, "alice", 1);
	log_in_from_far_away(f, code_of(1, STEP - 1));
	assert_done(try_change(f, &change, code_of(1, STEP)));
	change = (struct change){.kind = CHANGE_RENAME, .label = "tablet", .new_label = "slate"};
	assert_done(try_change(f, &change, code_of(1, STEP + 1)));
	assert_true(is_remembered(f));
	change = (struct change){
		.kind = CHANGE_REPLACE, .label = "phone", .token = &third, .moving = STEP - 1};
	assert_done(try_change(f, &change, code_of(2, STEP)));
	assert_false(is_remembered(f));

	log_in_from_far_away(f, code_of(3, STEP));
	assert_true(is_remembered(f));
	change = (struct change){.kind = CHANGE_REMOVE, .label = "slate"};
	assert_done(try_change(f, &change, code_of(3, STEP + 1)));
	assert_false(is_remembered(f));
}

static void new_recovery_codes_end_what_is_remembered(void **state)
{
	struct fixture *f = *state;
	struct change change = {.kind = CHANGE_RECOVERY, .recovery_codes = 3};

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &change, code_of(1, STEP - 1)));
	log_in_from_far_away(f, code_of(1, STEP));
	assert_true(is_remembered(f));
	assert_done(try_change(f, &change, code_of(1, STEP + 1)));
	assert_false(is_remembered(f));
}

static void a_record_is_removed_with_a_correct_code(void **state)
{
	struct fixture *f = *state;
	struct change change = {.kind = CHANGE_DISABLE};
	bool has = true;

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &change, code_of(1, STEP)));
	assert_ok(look_for(f->store, "alice", &has, NULL));
	assert_false(has);
}

static struct fixture *administered;

static enum totp_err disable_alice(void)
{
	OWN_STORE struct store *store = open_again(administered);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct login_state fresh;
	struct cred cred;
	enum totp_err err = store_read(store, "alice", deadline_in(2000), &txn, NULL);

	if (err == TOTP_OK)
		err = store_begin(&txn, deadline_in(20), NULL);
	if (err != TOTP_OK)
		return err;
	cred = txn.cred;
	cred.disabled = true;
	assert_ok(enroll_renew(&cred, &txn.cred, &txn.state, &fresh));
	return store_replace(&txn, &cred, &fresh, NULL);
}

/*
 * Where codes are optional, removing the record would let this user log in with the password alone,
 * although the administrator has disabled the user.
 */
static void no_user_removes_a_record_that_an_administrator_has_disabled(void **state)
{
	struct fixture *f = *state;
	struct change change = {.kind = CHANGE_DISABLE};
	bool has = false;

	administered = f;
	add_user(f->store, "alice", 1);
	at_unlock = disable_alice;
	(void)try_change(f, &change, code_of(1, STEP));
	assert_null(at_unlock);
	assert_ok(look_for(f->store, "alice", &has, NULL));
	if (unlock_err == TOTP_OK)
		assert_true(has);
	else
		assert_refused(NOT_FOUND, unlock_err);
}

static void a_change_that_cannot_be_made_uses_up_no_code(void **state)
{
	struct fixture *f = *state;
	struct token same_name = token_of("phone", 2), same_secret = token_of("tablet", 1);
	struct change change = {.kind = CHANGE_REMOVE, .label = "phone"};

	add_user(f->store, "alice", 1);
	assert_impossible("the only one", try_change(f, &change, code_of(1, STEP)));
	change.label = "car";
	assert_impossible("no \"car\"", try_change(f, &change, code_of(1, STEP)));
	change = (struct change){.kind = CHANGE_RENAME, .label = "phone", .new_label = " "};
	assert_impossible("no name", try_change(f, &change, code_of(1, STEP)));
	change = (struct change){.kind = CHANGE_ADD, .token = &same_name};
	assert_impossible("already", try_change(f, &change, code_of(1, STEP)));
	change.token = &same_secret;
	assert_impossible("same secret", try_change(f, &change, code_of(1, STEP)));
	change = (struct change){.kind = CHANGE_REPLACE, .label = "car", .token = &same_name};
	assert_impossible("no \"car\"", try_change(f, &change, code_of(1, STEP)));
	change = (struct change){.kind = CHANGE_RECOVERY, .recovery_codes = 1};
	assert_done(try_change(f, &change, code_of(1, STEP)));
}

static void a_device_is_not_replaced_by_the_secret_of_another(void **state)
{
	struct fixture *f = *state;
	struct token token = token_of("tablet", 2), again = token_of("phone", 1);
	struct change change = {.kind = CHANGE_ADD, .token = &token, .moving = STEP};

	add_user(f->store, "alice", 1);
	assert_done(try_change(f, &change, code_of(1, STEP - 1)));
	change = (struct change){.kind = CHANGE_REPLACE, .label = "tablet", .token = &again};
	assert_impossible("one with the same secret", try_change(f, &change, code_of(1, STEP)));
}

static void more_devices_than_an_account_can_have_are_refused(void **state)
{
	struct fixture *f = *state;
	struct token token = token_of("ninth", 9);
	struct change change = {.kind = CHANGE_ADD, .token = &token, .moving = STEP};
	struct cred cred = cred_of("alice", 1);
	struct login_state login;

	for (uint8_t n = 2; n <= CRED_TOKENS_MAX; n++) {
		char label[] = {'d', (char)('0' + n), '\0'};
		struct token more = token_of(label, n);

		assert_ok(enroll_add(&cred, &more));
	}
	login = state_of(&cred);
	assert_ok(store_create(f->store, &cred, &login, deadline_in(2000), NULL));
	assert_impossible("already have 8 devices", try_change(f, &change, code_of(1, STEP)));
	change = (struct change){.kind = CHANGE_REMOVE, .label = "d8"};
	assert_done(try_change(f, &change, code_of(1, STEP)));
}

static void a_write_that_fails_leaves_the_old_record_and_its_code(void **state)
{
	struct fixture *f = *state;
	struct token token = token_of("tablet", 2);
	struct change change = {.kind = CHANGE_ADD, .token = &token, .moving = STEP};
	struct cred before = add_user(f->store, "alice", 1), cred;
	struct login_state after;
	struct trial trial;

	renames_fail = 1;
	trial = try_change(f, &change, code_of(1, STEP));
	renames_fail = 0;
	assert_int_equal(TOTP_ERR_SYSTEM, trial.err);
	assert_int_equal(VERDICT_DENY, trial.outcome.verdict);
	read_record(f, &cred, &after);
	assert_same_cred(&before, &cred);
	assert_done(try_change(f, &change, code_of(1, STEP)));
}

static void a_first_enrollment_stores_token_and_codes_once(void **state)
{
	struct fixture *f = *state;
	struct enroll_first first = {.user = "alice",
				     .uid = 1000,
				     .now = NOW,
				     .token = token_of("phone", 1),
				     .moving = STEP,
				     .recovery_codes = 10};
	struct recovery_code codes[RECOVERY_MAX];
	struct cred cred;
	struct login_state after;
	struct reason why = {""};
	uint8_t count = 0;
	int index = -1;

	assert_ok(enroll_store(f->store, &first, codes, &count, &why));
	assert_int_equal(10, count);
	read_record(f, &cred, &after);
	assert_int_equal(STEP, after.tokens[0].moving);
	assert_int_equal(0, after.last_success);
	assert_ok(recovery_find(&cred, codes[9].text, &index));
	assert_int_equal(9, index);

	count = 0;
	assert_refused(EXISTS, enroll_store(f->store, &first, codes, &count, &why));
	assert_int_equal(0, count);
	assert_wiped(codes);
}

static void an_enrollment_in_a_login_counts_as_a_login(void **state)
{
	struct fixture *f = *state;
	struct enroll_first first = {.user = "alice",
				     .uid = 1000,
				     .now = NOW,
				     .token = token_of("phone", 1),
				     .moving = STEP,
				     .in_login = true};
	struct recovery_code codes[RECOVERY_MAX];
	struct cred cred;
	struct login_state after;
	struct reason why = {""};
	uint8_t count = 0;

	assert_ok(enroll_store(f->store, &first, codes, &count, &why));
	read_record(f, &cred, &after);
	assert_int_equal(NOW, after.last_success);
	assert_int_equal(NOW, after.tokens[0].last_used);
}

static void a_change_of_no_known_kind_is_not_made(void **state)
{
	struct fixture *f = *state;
	struct change change = {.kind = (enum change_kind)99, .label = "phone"};
	struct cred before = add_user(f->store, "alice", 1), after;
	struct login_state login;
	struct policy policy;

	policy_default(&policy);
	assert_false(change_is_allowed(&policy, change.kind, false));
	assert_refused(ARGUMENT, try_change(f, &change, code_of(1, NOW / 30)).err);
	read_record(f, &after, &login);
	assert_memory_equal(before.id, after.id, sizeof(before.id));
	assert_int_equal(before.token_count, after.token_count);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(a_change_of_no_known_kind_is_not_made),
		STORE_TEST(a_token_is_added_with_a_correct_code_which_is_used_up),
		STORE_TEST(a_device_that_was_added_is_reported_once_at_a_login_with_another_device),
		STORE_TEST(a_login_with_the_added_device_does_not_use_the_notice_up),
		STORE_TEST(a_login_that_shows_no_text_does_not_use_the_notice_up),
		STORE_TEST(the_only_device_replaced_and_new_recovery_codes_are_reported_once),
		STORE_TEST(a_login_with_a_new_recovery_code_keeps_the_notice_about_the_codes),
		STORE_TEST(a_wrong_code_changes_nothing_and_is_counted),
		STORE_TEST(a_temporary_code_changes_nothing_and_is_not_used_up),
		STORE_TEST(a_replaced_token_keeps_its_name_and_none_of_its_codes),
		STORE_TEST(a_token_replaced_by_the_same_secret_accepts_no_used_code),
		STORE_TEST(a_token_is_removed_and_renamed),
		STORE_TEST(new_recovery_codes_make_the_old_ones_invalid),
		STORE_TEST(removing_a_token_ends_what_is_remembered),
		STORE_TEST(new_recovery_codes_end_what_is_remembered),
		STORE_TEST(a_record_is_removed_with_a_correct_code),
		STORE_TEST(no_user_removes_a_record_that_an_administrator_has_disabled),
		STORE_TEST(a_change_that_cannot_be_made_uses_up_no_code),
		STORE_TEST(a_device_is_not_replaced_by_the_secret_of_another),
		STORE_TEST(more_devices_than_an_account_can_have_are_refused),
		STORE_TEST(a_write_that_fails_leaves_the_old_record_and_its_code),
		STORE_TEST(a_first_enrollment_stores_token_and_codes_once),
		STORE_TEST(an_enrollment_in_a_login_counts_as_a_login),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
