/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * codes - the secrets of the users that bench/login.c logs in, and their current codes.
 *
 *   codes csv USERS     "u0,BASE32" a line
 *   codes oath USERS    lines of a users.oath
 *   codes now USERS     the current code of each user, a line each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "otp/base32.h"
#include "otp/hotp.h"

/* User i's secret: 20 bytes that differ for each user. */
static struct secret secret_of(int user)
{
	struct secret secret = {.len = 20};

	snprintf((char *)secret.data, SECRET_MAX, "bench%015d", user);
	return secret;
}

static void print_csv(int user)
{
	struct secret secret = secret_of(user);
	char text[BASE32_TEXT_MAX];

	base32_encode(&secret, text);
	printf("u%d,%s\n", user, text);
}

static void print_oath(int user)
{
	struct secret secret = secret_of(user);

	printf("HOTP/T30/6 u%d - ", user);
	for (size_t i = 0; i < secret.len; i++)
		printf("%02x", secret.data[i]);
	putchar('\n');
}

static void print_code(int user)
{
	struct secret secret = secret_of(user);
	struct code code = {""};

	if (hotp_code(&(struct hotp){HMAC_SHA1, 6, &secret}, (uint64_t)time(NULL) / 30, &code) !=
	    TOTP_OK)
		abort();
	puts(code.text);
}

int main(int argc, char **argv)
{
	void (*print)(int user) = NULL;

	if (argc == 3 && strcmp(argv[1], "csv") == 0)
		print = print_csv;
	if (argc == 3 && strcmp(argv[1], "oath") == 0)
		print = print_oath;
	if (argc == 3 && strcmp(argv[1], "now") == 0)
		print = print_code;
	if (!print) {
		fprintf(stderr, "usage: see the head of bench/codes.c\n");
		return 2;
	}
	for (int user = 0; user < atoi(argv[2]); user++)
		print(user);
	return 0;
}
