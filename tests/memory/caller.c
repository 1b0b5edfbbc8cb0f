/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs a user in, and keeps no copy of what is typed or shown.
 *
 *   caller DIR USER   the service "scene" of the directory DIR: auth and account, and stop after
 *                     pam_end
 *   caller plant      leave three lines: in the heap, in a freed block, on the stack; and stop
 *
 * Each message of PAM is a line of the output that begins with '?' if an answer is wanted, and is
 * one line of the input. Before it stops, it prints PAM's return values of both stages.
 */
#include <err.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN 512

static void put(const char *text)
{
	size_t len = strlen(text);

	if (write(STDOUT_FILENO, text, len) != (ssize_t)len)
		err(99, "stdout");
}

static void get_line(char line[static LINE_MAX_LEN])
{
	for (size_t i = 0; i < LINE_MAX_LEN; i++) {
		if (read(STDIN_FILENO, line + i, 1) != 1 || line[i] == '\n') {
			line[i] = '\0';
			return;
		}
	}
	errx(99, "a line that is too long");
}

static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
		    void *context)
{
	int style = messages[0]->msg_style;
	bool question = style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;

	(void)context;
	*ret = calloc(1, sizeof(**ret));
	if (count != 1 || !*ret)
		return PAM_CONV_ERR;
	put(question ? "?" : ":");
	put(messages[0]->msg);
	put("\n");
	if (!question)
		return PAM_SUCCESS;
	(*ret)->resp = malloc(LINE_MAX_LEN);
	if (!(*ret)->resp)
		return PAM_BUF_ERR;
	get_line((*ret)->resp);
	return PAM_SUCCESS;
}

static void log_in(const char *dir, const char *user)
{
	const struct pam_conv conv = {converse, NULL};
	pam_handle_t *handle = NULL;
	int auth, account = -1;
	char text[40];

	if (pam_start_confdir("scene", user, &conv, dir, &handle) != PAM_SUCCESS)
		errx(99, "cannot start PAM");
	auth = pam_authenticate(handle, 0);
	if (auth == PAM_SUCCESS)
		account = pam_acct_mgmt(handle, 0);
	pam_end(handle, account);
	snprintf(text, sizeof(text), "=%d %d\n", auth, account);
	put(text);
}

/* Deeper than what the stack is used for before the stop. */
static void __attribute__((noinline)) plant_on_the_stack(void)
{
	char line[16 * LINE_MAX_LEN];

	get_line(line);
}

static void plant(void)
{
	char *kept = malloc(LINE_MAX_LEN), *freed = malloc(LINE_MAX_LEN);

	if (!kept || !freed)
		errx(99, "no memory");
	get_line(kept);
	get_line(freed);
	free(freed);
	plant_on_the_stack();
	put("=planted\n");
	raise(SIGSTOP);
	free(kept);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "plant") == 0) {
		plant();
	} else if (argc == 3) {
		log_in(argv[1], argv[2]);
		raise(SIGSTOP);
	} else {
		errx(2, "see the source");
	}
	return 0;
}
