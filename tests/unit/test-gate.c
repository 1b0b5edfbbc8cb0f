/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "login/gate.h"

#define DAY 1801353600 /* 2027-01-31 00:00:00 UTC */

static struct policy enforced(enum enforce enforce)
{
	struct policy policy;

	policy_default(&policy);
	policy.enforce = enforce;
	policy.enforce_from = enforce == ENFORCE_FROM ? DAY : 0;
	return policy;
}

enum { ASK_REQUIRED, ASK_ENROLLED, ASK_UNKNOWN, SKIP_EXEMPT, SKIP_NOT_REQUIRED };

static const struct {
	enum gate_verdict verdict;
	enum gate_reason reason;
} outcomes[] = {
	[ASK_REQUIRED] = {GATE_ASK, GATE_REASON_REQUIRED},
	[ASK_ENROLLED] = {GATE_ASK, GATE_REASON_ENROLLED},
	[ASK_UNKNOWN] = {GATE_ASK, GATE_REASON_UNKNOWN},
	[SKIP_EXEMPT] = {GATE_SKIP, GATE_REASON_EXEMPT},
	[SKIP_NOT_REQUIRED] = {GATE_SKIP, GATE_REASON_NOT_REQUIRED},
};

/* Every combination of what is known of a user, under each enforcement. */
static const struct {
	bool required, exempt, enrolled;
	int when_required, when_optional, before_day, on_day;
} rows[] = {
	{0, 0, 0, ASK_REQUIRED, SKIP_NOT_REQUIRED, SKIP_NOT_REQUIRED, ASK_REQUIRED},
	{0, 0, 1, ASK_REQUIRED, ASK_ENROLLED, ASK_ENROLLED, ASK_REQUIRED},
	{0, 1, 0, SKIP_EXEMPT, SKIP_EXEMPT, SKIP_EXEMPT, SKIP_EXEMPT},
	{0, 1, 1, SKIP_EXEMPT, SKIP_EXEMPT, SKIP_EXEMPT, SKIP_EXEMPT},
	{1, 0, 0, ASK_REQUIRED, ASK_REQUIRED, ASK_REQUIRED, ASK_REQUIRED},
	{1, 0, 1, ASK_REQUIRED, ASK_REQUIRED, ASK_REQUIRED, ASK_REQUIRED},
	{1, 1, 0, ASK_REQUIRED, ASK_REQUIRED, ASK_REQUIRED, ASK_REQUIRED},
	{1, 1, 1, ASK_REQUIRED, ASK_REQUIRED, ASK_REQUIRED, ASK_REQUIRED},
};

/* Nobody is passed over because a name service said that there is no such user. */
static int outcome_for(int outcome, bool known)
{
	return outcome == SKIP_NOT_REQUIRED && !known ? ASK_UNKNOWN : outcome;
}

static void assert_gate(int outcome, enum enforce enforce, const struct gate_facts *facts,
			int64_t now)
{
	struct policy policy = enforced(enforce);
	enum gate_reason reason = GATE_REASON_NONE;

	outcome = outcome_for(outcome, facts->known);
	assert_int_equal(outcomes[outcome].verdict, gate(&policy, facts, now, &reason));
	assert_int_equal(outcomes[outcome].reason, reason);
	assert_int_equal(outcome == ASK_REQUIRED, gate_requires(&policy, facts, now));
}

static void every_user_is_asked_or_not_as_the_table_says(void **unused)
{
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		size_t row = i / 2;
		struct gate_facts facts = {.known = i & 1,
					   .required = rows[row].required,
					   .exempt = rows[row].exempt,
					   .enrolled = rows[row].enrolled};

		assert_gate(rows[row].when_required, ENFORCE_REQUIRED, &facts, DAY);
		assert_gate(rows[row].when_optional, ENFORCE_OPTIONAL, &facts, DAY);
		assert_gate(rows[row].before_day, ENFORCE_FROM, &facts, DAY - 1);
		assert_gate(rows[row].on_day, ENFORCE_FROM, &facts, DAY);
	}
}

static void a_record_that_waits_for_its_first_code_asks_only_where_a_code_is_required(void **unused)
{
	static const enum enforce enforces[] = {ENFORCE_REQUIRED, ENFORCE_OPTIONAL, ENFORCE_FROM};

	for (size_t i = 0; i < COUNT(enforces); i++)
		for (unsigned bits = 0; bits < 8; bits++) {
			struct gate_facts facts = {.known = bits & 1,
						   .required = bits & 2,
						   .exempt = bits & 4,
						   .enrolled = true},
					  pending = facts;
			struct policy policy = enforced(enforces[i]);
			enum gate_reason reason = GATE_REASON_NONE, as_pending = GATE_REASON_NONE;
			enum gate_verdict verdict = gate(&policy, &facts, DAY - 1, &reason);
			bool differs = reason == GATE_REASON_ENROLLED;

			pending.pending = true;
			assert_int_equal(differs, gate_wants_record(&policy, &facts, DAY - 1));
			if (!differs)
				assert_int_equal(verdict,
						 gate(&policy, &pending, DAY - 1, &as_pending));
			else if (facts.known)
				assert_int_equal(GATE_SKIP,
						 gate(&policy, &pending, DAY - 1, &as_pending));
			else
				assert_int_equal(GATE_ASK,
						 gate(&policy, &pending, DAY - 1, &as_pending));
			if (!differs)
				assert_int_equal(reason, as_pending);
			else
				assert_int_equal(facts.known ? GATE_REASON_NOT_CONFIRMED
							     : GATE_REASON_UNKNOWN,
						 as_pending);
			assert_false(gate_requires(&policy, &facts, DAY - 1) && differs);
		}
}

static void a_date_holds_from_midnight_utc(void **unused)
{
	static const struct {
		int64_t now;
		bool required;
	} moments[] = {
		{1577836800, false}, {DAY - 86400, false}, {DAY - 1, false}, /* 23:59:59 */
		{DAY, true},         {DAY + 1, true},      {DAY + 86399, true}, {INT64_MAX, true},
	};
	struct policy policy = enforced(ENFORCE_FROM);
	struct gate_facts facts = {.known = true};

	for (size_t i = 0; i < COUNT(moments); i++)
		assert_int_equal(moments[i].required,
				 gate_requires(&policy, &facts, moments[i].now));
}

static void while_the_clock_was_never_set_a_date_holds(void **unused)
{
	static const int64_t moments[] = {INT64_MIN, -1, 0, 86400, 1577836799 /* 2019-12-31 */};
	struct policy policy = enforced(ENFORCE_FROM);
	struct gate_facts facts = {.known = true};

	for (size_t i = 0; i < COUNT(moments); i++)
		assert_true(gate_requires(&policy, &facts, moments[i]));
}

static void a_written_date_is_its_midnight_utc(void **unused)
{
	static const struct {
		const char *line;
		int64_t midnight;
	} dates[] = {
		{"enforce = 2027-01-31", DAY},
		{"enforce = 2028-02-29", 1835395200},
		{"enforce = 2020-01-02", 1577923200},
	};
	struct gate_facts facts = {.known = true};

	for (size_t i = 0; i < COUNT(dates); i++) {
		struct policy policy;

		policy_default(&policy);
		assert_ok(policy_parse(&policy, text_of(dates[i].line), "f", NULL, NULL));
		assert_false(gate_requires(&policy, &facts, dates[i].midnight - 1));
		assert_true(gate_requires(&policy, &facts, dates[i].midnight));
	}
}

static void an_unknown_enforcement_requires_a_code(void **unused)
{
	struct policy policy = enforced((enum enforce)9);

	assert_true(gate_requires(&policy, &(struct gate_facts){.enrolled = false}, 0));
}

static void the_default_requires_everybody(void **unused)
{
	struct policy policy;

	policy_default(&policy);
	assert_true(gate_requires(&policy, &(struct gate_facts){.known = true}, 0));
	assert_true(gate_requires(&policy, &(struct gate_facts){.known = false}, 0));
}

static void every_reason_has_its_word(void **unused)
{
	assert_string_equal("none", gate_reason_name(GATE_REASON_NONE));
	assert_string_equal("required", gate_reason_name(GATE_REASON_REQUIRED));
	assert_string_equal("enrolled", gate_reason_name(GATE_REASON_ENROLLED));
	assert_string_equal("exempt", gate_reason_name(GATE_REASON_EXEMPT));
	assert_string_equal("must_enroll", gate_reason_name(GATE_REASON_MUST_ENROLL));
	assert_string_equal("not_required", gate_reason_name(GATE_REASON_NOT_REQUIRED));
	assert_string_equal("not_confirmed", gate_reason_name(GATE_REASON_NOT_CONFIRMED));
	assert_int_equal(0, GATE_REFUSE); /* a forgotten assignment denies */
}

static void nobody_is_asked_from_a_trusted_network(void **unused)
{
	for (unsigned bits = 0; bits < 16; bits++) {
		struct gate_facts facts = {.trusted = true,
					   .known = bits & 1,
					   .required = bits & 2,
					   .exempt = bits & 4,
					   .enrolled = bits & 8};
		struct policy policy = enforced(ENFORCE_REQUIRED);
		enum gate_reason reason = GATE_REASON_NONE;

		assert_int_equal(GATE_SKIP, gate(&policy, &facts, DAY, &reason));
		assert_int_equal(GATE_REASON_TRUSTED, reason);
		assert_true(gate_needs_no_record(&policy, &facts, DAY));
		facts.trusted = false;
		assert_int_equal(facts.exempt && !facts.required,
				 gate_needs_no_record(&policy, &facts, DAY));
	}
}

static void only_users_who_must_and_are_not_enrolled_are_sent_to_enroll(void **unused)
{
	struct policy policy = enforced(ENFORCE_FROM);
	enum gate_reason reason = GATE_REASON_NONE;

	policy.enroll_in_account = policy.enroll_login = true;
	for (unsigned bits = 0; bits < 16; bits++) {
		struct gate_facts facts = {.known = bits & 1,
					   .required = bits & 2,
					   .exempt = bits & 4,
					   .enrolled = bits & 8};

		for (int64_t now = DAY - 1; now <= DAY; now++) {
			bool must = gate_requires(&policy, &facts, now) && facts.known &&
				    !facts.enrolled;
			enum gate_verdict verdict = gate(&policy, &facts, now, &reason);

			assert_int_equal(must, verdict == GATE_ENROLL);
			assert_int_equal(must, reason == GATE_REASON_MUST_ENROLL);
		}
	}
}

static void enrolling_needs_both_settings_a_clock_and_a_date_not_past(void **unused)
{
	const struct gate_facts facts = {.known = true};
	enum gate_reason reason = GATE_REASON_NONE;
	struct policy policy = enforced(ENFORCE_REQUIRED);

	assert_int_equal(GATE_ASK, gate(&policy, &facts, DAY, &reason));
	policy.enroll_in_account = true;
	assert_int_equal(GATE_ASK, gate(&policy, &facts, DAY, &reason));
	policy.enroll_login = true;
	assert_int_equal(GATE_ENROLL, gate(&policy, &facts, DAY, &reason));
	assert_int_equal(GATE_ASK, gate(&policy, &facts, 1577836799, &reason));
	policy.enroll_until = DAY;
	assert_int_equal(GATE_ENROLL, gate(&policy, &facts, DAY + 86399, &reason));
	assert_int_equal(GATE_ASK, gate(&policy, &facts, DAY + 86400, &reason));
	policy.enroll_in_account = false;
	assert_int_equal(GATE_ASK, gate(&policy, &facts, DAY, &reason));
}

static void after_the_last_date_only_invited_users_enroll(void **unused)
{
	struct gate_facts facts = {.known = true};
	enum gate_reason reason = GATE_REASON_NONE;
	struct policy policy = enforced(ENFORCE_REQUIRED);

	policy.enroll_in_account = policy.enroll_login = true;
	policy.enroll_until = DAY;
	assert_false(gate_is_closed(&policy, DAY + 86399));
	assert_true(gate_is_closed(&policy, DAY + 86400));
	facts.invited = true;
	assert_int_equal(GATE_ENROLL, gate(&policy, &facts, DAY + 86400, &reason));
	assert_int_equal(GATE_REASON_MUST_ENROLL, reason);
}

static void an_invitation_allows_nothing_else(void **unused)
{
	struct gate_facts facts = {.known = true, .invited = true}, other = facts;
	struct policy policy = enforced(ENFORCE_REQUIRED);

	policy.enroll_in_account = policy.enroll_login = true;
	assert_true(gate_may_enroll(&policy, &facts, ENROLL_IN_LOGIN, DAY));
	assert_false(gate_may_enroll(&policy, &facts, ENROLL_IN_LOGIN,
				     1577836799)); /* the clock was never set */
	other.known = false;
	assert_false(gate_may_enroll(&policy, &other, ENROLL_IN_LOGIN, DAY));
	other = facts;
	other.enrolled = true;
	assert_false(gate_may_enroll(&policy, &other, ENROLL_IN_LOGIN, DAY));
	policy.enroll_login = false;
	assert_false(gate_may_enroll(&policy, &facts, ENROLL_IN_LOGIN, DAY));
	policy.enroll_login = true;
	policy.enroll_in_account = false;
	assert_false(gate_may_enroll(&policy, &facts, ENROLL_IN_LOGIN, DAY));
}

static void without_a_last_date_nobody_needs_an_invitation(void **unused)
{
	struct policy policy = enforced(ENFORCE_REQUIRED);

	policy.enroll_in_account = policy.enroll_login = true;
	assert_false(gate_is_closed(&policy, INT64_MAX));
	assert_true(gate_may_enroll(&policy, &(struct gate_facts){.known = true}, ENROLL_IN_LOGIN,
				    INT64_MAX));
}

static void the_days_left_are_rounded_up_and_shown_before_the_date_only(void **unused)
{
	struct policy policy = enforced(ENFORCE_FROM);

	assert_int_equal(1, gate_days_left(&policy, DAY - 1));
	assert_int_equal(1, gate_days_left(&policy, DAY - 86400));
	assert_int_equal(2, gate_days_left(&policy, DAY - 86401));
	assert_int_equal(0, gate_days_left(&policy, DAY));
	assert_int_equal(0, gate_days_left(&policy, 0));
	policy.enforce = ENFORCE_OPTIONAL;
	assert_int_equal(0, gate_days_left(&policy, DAY - 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_asked_from_a_trusted_network),
		cmocka_unit_test(only_users_who_must_and_are_not_enrolled_are_sent_to_enroll),
		cmocka_unit_test(enrolling_needs_both_settings_a_clock_and_a_date_not_past),
		cmocka_unit_test(after_the_last_date_only_invited_users_enroll),
		cmocka_unit_test(an_invitation_allows_nothing_else),
		cmocka_unit_test(without_a_last_date_nobody_needs_an_invitation),
		cmocka_unit_test(the_days_left_are_rounded_up_and_shown_before_the_date_only),
		cmocka_unit_test(every_user_is_asked_or_not_as_the_table_says),
		cmocka_unit_test(
			a_record_that_waits_for_its_first_code_asks_only_where_a_code_is_required),
		cmocka_unit_test(a_date_holds_from_midnight_utc),
		cmocka_unit_test(while_the_clock_was_never_set_a_date_holds),
		cmocka_unit_test(a_written_date_is_its_midnight_utc),
		cmocka_unit_test(an_unknown_enforcement_requires_a_code),
		cmocka_unit_test(the_default_requires_everybody),
		cmocka_unit_test(every_reason_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
