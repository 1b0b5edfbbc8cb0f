/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/secret.h"
#include "base/text.h"

static void write_out(struct json *json)
{
	if (!json->failed && io_write(STDOUT_FILENO, json->text, json->len) != TOTP_OK)
		json->failed = true;
	json->len = 0;
}

static void put_text(struct json *json, const char *text)
{
	for (; *text; text++) {
		if (json->len == sizeof(json->text))
			write_out(json);
		json->text[json->len++] = *text;
	}
}

/* RFC 8259 section 7 */
static void put_quoted(struct json *json, const char *text)
{
	bool clean = text_is_clean(text_of(text));
	char escape[8];

	put_text(json, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			snprintf(escape, sizeof(escape), "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			snprintf(escape, sizeof(escape), "\\u%04x", c);
		else if (c >= 0x80 && !clean)
			snprintf(escape, sizeof(escape), "\\ufffd");
		else
			snprintf(escape, sizeof(escape), "%c", c);
		put_text(json, escape);
	}
	put_text(json, "\"");
	WIPE(escape);
}

/* What stands before a value. */
static void put_name(struct json *json, const char *name)
{
	if (json->comma)
		put_text(json, json->depth == 1 && json->array ? ",\n " : ", ");
	json->comma = true;
	if (!name)
		return;
	put_quoted(json, name);
	put_text(json, ": ");
}

void json_begin(struct json *json, char bracket)
{
	/* what was printed before comes first */
	*json = (struct json){.array = bracket == '[', .failed = fflush(stdout) != 0};
	json_open(json, NULL, bracket);
}

void json_open(struct json *json, const char *name, char bracket)
{
	const char text[] = {bracket, '\0'};

	put_name(json, name);
	put_text(json, text);
	json->depth++;
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	const char text[] = {bracket, '\0'};

	put_text(json, text);
	json->depth--;
	json->comma = true;
}

void json_text(struct json *json, const char *name, const char *text)
{
	put_name(json, name);
	if (text)
		put_quoted(json, text);
	else
		put_text(json, "null");
}

void json_number(struct json *json, const char *name, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	put_name(json, name);
	put_text(json, digits);
}

void json_bool(struct json *json, const char *name, bool value)
{
	put_name(json, name);
	put_text(json, value ? "true" : "false");
}

bool json_end(struct json *json)
{
	bool failed;

	put_text(json, json->array ? "]\n" : "}\n");
	write_out(json);
	failed = json->failed;
	WIPE(*json);
	return !failed;
}
