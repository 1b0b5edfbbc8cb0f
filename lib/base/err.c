/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __attribute__((format(printf, 2, 0))) void reason_format(struct reason *why,
								const char *format, va_list args)
{
	int kept = errno;

	if (why)
		vsnprintf(why->text, sizeof(why->text), format, args);
	errno = kept;
}

void reason_set(struct reason *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	reason_format(why, format, args);
	va_end(args);
}

#undef reason_err /* what the analyzer takes for it */
enum totp_err reason_err(struct reason *why, enum totp_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	reason_format(why, format, args);
	va_end(args);
	return err;
}

enum totp_err reason_errno(struct reason *why, const char *format, ...)
{
	int kept = errno;
	char cause[80];
	va_list args;

	va_start(args, format);
	reason_format(why, format, args);
	va_end(args);
	if (why) {
		size_t used = strlen(why->text);

		/* GNU strerror_r: returns the text, thread-safe */
		snprintf(why->text + used, sizeof(why->text) - used, ": %s",
			 strerror_r(kept, cause, sizeof(cause)));
	}
	errno = kept;
	return kept == ENOENT ? TOTP_ERR_NOT_FOUND : TOTP_ERR_SYSTEM;
}

const char *err_name(enum totp_err err)
{
	static const char names[TOTP_ERR_COUNT_][20] = {
		[TOTP_OK] = "ok",
		[TOTP_ERR_SYSTEM] = "system call failed",
		[TOTP_ERR_NOMEM] = "out of memory",
		[TOTP_ERR_CRYPTO] = "libcrypto failed",
		[TOTP_ERR_ARGUMENT] = "bad argument",
		[TOTP_ERR_FORMAT] = "wrong format",
		[TOTP_ERR_RANGE] = "out of range",
		[TOTP_ERR_UNSAFE] = "unsafe file",
		[TOTP_ERR_SEAL] = "seal broken",
		[TOTP_ERR_NOT_FOUND] = "not found",
		[TOTP_ERR_EXISTS] = "already there",
		[TOTP_ERR_STALE] = "changed meanwhile",
		[TOTP_ERR_TIMEOUT] = "timed out",
		[TOTP_ERR_UNSUPPORTED] = "not supported",
		[TOTP_ERR_UNCERTAIN] = "not confirmed",
		[TOTP_ERR_PEER] = "no valid answer",
		[TOTP_ERR_FORBIDDEN] = "not allowed",
		[TOTP_ERR_OTHER_STORE] = "other store",
	};

	return err < TOTP_ERR_COUNT_ && names[err][0] ? names[err] : "unknown error";
}

const char *err_word(enum totp_err err, char ret_word[ERR_WORD_MAX])
{
	snprintf(ret_word, ERR_WORD_MAX, "%s", err_name(err));
	for (char *c = ret_word; *c; c++)
		if (*c == ' ')
			*c = '_';
	return ret_word;
}
