/* SPDX-License-Identifier: BSD-2-Clause */
#include "scene.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../unit/kernel.h"
#include "base/io.h"
#include "login/enroll.h"
#include "store/files.h"

int64_t scene_now = SCENE_START;

/* --- the clock, instead of libc's --- */

time_t time(time_t *ret_now)
{
	if (ret_now)
		*ret_now = (time_t)scene_now;
	return (time_t)scene_now;
}

int64_t scene_up = SCENE_UP;

/* The test sets the time since boot; the other clocks are libc's. */
int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	if (clock == CLOCK_BOOTTIME) {
		*ret_time = (struct timespec){.tv_sec = scene_up};
		return 0;
	}
	return kernel_clock_gettime(clock, ret_time);
}

/* --- files --- */

static void must(enum totp_err code, const char *what, const struct reason *why)
{
	if (code != TOTP_OK)
		errx(99, "scene: %s: %s %s", what, err_name(code), why ? why->text : "");
}

const char *scene_path(const struct scene *scene, const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", scene->dir, name);
	return path;
}

void scene_write(const struct scene *scene, const char *name, const char *text, unsigned mode)
{
	const char *path = scene_path(scene, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || fchmod(fd, mode) != 0 || io_write(fd, text, strlen(text)) != TOTP_OK)
		err(99, "scene: %s", path);
	close(fd);
}

void scene_policy(const struct scene *scene, const char *lines)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "store_dir = %s/store\nkeyring = %s/keyring\nrun_dir = %s/run\n%s", scene->dir,
		 scene->dir, scene->dir, lines);
	scene_write(scene, "conf", text, 0644);
}

void scene_service(const struct scene *scene, const char *before, const char *arguments)
{
	char text[8192];

	snprintf(text, sizeof(text),
		 "%s"
		 "auth [success=done ignore=ignore default=die] %s conf=%s/conf %s\n"
		 "account required pam_permit.so\n",
		 before, scene->module, scene->dir, arguments);
	scene_write(scene, "service/" SCENE_SERVICE, text, 0644);
}

void scene_make(struct scene *scene, const char *module)
{
	static const uint8_t machine[SHA256_LEN] = {1};
	struct reason why = {""};

	*scene = (struct scene){.module = module};
	strcpy(scene->dir, "/tmp/pam_totp.XXXXXX");
	if (!mkdtemp(scene->dir) || mkdir(scene_path(scene, "service"), 0755) != 0)
		err(99, "scene: cannot make a directory");
	must(keyring_create(scene_path(scene, "keyring"), SCENE_START, &why), "keyring", &why);
	must(files_setup(scene_path(scene, "store"), &(struct files_owner){0, 0}, machine, &why),
	     "store", &why);
	scene_policy(scene, "");
	scene_service(scene, "", "");
	scene_write(scene, "service/other", "auth required pam_deny.so\n", 0644);
	scene_now = SCENE_START;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

void scene_remove(struct scene *scene)
{
	nftw(scene->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- records --- */

struct secret scene_secret(const char *user)
{
	struct secret secret = {0};
	char text[] = "........ own 20 bytes";

	memcpy(text, user, strnlen(user, 8));
	must(secret_set(&secret, text, SECRET_NEW_LEN), "secret", NULL);
	return secret;
}

const char *scene_code(const char *user, int64_t when)
{
	static struct code code;
	struct secret secret = scene_secret(user);

	must(hotp_code(&(struct hotp){HMAC_SHA1, 6, &secret}, (uint64_t)when / SCENE_STEP, &code),
	     "code", NULL);
	return code.text;
}

const char *scene_wrong_code(const char *user, int64_t when)
{
	static char wrong[7];

	for (unsigned number = 0;; number++) {
		bool used = false;

		snprintf(wrong, sizeof(wrong), "%06u", number % 1000000);
		for (int64_t t = -3700; t < 3700 && !used; t += SCENE_STEP)
			used = strcmp(wrong, scene_code(user, when + t)) == 0;
		if (!used)
			return wrong;
	}
}

static struct store *open_store(const struct scene *scene)
{
	const char *keyring = scene_path(scene, "keyring");
	struct files_config config = {.dir = scene_path(scene, "store"), .keyring = keyring};
	struct store *store = NULL;
	struct reason why = {""};

	must(files_open(&config, &store, &why), "store", &why);
	return store;
}

static void enroll(const struct scene *scene, const char *user, uint32_t uid, bool must_confirm)
{
	OWN_STORE struct store *store = open_store(scene);
	struct token token = {.type = TOKEN_TOTP,
			      .alg = HMAC_SHA1,
			      .digits = 6,
			      .period = SCENE_STEP,
			      .created = SCENE_START,
			      .label = "phone"};
	struct login_state state;
	struct cred cred;
	struct reason why = {""};

	token.secret = scene_secret(user);
	must(enroll_begin(user, true, uid, SCENE_START, &cred), "begin", NULL);
	cred.must_confirm = must_confirm;
	must(enroll_add(&cred, &token), "add", NULL);
	state_init(&cred, &state);
	must(store_create(store, &cred, &state, io_deadline(STORE_WAIT_MS), &why), "create", &why);
}

static uint32_t uid_of(const char *user)
{
	const struct passwd *account = getpwnam(user);

	if (!account)
		errx(99, "scene: no account %s", user);
	return account->pw_uid;
}

void scene_enroll(const struct scene *scene, const char *user)
{
	enroll(scene, user, uid_of(user), false);
}

void scene_enroll_as(const struct scene *scene, const char *user, uint32_t uid)
{
	enroll(scene, user, uid, false);
}

void scene_enroll_pending(const struct scene *scene, const char *user)
{
	enroll(scene, user, uid_of(user), true);
}

void scene_revoke(const struct scene *scene, const char *user)
{
	OWN_STORE struct store *store = open_store(scene);
	struct reason why = {""};

	must(store_remove(store, user, io_monotonic_ns() + UINT64_C(5000000000), &why), "remove",
	     &why);
}

/* What changes in a record that replaces another one. */
typedef void change_fn(struct cred *cred, struct login_state *state, void *context);

static enum totp_err change_record(const struct scene *scene, const char *user, change_fn *change,
				   void *context)
{
	OWN_STORE struct store *store = open_store(scene);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	uint64_t deadline = io_monotonic_ns() + UINT64_C(5000000000);
	struct login_state state;
	struct cred cred;
	enum totp_err code;

	do {
		store_end(&txn);
		code = store_read(store, user, io_deadline(STORE_WAIT_MS), &txn, NULL);
		if (code == TOTP_OK)
			code = store_begin(&txn, deadline, NULL);
	} while (code == TOTP_ERR_STALE);
	if (code != TOTP_OK)
		return code;
	cred = txn.cred;
	code = enroll_renew(&cred, &txn.cred, &txn.state, &state);
	if (code != TOTP_OK)
		return code;
	if (change)
		change(&cred, &state, context);
	return store_replace(&txn, &cred, &state, NULL);
}

enum totp_err scene_replace(const struct scene *scene, const char *user)
{
	return change_record(scene, user, NULL, NULL);
}

enum totp_err scene_import(const struct scene *scene, const char *user)
{
	OWN_STORE struct store *store = open_store(scene);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	uint64_t deadline = io_monotonic_ns() + UINT64_C(5000000000);
	struct login_state state;
	struct cred cred;
	enum totp_err code;

	do {
		store_end(&txn);
		code = store_read(store, user, io_deadline(STORE_WAIT_MS), &txn, NULL);
		if (code == TOTP_OK)
			code = store_begin(&txn, deadline, NULL);
	} while (code == TOTP_ERR_STALE);
	if (code == TOTP_OK)
		code = enroll_begin(user, txn.cred.uid_bound, txn.cred.uid, scene_now, &cred);
	if (code == TOTP_OK)
		code = enroll_add(&cred, &txn.cred.tokens[0]);
	if (code != TOTP_OK)
		return code;
	state_init(&cred, &state); /* as from a list, which knows of no used code */
	enroll_inherit(&cred, &state, &txn.cred, &txn.state);
	return store_replace(&txn, &cred, &state, NULL);
}

static void make_counter(struct cred *cred, struct login_state *state, void *unused)
{
	(void)unused;
	cred->tokens[0].type = TOKEN_HOTP;
	cred->tokens[0].period = 0;
	state->tokens[0].moving = 0;
}

void scene_make_counter(const struct scene *scene, const char *user)
{
	must(change_record(scene, user, make_counter, NULL), "counter", NULL);
}

static void make_recovery(struct cred *cred, struct login_state *state, void *context)
{
	struct recovery_code codes[RECOVERY_MAX];
	char(*shown)[RECOVERY_SHOWN_MAX] = context;

	must(recovery_make(cred, SCENE_RECOVERY, codes), "recovery codes", NULL);
	for (size_t i = 0; i < SCENE_RECOVERY; i++)
		recovery_show(&codes[i], shown[i]);
	state->spent = 0;
}

void scene_recovery(const struct scene *scene, const char *user,
		    char ret_shown[SCENE_RECOVERY][RECOVERY_SHOWN_MAX])
{
	must(change_record(scene, user, make_recovery, ret_shown), "recovery", NULL);
}

static void leave_notice(struct cred *cred, struct login_state *state, void *context)
{
	(void)cred;
	state->notices[NOTICE_ADDED] =
		(struct notice){.count = *(const uint8_t *)context,
				.last = scene_now,
				.source = {.kind = SOURCE_UID, .bytes = {0, 0, 3, 232}}};
}

void scene_notice(const struct scene *scene, const char *user, uint8_t count)
{
	must(change_record(scene, user, leave_notice, &count), "notice", NULL);
}

struct new_bypass {
	uint32_t seconds;
	unsigned uses;
	char *shown;
};

static void make_bypass(struct cred *cred, struct login_state *state, void *context)
{
	const struct new_bypass *new = context;
	struct recovery_code code;

	must(bypass_make(cred, scene_now, new->seconds, new->uses, &code), "bypass", NULL);
	state->bypass_used = 0;
	recovery_show(&code, new->shown);
}

void scene_bypass(const struct scene *scene, const char *user, uint32_t seconds, unsigned uses,
		  char ret_shown[RECOVERY_SHOWN_MAX])
{
	struct new_bypass new = {seconds, uses, ret_shown};

	must(change_record(scene, user, make_bypass, &new), "bypass", NULL);
}

static void set_disabled(struct cred *cred, struct login_state *state, void *context)
{
	(void)state;
	cred->disabled = *(bool *)context;
}

void scene_disable(const struct scene *scene, const char *user, bool disabled)
{
	must(change_record(scene, user, set_disabled, &disabled), "disable", NULL);
}

const char *scene_record(const struct scene *scene, const char *user)
{
	char name[300];

	snprintf(name, sizeof(name), "store/users/%s", user);
	return scene_path(scene, name);
}

const char *scene_state(const struct scene *scene, const char *user)
{
	DIR *dir = opendir(scene_path(scene, "store/state"));
	const char *found = NULL;
	const struct dirent *entry;
	size_t len = strlen(user);
	char name[600];

	if (!dir)
		err(99, "scene: state");
	while (!found && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, user, len) != 0 || entry->d_name[len] != '.')
			continue;
		snprintf(name, sizeof(name), "store/state/%s", entry->d_name);
		found = scene_path(scene, name);
	}
	closedir(dir);
	return found;
}

static struct login_state read_state(const struct scene *scene, const char *user)
{
	OWN_STORE struct store *store = open_store(scene);
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};

	must(store_read(store, user, io_deadline(STORE_WAIT_MS), &txn, &why), "read", &why);
	return txn.state;
}

uint64_t scene_last_step(const struct scene *scene, const char *user)
{
	return read_state(scene, user).tokens[0].moving;
}

uint32_t scene_failures(const struct scene *scene, const char *user)
{
	return read_state(scene, user).failures;
}

/* --- the program that logs in --- */

static void hear(struct talk *talk, char sign, const char *text)
{
	size_t len = strlen(talk->heard);

	snprintf(talk->heard + len, sizeof(talk->heard) - len, "%c%s\n", sign, text);
}

static int answer_question(struct talk *talk, int style, struct pam_response *response)
{
	talk->echoed = style == PAM_PROMPT_ECHO_ON;
	if (talk->while_typing)
		talk->while_typing(talk->context);
	if (talk->fault == TALK_CONV_ERR)
		return PAM_CONV_ERR;
	if (talk->fault == TALK_CONV_AGAIN)
		return PAM_CONV_AGAIN;
	if (talk->fault != TALK_NO_STRING)
		response->resp = strdup(talk->answer ? talk->answer : "");
	return PAM_SUCCESS;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
		    void *context)
{
	struct talk *talk = context;
	struct pam_response *response;
	int style = messages[0]->msg_style;
	bool question = style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;
	int code = PAM_SUCCESS;

	if (count != 1)
		errx(99, "scene: %d messages at once", count);
	hear(talk, question ? '?' : style == PAM_ERROR_MSG ? '!' : ':', messages[0]->msg);
	response = calloc(1, sizeof(*response));
	if (!response)
		return PAM_BUF_ERR;
	if (question)
		code = answer_question(talk, style, response);
	else if (talk->fault == TALK_ANSWERS_TEXTS)
		response->resp = strdup("yes");
	if (code == PAM_SUCCESS && talk->fault != TALK_NO_ARRAY) {
		*ret = response;
		return code;
	}
	free(response->resp);
	free(response);
	*ret = NULL;
	return code;
}

/* Replaces libpam's sleep. */
static void note_delay(int code, unsigned delay, void *context)
{
	(void)code;
	((struct talk *)context)->delay = delay;
}

pam_handle_t *scene_begin(const struct scene *scene, const char *user, struct talk *talk,
			  struct pam_conv *conv)
{
	void (*delay)(int, unsigned, void *) = note_delay;
	const void *item;
	pam_handle_t *handle = NULL;
	int code;

	*conv = (struct pam_conv){talk->fault == TALK_NO_FUNCTION ? NULL : converse, talk};
	memcpy(&item, &delay, sizeof(item));
	code = pam_start_confdir(SCENE_SERVICE, user, conv, scene_path(scene, "service"), &handle);
	if (code == PAM_SUCCESS)
		code = pam_set_item(handle, PAM_FAIL_DELAY, item);
	if (code == PAM_SUCCESS && talk->rhost)
		code = pam_set_item(handle, PAM_RHOST, talk->rhost);
	if (code == PAM_SUCCESS && talk->tty)
		code = pam_set_item(handle, PAM_TTY, talk->tty);
	if (code == PAM_SUCCESS && talk->env)
		code = pam_putenv(handle, talk->env);
	if (code != PAM_SUCCESS)
		errx(99, "scene: cannot start PAM: %d", code);
	return handle;
}

int scene_talk(const struct scene *scene, const char *user, struct talk *talk)
{
	struct pam_conv conv;
	pam_handle_t *handle = scene_begin(scene, user, talk, &conv);
	int code = pam_authenticate(handle, talk->flags);

	pam_end(handle, code);
	return code;
}

int scene_login(const struct scene *scene, const char *user, const char *rhost, const char *answer)
{
	struct talk talk = {.answer = answer, .rhost = rhost};

	return scene_talk(scene, user, &talk);
}
