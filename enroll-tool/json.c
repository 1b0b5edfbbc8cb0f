#include "json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"

static void put(struct buffer *out, const char *text)
{
	buffer_copy(out, text, strlen(text));
}

/* A JSON string (RFC 8259 section 7). What is no clean UTF-8 is not copied as it is. */
static void put_string(struct buffer *out, const char *text)
{
	bool clean = text_is_clean(text_of(text));
	char escape[8];

	put(out, "\"");
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
		put(out, escape);
	}
	put(out, "\"");
}

static void put_member(struct buffer *out, const char *name, const char *value)
{
	put_string(out, name);
	put(out, ": ");
	put_string(out, value);
	put(out, ", ");
}

static void put_codes(struct buffer *out, const struct recovery_code *codes, unsigned count)
{
	char shown[RECOVERY_SHOWN_MAX];

	put(out, "\"recovery_codes\": [");
	for (unsigned i = 0; i < count; i++) {
		recovery_show(&codes[i], shown);
		put(out, i ? ", " : "");
		put_string(out, shown);
	}
	WIPE(shown);
	put(out, "], ");
}

static void put_numbers(struct buffer *out, const struct otp_uri *uri)
{
	char numbers[80];

	if (uri->hotp)
		snprintf(numbers, sizeof(numbers), "\"digits\": %u, \"counter\": %llu, ",
			 uri->digits, (unsigned long long)uri->counter);
	else
		snprintf(numbers, sizeof(numbers), "\"digits\": %u, \"period\": %u, ", uri->digits,
			 (unsigned)uri->period);
	put(out, numbers);
}

enum totp_err json_show(const struct otp_uri *uri, const char *user, const char *label,
			const struct recovery_code *codes, unsigned count)
{
	char json[8192], text[URI_TEXT_MAX];
	struct buffer out = buffer_of(json, sizeof(json));
	enum totp_err err = uri_write(uri, text);

	put(&out, "{");
	put_member(&out, "user", user);
	put_member(&out, "issuer", uri->issuer);
	put_member(&out, "account", uri->account);
	put_member(&out, "label", label);
	put_member(&out, "type", uri->hotp ? "hotp" : "totp");
	put_member(&out, "algorithm", uri_algorithm_name(uri->alg));
	put_numbers(&out, uri);
	put_codes(&out, codes, count);
	put_member(&out, "uri", text);
	base32_encode(&uri->secret, text);
	put(&out, "\"secret\": ");
	put_string(&out, text);
	put(&out, "}\n");
	if (err == TOTP_OK)
		err = buffer_end(&out);
	if (err == TOTP_OK)
		err = io_write(STDOUT_FILENO, json, out.len);
	WIPE(json);
	WIPE(text);
	return err;
}
