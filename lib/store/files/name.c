/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of the files engine's files: what a user name becomes. */
#include "store/files/files.h"

enum totp_err store_name(const char *user, char ret_name[STORE_NAME_MAX + 1])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;

	for (size_t i = 0; user[i]; i++) {
		unsigned char c = (unsigned char)user[i];
		bool keep = strchr(plain, c) && !(i == 0 && c == '.');

		if (len + (keep ? 1 : 3) > STORE_NAME_MAX)
			return TOTP_ERR_RANGE;
		if (keep) {
			ret_name[len++] = (char)c;
			continue;
		}
		ret_name[len++] = '%';
		ret_name[len++] = digits[c >> 4];
		ret_name[len++] = digits[c & 15];
	}
	ret_name[len] = '\0';
	return len ? TOTP_OK : TOTP_ERR_RANGE;
}

enum totp_err store_user_of(const char *name, char ret_user[CRED_USER_MAX + 1])
{
	char again[STORE_NAME_MAX + 1];
	size_t len = 0;
	uint8_t byte;

	for (const char *c = name; *c && len < CRED_USER_MAX; c++) {
		if (*c != '%') {
			ret_user[len++] = *c;
			continue;
		}
		if (!c[1] || !c[2] || text_hex((struct text){c + 1, 2}, &byte, 1) != TOTP_OK)
			return TOTP_ERR_FORMAT;
		ret_user[len++] = (char)byte;
		c += 2;
	}
	ret_user[len] = '\0';
	/* a user has one name, so any other spelling is nobody's */
	if (store_name(ret_user, again) != TOTP_OK || strcmp(again, name) != 0)
		return TOTP_ERR_FORMAT;
	return TOTP_OK;
}

enum totp_err files_state_name(const char *user, const uint8_t id[CRED_ID_LEN],
			       char ret_name[STORE_STATE_NAME_MAX + 1])
{
	enum totp_err err = store_name(user, ret_name);
	size_t len;

	if (err != TOTP_OK)
		return err;
	len = strlen(ret_name);
	ret_name[len] = '.';
	text_to_hex(id, CRED_ID_LEN, ret_name + len + 1);
	return TOTP_OK;
}

void files_prefix(struct reason *why, const char *directory)
{
	struct reason sentence;

	if (!why)
		return;
	sentence = *why;
	reason_set(why, "%s/%.240s", directory, sentence.text);
}
