#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void reason_format(struct reason *why, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void reason_format(struct reason *why, const char *format, va_list args)
{
	if (why)
		vsnprintf(why->text, sizeof(why->text), format, args);
}

void reason_set(struct reason *why, const char *format, ...)
{
	int kept = errno;
	va_list args;

	va_start(args, format);
	reason_format(why, format, args);
	va_end(args);
	errno = kept;
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
	switch (err) {
	case TOTP_OK:
		return "ok";
	case TOTP_ERR_SYSTEM:
		return "system call failed";
	case TOTP_ERR_NOMEM:
		return "out of memory";
	case TOTP_ERR_CRYPTO:
		return "libcrypto failed";
	case TOTP_ERR_ARGUMENT:
		return "bad argument";
	case TOTP_ERR_FORMAT:
		return "wrong format";
	case TOTP_ERR_RANGE:
		return "out of range";
	case TOTP_ERR_UNSAFE:
		return "unsafe file";
	case TOTP_ERR_SEAL:
		return "seal broken";
	case TOTP_ERR_NOT_FOUND:
		return "not found";
	case TOTP_ERR_EXISTS:
		return "already there";
	case TOTP_ERR_STALE:
		return "changed meanwhile";
	case TOTP_ERR_TIMEOUT:
		return "timed out";
	case TOTP_ERR_UNSUPPORTED:
		return "not supported";
	case TOTP_ERR_UNCERTAIN:
		return "not confirmed";
	case TOTP_ERR_PEER:
		return "malformed answer";
	case TOTP_ERR_FORBIDDEN:
		return "not allowed";
	case TOTP_ERR_OTHER_STORE:
		return "other store";
	case TOTP_ERR_COUNT_:
		break;
	}
	return "unknown error";
}

const char *err_word(enum totp_err err, char ret_word[ERR_WORD_MAX])
{
	snprintf(ret_word, ERR_WORD_MAX, "%s", err_name(err));
	for (char *c = ret_word; *c; c++)
		if (*c == ' ')
			*c = '_';
	return ret_word;
}
