/* SPDX-License-Identifier: BSD-2-Clause */
/* Secrets, and the two other things on which everything else depends: owners and errors. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "base/secret.h"

static void a_secret_holds_1_to_128_bytes(void **unused)
{
	uint8_t bytes[SECRET_MAX + 1];
	struct secret secret = {0};

	memset(bytes, 0x5a, sizeof(bytes));
	assert_ok(secret_set(&secret, bytes, 3));
	assert_refused(RANGE, secret_set(&secret, bytes, 0));
	assert_refused(RANGE, secret_set(&secret, bytes, SECRET_MAX + 1));
	assert_int_equal(3, secret.len);
	assert_ok(secret_set(&secret, bytes, SECRET_MAX));
	assert_int_equal(SECRET_MAX, secret.len);
	assert_memory_equal(bytes, secret.data, SECRET_MAX);
}

static void a_shorter_secret_leaves_nothing_of_a_longer_one(void **unused)
{
	struct secret secret = {0};

	assert_ok(secret_set(&secret, "the longer one", 14));
	assert_ok(secret_set(&secret, "short", 5));
	assert_zeros(secret.data + 5, sizeof(secret.data) - 5);
}

static void wiping_leaves_zeros(void **unused)
{
	struct secret secret;
	char text[9] = "password";

	memset(&secret, 0xff, sizeof(secret));
	secret_wipe(&secret);
	assert_wiped(secret);
	WIPE(text);
	assert_wiped(text);
}

static void secrets_are_equal_only_if_every_bit_is(void **unused)
{
	uint8_t a[32], b[32];

	memset(a, 0xa5, sizeof(a));
	memset(b, 0xa5, sizeof(b));
	assert_true(secret_equal(a, b, sizeof(a)));
	for (size_t bit = 0; bit < 8 * sizeof(b); bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(secret_equal(a, b, sizeof(a)));
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(secret_equal(a, "x", 0));
}

static int open_something(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void a_descriptor_is_closed_when_its_scope_ends(void **unused)
{
	int seen;

	{
		OWN_FD int fd = open_something();

		seen = fd;
		assert_true(is_open(seen));
	}
	assert_false(is_open(seen));
}

static void a_descriptor_that_was_taken_stays_open_after_the_scope(void **unused)
{
	int kept;

	{
		OWN_FD int fd = open_something();

		kept = fd_take(&fd);
		assert_int_equal(-1, fd);
	}
	assert_true(is_open(kept));
	assert_int_equal(-1, fd_close(kept));
	assert_false(is_open(kept));
}

static void closing_keeps_errno_and_accepts_minus_1(void **unused)
{
	errno = EXDEV;
	assert_int_equal(-1, fd_close(-1));
	assert_int_equal(-1, fd_close(1000000)); /* EBADF */
	assert_int_equal(EXDEV, errno);
}

static void a_text_is_freed_once(void **unused)
{
	char *text = strdup("text");

	text_scope_end(&text);
	assert_null(text);
	text_scope_end(&text);
}

static void every_error_has_a_name_of_its_own(void **unused)
{
	for (int a = TOTP_OK; a < TOTP_ERR_COUNT_; a++) {
		assert_string_not_equal("unknown error", err_name((enum totp_err)a));
		for (int b = TOTP_OK; b < a; b++)
			assert_string_not_equal(err_name((enum totp_err)a),
						err_name((enum totp_err)b));
	}
	assert_string_equal("unknown error", err_name(TOTP_ERR_COUNT_));
	assert_string_equal("unknown error", err_name((enum totp_err)99));
}

static void success_is_zero(void **unused)
{
	assert_int_equal(0, TOTP_OK);
}

static void a_reason_is_cut_at_its_size(void **unused)
{
	struct reason why;
	char longer[400];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	reason_set(&why, "%s", longer);
	assert_int_equal(sizeof(why.text) - 1, strlen(why.text));
	errno = EACCES;
	assert_refused(SYSTEM, reason_errno(&why, "%s", longer));
	assert_int_equal(sizeof(why.text) - 1, strlen(why.text));
}

static void a_reason_of_null_is_not_written(void **unused)
{
	errno = EACCES;
	reason_set(NULL, "%d", 1);
	assert_refused(SYSTEM, reason_errno(NULL, "%d", 1));
	assert_int_equal(EACCES, errno);
}

static void a_reason_ends_with_the_text_of_errno_and_keeps_it(void **unused)
{
	struct reason why;

	errno = EACCES;
	assert_refused(SYSTEM, reason_errno(&why, "%s: cannot read", "file"));
	assert_string_equal("file: cannot read: Permission denied", why.text);
	assert_int_equal(EACCES, errno);

	reason_set(&why, "plain");
	assert_string_equal("plain", why.text);
	assert_int_equal(EACCES, errno);
}

static void a_missing_file_is_not_found(void **unused)
{
	struct reason why;

	errno = ENOENT;
	assert_refused(NOT_FOUND, reason_errno(&why, "file"));
	assert_int_equal(ENOENT, errno);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_holds_1_to_128_bytes),
		cmocka_unit_test(a_shorter_secret_leaves_nothing_of_a_longer_one),
		cmocka_unit_test(wiping_leaves_zeros),
		cmocka_unit_test(secrets_are_equal_only_if_every_bit_is),
		cmocka_unit_test(a_descriptor_is_closed_when_its_scope_ends),
		cmocka_unit_test(a_descriptor_that_was_taken_stays_open_after_the_scope),
		cmocka_unit_test(closing_keeps_errno_and_accepts_minus_1),
		cmocka_unit_test(a_text_is_freed_once),
		cmocka_unit_test(every_error_has_a_name_of_its_own),
		cmocka_unit_test(success_is_zero),
		cmocka_unit_test(a_reason_is_cut_at_its_size),
		cmocka_unit_test(a_reason_of_null_is_not_written),
		cmocka_unit_test(a_reason_ends_with_the_text_of_errno_and_keeps_it),
		cmocka_unit_test(a_missing_file_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
