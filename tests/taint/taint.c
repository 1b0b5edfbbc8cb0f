/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * taint WHAT: compare something that nobody should learn by the time that it takes, under valgrind,
 * for which the secrets have no defined value, and which reports each branch and each address that
 * depends on them. That two values are equal is no secret: the answer shows it.
 *
 *   code      a code with those that a secret has in the window
 *   recovery  a recovery code with the hashes of the record's
 *   early     codes, by a comparison that ends at the first difference: valgrind must report it
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "otp/totp.h"
#include "record/recovery.h"

bool __real_secret_equal(const void *a, const void *b, size_t len);
bool __wrap_secret_equal(const void *a, const void *b, size_t len);

bool __wrap_secret_equal(const void *a, const void *b, size_t len)
{
	bool equal = __real_secret_equal(a, b, len);

	(void)VALGRIND_MAKE_MEM_DEFINED(&equal, sizeof(equal));
	return equal;
}

static struct secret some_secret(void)
{
	struct secret secret = {.len = 20};

	memset(secret.data, 7, secret.len);
	(void)VALGRIND_MAKE_MEM_UNDEFINED(secret.data, secret.len);
	return secret;
}

static void compare_code(void)
{
	const struct secret secret = some_secret();
	const struct step_window window = {.centre = 50000000, .reach = 10};
	const struct code typed = {"123456"};
	struct step_match match;

	for (enum hmac_alg alg = HMAC_SHA1; alg <= HMAC_SHA512; alg++)
		if (totp_find_step(&(struct hotp){alg, 6, &secret}, &typed, &window, &match) !=
		    TOTP_OK)
			errx(1, "no codes");
}

static void compare_recovery_code(void)
{
	struct cred cred = {.recovery_count = 0};
	struct recovery_code codes[RECOVERY_MAX];
	int index = 0;

	if (recovery_make(&cred, RECOVERY_MAX, codes) != TOTP_OK)
		errx(1, "no recovery codes");
	(void)VALGRIND_MAKE_MEM_UNDEFINED(cred.recovery_hash, sizeof(cred.recovery_hash));
	if (recovery_find(&cred, codes[3].text, &index) != TOTP_OK || index != 3)
		errx(1, "the code is not found");
}

static void compare_early(void)
{
	const struct secret secret = some_secret();
	const struct code typed = {"123456"};
	struct code right = {""};
	bool same = true;

	if (hotp_code(&(struct hotp){HMAC_SHA1, 6, &secret}, 50000000, &right) != TOTP_OK)
		errx(1, "no code");
	for (size_t i = 0; i < 6 && same; i++)
		same = ((volatile char *)right.text)[i] == typed.text[i];
	(void)VALGRIND_MAKE_MEM_DEFINED(&same, sizeof(same));
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (!RUNNING_ON_VALGRIND)
		errx(2, "to be run under valgrind");
	if (strcmp(what, "code") == 0)
		compare_code();
	else if (strcmp(what, "recovery") == 0)
		compare_recovery_code();
	else if (strcmp(what, "early") == 0)
		compare_early();
	else
		errx(2, "usage: taint code|recovery|early");
	return 0;
}
