/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include "otp/base32.h"
#include "otp/uri.h"
#include "import/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char base32[BASE32_TEXT_MAX], line[CRED_USER_MAX + BASE32_TEXT_MAX + 32];
	struct reason why = {""};
	struct imported row, back;

	if (csv_decode_row(fuzz_text(data, size), &row, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && row.token.secret.len == 0 && row.user[0] == '\0');
		return 0;
	}
	base32_encode(&row.token.secret, base32);
	snprintf(line, sizeof(line), "%s,%s,%s,%u,%s%llu", row.user, base32,
		 crypto_alg_name(row.token.alg), row.token.digits,
		 row.token.type == TOKEN_HOTP ? "hotp:" : "",
		 row.token.type == TOKEN_HOTP ? (unsigned long long)row.moving : row.token.period);
	REQUIRE(csv_decode_row(text_of(line), &back, &why) == TOTP_OK);
	REQUIRE(strcmp(row.user, back.user) == 0 && row.token.alg == back.token.alg);
	REQUIRE(row.token.digits == back.token.digits && row.token.period == back.token.period);
	REQUIRE(row.token.type == back.token.type && row.moving == back.moving);
	REQUIRE(memcmp(&row.token.secret, &back.token.secret, sizeof(row.token.secret)) == 0);
	return 0;
}
