/* How many lines one user makes totpd log. */
#include "../unit/unit.h"

#include "ledger.h"

#define ALICE  1000
#define BOB    1001
#define NOW    5000000000ull
#define MINUTE 60000000000ull

static struct ledger ledger;

static int clear(void **unused)
{
	memset(&ledger, 0, sizeof(ledger));
	return 0;
}

/* One child logs so many lines, as far as it may; how many it wrote. */
static unsigned log_lines(uid_t uid, enum ledger_kind kind, unsigned times)
{
	struct ledger_page note = {0};

	for (unsigned i = 0; i < times; i++)
		(void)ledger_write(&ledger, &note, uid, kind);
	ledger_enter(&ledger, &note, NOW);
	assert_int_equal(times, note.written[kind] + note.withheld[kind]);
	return note.written[kind];
}

static void the_first_lines_of_a_user_are_written_and_the_others_counted(void **unused)
{
	struct ledger_page due[LEDGER_USERS + 1];
	unsigned written = 0;

	for (unsigned i = 0; i < 1000; i++)
		written += log_lines(ALICE, LEDGER_DENIED, 1);
	assert_int_equal(LEDGER_DENIED_LINES, written);
	assert_int_equal(0, ledger_due(&ledger, NOW + MINUTE - 1, due));
	assert_int_equal(1, ledger_due(&ledger, NOW + MINUTE, due));
	assert_int_equal(ALICE, due[0].uid);
	assert_int_equal(1000 - LEDGER_DENIED_LINES, due[0].withheld[LEDGER_DENIED]);
	assert_int_equal(0, due[0].withheld[LEDGER_ACCEPTED]);
}

static void after_the_minute_the_user_has_lines_again(void **unused)
{
	struct ledger_page due[LEDGER_USERS + 1];

	(void)log_lines(ALICE, LEDGER_DENIED, 100);
	ledger_clear(&ledger, NOW + MINUTE - 1);
	assert_true(ledger_is_open(&ledger));
	assert_int_equal(0, log_lines(ALICE, LEDGER_DENIED, 1));
	ledger_clear(&ledger, NOW + MINUTE);
	assert_false(ledger_is_open(&ledger));
	assert_int_equal(0, ledger_due(&ledger, UINT64_MAX, due));
	assert_int_equal(1, log_lines(ALICE, LEDGER_DENIED, 1));
}

static void a_user_s_lines_take_none_of_another_s(void **unused)
{
	(void)log_lines(ALICE, LEDGER_DENIED, 1000);
	assert_int_equal(LEDGER_DENIED_LINES, log_lines(BOB, LEDGER_DENIED, 1000));
}

static void no_number_of_denials_hides_an_accepted_code(void **unused)
{
	(void)log_lines(ALICE, LEDGER_DENIED, 1000);
	assert_int_equal(LEDGER_ACCEPTED_LINES, log_lines(ALICE, LEDGER_ACCEPTED, 100));
}

static void users_without_a_page_share_one(void **unused)
{
	struct ledger_page due[LEDGER_USERS + 1];

	for (uid_t uid = 1; uid <= LEDGER_USERS; uid++)
		assert_int_equal(1, log_lines(uid, LEDGER_DENIED, 1));
	assert_int_equal(LEDGER_DENIED_LINES, log_lines(5000, LEDGER_DENIED, 30));
	assert_int_equal(0, log_lines(5001, LEDGER_DENIED, 30));
	assert_int_equal(1, log_lines(LEDGER_USERS, LEDGER_DENIED, 1));
	assert_int_equal(1, ledger_due(&ledger, NOW + MINUTE, due));
	assert_int_equal(LEDGER_OTHERS, due[0].uid);
	assert_int_equal(60 - LEDGER_DENIED_LINES, due[0].withheld[LEDGER_DENIED]);
	ledger_clear(&ledger, NOW + MINUTE);
	assert_false(ledger_is_open(&ledger));
}

static void who_logs_nothing_has_no_page(void **unused)
{
	assert_int_equal(0, log_lines(ALICE, LEDGER_DENIED, 0));
	assert_false(ledger_is_open(&ledger));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_lines_of_a_user_are_written_and_the_others_counted,
				       clear),
		cmocka_unit_test_setup(after_the_minute_the_user_has_lines_again, clear),
		cmocka_unit_test_setup(a_user_s_lines_take_none_of_another_s, clear),
		cmocka_unit_test_setup(no_number_of_denials_hides_an_accepted_code, clear),
		cmocka_unit_test_setup(users_without_a_page_share_one, clear),
		cmocka_unit_test_setup(who_logs_nothing_has_no_page, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
