/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is entries of an export, one after the other, with or without the first line of a file.
 * Since no mutation finds a MAC, it is also a length byte, the fields of a state, and a credential,
 * from which an entry is made.
 */
#include "fuzz.h"

#include "import/export_file.h"

#define MAC_AT (STATE_SLOT_LEN - SHA256_LEN)

static void comes_back(const struct cred *cred, const struct login_state *state,
		       const uint8_t *bytes, size_t len)
{
	uint8_t again[EXPORT_FILE_MAX];
	size_t again_len = 0;

	REQUIRE(export_file_encode(cred, state, again, &again_len) == TOTP_OK);
	REQUIRE(again_len == len && memcmp(again, bytes, len) == 0);
}

static bool decode(struct bytes *in)
{
	const uint8_t *start = in->at;
	struct login_state state;
	struct cred cred;

	if (export_file_decode(in, &cred, &state) != TOTP_OK) {
		REQUIRE(cred.user[0] == '\0' && state.token_count == 0);
		return false;
	}
	comes_back(&cred, &state, start, (size_t)(in->at - start));
	return true;
}

/* The MAC that the state needs, under the credential's key. */
static void sign(const struct cred *cred, const uint8_t *fields, size_t len, uint8_t mac[MAC_MAX])
{
	uint8_t slot[MAC_AT] = {0};
	const struct piece pieces[] = {{slot, MAC_AT}, {cred->user, strlen(cred->user)}};

	memcpy(slot, fields, len);
	REQUIRE(crypto_hmac(HMAC_SHA256, (struct piece){cred->state_key, SHA256_LEN}, pieces, 2,
			    mac) == TOTP_OK);
}

static void make(const uint8_t *fields, size_t fields_len, const uint8_t *plain, size_t len)
{
	uint8_t bytes[EXPORT_FILE_MAX], mac[MAC_MAX] = {0};
	struct buffer out = buffer_of(bytes, sizeof(bytes));
	struct bytes in;
	struct cred cred;

	if (cred_decode(plain, len, &cred) == TOTP_OK)
		sign(&cred, fields, fields_len, mac);
	buffer_u16(&out, (uint16_t)len);
	buffer_copy(&out, plain, len);
	buffer_u16(&out, (uint16_t)fields_len);
	buffer_copy(&out, fields, fields_len);
	buffer_copy(&out, mac, SHA256_LEN);
	REQUIRE(buffer_end(&out) == TOTP_OK);
	in = bytes_of(bytes, out.len);
	decode(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), export = in;
	size_t fields_len = size ? data[0] : 0;
	struct export_file_head head = {0};

	while (in.left > 0 && decode(&in))
		;
	if (export_file_get_head(&export, &head) == TOTP_OK)
		for (uint32_t i = 0; i < head.count && decode(&export); i++)
			;
	if (size > 1 + fields_len && size - 1 - fields_len <= CRED_BYTES_MAX)
		make(data + 1, fields_len, data + 1 + fields_len, size - 1 - fields_len);
	return 0;
}
