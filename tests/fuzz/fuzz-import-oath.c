/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is one line, which is written again from what was read, and read once more. */
#include "fuzz.h"

#include "import/oath.h"

#define KEY_HEX_MAX (2 * SECRET_MAX + 1)

static void write_line(const struct imported *oath, char *line, size_t cap)
{
	const struct tm *when = &oath->when;
	char key[KEY_HEX_MAX], type[16] = "E", last[64] = "";

	text_to_hex(oath->token.secret.data, oath->token.secret.len, key);
	if (oath->token.type == TOKEN_TOTP)
		snprintf(type, sizeof(type), "T%u", oath->token.period);
	if (oath->used && when->tm_mday)
		snprintf(last, sizeof(last), " %s %04d-%02d-%02dT%02d:%02d:%02dL", oath->last.text,
			 when->tm_year + 1900, when->tm_mon + 1, when->tm_mday, when->tm_hour,
			 when->tm_min, when->tm_sec);
	else if (oath->used)
		snprintf(last, sizeof(last), " %s", oath->last.text);
	snprintf(line, cap, "HOTP/%s/%u %s %s %s %llu%s", type, oath->token.digits, oath->user,
		 oath->prefixed ? "1234" : "+", key,
		 (unsigned long long)oath->moving - (oath->token.type == TOKEN_HOTP && oath->used),
		 last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[CRED_USER_MAX + KEY_HEX_MAX + 128];
	struct reason why = {""};
	struct imported oath, back;

	if (oath_decode(fuzz_text(data, size), &oath, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && oath.token.secret.len == 0 && oath.user[0] == '\0');
		return 0;
	}
	if (!oath.used)
		oath.when = (struct tm){0}; /* the format has no place for it */
	write_line(&oath, line, sizeof(line));
	REQUIRE(oath_decode(text_of(line), &back, &why) == TOTP_OK);
	REQUIRE(memcmp(&oath, &back, sizeof(oath)) == 0);
	return 0;
}
