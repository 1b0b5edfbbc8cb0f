/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is a line of seeds, or a header, a line end and a row. */
#include "fuzz.h"

#include "import/seeds.h"
#include "otp/totp.h"

static void check(enum totp_err err, const struct seed *seed, const struct reason *why)
{
	const struct token *token = &seed->imported.token;

	if (err != TOTP_OK) {
		REQUIRE(why->text[0] && token->secret.len == 0 && seed->imported.user[0] == '\0');
		return;
	}
	REQUIRE(seed->serial.len > 0);
	REQUIRE(token->secret.len >= SECRET_IMPORT_MIN && token->secret.len <= SECRET_MAX);
	REQUIRE(token->digits >= CODE_DIGITS_MIN && token->digits <= CODE_DIGITS_MAX);
	REQUIRE(token->type == TOKEN_HOTP ? token->period == 0 : token->period >= TOTP_PERIOD_MIN);
	REQUIRE(token->label[0] == '\0' || cred_label_is_good(text_of(token->label)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = fuzz_text(data, size), line = {"", 0};
	struct seeds_columns columns = {0};
	struct reason why = {""};
	struct seed seed;

	(void)text_line(&input, &line);
	if (!seeds_is_header(line)) {
		check(seeds_decode_hex(line, TOKEN_HOTP, &seed, &why), &seed, &why);
		check(seeds_decode_hex(line, TOKEN_TOTP, &seed, &why), &seed, &why);
		return 0;
	}
	if (seeds_decode_header(line, &columns, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && columns.count == 0);
		return 0;
	}
	line = (struct text){"", 0};
	(void)text_line(&input, &line);
	check(seeds_decode_row(line, &columns, &seed, &why), &seed, &why);
	return 0;
}
