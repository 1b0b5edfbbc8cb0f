/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user name becomes in the names of files and keys. */
#include <string.h>

#include "base/text.h"
#include "store/store.h"

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
