/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is the texts of a key, in the order of the struct, with a NUL between. */
#include "fuzz.h"

#include "otp/hotp.h"
#include "import/pskc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = fuzz_text(data, size);
	struct pskc_texts texts;
	struct text *const members[] = {&texts.algorithm, &texts.suite,  &texts.length,
					&texts.encoding,  &texts.check,  &texts.secret,
					&texts.counter,   &texts.time,   &texts.interval,
					&texts.drift,     &texts.serial, &texts.user};
	struct reason why = {""};
	struct imported pskc;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		*members[i] = (struct text){"", 0};
		(void)text_field(&input, '\0', members[i]);
	}
	if (pskc_decode(&texts, NULL, &pskc, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && pskc.token.secret.len == 0 && pskc.user[0] == '\0');
		return 0;
	}
	REQUIRE(pskc.token.secret.len >= SECRET_IMPORT_MIN && pskc.token.secret.len <= SECRET_MAX);
	REQUIRE(pskc.token.digits >= CODE_DIGITS_MIN && pskc.token.digits <= CODE_DIGITS_MAX);
	REQUIRE(pskc.token.type == TOKEN_HOTP ? pskc.token.period == 0 && pskc.token.offset == 0
					      : pskc.token.period >= 15);
	REQUIRE(pskc.token.offset >= -CRED_OFFSET_MAX && pskc.token.offset <= CRED_OFFSET_MAX);
	REQUIRE(pskc.token.label[0] == '\0' || cred_label_is_good(text_of(pskc.token.label)));
	return 0;
}
