/* SPDX-License-Identifier: BSD-2-Clause */
/* The one translation to PAM codes, for every error and verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "names.h"

#include <security/pam_modules.h>

#include "pam/code.h"

static void only_ok_with_the_verdict_allow_is_success(void **unused)
{
	unsigned successes = 0;

	/* past the end, too: a value outside the enum counts as an error */
	for (int err = -1; err <= TOTP_ERR_COUNT_ + 1; err++)
		for (int verdict = -1; verdict <= VERDICT_ALLOW + 1; verdict++)
			if (pam_code_of((enum totp_err)err, (enum verdict)verdict) == PAM_SUCCESS) {
				assert_int_equal(TOTP_OK, err);
				assert_int_equal(VERDICT_ALLOW, verdict);
				successes++;
			}
	assert_int_equal(1, successes);
}

static void no_error_is_ever_ignored(void **unused)
{
	for (int err = TOTP_OK; err <= TOTP_ERR_COUNT_; err++)
		for (int verdict = VERDICT_DENY; verdict <= VERDICT_ALLOW; verdict++)
			assert_int_not_equal(
				PAM_IGNORE, pam_code_of((enum totp_err)err, (enum verdict)verdict));
}

static void a_denial_a_wait_and_a_missing_record_have_codes_of_their_own(void **unused)
{
	assert_int_equal(PAM_AUTH_ERR, pam_code_of(TOTP_OK, VERDICT_DENY));
	assert_int_equal(PAM_MAXTRIES, pam_code_of(TOTP_OK, VERDICT_WAIT));
	for (int verdict = VERDICT_DENY; verdict <= VERDICT_ALLOW; verdict++)
		assert_int_equal(PAM_AUTH_ERR,
				 pam_code_of(TOTP_ERR_NOT_FOUND, (enum verdict)verdict));
}

static void every_other_error_says_that_verification_is_unavailable(void **unused)
{
	for (int err = TOTP_OK + 1; err <= TOTP_ERR_COUNT_; err++)
		for (int verdict = VERDICT_DENY; verdict <= VERDICT_ALLOW; verdict++)
			if (err != TOTP_ERR_NOT_FOUND)
				assert_int_equal(
					PAM_AUTHINFO_UNAVAIL,
					pam_code_of((enum totp_err)err, (enum verdict)verdict));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_ok_with_the_verdict_allow_is_success),
		cmocka_unit_test(no_error_is_ever_ignored),
		cmocka_unit_test(a_denial_a_wait_and_a_missing_record_have_codes_of_their_own),
		cmocka_unit_test(every_other_error_says_that_verification_is_unavailable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
