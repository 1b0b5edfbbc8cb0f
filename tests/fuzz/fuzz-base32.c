/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include "otp/base32.h"

static void survives(const struct secret *key)
{
	char text[BASE32_TEXT_MAX];
	struct secret back;

	base32_encode(key, text);
	REQUIRE(base32_decode(text, strlen(text), &back) == TOTP_OK);
	REQUIRE(memcmp(key, &back, sizeof(back)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret key = {0};

	if (secret_set(&key, data, size) == TOTP_OK)
		survives(&key);
	if (base32_decode((const char *)data, size, &key) == TOTP_OK)
		survives(&key);
	else
		REQUIRE(key.len == 0);
	return 0;
}
