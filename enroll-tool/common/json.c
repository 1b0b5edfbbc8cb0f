#include "common/json.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct json json_of(char *text, size_t cap)
{
	return (struct json){.out = buffer_of(text, cap)};
}

static void put(struct json *json, const char *text)
{
	buffer_copy(&json->out, text, strlen(text));
}

/* RFC 8259 section 7 */
static void put_string(struct json *json, const char *text)
{
	bool clean = text_is_clean(text_of(text));
	char escape[8];

	put(json, "\"");
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
		put(json, escape);
	}
	put(json, "\"");
}

static void begin(struct json *json, const char *name)
{
	if (json->comma)
		put(json, ", ");
	json->comma = true;
	if (!name)
		return;
	put_string(json, name);
	put(json, ": ");
}

void json_open(struct json *json, const char *name, char bracket)
{
	begin(json, name);
	buffer_copy(&json->out, &bracket, 1);
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	buffer_copy(&json->out, &bracket, 1);
	json->comma = true;
}

void json_text(struct json *json, const char *name, const char *text)
{
	begin(json, name);
	if (text)
		put_string(json, text);
	else
		put(json, "null");
}

void json_number(struct json *json, const char *name, uint64_t number)
{
	char digits[24];

	begin(json, name);
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	put(json, digits);
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin(json, name);
	put(json, value ? "true" : "false");
}

enum totp_err json_end(struct json *json)
{
	put(json, "\n");
	return buffer_end(&json->out);
}
