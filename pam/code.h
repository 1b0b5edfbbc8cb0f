/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer to the program that called PAM. */
#ifndef PAM_CODE_H
#define PAM_CODE_H

#include "login/judge.h"

/*
 * The one translation of an attempt to a PAM code: PAM_SUCCESS for (TOTP_OK,
 * VERDICT_ALLOW) and for nothing else; PAM_MAXTRIES to wait; PAM_AUTH_ERR for a refusal
 * and for a user proved absent; PAM_AUTHINFO_UNAVAIL for every error.
 */
int pam_code_of(enum totp_err err, enum verdict verdict);

#endif
