/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/field.h"

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
