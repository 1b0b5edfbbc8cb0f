/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/export_file.h"

#define EXPORT_VERSION 1

void export_file_put_head(struct buffer *out, const struct export_file_head *head)
{
	buffer_u16(out, EXPORT_VERSION);
	buffer_u64(out, (uint64_t)head->made);
	buffer_u32(out, head->count);
}

enum totp_err export_file_get_head(struct bytes *in, struct export_file_head *ret_head)
{
	uint16_t version = bytes_u16(in);

	ret_head->made = (int64_t)bytes_u64(in);
	ret_head->count = bytes_u32(in);
	if (in->bad)
		return TOTP_ERR_FORMAT;
	return version == EXPORT_VERSION ? TOTP_OK : TOTP_ERR_UNSUPPORTED;
}

/* A slot is mostly zeros between its fields and its MAC: those are left out. */
#define FIELDS_MAX (STATE_SLOT_LEN - SHA256_LEN)

enum totp_err export_file_encode(const struct cred *cred, const struct login_state *state,
				 uint8_t ret_bytes[EXPORT_FILE_MAX], size_t *ret_len)
{
	struct buffer out = buffer_of(ret_bytes, EXPORT_FILE_MAX);
	uint8_t plain[CRED_BYTES_MAX], slot[STATE_SLOT_LEN];
	size_t len = 0;
	enum totp_err err = state_encode(state, cred, slot);

	if (err == TOTP_OK)
		err = cred_encode(cred, plain, &len);
	if (err != TOTP_OK)
		return err;
	buffer_u16(&out, (uint16_t)len);
	buffer_copy(&out, plain, len);
	WIPE(plain);
	len = bytes_used(slot, FIELDS_MAX);
	buffer_u16(&out, (uint16_t)len);
	buffer_copy(&out, slot, len);
	buffer_copy(&out, slot + FIELDS_MAX, SHA256_LEN);
	err = buffer_end(&out);
	if (err == TOTP_OK)
		*ret_len = out.len;
	return err;
}

static enum totp_err take_state(struct bytes *in, const struct cred *cred,
				struct login_state *ret_state)
{
	uint8_t slot[STATE_SLOT_LEN] = {0};
	size_t len = bytes_u16(in);
	const uint8_t *fields = len <= FIELDS_MAX ? bytes_take(in, len) : NULL;
	const uint8_t *mac = fields ? bytes_take(in, SHA256_LEN) : NULL;

	if (!mac || (len > 0 && fields[len - 1] == 0))
		return TOTP_ERR_FORMAT;
	memcpy(slot, fields, len);
	memcpy(slot + FIELDS_MAX, mac, SHA256_LEN);
	return state_decode(slot, cred, ret_state);
}

enum totp_err export_file_decode(struct bytes *in, struct cred *ret_cred,
				 struct login_state *ret_state)
{
	size_t len = bytes_u16(in);
	const uint8_t *at = bytes_take(in, len);
	enum totp_err err = TOTP_ERR_FORMAT;

	*ret_state = (struct login_state){0};
	cred_wipe(ret_cred);
	if (at)
		err = cred_decode(at, len, ret_cred);
	if (err == TOTP_OK)
		err = take_state(in, ret_cred, ret_state);
	if (err != TOTP_OK)
		cred_wipe(ret_cred);
	return err;
}
