/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is a message of either kind: a message that can be read is written unchanged. */
#include "fuzz.h"

#include "login/wire.h"

static void read_request(const uint8_t *data, size_t size)
{
	static const struct wire_request nothing;
	struct wire_request request;
	uint8_t again[WIRE_REQUEST_LEN];

	if (wire_get_request(data, size, &request) != TOTP_OK) {
		REQUIRE(memcmp(&request, &nothing, sizeof(request)) == 0);
		return;
	}
	REQUIRE(request.token.secret.len <= SECRET_MAX);
	REQUIRE(wire_put_request(&request, again) == TOTP_OK);
	REQUIRE(size == sizeof(again) && memcmp(data, again, size) == 0);
}

static void read_response(const uint8_t *data, size_t size)
{
	static const struct wire_response nothing;
	struct wire_response response;
	uint8_t again[WIRE_RESPONSE_LEN];

	if (wire_get_response(data, size, &response) != TOTP_OK) {
		REQUIRE(memcmp(&response, &nothing, sizeof(response)) == 0);
		return;
	}
	REQUIRE(response.status.token_count <= CRED_TOKENS_MAX);
	REQUIRE(response.code_count <= RECOVERY_MAX);
	REQUIRE(wire_put_response(&response, again) == TOTP_OK);
	REQUIRE(size == sizeof(again) && memcmp(data, again, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_request(data, size);
	read_response(data, size);
	return 0;
}
