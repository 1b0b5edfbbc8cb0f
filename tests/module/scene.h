/*
 * A stage for tests that go through libpam: a folder of its own with service file, policy,
 * keyring and store, and a program that logs in there. The wall clock belongs to the test:
 * scene.c defines time(), and the executable exports it, so that the module calls it. So
 * does syslog in tests that use scene_log, which log.c defines.
 *
 * The module asks NSS, so the users are real accounts of every Debian: root, daemon, bin,
 * nobody. Their secrets can be told from their names.
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
#define SCENE_UP      86400 /* seconds since the host came up, at first */
/*
 * What scene_login returns where the module said PAM_IGNORE: libpam refuses with a code of
 * its own, which the module never gives, when nobody in the stack has decided.
 */
#define SCENE_IGNORED PAM_PERM_DENIED

struct scene {
	char dir[64];
	const char *module;
};

/* Make all of it, with nobody enrolled. module: absolute path. Dies when it cannot. */
void scene_make(struct scene *scene, const char *module);
void scene_remove(struct scene *scene);

/* The path of something in the scene; good until the eighth call after it. */
const char *scene_path(const struct scene *scene, const char *name);

/* Write a file of the scene. */
void scene_write(const struct scene *scene, const char *name, const char *text, unsigned mode);

/* The policy: its paths, then these lines. */
void scene_policy(const struct scene *scene, const char *lines);

/* The service file: these lines, then our module with conf= and these arguments. */
void scene_service(const struct scene *scene, const char *before, const char *arguments);

/* Enrol one of the users above, with one TOTP token "phone". */
void scene_enroll(const struct scene *scene, const char *user);
/* The same, for another uid than the account has. */
void scene_enroll_as(const struct scene *scene, const char *user, uint32_t uid);
/* The same, to be confirmed by a first code. */
void scene_enroll_pending(const struct scene *scene, const char *user);
void scene_revoke(const struct scene *scene, const char *user);

/* Put a new record in the place of the user's, with the same secret; keeps the last step. */
enum totp_err scene_replace(const struct scene *scene, const char *user);
/* The same as totpctl import --replace does it: what was used is known from here alone. */
enum totp_err scene_import(const struct scene *scene, const char *user);

/* Make the user's token a counter-based one, whose next counter is 0. */
void scene_make_counter(const struct scene *scene, const char *user);

#define SCENE_RECOVERY 4
/* Give the user new recovery codes, as they are shown. */
void scene_recovery(const struct scene *scene, const char *user,
		    char ret_shown[SCENE_RECOVERY][RECOVERY_SHOWN_MAX]);

/* Give the user a bypass that was made now, as it is shown. */
/* Self-service adds a device: what its owner is to be told. */
void scene_notice(const struct scene *scene, const char *user);
void scene_bypass(const struct scene *scene, const char *user, uint32_t seconds, unsigned uses,
		  char ret_shown[RECOVERY_SHOWN_MAX]);

void scene_disable(const struct scene *scene, const char *user, bool disabled);

struct secret scene_secret(const char *user);

/* The user's code at a time; the same buffer each time. */
const char *scene_code(const char *user, int64_t when);

/* Six digits that are none of the user's within an hour. */
const char *scene_wrong_code(const char *user, int64_t when);

/* Paths of the user's record and of its state. */
const char *scene_record(const struct scene *scene, const char *user);
const char *scene_state(const struct scene *scene, const char *user);

/* The last step that was accepted, as the state has it. */
uint64_t scene_last_step(const struct scene *scene, const char *user);
/* Failures since the last success. */
uint32_t scene_failures(const struct scene *scene, const char *user);

/* --- the program that logs in --- */

enum talk_fault {
	TALK_WELL = 0,
	TALK_NO_FUNCTION,   /* the application has no conversation function */
	TALK_CONV_ERR,      /* it fails */
	TALK_CONV_AGAIN,    /* it wants to be called later */
	TALK_NO_ARRAY,      /* it succeeds without an answer */
	TALK_NO_STRING,     /* its answer has no text */
	TALK_ANSWERS_TEXTS, /* it answers what is no question, too */
};

struct talk {
	const char *answer;
	enum talk_fault fault;
	void (*while_typing)(void *context); /* or NULL */
	void *context;
	const char *rhost; /* or NULL: a local login */
	const char *tty;   /* or NULL: none is handed over */
	const char *env;   /* "NAME=value" for the PAM environment, or NULL */
	int flags;         /* of pam_authenticate */

	char heard[1024]; /* "?prompt\n" for a question, "!sentence\n" for an error message */
	bool echoed;
	unsigned delay; /* microseconds that libpam was asked to wait after a refusal */
};

/* A whole transaction: start, authenticate, end. The answer of pam_authenticate. */
int scene_talk(const struct scene *scene, const char *user, struct talk *talk);

/* The same where only the code matters. rhost NULL: local. */
int scene_login(const struct scene *scene, const char *user, const char *rhost, const char *answer);

/* For tests that hold a handle of their own. */
pam_handle_t *scene_begin(const struct scene *scene, const char *user, struct talk *talk,
			  struct pam_conv *conv);

/* --- clock and log --- */

extern int64_t scene_now; /* what time() says; SCENE_START after scene_make */

/* Seconds since the host came up, of CLOCK_BOOTTIME. */
extern int64_t scene_up;
extern char scene_log[16384]; /* "priority|line\n" for each since the last clearing */

void scene_log_clear(void);

#endif
