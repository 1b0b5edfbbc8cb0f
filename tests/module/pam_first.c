/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A module that stands before or after ours in a stack. authtok=PASSWORD leaves a password in
 * PAM_AUTHTOK; show prints what it finds there.
 */
#define PAM_SM_AUTH
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <string.h>

PAM_EXTERN int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const void *found = NULL;

	(void)flags;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "show") == 0 &&
		    pam_get_item(pamh, PAM_AUTHTOK, &found) == PAM_SUCCESS)
			pam_info(pamh, "authtok=%s", found ? (const char *)found : "-");
		if (strncmp(argv[i], "authtok=", 8) == 0)
			return pam_set_item(pamh, PAM_AUTHTOK, argv[i] + 8);
	}
	return PAM_SUCCESS;
}

PAM_EXTERN int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}
