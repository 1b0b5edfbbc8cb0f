/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/pwseal.h"

#include "base/bytes.h"

#define PWSEAL_MAGIC    0x50545042u /* "PTPB" */
#define PWSEAL_VERSION  1
#define PWSEAL_SALT_LEN 16
#define SCRYPT_R        8
#define SCRYPT_P        1
#define SCRYPT_P_MAX    4

_Static_assert(PWSEAL_HEADER_LEN == 4 + 5 + PWSEAL_SALT_LEN + GCM_NONCE_LEN, "the fields");

struct header {
	uint8_t kind; /* enum pwseal_kind */
	struct scrypt_cost cost;
	uint8_t salt[PWSEAL_SALT_LEN];
	uint8_t nonce[GCM_NONCE_LEN];
};

static void encode_header(const struct header *header, uint8_t *ret_header)
{
	struct buffer out = buffer_of(ret_header, PWSEAL_HEADER_LEN);

	buffer_u32(&out, PWSEAL_MAGIC);
	buffer_u8(&out, PWSEAL_VERSION);
	buffer_u8(&out, header->kind);
	buffer_u8(&out, header->cost.n_log2);
	buffer_u8(&out, header->cost.r);
	buffer_u8(&out, header->cost.p);
	buffer_copy(&out, header->salt, sizeof(header->salt));
	buffer_copy(&out, header->nonce, sizeof(header->nonce));
}

static enum totp_err decode_header(const uint8_t *box, struct header *ret_header)
{
	struct bytes in = bytes_of(box, PWSEAL_HEADER_LEN);

	if (bytes_u32(&in) != PWSEAL_MAGIC)
		return TOTP_ERR_FORMAT;
	if (bytes_u8(&in) != PWSEAL_VERSION)
		return TOTP_ERR_UNSUPPORTED;
	ret_header->kind = bytes_u8(&in);
	ret_header->cost.n_log2 = bytes_u8(&in);
	ret_header->cost.r = bytes_u8(&in);
	ret_header->cost.p = bytes_u8(&in);
	bytes_copy(&in, ret_header->salt, sizeof(ret_header->salt));
	bytes_copy(&in, ret_header->nonce, sizeof(ret_header->nonce));
	return bytes_end(&in);
}

static enum totp_err derive_key(const struct secret *phrase, const struct header *header,
				uint8_t ret_key[GCM_KEY_LEN])
{
	const struct scrypt_cost *cost = &header->cost;

	if (cost->n_log2 < PWSEAL_COST_MIN || cost->n_log2 > PWSEAL_COST_MAX ||
	    cost->r != SCRYPT_R || cost->p < 1 || cost->p > SCRYPT_P_MAX)
		return TOTP_ERR_RANGE;
	return crypto_scrypt((struct piece){phrase->data, phrase->len},
			     (struct piece){header->salt, sizeof(header->salt)}, *cost, ret_key);
}

enum totp_err pwseal_close(const struct secret *phrase, enum pwseal_kind kind, unsigned cost,
			   uint8_t *box, size_t len)
{
	struct header header = {.kind = (uint8_t)kind, .cost = {(uint8_t)cost, SCRYPT_R, SCRYPT_P}};
	uint8_t *text = box + PWSEAL_HEADER_LEN, key[GCM_KEY_LEN];
	enum totp_err err;

	if (cost > PWSEAL_COST_MAX || len > PWSEAL_PLAIN_MAX)
		return TOTP_ERR_RANGE;
	err = crypto_random(header.salt, sizeof(header.salt));
	if (err == TOTP_OK)
		err = crypto_random(header.nonce, sizeof(header.nonce));
	if (err == TOTP_OK)
		err = derive_key(phrase, &header, key);
	if (err != TOTP_OK)
		return err;

	encode_header(&header, box);
	err = crypto_gcm_seal(&(struct gcm){key, header.nonce, {box, PWSEAL_HEADER_LEN}}, text, len,
			      text, text + len);
	WIPE(key);
	return err;
}

enum totp_err pwseal_open(const struct secret *phrase, enum pwseal_kind kind, const uint8_t *box,
			  size_t box_len, uint8_t *ret_plain)
{
	struct header header;
	uint8_t key[GCM_KEY_LEN];
	size_t len = box_len - PWSEAL_OVERHEAD;
	enum totp_err err;

	if (box_len < PWSEAL_OVERHEAD)
		return TOTP_ERR_FORMAT;
	err = decode_header(box, &header);
	if (err == TOTP_OK && header.kind != kind)
		err = TOTP_ERR_UNSUPPORTED;
	if (err == TOTP_OK && len > PWSEAL_PLAIN_MAX)
		err = TOTP_ERR_RANGE;
	if (err == TOTP_OK)
		err = derive_key(phrase, &header, key);
	if (err != TOTP_OK)
		return err;

	err = crypto_gcm_open(&(struct gcm){key, header.nonce, {box, PWSEAL_HEADER_LEN}},
			      box + PWSEAL_HEADER_LEN, len, box + PWSEAL_HEADER_LEN + len,
			      ret_plain);
	WIPE(key);
	return err;
}
