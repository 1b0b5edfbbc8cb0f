/* SPDX-License-Identifier: BSD-2-Clause */
/* One authentication, as the parts of the module share it. */
#ifndef PAM_LOGIN_H
#define PAM_LOGIN_H

#include <security/pam_modules.h>

#include "host/account.h"
#include "host/source.h"
#include "login/gate.h"
#include "pam/place.h"

/* All that one authentication needs to know; no secret in it. */
struct login {
	pam_handle_t *pamh;
	const void *line; /* of the stack: enroll_set_mark */
	bool silent;
	struct policy policy;
	const char *service;
	struct account account;
	struct source source;
	char source_text[SOURCE_TEXT_MAX];
	struct address address; /* the whole of it, where there is one */
	enum caller caller;
	enum files_reach reach;
	enum place place; /* record_look decides */
	struct gate_facts facts;
	bool remembered;    /* from this source, within the policy's `remember` */
	bool logged;        /* totpd has written the line about this */
	bool conf_named;    /* the line's policy is another file than the usual one */
	bool enrolling;     /* the account stage: no code is asked for */
	bool unlooked;      /* totpd looks when there is an answer: enrolled is not known before */
	bool cannot_enroll; /* they must enroll, but cannot here, and the prompt may say so */
};

/* A text item of the PAM handle, or NULL. */
const char *login_item(const struct login *login, int type);

/* For pam_set_data of what malloc returned. */
void login_free_data(pam_handle_t *pamh, void *data, int status);

/* Find out where the answer will come from: source, source_text and address. */
void login_find_source(struct login *login);

#endif
