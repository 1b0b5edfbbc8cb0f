/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include "record/invite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[INVITE_BYTES_MAX];
	struct invite invite;
	struct cred cred;
	size_t len = 0;

	if (invite_decode(data, size, &invite) != TOTP_OK)
		return 0;
	REQUIRE(invite_encode(&invite, again, &len) == TOTP_OK);
	REQUIRE(len == size && memcmp(again, data, size) == 0);
	REQUIRE(cred_decode(data, size, &cred) != TOTP_OK);
	REQUIRE(!invite_holds(&invite, invite.uid, invite.expires));
	return 0;
}
