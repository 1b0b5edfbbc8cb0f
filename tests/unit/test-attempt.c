/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One answer against a real store: the verdict is returned only after the new state is on the disk,
 * and a failure never allows a login.
 */
#include "store_fixture.h"

#include "naps.h"

#include <sys/syscall.h>

#include "login/attempt.h"
#include "login/enroll.h"
#include "login/throttle.h"

#define STEP (NOW / 30)

/* The library's sync goes through here: it counts, and fails when told to. */
static unsigned syncs, syncs_fail;

int fdatasync(int fd)
{
	syncs++;
	if (syncs_fail) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static const char wrong[] = "00000000";

static const char *code_of(const struct cred *cred, uint64_t step)
{
	static struct code code;

	code = (struct code){0};
	assert_ok(hotp_code(&(struct hotp){HMAC_SHA1, 6, &cred->tokens[0].secret}, step, &code));
	return code.text;
}

struct trial {
	enum totp_err err;
	struct outcome outcome;
	struct reason why;
};

static struct trial try_as(struct fixture *f, const struct attempt *who, const char *text)
{
	struct trial trial = {.outcome.verdict = VERDICT_ALLOW};
	struct attempt full = *who;
	struct policy policy;
	struct answer answer;

	policy_default(&policy);
	answer_parse(text, NULL, &answer);
	full.policy = &policy;
	full.answer = &answer;
	trial.err = attempt(f->store, &full, &trial.outcome, &trial.why);
	return trial;
}

static struct trial try_at(struct fixture *f, const char *text, int64_t now)
{
	struct attempt who = {.user = "alice",
			      .uid = 1000,
			      .now = now,
			      .source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}}};

	return try_as(f, &who, text);
}

/* The state as another process finds it on the disk. */
static struct login_state state_on_disk(const struct fixture *f)
{
	OWN_STORE struct store *store = open_again(f);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	assert_ok(store_read(store, "alice", deadline_in(2000), &txn, NULL));
	return txn.state;
}

#define assert_trial(expected_verdict, expected_reason, got) \
	do { \
		struct trial seen_ = (got); \
		if (seen_.err != TOTP_OK) \
			fail_msg("%s: %s", err_name(seen_.err), seen_.why.text); \
		assert_int_equal(VERDICT_##expected_verdict, seen_.outcome.verdict); \
		assert_string_equal(judge_reason_name(JUDGE_##expected_reason), \
				    judge_reason_name(seen_.outcome.reason)); \
	} while (0)

#define assert_error(expected_err, words, got) \
	do { \
		struct trial seen_ = (got); \
		assert_int_equal(TOTP_ERR_##expected_err, seen_.err); \
		assert_int_equal(VERDICT_DENY, seen_.outcome.verdict); \
		assert_says(words, seen_.why); \
	} while (0)

static bool waits(const void *context)
{
	return *(const bool *)context;
}

static void an_answer_that_no_caller_waits_for_is_neither_used_up_nor_counted(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	bool waiting = false;
	struct attempt who = {
		.user = "alice", .uid = 1000, .now = NOW, .is_awaited = waits, .context = &waiting};

	syncs = 0;
	assert_error(TIMEOUT, "waits no longer", try_as(f, &who, code_of(&cred, STEP)));
	assert_error(TIMEOUT, "waits no longer", try_as(f, &who, "000000"));
	assert_int_equal(0, syncs);
	assert_int_equal(0, state_on_disk(f).failures);
	waiting = true;
	assert_trial(ALLOW, CODE, try_as(f, &who, code_of(&cred, STEP)));
}

static void a_correct_code_is_used_up_on_the_disk_before_it_is_allowed(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	struct trial trial;

	syncs = 0;
	trial = try_at(f, code_of(&cred, STEP), NOW);
	assert_trial(ALLOW, CODE, trial);
	assert_string_equal("phone", trial.outcome.label);
	assert_false(trial.outcome.torn);
	assert_int_equal(1, syncs);
	assert_int_equal(STEP, state_on_disk(f).tokens[0].moving);
	assert_trial(DENY, USED_CODE, try_at(f, code_of(&cred, STEP), NOW));
	assert_int_equal(1, syncs); /* nothing changed, nothing written */
}

static void notices_are_read_by_a_phone_that_was_there_before(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of("alice", 1), second;
	struct login_state fresh;
	struct attempt who = {.user = "alice", .uid = 1000, .now = NOW, .tells = true};

	cred.token_count = 2;
	cred.tokens[1] = cred.tokens[0];
	cred.tokens[1].id = 2;
	cred.tokens[1].secret.data[0] ^= 1;
	strcpy(cred.tokens[1].label, "second");
	second = cred;
	second.tokens[0] = cred.tokens[1];
	fresh = state_of(&cred);
	fresh.tokens[0].unread = true;
	fresh.notices[NOTICE_ADDED] = (struct notice){.count = 1, .last = NOW - 100};
	assert_ok(store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	assert_trial(ALLOW, CODE, try_as(f, &who, code_of(&cred, STEP)));
	assert_true(state_on_disk(f).tokens[0].unread);
	assert_int_equal(1, state_on_disk(f).notices[NOTICE_ADDED].count);
	assert_trial(ALLOW, CODE, try_as(f, &who, code_of(&second, STEP)));
	assert_false(state_on_disk(f).tokens[0].unread);
	assert_int_equal(0, state_on_disk(f).notices[NOTICE_ADDED].count);
}

static void a_wrong_code_is_counted_on_the_disk_before_it_is_denied(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	syncs = 0;
	assert_trial(DENY, WRONG_CODE, try_at(f, wrong, NOW));
	assert_int_equal(1, syncs);
	assert_int_equal(1, state_on_disk(f).failures);
	assert_int_equal(1, state_on_disk(f).shared[0].burst.used);
	assert_int_equal(NOW, state_on_disk(f).last_failure);
}

static void an_answer_that_is_not_a_code_reads_no_store(void **state)
{
	static const struct {
		const char *text;
		enum judge_reason reason;
	} rows[] = {
		{NULL, JUDGE_NO_ANSWER},
		{"", JUDGE_NO_ANSWER},
		{"\b\n\r\177INCORRECT", JUDGE_JUNK},
		{"hunter2", JUDGE_NOT_A_CODE},
	};
	struct fixture *f = *state;

	/* not even a user is needed: every user gets the same answer */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct trial trial = try_at(f, rows[i].text, NOW);

		assert_ok(trial.err);
		assert_int_equal(VERDICT_DENY, trial.outcome.verdict);
		assert_int_equal(rows[i].reason, trial.outcome.reason);
	}
	add_user(f->store, "alice", 1);
	syncs = 0;
	assert_trial(DENY, NOT_A_CODE, try_at(f, "hunter2", NOW));
	assert_int_equal(0, syncs);
}

static void a_user_without_a_record_is_not_found(void **state)
{
	assert_error(NOT_FOUND, "alice", try_at(*state, "123456", NOW));
}

static void a_state_that_cannot_be_written_allows_no_login(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);

	limit_files(0);
	assert_error(SYSTEM, "cannot write", try_at(f, code_of(&cred, STEP), NOW));
	assert_error(SYSTEM, "cannot write", try_at(f, wrong, NOW));
	limit_files(RLIM_INFINITY);
	assert_int_equal(0, state_on_disk(f).tokens[0].moving);
	assert_trial(ALLOW, CODE, try_at(f, code_of(&cred, STEP), NOW));
}

static void a_disk_that_does_not_confirm_allows_no_login(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);

	syncs = 0;
	syncs_fail = 1;
	assert_error(SYSTEM, "cannot write", try_at(f, code_of(&cred, STEP), NOW));
	syncs_fail = 0;
	assert_int_equal(1, syncs); /* a second call could report success wrongly */
	assert_int_equal(VERDICT_DENY, try_at(f, code_of(&cred, STEP - 1), NOW).outcome.verdict);
}

static void an_account_with_another_uid_is_denied(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	struct attempt who = {.user = "alice", .uid = 1001, .now = NOW};
	struct trial trial = try_as(f, &who, code_of(&cred, STEP));

	assert_error(UNSAFE, "totpctl adopt", trial);
	assert_says("uid 1000", trial.why);
	assert_says("uid 1001", trial.why);
	assert_int_equal(0, state_on_disk(f).tokens[0].moving);
	assert_error(UNSAFE, "totpctl adopt", try_as(f, &who, wrong));
	assert_int_equal(0, state_on_disk(f).failures);
}

static void a_record_bound_to_no_uid_serves_every_uid(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of("alice", 1);
	struct login_state fresh = state_of(&cred);

	cred.uid_bound = false;
	cred.uid = 0;
	assert_ok(store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	assert_trial(ALLOW, CODE, try_at(f, code_of(&cred, STEP), NOW));
}

static void tear_slot(const struct fixture *f, size_t slot)
{
	OWN_FD int fd = open(state_path(f, "alice", 1), O_RDWR | O_CLOEXEC);

	assert_ok(io_pwrite(fd, "torn", 4, (off_t)(slot * STATE_SLOT_LEN + 100)));
}

static void after_a_torn_write_no_earlier_code_works(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);

	for (size_t slot = 0; slot < 2; slot++) {
		int64_t now = NOW + 300 * (int64_t)slot;
		uint64_t step = STEP + 10 * slot;
		struct trial trial;

		tear_slot(f, slot);
		trial = try_at(f, code_of(&cred, step), now);
		assert_trial(DENY, USED_CODE, trial);
		assert_true(trial.outcome.torn);
		assert_trial(DENY, USED_CODE, try_at(f, code_of(&cred, step - 1), now));
		trial = try_at(f, code_of(&cred, step + 1), now);
		assert_trial(ALLOW, CODE, trial);
		assert_false(trial.outcome.torn);
		trial = try_at(f, code_of(&cred, step + 2), now + 30);
		assert_trial(ALLOW, CODE, trial);
		assert_false(trial.outcome.torn);
	}
}

static void a_torn_state_is_repaired_by_one_login(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);

	tear_slot(f, 1);
	assert_trial(DENY, USED_CODE, try_at(f, code_of(&cred, STEP), NOW));
	for (uint64_t i = 1; i < 4; i++)
		assert_trial(ALLOW, CODE,
			     try_at(f, code_of(&cred, STEP + i), NOW + 30 * (int64_t)i));
}

static void a_wrong_code_after_a_torn_write_keeps_the_raised_step(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);

	tear_slot(f, 1);
	assert_trial(DENY, WRONG_CODE, try_at(f, wrong, NOW));
	assert_int_equal(STEP, state_on_disk(f).tokens[0].moving);
	assert_trial(DENY, USED_CODE, try_at(f, code_of(&cred, STEP), NOW));
}

/* States in run_dir are gone after a boot, and so is which codes were used. */
static void where_states_may_be_forgotten_no_code_works_that_may_be_from_before_the_boot(
	void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	char run_dir[48];

	snprintf(run_dir, sizeof(run_dir), "%.31s/run", f->dir);
	f->config.run_dir = run_dir;
	f->config.booted = NOW;
	f->store = store_close(f->store);
	f->store = open_again(f);
	assert_trial(DENY, USED_CODE, try_at(f, code_of(&cred, STEP), NOW));
	/* a login before it may have used the code of the next step, which the window held */
	assert_trial(DENY, USED_CODE, try_at(f, code_of(&cred, STEP + 1), NOW));
	assert_trial(DENY, USED_CODE, try_at(f, code_of(&cred, STEP + 1), NOW + 30));
	assert_trial(ALLOW, CODE, try_at(f, code_of(&cred, STEP + 2), NOW + 30));
}

static void a_damaged_state_allows_no_login(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);

	tear_slot(f, 0);
	tear_slot(f, 1);
	assert_error(SEAL, "totpctl repair", try_at(f, code_of(&cred, STEP), NOW));
	unlink(state_path(f, "alice", 1));
	assert_error(SEAL, "totpctl repair", try_at(f, code_of(&cred, STEP), NOW));
}

static void a_throttled_user_is_denied_without_waiting_for_the_lock(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	struct holder holder;
	struct trial trial;

	for (int i = 0; i < 5; i++)
		assert_trial(DENY, WRONG_CODE, try_at(f, wrong, NOW));
	holder = holder_begin(&f->config, "alice");
	napped = 0;
	trial = try_at(f, code_of(&cred, STEP), NOW + 10);
	assert_int_equal(0, napped);
	assert_trial(WAIT, THROTTLED, trial);
	assert_int_equal(290, trial.outcome.wait_seconds);
	holder_end(&holder);
	assert_int_equal(5, state_on_disk(f).failures);
	assert_trial(ALLOW, CODE, try_at(f, code_of(&cred, STEP + 10), NOW + 300));
}

static void a_lock_that_is_not_released_denies_after_two_seconds(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	struct holder holder = holder_begin(&f->config, "alice");
	uint64_t start = io_monotonic_ns();

	napped = 0;
	assert_error(TIMEOUT, "locked", try_at(f, code_of(&cred, STEP), NOW));
	assert_true(io_monotonic_ns() - start >= 2000 * MS);
	assert_in_range(napped, 1, 2000 * MS + NAP_NS);
	holder_end(&holder);
	assert_int_equal(0, state_on_disk(f).tokens[0].moving);
}

static void five_wrong_codes_from_elsewhere_do_not_stop_a_known_source(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	struct attempt thief = {.user = "alice",
				.uid = 1000,
				.now = NOW + 30,
				.source = {.kind = SOURCE_IPV4, .bytes = {203, 0, 113, 9}}};

	assert_trial(ALLOW, CODE, try_at(f, code_of(&cred, STEP), NOW));
	for (int i = 0; i < 5; i++)
		assert_trial(DENY, WRONG_CODE, try_as(f, &thief, wrong));
	assert_trial(WAIT, THROTTLED, try_as(f, &thief, wrong));
	assert_trial(ALLOW, CODE, try_at(f, code_of(&cred, STEP + 1), NOW + 30));
}

static void how_far_off_a_code_is_goes_to_the_log_only(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	struct trial trial = try_at(f, code_of(&cred, STEP - 60), NOW);

	assert_trial(DENY, WRONG_CODE, trial);
	assert_true(trial.outcome.off);
	assert_int_equal(-60, trial.outcome.offset);
	assert_string_equal("phone", trial.outcome.label);
	assert_int_equal(1, state_on_disk(f).failures);

	trial = try_at(f, wrong, NOW);
	assert_false(trial.outcome.off);
	assert_string_equal("", trial.outcome.label);
}

/* Store alice again, with the fields that a test sets. */
static struct cred replace_user(struct fixture *f, const struct cred *cred)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct cred renewed = *cred;
	struct login_state next;
	struct reason why = {""};

	assert_ok(store_read(f->store, "alice", deadline_in(2000), &txn, &why));
	assert_ok(store_begin(&txn, io_monotonic_ns() + 1000 * MS, &why));
	assert_ok(enroll_renew(&renewed, &txn.cred, &txn.state, &next));
	assert_ok(store_replace(&txn, &renewed, &next, &why));
	return renewed;
}

static struct trial look_at(struct fixture *f, const struct attempt *who, struct look *ret_look)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct trial trial = {.outcome.verdict = VERDICT_DENY};
	struct attempt full = *who;
	struct policy policy;

	policy_default(&policy);
	policy.remember = 3600;
	*ret_look = (struct look){true, 1, true};
	full.policy = &policy;
	trial.err = attempt_look(f->store, &full, &txn, ret_look, &trial.why);
	return trial;
}

static void a_temporary_code_is_used_up_on_the_disk_before_it_is_allowed(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	char shown[RECOVERY_SHOWN_MAX];
	struct recovery_code code;
	struct trial trial;

	assert_ok(bypass_make(&cred, NOW, 3600, 2, &code));
	recovery_show(&code, shown);
	replace_user(f, &cred);
	syncs = 0;
	trial = try_at(f, shown, NOW);
	assert_trial(ALLOW, BYPASS, trial);
	assert_int_equal(1, trial.outcome.bypass_left);
	assert_int_equal(NOW + 3600, trial.outcome.bypass_expires);
	assert_int_equal(1, syncs);
	assert_int_equal(1, state_on_disk(f).bypass_used);
	syncs_fail = 1;
	assert_error(SYSTEM, "", try_at(f, shown, NOW));
	syncs_fail = 0;
	/* a use that was written, but not confirmed, is not given back */
	assert_trial(DENY, ENDED_BYPASS, try_at(f, shown, NOW));
}

static void a_disabled_user_is_denied_without_a_write_or_a_wait(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	struct holder holder;

	for (int i = 0; i < 5; i++)
		assert_trial(DENY, WRONG_CODE, try_at(f, wrong, NOW));
	cred.disabled = true;
	replace_user(f, &cred);
	holder = holder_begin(&f->config, "alice");
	syncs = 0;
	napped = 0;
	assert_trial(DENY, DISABLED, try_at(f, code_of(&cred, STEP), NOW));
	assert_trial(DENY, DISABLED, try_at(f, "0000-0000-0000", NOW));
	assert_int_equal(0, napped);
	assert_int_equal(0, syncs);
	holder_end(&holder);
	cred.disabled = false;
	replace_user(f, &cred);
	assert_trial(WAIT, THROTTLED, try_at(f, code_of(&cred, STEP), NOW));
	assert_trial(ALLOW, CODE, try_at(f, code_of(&cred, STEP + 10), NOW + 300));
}

static void a_look_shows_what_a_record_says_before_the_question(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of("alice", 1);
	struct login_state fresh;
	struct attempt who = {.user = "alice",
			      .uid = 1000,
			      .now = NOW,
			      .source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}}};
	struct look look;

	cred.must_confirm = true;
	fresh = state_of(&cred);
	assert_ok(store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	assert_ok(look_at(f, &who, &look).err);
	assert_false(look.remembered);
	assert_true(look.pending);

	assert_trial(ALLOW, CODE, try_at(f, code_of(&cred, STEP), NOW));
	assert_ok(look_at(f, &who, &look).err);
	assert_true(look.remembered);
	assert_int_equal(NOW, look.last_here);
	assert_false(look.pending);
	who.now = NOW + 3600;
	assert_ok(look_at(f, &who, &look).err);
	assert_false(look.remembered);
	assert_int_equal(NOW, look.last_here);
	who.source.bytes[3]++;
	assert_ok(look_at(f, &who, &look).err);
	assert_int_equal(0, look.last_here);
}

static void a_look_at_a_disabled_record_does_not_skip_the_question(void **state)
{
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	struct attempt who = {.user = "alice",
			      .uid = 1000,
			      .now = NOW,
			      .source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}}};
	struct look look;

	assert_trial(ALLOW, CODE, try_at(f, code_of(&cred, STEP), NOW));
	assert_ok(look_at(f, &who, &look).err);
	assert_true(look.remembered);
	cred.disabled = true;
	replace_user(f, &cred);
	assert_ok(look_at(f, &who, &look).err);
	assert_false(look.remembered || look.last_here || look.pending);
}

static void a_record_with_a_torn_write_is_not_pending(void **state)
{
	struct fixture *f = *state;
	struct cred cred = cred_of("alice", 1);
	struct attempt who = {.user = "alice", .uid = 1000, .now = NOW};
	struct login_state fresh;
	struct look look;

	cred.must_confirm = true;
	fresh = state_of(&cred);
	assert_ok(store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	assert_ok(look_at(f, &who, &look).err);
	assert_true(look.pending);
	tear_slot(f, 0);
	assert_ok(look_at(f, &who, &look).err);
	assert_false(look.pending);
}

static void a_look_that_fails_does_not_skip_the_question(void **state)
{
	struct fixture *f = *state;
	struct attempt who = {.user = "alice", .uid = 1000, .now = NOW};
	struct look look;

	assert_int_equal(TOTP_ERR_NOT_FOUND, look_at(f, &who, &look).err);
	assert_false(look.remembered || look.pending);
	add_user(f->store, "alice", 1);
	who.uid = 1001;
	assert_error(UNSAFE, "totpctl adopt", look_at(f, &who, &look));
	assert_false(look.remembered || look.pending);
	who.uid = 1000;
	tear_slot(f, 0);
	tear_slot(f, 1);
	assert_error(SEAL, "totpctl repair", look_at(f, &who, &look));
	assert_false(look.remembered || look.pending);
}

static void a_time_before_1970_is_an_error(void **state)
{
	struct fixture *f = *state;

	add_user(f->store, "alice", 1);
	assert_error(RANGE, "cannot judge", try_at(f, "123456", -1));
}

/* One of many at once: on a loaded machine the lock may take longer than a login waits. */
static struct trial try_until_judged(struct fixture *f, const char *text)
{
	struct trial trial;

	do
		trial = try_at(f, text, NOW);
	while (trial.err == TOTP_ERR_TIMEOUT);
	return trial;
}

static void of_many_logins_at_once_one_code_allows_one(void **state)
{
	enum { PROCESSES = 16 };
	struct fixture *f = *state;
	struct cred cred = add_user(f->store, "alice", 1);
	const char *code = code_of(&cred, STEP);
	pid_t pids[PROCESSES];
	unsigned allowed = 0, used = 0;
	int gate[2];

	assert_int_equal(0, pipe2(gate, O_CLOEXEC));
	for (size_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct trial trial;
			char byte;

			close(gate[1]);
			(void)!read(gate[0], &byte, 1);
			trial = try_until_judged(f, code);
			_exit(trial.err != TOTP_OK                      ? 3
			      : trial.outcome.verdict == VERDICT_ALLOW  ? 1
			      : trial.outcome.reason == JUDGE_USED_CODE ? 2
									: 4);
		}
	}
	close(gate[0]);
	close(gate[1]); /* all at once */
	for (size_t i = 0; i < PROCESSES; i++) {
		int status = 0;

		waitpid(pids[i], &status, 0);
		allowed += status == 1 << 8;
		used += status == 2 << 8;
	}
	assert_int_equal(1, allowed);
	assert_int_equal(PROCESSES - 1, used);
}

static void guessing_in_parallel_gives_no_more_than_five_guesses(void **state)
{
	enum { PROCESSES = 16 };
	struct fixture *f = *state;
	pid_t pids[PROCESSES];

	add_user(f->store, "alice", 1);
	for (size_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			(void)try_until_judged(f, wrong);
			_exit(0);
		}
	}
	for (size_t i = 0; i < PROCESSES; i++)
		waitpid(pids[i], NULL, 0);
	assert_int_equal(5, state_on_disk(f).failures);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(a_correct_code_is_used_up_on_the_disk_before_it_is_allowed),
		STORE_TEST(an_answer_that_no_caller_waits_for_is_neither_used_up_nor_counted),
		STORE_TEST(notices_are_read_by_a_phone_that_was_there_before),
		STORE_TEST(a_wrong_code_is_counted_on_the_disk_before_it_is_denied),
		STORE_TEST(an_answer_that_is_not_a_code_reads_no_store),
		STORE_TEST(a_user_without_a_record_is_not_found),
		STORE_TEST(a_state_that_cannot_be_written_allows_no_login),
		STORE_TEST(a_disk_that_does_not_confirm_allows_no_login),
		STORE_TEST(an_account_with_another_uid_is_denied),
		STORE_TEST(a_record_bound_to_no_uid_serves_every_uid),
		STORE_TEST(after_a_torn_write_no_earlier_code_works),
		STORE_TEST(a_torn_state_is_repaired_by_one_login),
		STORE_TEST(a_wrong_code_after_a_torn_write_keeps_the_raised_step),
		STORE_TEST(
			where_states_may_be_forgotten_no_code_works_that_may_be_from_before_the_boot),
		STORE_TEST(a_damaged_state_allows_no_login),
		STORE_TEST(a_throttled_user_is_denied_without_waiting_for_the_lock),
		STORE_TEST(a_lock_that_is_not_released_denies_after_two_seconds),
		STORE_TEST(five_wrong_codes_from_elsewhere_do_not_stop_a_known_source),
		STORE_TEST(how_far_off_a_code_is_goes_to_the_log_only),
		STORE_TEST(a_temporary_code_is_used_up_on_the_disk_before_it_is_allowed),
		STORE_TEST(a_disabled_user_is_denied_without_a_write_or_a_wait),
		STORE_TEST(a_look_shows_what_a_record_says_before_the_question),
		STORE_TEST(a_look_at_a_disabled_record_does_not_skip_the_question),
		STORE_TEST(a_record_with_a_torn_write_is_not_pending),
		STORE_TEST(a_look_that_fails_does_not_skip_the_question),
		STORE_TEST(a_time_before_1970_is_an_error),
		STORE_TEST(of_many_logins_at_once_one_code_allows_one),
		STORE_TEST(guessing_in_parallel_gives_no_more_than_five_guesses),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
