/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: sshd's settings, as sshd itself prints them (sshd -T), and repairs that sshd
 * has tried.
 */
#ifndef DOCTOR_SSHD_SETTINGS_H
#define DOCTOR_SSHD_SETTINGS_H

#include "doctor/finding.h"
#include "host/sshd_config.h"

#define SSHD_SETTINGS_MAX 65536

/* Lines of "name value"; those of `over` win: what a Match block sets. */
struct sshd_settings {
	const char *over, *text;
};

/* The value of a setting, by its name in lower case; empty if it is not there. */
struct text sshd_setting(const struct sshd_settings *settings, const char *name);

bool sshd_is_yes(const struct sshd_settings *settings, const char *name);

/*
 * Can sshd ask questions of the PAM stack's? Before OpenSSH 8.7 the setting had another name,
 * which counts too.
 */
bool sshd_asks_questions(const struct sshd_settings *settings);

/* What a list of AuthenticationMethods asks for. */
struct sshd_methods {
	bool pam;      /* answers to the PAM stack, which can hold a code */
	bool password; /* an answer to the PAM stack that can hold no code: the stack denies */
	bool key;      /* a key, a host or a ticket that sshd has checked */
};

struct sshd_methods sshd_methods_of(struct text list, const struct code_service *code_service);

/*
 * Run sshd -T for a connection of this user (NULL: of one that no Match block is for), of the
 * file `config` or, with NULL, of sshd's own. *ret_text, of SSHD_SETTINGS_MAX bytes, has the
 * settings; after a failure, the error messages.
 */
bool sshd_ask(const struct doctor *doctor, const char *config, const char *user, char *ret_text);

/* Can this account log in with a key, as far as its files show? */
bool sshd_has_key(const struct sshd_settings *settings, const char *user);

/* What is wrong with how logins are authenticated. */
enum sshd_problem {
	SSHD_NO_PAM = 1 << 0,       /* the stack is not run */
	SSHD_NO_QUESTIONS = 1 << 1, /* sshd cannot ask for a code */
	SSHD_NO_CODE = 1 << 2,      /* some method is enough by itself */
	SSHD_CANNOT_ASK = 1 << 3,   /* some method cannot ask for a code */
	SSHD_NO_FACTOR = 1 << 4,    /* the code is the only factor */
};

#define SSHD_PROBLEMS 5

struct sshd_verdict {
	unsigned problems;                  /* of enum sshd_problem */
	struct text methods[SSHD_PROBLEMS]; /* which list of methods has it, by its bit */
};

struct sshd_verdict sshd_judge(const struct code_service *code_service,
			       const struct sshd_settings *settings);

/*
 * Report the problems. where: the place of the settings, such as "sshd_config"; repair: a
 * command, or what to do.
 */
void sshd_report(struct doctor *doctor, const struct code_service *code_service,
		 const struct sshd_verdict *verdict, const char *where, const char *repair);

/* Match blocks that change how logins are authenticated. */
void doctor_sshd_match(struct doctor *doctor, const struct code_service *code_service,
		       const struct sshd_settings *base);

/* Does what sshd -T prints have the effect that a repair is for? */
typedef bool sshd_good_fn(const void *context, const struct sshd_settings *settings);

/*
 * A command that puts lines, each with its end, before all others that sshd reads; NULL: sshd
 * has tried them on a copy, and they do not have the effect. The caller frees it.
 */
char *sshd_repair_first(const struct doctor *doctor, const char *lines, sshd_good_fn *good,
			const void *context);

/* The same of a Match block, for the end of the file, that is to have its effect for `user`. */
char *sshd_repair_last(const struct doctor *doctor, const char *block, const char *user,
		       sshd_good_fn *good, const void *context);

#endif
