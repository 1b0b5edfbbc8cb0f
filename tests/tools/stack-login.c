/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logins through the PAM stacks of this host, one for each line of the input: "SERVICE USER
 * ANSWERS", for pam_stub.c. Prints what libpam returns for each, as a number.
 */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int converse(int count, const struct pam_message **messages,
		    struct pam_response **ret_responses, void *unused)
{
	(void)messages;
	(void)unused;
	*ret_responses = calloc((size_t)count, sizeof(**ret_responses));
	return *ret_responses ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void no_delay(int result, unsigned usec, void *unused)
{
	(void)result;
	(void)usec;
	(void)unused;
}

static int log_in(const char *service, const char *user)
{
	union {
		void (*function)(int, unsigned, void *);
		const void *item;
	} delay = {no_delay};
	const struct pam_conv conv = {converse, NULL};
	pam_handle_t *pamh = NULL;
	int result = pam_start(service, user, &conv, &pamh);

	if (result != PAM_SUCCESS)
		return result;
	pam_set_item(pamh, PAM_FAIL_DELAY, delay.item);
	result = pam_authenticate(pamh, 0);
	pam_end(pamh, result);
	return result;
}

int main(void)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		char service[64], user[64];
		int at = 0;

		if (sscanf(line, "%63s %63s %n", service, user, &at) < 2)
			return 2;
		line[strcspn(line, "\n")] = '\0';
		if (setenv("STACK_ANSWERS", line + at, 1) != 0)
			return 2;
		printf("%d\n", log_in(service, user));
	}
	return 0;
}
