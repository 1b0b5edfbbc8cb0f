/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of totpd(8): which process checks a login, for each kind of caller and store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "names.h"

#include "pam/place.h"

#define HERE PLACE_HERE
#define DENY PLACE_DENY
#define ROOT PLACE_ROOT_SOCKET
#define USER PLACE_USER_SOCKET

static const struct {
	enum caller caller;
	enum files_reach reach;
	enum place serves, other, absent; /* what totpd says about the store of the policy */
} rows[] = {
	{CALLER_ROOT, FILES_WRITABLE, HERE, HERE, HERE},
	{CALLER_ROOT, FILES_READABLE, ROOT, HERE, HERE},
	{CALLER_ROOT, FILES_NO_REACH, ROOT, DENY, DENY},
	{CALLER_SET_UID, FILES_WRITABLE, ROOT, HERE, HERE},
	{CALLER_SET_UID, FILES_READABLE, ROOT, HERE, HERE},
	{CALLER_SET_UID, FILES_NO_REACH, ROOT, DENY, DENY},
	{CALLER_USER, FILES_WRITABLE, USER, DENY, DENY},
	{CALLER_USER, FILES_READABLE, USER, DENY, DENY},
	{CALLER_USER, FILES_NO_REACH, USER, DENY, DENY},
};

static void every_combination_is_checked_where_the_manual_says(void **unused)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum caller caller = rows[i].caller;
		enum files_reach reach = rows[i].reach;

		printf("caller %d, reach %d\n", caller, reach);
		assert_int_equal(rows[i].serves, place_of(caller, reach, TOTPD_SERVES));
		assert_int_equal(rows[i].other, place_of(caller, reach, TOTPD_OTHER_STORE));
		assert_int_equal(rows[i].absent, place_of(caller, reach, TOTPD_ABSENT));
	}
}

static void totpd_is_asked_only_where_its_answer_matters(void **unused)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(rows[i].serves != rows[i].absent,
				 place_asks_totpd(rows[i].caller, rows[i].reach));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_checked_where_the_manual_says),
		cmocka_unit_test(totpd_is_asked_only_where_its_answer_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
