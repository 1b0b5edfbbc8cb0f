/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam/code.h"

#include <security/pam_modules.h>

int pam_code_of(enum totp_err err, enum verdict verdict)
{
	switch (err) {
	case TOTP_OK:
		break;
	case TOTP_ERR_NOT_FOUND: /* proved absent: not enrolled, and asked */
		return PAM_AUTH_ERR;
	case TOTP_ERR_SYSTEM:
	case TOTP_ERR_NOMEM:
	case TOTP_ERR_CRYPTO:
	case TOTP_ERR_ARGUMENT:
	case TOTP_ERR_FORMAT:
	case TOTP_ERR_RANGE:
	case TOTP_ERR_UNSAFE:
	case TOTP_ERR_SEAL:
	case TOTP_ERR_EXISTS:
	case TOTP_ERR_STALE:
	case TOTP_ERR_TIMEOUT:
	case TOTP_ERR_UNSUPPORTED:
	case TOTP_ERR_UNCERTAIN:
	case TOTP_ERR_PEER:
	case TOTP_ERR_FORBIDDEN:
	case TOTP_ERR_OTHER_STORE:
	case TOTP_ERR_COUNT_:
	default:
		return PAM_AUTHINFO_UNAVAIL;
	}
	switch (verdict) {
	case VERDICT_ALLOW:
		return PAM_SUCCESS;
	case VERDICT_WAIT:
		return PAM_MAXTRIES;
	case VERDICT_DENY:
		break;
	}
	return PAM_AUTH_ERR;
}
