/*
 * JSON text (RFC 8259) on one line, into a buffer that its caller wipes or prints. Commas
 * are put where they belong. `name` is that of a member, or NULL in an array.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "base/bytes.h"

struct json {
	struct buffer out;
	bool comma; /* something stands before what comes next */
};

struct json json_of(char *text, size_t cap);

/* bracket: '{' or '['; the closing one is '}' or ']'. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);

/* NULL becomes null. Of text that is no clean UTF-8, bytes beyond ASCII become U+FFFD. */
void json_text(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, uint64_t number);
void json_bool(struct json *json, const char *name, bool value);

/* End the line. TOTP_ERR_RANGE: not all of it fitted. */
MUST_CHECK enum totp_err json_end(struct json *json);

#endif
