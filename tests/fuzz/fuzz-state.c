/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is the two slots of a file without their MACs, the first half slot 0 and the
 * second slot 1, each filled up with zeros. Both are then authenticated for the example
 * credential, since no mutation finds a MAC.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include "example.h"
#include "record/state.h"

#define MAC_AT (STATE_SLOT_LEN - SHA256_LEN)

static void sign(uint8_t *slot, const struct cred *cred)
{
	bool whole = cred->version == RECORD_VERSION_FIRST;
	size_t used = whole ? MAC_AT : bytes_used(slot, MAC_AT);
	const uint8_t length[] = {(uint8_t)(used >> 8), (uint8_t)used};
	const struct piece pieces[] = {{length, whole ? 0 : sizeof(length)},
				       {slot, used},
				       {cred->user, strlen(cred->user)}};
	uint8_t mac[MAC_MAX];

	REQUIRE(crypto_hmac(HMAC_SHA256, (struct piece){cred->state_key, SHA256_LEN}, pieces, 3,
			    mac) == TOTP_OK);
	memcpy(slot + MAC_AT, mac, SHA256_LEN);
}

static void fill(uint8_t *slot, const uint8_t *data, size_t size, const struct cred *cred)
{
	memset(slot, 0, STATE_SLOT_LEN);
	memcpy(slot, data, size < MAC_AT ? size : MAC_AT);
	sign(slot, cred);
}

/* Decode one slot; returns whether it is valid. */
static bool decode(const uint8_t *slot, const struct cred *cred, struct login_state *ret_state)
{
	uint8_t again[STATE_SLOT_LEN];

	if (state_decode(slot, cred, ret_state) != TOTP_OK) {
		REQUIRE(ret_state->sequence == 0 && ret_state->token_count == 0);
		return false;
	}
	REQUIRE(state_encode(ret_state, cred, again) == TOTP_OK);
	REQUIRE(memcmp(slot, again, sizeof(again)) == 0);
	return true;
}

static void choose(const uint8_t file[STATE_FILE_LEN], const struct cred *cred)
{
	struct login_state slots[2], chosen;
	bool valid[2], torn = false;

	for (size_t i = 0; i < 2; i++)
		valid[i] = decode(file + i * STATE_SLOT_LEN, cred, &slots[i]) &&
			   (slots[i].sequence & 1) == i;
	if (state_choose(file, STATE_FILE_LEN, cred, &chosen, &torn) != TOTP_OK)
		return;
	REQUIRE(valid[chosen.sequence & 1]);
	REQUIRE(torn == (!valid[0] || !valid[1]));
	for (size_t i = 0; i < 2; i++)
		REQUIRE(!valid[i] || chosen.sequence >= slots[i].sequence);
}

static void try_version(uint8_t version, const uint8_t *data, size_t size)
{
	struct cred cred = example_cred();
	uint8_t file[STATE_FILE_LEN];
	struct login_state state;
	bool torn;

	cred.version = version;
	/* unchanged, no input is authentic */
	REQUIRE(state_choose(data, size, &cred, &state, &torn) != TOTP_OK);

	fill(file, data, size / 2, &cred);
	fill(file + STATE_SLOT_LEN, data + size / 2, size - size / 2, &cred);
	choose(file, &cred);

	/* the whole input as one slot */
	fill(file, data, size, &cred);
	decode(file, &cred, &state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_version(1, data, size);
	try_version(2, data, size);
	return 0;
}
