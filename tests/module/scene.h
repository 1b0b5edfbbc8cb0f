/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host for tests that go through libpam: a directory of its own with service file, policy,
 * keyring and store, and a program that logs in there. The test sets the wall clock: scene.c
 * defines time(), and the executable exports it, so that the module calls it. In tests that use
 * scene_log the same holds for syslog, which log.c defines.
 *
 * The module asks NSS, so the users are real accounts of every Debian: root, daemon, bin, nobody.
 * Their secrets are derived from their names.
 */
#ifndef SCENE_H
#define SCENE_H

#include <security/pam_appl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "otp/hotp.h"
#include "record/recovery.h"

#define SCENE_SERVICE "scene"
#define SCENE_START   INT64_C(1700000010) /* 10 s into a step of 30 s */
#define SCENE_STEP    30
#define SCENE_UP      86400 /* seconds since the host was booted, at first */
/*
 * What scene_login returns if the module returned PAM_IGNORE: where no module of the stack has
 * decided, libpam denies with a code of its own, which our module never returns.
 */
#define SCENE_IGNORED PAM_PERM_DENIED

struct scene {
	char dir[64];
	const char *module;
};

/* Make all of it, with no user enrolled. module: absolute path. Ends the program if it cannot. */
void scene_make(struct scene *scene, const char *module);
void scene_remove(struct scene *scene);

/* The path of a file of the scene; valid until the eighth call after it. */
const char *scene_path(const struct scene *scene, const char *name);

/* Write a file of the scene. */
void scene_write(const struct scene *scene, const char *name, const char *text, unsigned mode);

/* Write the policy: its paths, then these lines. */
void scene_policy(const struct scene *scene, const char *lines);

/* Write the service file: these lines, then our module with conf= and these arguments. */
void scene_service(const struct scene *scene, const char *before, const char *arguments);

/* Enroll one of the users above, with one TOTP token "phone". */
void scene_enroll(const struct scene *scene, const char *user);
/* The same, bound to another uid than the account has. */
void scene_enroll_as(const struct scene *scene, const char *user, uint32_t uid);
/* The same; a first code has to confirm it. */
void scene_enroll_pending(const struct scene *scene, const char *user);
void scene_revoke(const struct scene *scene, const char *user);

/* Replace the user's record by a new one with the same secret; keeps the last step. */
enum totp_err scene_replace(const struct scene *scene, const char *user);
/* The same as totpctl import --replace does it: only this host knows which codes were used. */
enum totp_err scene_import(const struct scene *scene, const char *user);

/* Make the user's token a counter-based one, whose next counter is 0. */
void scene_make_counter(const struct scene *scene, const char *user);

#define SCENE_RECOVERY 4
/* Give the user new recovery codes; returns them as they are shown. */
void scene_recovery(const struct scene *scene, const char *user,
		    char ret_shown[SCENE_RECOVERY][RECOVERY_SHOWN_MAX]);

/* Make a notice for the user: self-service has added so many devices. */
void scene_notice(const struct scene *scene, const char *user, uint8_t count);
/* Give the user a temporary code that is created now; returns it as it is shown. */
void scene_bypass(const struct scene *scene, const char *user, uint32_t seconds, unsigned uses,
		  char ret_shown[RECOVERY_SHOWN_MAX]);

void scene_disable(const struct scene *scene, const char *user, bool disabled);

struct secret scene_secret(const char *user);

/* The user's code at a time; each call overwrites the same buffer. */
const char *scene_code(const char *user, int64_t when);

/* Six digits that are not a code of the user's token within an hour. */
const char *scene_wrong_code(const char *user, int64_t when);

/* Paths of the user's record and of its login state. */
const char *scene_record(const struct scene *scene, const char *user);
const char *scene_state(const struct scene *scene, const char *user);

/* The last accepted step, from the login state. */
uint64_t scene_last_step(const struct scene *scene, const char *user);
/* Failures since the last success. */
uint32_t scene_failures(const struct scene *scene, const char *user);

/* --- the program that logs in --- */

enum talk_fault {
	TALK_WELL = 0,
	TALK_NO_FUNCTION,   /* the application has no conversation function */
	TALK_CONV_ERR,      /* the function fails */
	TALK_CONV_AGAIN,    /* it returns PAM_CONV_AGAIN */
	TALK_NO_ARRAY,      /* it succeeds without an answer */
	TALK_NO_STRING,     /* its answer has no text */
	TALK_ANSWERS_TEXTS, /* it answers messages that are not questions, too */
};

struct talk {
	const char *answer;
	enum talk_fault fault;
	void (*while_typing)(void *context); /* or NULL */
	void *context;
	const char *rhost; /* or NULL: a local login */
	const char *tty;   /* or NULL: no terminal is passed */
	const char *env;   /* "NAME=value" for the PAM environment, or NULL */
	int flags;         /* of pam_authenticate */

	char heard[1024]; /* "?prompt\n" for a question, "!sentence\n" for an error message */
	bool echoed;
	unsigned delay; /* microseconds that libpam was asked to wait after a denial */
};

/* A whole transaction: start, authenticate, end. Returns what pam_authenticate returned. */
int scene_talk(const struct scene *scene, const char *user, struct talk *talk);

/* The same where only PAM's code matters. rhost NULL: a local login. */
int scene_login(const struct scene *scene, const char *user, const char *rhost, const char *answer);

/* For tests that keep a handle of their own. */
pam_handle_t *scene_begin(const struct scene *scene, const char *user, struct talk *talk,
			  struct pam_conv *conv);

/* --- clock and log --- */

extern int64_t scene_now; /* what time() returns; SCENE_START after scene_make */

/* Seconds since the host was booted, as CLOCK_BOOTTIME counts them. */
extern int64_t scene_up;
extern char scene_log[16384]; /* "priority|line\n" for each line since it was last cleared */

void scene_log_clear(void);

#endif
