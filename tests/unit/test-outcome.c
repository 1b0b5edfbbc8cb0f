/* SPDX-License-Identifier: BSD-2-Clause */
/* What the log and the user learn about an outcome, beside its reason. */
#include "unit.h"

#include "login/attempt.h"
#include "login/throttle.h"

#define EXPIRES 1800000000 /* 2027-01-15 08:00 UTC */

static void the_detail_says_what_an_administrator_can_do(void **unused)
{
	static const struct {
		struct outcome outcome;
		const char *detail;
	} rows[] = {
		{{.reason = JUDGE_CODE}, ""},
		{{.reason = JUDGE_WRONG_CODE}, ""},
		{{.off = true, .off_type = TOKEN_HOTP, .offset = 30},
		 "code is 30 ahead of the next one: run totpctl resync"},
		{{.off = true, .off_type = TOKEN_TOTP, .offset = 5},
		 "code is +5 steps off: check the clock of the phone or of this host"},
		{{.off = true, .off_type = TOKEN_TOTP, .offset = -5},
		 "code is -5 steps off: check the clock of the phone or of this host"},
		{{.off = true, .off_type = TOKEN_TOTP, .off_hours = true, .offset = 1},
		 "code is 1 hour ahead of this host's clock: compare 'date -u' with the right "
		 "time; "
		 "a hardware clock in local time, or a wrong time zone, does this"},
		{{.off = true, .off_type = TOKEN_TOTP, .off_hours = true, .offset = -2},
		 "code is 2 hours behind this host's clock: compare 'date -u' with the right time; "
		 "a hardware clock in local time, or a wrong time zone, does this"},
		{{.reason = JUDGE_RECOVERY, .recovery_left = 1},
		 "1 recovery code left: totpctl recovery makes new ones"},
		{{.reason = JUDGE_RECOVERY, .recovery_left = 0},
		 "0 recovery codes left: totpctl recovery makes new ones"},
		{{.reason = JUDGE_BYPASS, .bypass_left = 0}, "its last use"},
		{{.reason = JUDGE_BYPASS, .bypass_left = 1, .bypass_expires = EXPIRES},
		 "1 more use until 2027-01-15 08:00 UTC"},
		{{.reason = JUDGE_BYPASS, .bypass_left = 3, .bypass_expires = EXPIRES},
		 "3 more uses until 2027-01-15 08:00 UTC"},
		{{.reason = JUDGE_ENDED_BYPASS},
		 "it has expired, or was used as often as it may: totpctl temporary-code makes a "
		 "new "
		 "one"},
		{{.reason = JUDGE_DISABLED}, "denied until totpctl resume"},
		{{.verdict = VERDICT_WAIT, .wait_seconds = THROTTLE_FOREVER}, "run totpctl unlock"},
		{{.verdict = VERDICT_WAIT, .wait_seconds = 7},
		 "7 seconds to wait, or run totpctl unlock"},
		{{.verdict = VERDICT_ALLOW, .reason = JUDGE_CODE, .in_run = true},
		 "the disk cannot be written to: until it can, the login state is in run_dir"},
		{{.verdict = VERDICT_ALLOW, .reason = JUDGE_CODE, .torn = true},
		 "a write of the login state had been cut short; repaired"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char detail[OUTCOME_DETAIL_MAX] = "earlier text";

		outcome_explain(&rows[i].outcome, detail);
		assert_string_equal(rows[i].detail, detail);
	}
}

static void some_reasons_explain_themselves(void **unused)
{
	static const struct {
		enum judge_reason reason;
		const char *words;
	} rows[] = {
		{JUDGE_CLOCK_BACK, "this host's clock was set back"},
		{JUDGE_PASSWORD, "the answer is the account's password"},
		{JUDGE_JUNK, "sshd denies this user whatever the code is"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct outcome outcome = {.reason = rows[i].reason};
		char detail[OUTCOME_DETAIL_MAX];

		outcome_explain(&outcome, detail);
		assert_non_null(strstr(detail, rows[i].words));
	}
}

static void a_verdict_has_one_word(void **unused)
{
	assert_string_equal("deny", outcome_word(&(struct outcome){.verdict = VERDICT_DENY}));
	assert_string_equal("wait", outcome_word(&(struct outcome){.verdict = VERDICT_WAIT}));
	assert_string_equal("allow", outcome_word(&(struct outcome){.verdict = VERDICT_ALLOW}));
}

static void a_time_is_in_utc(void **unused)
{
	char text[OUTCOME_TIME_MAX];

	assert_string_equal("1970-01-01 00:00 UTC", outcome_time(0, text));
	assert_string_equal("2027-01-15 08:00 UTC", outcome_time(EXPIRES, text));
	assert_string_equal("an unknown time", outcome_time(INT64_MAX, text));
}

static void only_an_old_step_is_shown_to_a_user(void **unused)
{
	static const struct {
		enum token_type type;
		bool hours;
		int64_t offset;
		bool shown;
	} rows[] = {
		{TOKEN_TOTP, false, -1, true},  {TOKEN_TOTP, true, -1, true},
		{TOKEN_TOTP, false, 0, false},  {TOKEN_TOTP, false, 1, false},
		{TOKEN_TOTP, true, 1, false},   {TOKEN_HOTP, false, 1, false},
		{TOKEN_HOTP, false, -1, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct outcome outcome = {.off = true,
					  .off_type = rows[i].type,
					  .off_hours = rows[i].hours,
					  .offset = rows[i].offset,
					  .label = "phone"};

		outcome_hide_future(&outcome);
		assert_int_equal(rows[i].shown, outcome.off);
		assert_int_equal(rows[i].shown && rows[i].hours, outcome.off_hours);
		assert_int_equal(rows[i].shown ? rows[i].offset : 0, outcome.offset);
		assert_int_equal(rows[i].shown ? rows[i].type : 0, outcome.off_type);
		assert_string_equal(rows[i].shown ? "phone" : "", outcome.label);
	}
}

static void an_outcome_that_is_not_off_stays_as_it_is(void **unused)
{
	struct outcome outcome = {.verdict = VERDICT_ALLOW, .label = "phone"};

	outcome_hide_future(&outcome);
	assert_string_equal("phone", outcome.label);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_detail_says_what_an_administrator_can_do),
		cmocka_unit_test(some_reasons_explain_themselves),
		cmocka_unit_test(a_verdict_has_one_word),
		cmocka_unit_test(a_time_is_in_utc),
		cmocka_unit_test(only_an_old_step_is_shown_to_a_user),
		cmocka_unit_test(an_outcome_that_is_not_off_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
