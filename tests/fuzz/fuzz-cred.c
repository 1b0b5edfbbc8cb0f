/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include "record/cred.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[CRED_BYTES_MAX];
	struct cred cred;
	size_t len = 0;

	if (cred_decode(data, size, &cred) != TOTP_OK) {
		REQUIRE(cred.token_count == 0 && cred.user[0] == '\0');
		return 0;
	}
	REQUIRE(cred_encode(&cred, again, &len) == TOTP_OK);
	REQUIRE(len == size && memcmp(again, data, size) == 0);
	return 0;
}
