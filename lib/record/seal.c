/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/seal.h"

#include <string.h>

#include "record/cred.h"

#define SEAL_MAGIC      0x50545331u /* "PTS1" */
#define SEAL_HEADER_LEN (4 + 4 + GCM_NONCE_LEN)

_Static_assert(SEAL_OVERHEAD == SEAL_HEADER_LEN + GCM_TAG_LEN, "header and tag");

/* What is authenticated beside the ciphertext: the header, then the user name. */
struct aad {
	uint8_t bytes[SEAL_HEADER_LEN + CRED_USER_MAX];
	size_t len;
};

static enum totp_err aad_of(const uint8_t *header, const char *user, struct aad *ret_aad)
{
	size_t user_len = strlen(user);

	if (user_len == 0 || user_len > CRED_USER_MAX)
		return TOTP_ERR_RANGE;

	memcpy(ret_aad->bytes, header, SEAL_HEADER_LEN);
	memcpy(ret_aad->bytes + SEAL_HEADER_LEN, user, user_len);
	ret_aad->len = SEAL_HEADER_LEN + user_len;
	return TOTP_OK;
}

enum totp_err seal_close(const struct host_key *key, const char *user, const uint8_t *plain,
			 size_t len, uint8_t *ret_box)
{
	struct buffer out = buffer_of(ret_box, SEAL_HEADER_LEN);
	uint8_t nonce[GCM_NONCE_LEN];
	struct aad aad;
	enum totp_err err = crypto_random(nonce, sizeof(nonce));

	if (err != TOTP_OK)
		return err;
	buffer_u32(&out, SEAL_MAGIC);
	buffer_u32(&out, key->id);
	buffer_copy(&out, nonce, sizeof(nonce));
	err = aad_of(ret_box, user, &aad);
	if (err != TOTP_OK)
		return err;
	return crypto_gcm_seal(&(struct gcm){key->key, nonce, {aad.bytes, aad.len}}, plain, len,
			       ret_box + SEAL_HEADER_LEN, ret_box + SEAL_HEADER_LEN + len);
}

enum totp_err seal_key_id(struct bytes box, uint32_t *ret_id)
{
	if (box.left < SEAL_OVERHEAD || bytes_u32(&box) != SEAL_MAGIC)
		return TOTP_ERR_FORMAT;
	*ret_id = bytes_u32(&box);
	return TOTP_OK;
}

static enum totp_err decrypt(const struct host_key *key, const char *user, struct bytes box,
			     struct buffer *plain)
{
	const uint8_t *at = box.at;
	uint32_t id = 0;
	size_t len;
	struct aad aad;
	enum totp_err err = seal_key_id(box, &id);

	if (err != TOTP_OK)
		return err;
	if (id != key->id)
		return TOTP_ERR_NOT_FOUND;
	len = box.left - SEAL_OVERHEAD;
	if (len > plain->cap)
		return TOTP_ERR_RANGE;
	err = aad_of(at, user, &aad);
	if (err != TOTP_OK)
		return err;

	err = crypto_gcm_open(&(struct gcm){key->key, at + 8, {aad.bytes, aad.len}},
			      at + SEAL_HEADER_LEN, len, at + SEAL_HEADER_LEN + len, plain->data);
	if (err == TOTP_OK)
		plain->len = len;
	return err;
}

enum totp_err seal_open(const struct host_key *key, const char *user, struct bytes box,
			struct buffer *ret_plain)
{
	enum totp_err err = decrypt(key, user, box, ret_plain);

	if (err != TOTP_OK)
		explicit_bzero(ret_plain->data, ret_plain->cap);
	return err;
}
