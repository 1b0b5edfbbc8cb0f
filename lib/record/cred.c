/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/cred.h"

#include "otp/hotp.h"
#include "otp/totp.h"

void cred_wipe(struct cred *cred)
{
	explicit_bzero(cred, sizeof(*cred));
}

bool cred_label_is_good(struct text label)
{
	char kept[CRED_LABEL_MAX + 1];

	if (label.len == 0 || label.len > CRED_LABEL_MAX || text_trim(label).len != label.len)
		return false;
	text_printable(label, kept, sizeof(kept));
	return memcmp(kept, label.at, label.len) == 0 && !memchr(label.at, '?', label.len);
}

void code_secret(const struct codec *codec, struct secret *secret)
{
	CODE(codec, secret->len, 1);
	codec_refuse(codec, secret->len > SECRET_MAX);
	if (secret->len > SECRET_MAX)
		secret->len = 0;
	codec_bytes(codec, secret->data, secret->len);
}

struct hotp token_hotp(const struct token *token)
{
	return (struct hotp){token->alg, token->digits, &token->secret};
}

enum totp_err token_step_at(const struct token *token, int64_t unix_time, uint64_t *ret_step)
{
	int64_t shifted;

	if (__builtin_add_overflow(unix_time, (int64_t)token->offset * token->period, &shifted))
		return TOTP_ERR_RANGE;
	return totp_step_at(shifted, token->period, ret_step);
}

static bool token_is_good(const struct token *token)
{
	bool time_based = token->type == TOKEN_TOTP;

	if (token->id == 0 || (!time_based && token->type != TOKEN_HOTP) ||
	    crypto_mac_len(token->alg) == 0)
		return false;
	if (token->digits < CODE_DIGITS_MIN || token->digits > CODE_DIGITS_MAX ||
	    token->created < 0)
		return false;
	if (time_based ? token->period < TOTP_PERIOD_MIN || token->period > TOTP_PERIOD_MAX
		       : token->period != 0 || token->offset != 0)
		return false;
	if (token->offset < -CRED_OFFSET_MAX || token->offset > CRED_OFFSET_MAX)
		return false;
	return token->secret.len >= SECRET_IMPORT_MIN && token->secret.len <= SECRET_MAX &&
	       cred_label_is_good(text_of(token->label));
}

/* Is there something that two tokens of a credential may not share? */
static bool token_clashes(const struct token *a, const struct token *b)
{
	return a->id == b->id || strcmp(a->label, b->label) == 0 ||
	       (a->secret.len == b->secret.len &&
		secret_equal(a->secret.data, b->secret.data, a->secret.len));
}

static bool bypass_is_good(const struct bypass *bypass)
{
	if (bypass->uses == 0)
		return bypass->created == 0 && bypass->expires == 0 &&
		       bytes_used(bypass->salt, sizeof(bypass->salt)) == 0 &&
		       bytes_used(bypass->hash, sizeof(bypass->hash)) == 0;
	return bypass->uses <= BYPASS_USES_MAX && bypass->created >= 0 &&
	       bypass->expires > bypass->created;
}

enum totp_err cred_check(const struct cred *cred)
{
	if (cred->version < RECORD_VERSION_FIRST || cred->version > record_version_newest)
		return TOTP_ERR_RANGE;
	if (cred->user[0] == '\0' || cred->created < 0 || (!cred->uid_bound && cred->uid != 0))
		return TOTP_ERR_RANGE;
	if (cred->token_count == 0 || cred->token_count > CRED_TOKENS_MAX ||
	    cred->recovery_count > RECOVERY_MAX)
		return TOTP_ERR_RANGE;
	if (cred->recovery_count == 0 && bytes_used(cred->recovery_salt, RECOVERY_SALT_LEN) != 0)
		return TOTP_ERR_RANGE;
	if (!bypass_is_good(&cred->bypass))
		return TOTP_ERR_RANGE;

	for (size_t i = 0; i < cred->token_count; i++) {
		if (!token_is_good(&cred->tokens[i]))
			return TOTP_ERR_RANGE;
		for (size_t j = 0; j < i; j++)
			if (token_clashes(&cred->tokens[i], &cred->tokens[j]))
				return TOTP_ERR_RANGE;
	}
	return TOTP_OK;
}

static void code_token(const struct codec *codec, struct token *token)
{
	CODE(codec, token->id, 1);
	CODE(codec, token->type, 1);
	CODE(codec, token->alg, 1);
	CODE(codec, token->digits, 1);
	CODE(codec, token->period, 2);
	CODE(codec, token->offset, 4);
	CODE(codec, token->created, 8);
	codec_string(codec, token->label, sizeof(token->label));
	code_secret(codec, &token->secret);
}

static void code_bypass(const struct codec *codec, struct bypass *bypass)
{
	bool present = bypass->uses != 0;

	codec_flags(codec, &(bool *){&present}, 1);
	if (!present)
		return;
	CODE(codec, bypass->created, 8);
	CODE(codec, bypass->expires, 8);
	CODE(codec, bypass->uses, 1);
	codec_refuse(codec, bypass->uses == 0);
	codec_bytes(codec, bypass->salt, sizeof(bypass->salt));
	codec_bytes(codec, bypass->hash, sizeof(bypass->hash));
}

static void code_cred(const struct codec *codec, struct cred *cred)
{
	bool *const bound[] = {&cred->uid_bound};
	bool *const flags[] = {&cred->disabled, &cred->must_confirm};

	CODE(codec, cred->version, 1);
	codec_bytes(codec, cred->id, sizeof(cred->id));
	codec_bytes(codec, cred->state_key, sizeof(cred->state_key));
	codec_flags(codec, bound, 1);
	CODE(codec, cred->uid, 4);
	CODE(codec, cred->created, 8);
	codec_flags(codec, flags, 2);
	codec_string(codec, cred->user, sizeof(cred->user));
	codec_count(codec, &cred->token_count, CRED_TOKENS_MAX);
	for (size_t i = 0; i < cred->token_count; i++)
		code_token(codec, &cred->tokens[i]);
	codec_count(codec, &cred->recovery_count, RECOVERY_MAX);
	codec_bytes(codec, cred->recovery_salt, sizeof(cred->recovery_salt));
	for (size_t i = 0; i < cred->recovery_count; i++)
		codec_bytes(codec, cred->recovery_hash[i], SHA256_LEN);
	code_bypass(codec, &cred->bypass);
}

enum totp_err cred_encode(const struct cred *cred, uint8_t ret_bytes[CRED_BYTES_MAX],
			  size_t *ret_len)
{
	OWN_CRED struct cred copy = *cred; /* a walk may write to what it walks over */
	struct buffer out = buffer_of(ret_bytes, CRED_BYTES_MAX);
	enum totp_err err = cred_check(cred);

	if (err != TOTP_OK)
		return err;

	code_cred(&(struct codec){.out = &out}, &copy);
	err = buffer_end(&out);
	if (err == TOTP_OK)
		*ret_len = out.len;
	return err;
}

enum totp_err cred_decode(const uint8_t *buf, size_t len, struct cred *ret_cred)
{
	struct bytes in = bytes_of(buf, len);
	enum totp_err err;

	cred_wipe(ret_cred);
	if (len == 0)
		return TOTP_ERR_FORMAT;
	if (buf[0] < RECORD_VERSION_FIRST || buf[0] > record_version_newest)
		return TOTP_ERR_UNSUPPORTED;

	code_cred(&(struct codec){.in = &in}, ret_cred);
	err = bytes_end(&in);
	if (err == TOTP_OK)
		err = cred_check(ret_cred);
	if (err != TOTP_OK)
		cred_wipe(ret_cred);
	return err;
}
