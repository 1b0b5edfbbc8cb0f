/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is a URI; or, without its scheme, the bytes of one account. */
#include "fuzz.h"

#include "import/migration.h"

static void check_account(struct text account)
{
	struct reason why = {""};
	struct otp_uri uri;

	if (migration_account(account, &uri, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && uri.secret.len == 0 && uri.account[0] == '\0');
		return;
	}
	REQUIRE(uri.secret.len >= 1 && uri.secret.len <= SECRET_MAX);
	REQUIRE(uri.digits == 6 || uri.digits == 8);
	REQUIRE(uri.alg >= HMAC_SHA1 && uri.alg <= HMAC_SHA512);
	REQUIRE(text_is_clean(text_of(uri.account)) && text_is_clean(text_of(uri.issuer)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct migration migration;
	struct reason why = {""};

	if (!migration_is_uri(fuzz_text(data, size))) {
		check_account(fuzz_text(data, size));
		return 0;
	}
	if (migration_decode(fuzz_text(data, size), &migration, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && migration.count == 0 && migration.len == 0);
		return 0;
	}
	REQUIRE(migration.part < migration.parts && migration.parts <= MIGRATION_PARTS_MAX);
	for (unsigned i = 0; i < migration.count; i++)
		check_account(migration.accounts[i]);
	return 0;
}
