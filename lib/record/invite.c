/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/invite.h"

#define INVITE_MAGIC   0x50545356u /* "PTSV"; a credential begins with its version */
#define INVITE_VERSION 1

static enum totp_err invite_check(const struct invite *invite)
{
	return invite->user[0] == '\0' || invite->created < 0 ||
			       invite->expires < invite->created ||
			       invite->expires - invite->created < INVITE_SECONDS_MIN ||
			       invite->expires - invite->created > INVITE_SECONDS_MAX
		       ? TOTP_ERR_RANGE
		       : TOTP_OK;
}

bool invite_holds(const struct invite *invite, uint32_t uid, int64_t now)
{
	return invite->uid == uid && invite->created <= now && now < invite->expires;
}

static void code_invite(const struct codec *codec, struct invite *invite)
{
	CODE(codec, invite->uid, 4);
	CODE(codec, invite->created, 8);
	CODE(codec, invite->expires, 8);
	codec_string(codec, invite->user, sizeof(invite->user));
}

enum totp_err invite_encode(const struct invite *invite, uint8_t ret_bytes[INVITE_BYTES_MAX],
			    size_t *ret_len)
{
	struct buffer out = buffer_of(ret_bytes, INVITE_BYTES_MAX);
	struct invite copy = *invite;
	enum totp_err err = invite_check(invite);

	if (err != TOTP_OK)
		return err;

	buffer_u32(&out, INVITE_MAGIC);
	buffer_u8(&out, INVITE_VERSION);
	code_invite(&(struct codec){.out = &out}, &copy);
	err = buffer_end(&out);
	if (err == TOTP_OK)
		*ret_len = out.len;
	return err;
}

enum totp_err invite_decode(const uint8_t *buf, size_t len, struct invite *ret_invite)
{
	struct bytes in = bytes_of(buf, len);
	struct invite invite = {.user = ""};
	enum totp_err err;

	if (bytes_u32(&in) != INVITE_MAGIC)
		return TOTP_ERR_FORMAT;
	if (bytes_u8(&in) != INVITE_VERSION)
		return in.bad ? TOTP_ERR_FORMAT : TOTP_ERR_UNSUPPORTED;

	code_invite(&(struct codec){.in = &in}, &invite);
	err = bytes_end(&in);
	if (err == TOTP_OK)
		err = invite_check(&invite);
	if (err == TOTP_OK)
		*ret_invite = invite;
	return err;
}
