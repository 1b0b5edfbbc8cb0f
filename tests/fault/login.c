/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs daemon in, for fault.py, which makes system calls fail meanwhile.
 *
 *   login make                 make a scene, enroll daemon; print its directory
 *   login enroll DIR USER      enroll another user
 *   login recovery DIR         give daemon new recovery codes; print the first
 *   login bypass DIR           give daemon a temporary code for one use; print it
 *   login DIR TIME[=CODE][@UP]...
 *                              for each TIME one login; print PAM's return value for each, and
 *                              how many descriptors are open after it.
 *                              UP: the host was booted so many seconds before
 *   login as USER DIR TIME[=CODE]...
 *                              the same for another user than daemon
 *   login counter DIR          make daemon's token a counter-based one
 *   login enroll-in-login DIR USER...
 *                             log users in who enroll in the login; print PAM's return
 *                              values of auth and account for each
 *
 * getppid marks points for a program that counts calls: before pam_authenticate, at the answer,
 * after. With a code on the command line, libcrypto is unused until the module uses it; the second
 * login of a process finds libcrypto as one in sshd does.
 */
#include <err.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "otp/base32.h"
#include "scene.h"

/* Of failing.c's library, if it is preloaded: does what happens now count? */
extern void failing_want(bool is_wanted) __attribute__((weak));

static void count(bool is_wanted)
{
	if (failing_want)
		failing_want(is_wanted);
}

/* --- logging in --- */

static void mark(void *context)
{
	(void)context;
	syscall(SYS_getppid);
}

static const char *user_logging_in = "daemon";

static int log_in(const struct scene *scene, char *when, bool is_last)
{
	char *given = strchr(when, '='), *up = strchr(when, '@');
	struct talk talk = {.while_typing = mark, .rhost = "192.0.2.1"};
	struct pam_conv conv;
	pam_handle_t *handle;
	int code;

	/*
	 * every program that logs users in has asked NSS before; glibc 2.36 itself dies of a lack
	 * of memory at its first query
	 */
	if (!getpwnam(user_logging_in))
		errx(99, "no account %s", user_logging_in);
	scene_now = strtoll(when, NULL, 10);
	scene_up = up ? strtoll(up + 1, NULL, 10) : SCENE_UP;
	if (up)
		*up = '\0';
	talk.answer = given ? given + 1 : scene_code(user_logging_in, scene_now);
	handle = scene_begin(scene, user_logging_in, &talk, &conv);
	count(is_last);
	mark(NULL);
	code = pam_authenticate(handle, 0);
	mark(NULL);
	count(false);
	pam_end(handle, code);
	return code;
}

/* --- enrolling in the login --- */

/* The user types the code of the secret that is shown. */
static int type_code(int count, const struct pam_message **messages, struct pam_response **ret,
		     void *context)
{
	static const char before[] = "Secret   ";
	const char *shown = strstr(messages[0]->msg, before);
	struct secret *secret = context;
	struct code code = {""};

	if (count != 1)
		return PAM_CONV_ERR;
	if (shown) {
		shown += sizeof(before) - 1;
		if (base32_decode(shown, strcspn(shown, "\n"), secret) != TOTP_OK)
			return PAM_CONV_ERR;
	}
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return PAM_BUF_ERR;
	if (messages[0]->msg_style != PAM_PROMPT_ECHO_ON)
		return PAM_SUCCESS;
	if (hotp_code(&(struct hotp){HMAC_SHA1, 6, secret}, (uint64_t)scene_now / SCENE_STEP,
		      &code) != TOTP_OK)
		return PAM_CONV_ERR;
	(*ret)->resp = strdup(code.text);
	return PAM_SUCCESS;
}

static void require_enrolling(const struct scene *scene)
{
	char text[1024];

	scene_policy(scene, "enroll = login\nenroll_qr = none\n");
	snprintf(text, sizeof(text),
		 "auth required %s conf=%s/conf enroll_in_account\nauth required pam_permit.so\n"
		 "account requisite %s conf=%s/conf enroll_in_account\naccount required "
		 "pam_permit.so\n",
		 MODULE_PATH, scene->dir, MODULE_PATH, scene->dir);
	scene_write(scene, "service/" SCENE_SERVICE, text, 0644);
}

static void enroll_in_login(const struct scene *scene, const char *user, bool is_last)
{
	struct secret secret = {0};
	const struct pam_conv conv = {type_code, &secret};
	pam_handle_t *handle = NULL;
	char text[40];
	int auth, account = -1;

	if (!getpwnam(user) ||
	    pam_start_confdir(SCENE_SERVICE, user, &conv, scene_path(scene, "service"), &handle))
		errx(99, "cannot start");
	count(is_last);
	auth = pam_authenticate(handle, 0);
	mark(NULL);
	if (auth == PAM_SUCCESS)
		account = pam_acct_mgmt(handle, 0);
	mark(NULL);
	count(false);
	pam_end(handle, account);
	snprintf(text, sizeof(text), "%d %d", auth, account);
	if (puts(text) < 0 || fflush(stdout) != 0)
		err(99, "stdout");
}

static void say(const char *text)
{
	if (puts(text) < 0 || fflush(stdout) != 0)
		err(99, "stdout");
}

static int open_descriptors(void)
{
	int number = 0;

	for (int fd = 0; fd < 256; fd++)
		number += fcntl(fd, F_GETFD) >= 0;
	return number;
}

static void print_codes(const struct scene *scene, int number, char **times)
{
	for (int i = 0; i < number; i++) {
		char text[40];
		int code = log_in(scene, times[i], i == number - 1);

		snprintf(text, sizeof(text), "%d %d", code, open_descriptors());
		say(text);
	}
}

static struct scene scene_at(const char *dir)
{
	struct scene scene = {.module = MODULE_PATH};

	snprintf(scene.dir, sizeof(scene.dir), "%s", dir);
	return scene;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct scene scene;

	if (strcmp(what, "make") == 0) {
		scene_make(&scene, MODULE_PATH);
		scene_enroll(&scene, "daemon");
		say(scene.dir);
	} else if (strcmp(what, "enroll") == 0 && argc == 4) {
		scene = scene_at(argv[2]);
		scene_enroll(&scene, argv[3]);
	} else if (strcmp(what, "recovery") == 0 && argc == 3) {
		char codes[SCENE_RECOVERY][RECOVERY_SHOWN_MAX];

		scene = scene_at(argv[2]);
		scene_recovery(&scene, "daemon", codes);
		say(codes[0]);
	} else if (strcmp(what, "bypass") == 0 && argc == 3) {
		char shown[RECOVERY_SHOWN_MAX];

		scene = scene_at(argv[2]);
		scene_bypass(&scene, "daemon", 366 * 86400, 1, shown);
		say(shown);
	} else if (strcmp(what, "counter") == 0 && argc == 3) {
		scene = scene_at(argv[2]);
		scene_make_counter(&scene, "daemon");
	} else if (strcmp(what, "enroll-in-login") == 0 && argc > 3) {
		scene = scene_at(argv[2]);
		require_enrolling(&scene);
		for (int i = 3; i < argc; i++)
			enroll_in_login(&scene, argv[i], i == argc - 1);
	} else if (strcmp(what, "as") == 0 && argc > 4) {
		user_logging_in = argv[2];
		scene = scene_at(argv[3]);
		print_codes(&scene, argc - 4, argv + 4);
	} else if (what[0] == '/' && argc > 2) {
		scene = scene_at(what);
		print_codes(&scene, argc - 2, argv + 2);
	} else {
		errx(2, "see the source");
	}
	return 0;
}
