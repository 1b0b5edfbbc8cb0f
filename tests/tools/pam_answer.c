/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A module that returns the number in its first argument. It sets the PAM variable that the second
 * one names.
 */
#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#include <security/pam_modules.h>
#include <stdlib.h>

static int answer(pam_handle_t *pamh, int argc, const char **argv)
{
	if (argc == 2 && pam_putenv(pamh, argv[1]) != PAM_SUCCESS)
		return PAM_BUF_ERR;
	return argc > 0 ? atoi(argv[0]) : PAM_SERVICE_ERR;
}

PAM_EXTERN int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return answer(pamh, argc, argv);
}

PAM_EXTERN int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return answer(pamh, argc, argv);
}

PAM_EXTERN int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}
