/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is a message between hosts: a message that can be read is written unchanged. */
#include "fuzz.h"

#include "login/relay.h"

static void read_request(const uint8_t *data, size_t size)
{
	static const struct relay_request nothing;
	struct relay_request relay;
	uint8_t again[RELAY_REQUEST_LEN];

	if (relay_get_request(data, size, &relay) != TOTP_OK) {
		REQUIRE(memcmp(&relay, &nothing, sizeof(relay)) == 0);
		return;
	}
	REQUIRE(relay.known || relay.uid == 0);
	REQUIRE(relay.request.deadline == 0 && relay.request.store.dir[0] == '\0');
	REQUIRE(relay_put_request(&relay, again) == TOTP_OK);
	REQUIRE(size == sizeof(again) && memcmp(data, again, size) == 0);
}

static void read_response(const uint8_t *data, size_t size)
{
	static const struct relay_response nothing;
	struct relay_response relay;
	uint8_t again[RELAY_RESPONSE_LEN];

	if (relay_get_response(data, size, &relay) != TOTP_OK) {
		REQUIRE(memcmp(&relay, &nothing, sizeof(relay)) == 0);
		return;
	}
	REQUIRE(relay_put_response(&relay, again) == TOTP_OK);
	REQUIRE(size == sizeof(again) && memcmp(data, again, size) == 0);
}

static void read_hello(const uint8_t *data, size_t size)
{
	uint8_t nonce[RELAY_NONCE_LEN], again[RELAY_HELLO_LEN];

	if (relay_get_hello(data, size, nonce) != TOTP_OK)
		return;
	relay_put_hello(nonce, again);
	REQUIRE(size == sizeof(again) && memcmp(data, again, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_request(data, size);
	read_response(data, size);
	read_hello(data, size);
	return 0;
}
