/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a PSKC container, as XML. What totpctl has around the walk through its elements is
 * replaced: the file, its list of users, the passphrase of RFC 6030's figure 7 or the key of its
 * figure 6, and what is stored.
 */
#include "fuzz.h"

#include <stdarg.h>

#include "common/passphrase.h"
#include "import/import.h"
#include "import/owners.h"

#define DIGITS_MAX 4 /* of the iterations of PBKDF2: more only take longer */
#define USERS      "1001,alice\n1002,bob\n"

static struct {
	char *container;
	size_t len;
	char users[sizeof(USERS)];
	bool derived;
	unsigned tokens, bad;
} input;

enum totp_err import_file(struct import *import, const char *path, size_t max,
			  struct import_text *ret_text, struct reason *why)
{
	(void)import;
	(void)why;
	*ret_text = (struct import_text){input.container, input.len, .place = {.file = path}};
	if (path == owners_path)
		*ret_text = (struct import_text){input.users, strlen(input.users),
						 .place = {.file = path}};
	REQUIRE(ret_text->len <= max);
	return TOTP_OK;
}

struct text import_without_mark(const struct import_text *file)
{
	return (struct text){file->at, file->len};
}

void progress_clear(struct progress *progress)
{
	(void)progress;
}

int passphrase_old(const struct tool *tool, struct secret *ret_phrase)
{
	(void)tool;
	return secret_set(ret_phrase, input.derived ? "qwerty" : "12345678901234567890123456789012",
			  input.derived ? 6 : 32) == TOTP_OK
		       ? TOOL_DONE
		       : TOOL_REFUSED;
}

void import_tell(struct import *import, enum import_note note, const struct place *place,
		 const char *format, ...)
{
	char line[256];
	va_list args;

	(void)import;
	REQUIRE(place->file == owners_path || place->line <= input.len + 1);
	va_start(args, format);
	REQUIRE(vsnprintf(line, sizeof(line), format, args) > 0);
	va_end(args);
	input.bad += note == IMPORT_BAD && place->file != owners_path;
}

enum totp_err import_token(struct import *import, const struct place *place, struct imported *token,
			   struct reason *why)
{
	(void)import;
	(void)why;
	REQUIRE(place->line > 0 && token->user[0] && text_is_clean(text_of(token->user)));
	REQUIRE(token->token.secret.len >= SECRET_IMPORT_MIN);
	input.tokens++;
	return TOTP_OK;
}

int import_run(struct ctl *ctl, struct import *import, import_read_fn *read)
{
	struct reason why = {""};
	enum totp_err err;

	import->ctl = ctl;
	err = read(import, &why);
	REQUIRE(err == TOTP_OK || why.text[0]);
	/* of a container without a key that is imported, something is reported */
	REQUIRE(err != TOTP_OK || input.tokens || input.bad);
	return TOOL_DONE;
}

/* Does PBKDF2 take long for it? */
static bool is_slow(struct text text)
{
	static const char count[] = "IterationCount";
	const char *at = memmem(text.at, text.len, count, strlen(count));

	for (size_t digits = 0; at && at < text.at + text.len && digits <= DIGITS_MAX; at++) {
		digits = *at >= '0' && *at <= '9' ? digits + 1 : 0;
		if (digits > DIGITS_MAX)
			return true;
		if (*at == '/')
			break;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char container[] = "container", *words[] = {container, NULL};
	struct ctl ctl = {.words = words};

	if (is_slow(fuzz_text(data, size)))
		return 0;
	input.container = malloc(size ? size : 1); /* which a reader may write to */
	REQUIRE(input.container);
	memcpy(input.container, data, size);
	input.len = size;
	strcpy(input.users, USERS);
	input.derived = memmem(data, size, "DerivedKey", 10) != NULL;
	input.tokens = input.bad = 0;
	owners_path = "users";
	REQUIRE(import_pskc(&ctl) == TOOL_DONE);
	free(input.container);
	return 0;
}
