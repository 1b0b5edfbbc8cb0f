/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include "otp/uri.h"

static bool same(const struct otp_uri *a, const struct otp_uri *b)
{
	return a->hotp == b->hotp && a->alg == b->alg && a->digits == b->digits &&
	       (a->hotp ? a->counter == b->counter : a->period == b->period) &&
	       strcmp(a->issuer, b->issuer) == 0 && strcmp(a->account, b->account) == 0 &&
	       memcmp(&a->secret, &b->secret, sizeof(a->secret)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[URI_TEXT_MAX];
	struct otp_uri uri, back;
	struct reason why = {""};

	if (uri_parse(fuzz_text(data, size), &uri, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && uri.secret.len == 0);
		return 0;
	}
	/* a name that some apps misread can be read, but not written */
	if (uri_write(&uri, text) != TOTP_OK)
		return 0;
	REQUIRE(strlen(text) < sizeof(text));
	REQUIRE(uri_parse(text_of(text), &back, &why) == TOTP_OK);
	REQUIRE(same(&uri, &back));
	return 0;
}
