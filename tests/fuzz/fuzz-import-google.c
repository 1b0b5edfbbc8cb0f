/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is one file, read in both formats. */
#include "fuzz.h"

#include "import/google.h"

static void decode(struct text text, enum google_kind kind)
{
	struct reason why = {""};
	struct imported google;

	if (google_decode(text, kind, &google, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && google.token.secret.len == 0 && google.code_count == 0);
		return;
	}
	REQUIRE(google.sealed || google.token.secret.len >= SECRET_IMPORT_MIN);
	REQUIRE(google.token.secret.len <= SECRET_MAX);
	REQUIRE(google.token.digits >= CODE_DIGITS_MIN && google.token.digits <= CODE_DIGITS_MAX);
	REQUIRE(google.token.type == TOKEN_HOTP
			? google.token.period == 0
			: google.token.period >= 15 && google.token.period <= 60);
	REQUIRE(google.code_count <= RECOVERY_MAX);
	for (unsigned i = 0; i < google.code_count; i++)
		REQUIRE(strspn(google.codes[i].text, "0123456789") == CODE_DIGITS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode(fuzz_text(data, size), GOOGLE_AUTHENTICATOR);
	decode(fuzz_text(data, size), GOOGLE_TOTPCGI);
	return 0;
}
