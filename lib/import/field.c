/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/field.h"

#include "base/base64.h"
#include "otp/base32.h"

void imported_wipe(struct imported *imported)
{
	explicit_bzero(imported, sizeof(*imported));
}

struct text field_word(struct text *rest)
{
	struct text word;
	size_t len = 0;

	*rest = text_trim(*rest);
	while (len < rest->len && rest->at[len] != ' ' && rest->at[len] != '\t')
		len++;
	word = (struct text){rest->at, len};
	*rest = (struct text){rest->at + len, rest->len - len};
	return word;
}

bool field_begins(struct text text, const char *start)
{
	size_t len = strlen(start);

	return text.len >= len && memcmp(text.at, start, len) == 0;
}

static bool is_xml_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct text field_xml_trim(struct text text)
{
	while (text.len && is_xml_blank(text.at[0]))
		text = (struct text){text.at + 1, text.len - 1};
	while (text.len && is_xml_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

enum totp_err field_xml_base64(struct text text, struct buffer *out)
{
	enum totp_err err = TOTP_OK;
	char group[4]; /* four characters are three bytes */
	size_t len = 0;
	bool ended = false;

	for (size_t i = 0; i < text.len && err == TOTP_OK; i++) {
		if (is_xml_blank(text.at[i]))
			continue;
		if (ended) /* padding ends it */
			err = TOTP_ERR_FORMAT;
		group[len++] = text.at[i];
		if (len < sizeof(group))
			continue;
		ended = group[3] == '=';
		len = 0;
		if (err == TOTP_OK)
			err = base64_append(group, sizeof(group), out);
	}
	WIPE(group);
	return err == TOTP_OK && len ? TOTP_ERR_FORMAT : err;
}

enum totp_err field_user(struct text text, char ret_user[CRED_USER_MAX + 1], struct reason *why)
{
	if (text.len && text_is_clean(text) &&
	    text_copy(text, ret_user, CRED_USER_MAX + 1) == TOTP_OK)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_FORMAT, "user: expected a name of 1 to %d bytes",
			  CRED_USER_MAX);
}

enum totp_err field_number(struct text text, const struct field_range *range, uint64_t *ret_number,
			   struct reason *why)
{
	enum totp_err err = text_number(text, range->min, range->max, ret_number);

	if (err != TOTP_OK)
		reason_set(why, "%s: expected a number from %u to %u", range->name,
			   (unsigned)range->min, (unsigned)range->max);
	return err;
}

enum totp_err field_secret(enum totp_err err, const struct secret *secret, const char *name,
			   const char *encoding, struct reason *why)
{
	if (err == TOTP_OK && secret->len < SECRET_IMPORT_MIN)
		err = TOTP_ERR_RANGE;
	if (err == TOTP_ERR_FORMAT)
		reason_set(why, "%s: not %s", name, encoding);
	if (err == TOTP_ERR_RANGE)
		reason_set(why, "%s: expected %d to %d bytes in %s", name, SECRET_IMPORT_MIN,
			   SECRET_MAX, encoding);
	return err;
}

enum totp_err field_base32(struct text text, const char *name, struct imported *imported,
			   struct reason *why)
{
	struct secret *secret = &imported->token.secret;
	enum totp_err err = base32_decode_cut(text.at, text.len, secret, &imported->cut);

	return field_secret(err, secret, name, "base32 (A to Z and 2 to 7)", why);
}

enum totp_err field_hex(struct text text, const char *name, struct secret *ret_secret,
			struct reason *why)
{
	size_t len = text.len / 2;
	enum totp_err err = text.len ? TOTP_ERR_RANGE : TOTP_ERR_FORMAT;

	if (len > 0 && len <= SECRET_MAX)
		err = text_hex(text, ret_secret->data, len);
	ret_secret->len = err == TOTP_OK ? len : 0;
	return field_secret(err, ret_secret, name, "hexadecimal (two digits a byte)", why);
}
