/* What a unit test may call of the module, beside its entry points. */
#ifndef PAM_TOTP_H
#define PAM_TOTP_H

#include "login/judge.h"

/*
 * The one translation of an attempt to a PAM code: PAM_SUCCESS for (TOTP_OK,
 * VERDICT_ALLOW) and for nothing else; PAM_MAXTRIES to wait; PAM_AUTH_ERR for a refusal
 * and for a user proved absent; PAM_AUTHINFO_UNAVAIL for every error.
 */
int pam_code_of(enum totp_err err, enum verdict verdict);

#endif
