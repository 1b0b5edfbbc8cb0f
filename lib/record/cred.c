#include "record/cred.h"

#include "base/bytes.h"
#include "otp/hotp.h"
#include "otp/totp.h"

#define FLAG_DISABLED     1
#define FLAG_MUST_CONFIRM 2

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

static void encode_token(struct buffer *out, const struct token *token)
{
	buffer_u8(out, token->id);
	buffer_u8(out, (uint8_t)token->type);
	buffer_u8(out, (uint8_t)token->alg);
	buffer_u8(out, token->digits);
	buffer_u16(out, token->period);
	buffer_u32(out, (uint32_t)token->offset);
	buffer_u64(out, (uint64_t)token->created);
	buffer_string(out, token->label);
	buffer_u8(out, (uint8_t)token->secret.len);
	buffer_copy(out, token->secret.data, token->secret.len);
}

static uint8_t cred_flags(const struct cred *cred)
{
	return (uint8_t)((cred->disabled ? FLAG_DISABLED : 0) |
			 (cred->must_confirm ? FLAG_MUST_CONFIRM : 0));
}

static void encode_bypass(struct buffer *out, const struct bypass *bypass)
{
	buffer_u8(out, bypass->uses != 0);
	if (bypass->uses == 0)
		return;
	buffer_u64(out, (uint64_t)bypass->created);
	buffer_u64(out, (uint64_t)bypass->expires);
	buffer_u8(out, bypass->uses);
	buffer_copy(out, bypass->salt, sizeof(bypass->salt));
	buffer_copy(out, bypass->hash, sizeof(bypass->hash));
}

enum totp_err cred_encode(const struct cred *cred, uint8_t ret_bytes[CRED_BYTES_MAX],
			  size_t *ret_len)
{
	struct buffer out = buffer_of(ret_bytes, CRED_BYTES_MAX);
	enum totp_err err = cred_check(cred);

	if (err != TOTP_OK)
		return err;

	buffer_u8(&out, cred->version);
	buffer_copy(&out, cred->id, sizeof(cred->id));
	buffer_copy(&out, cred->state_key, sizeof(cred->state_key));
	buffer_u8(&out, cred->uid_bound);
	buffer_u32(&out, cred->uid);
	buffer_u64(&out, (uint64_t)cred->created);
	buffer_u8(&out, cred_flags(cred));
	buffer_string(&out, cred->user);
	buffer_u8(&out, cred->token_count);
	for (size_t i = 0; i < cred->token_count; i++)
		encode_token(&out, &cred->tokens[i]);
	buffer_u8(&out, cred->recovery_count);
	buffer_copy(&out, cred->recovery_salt, sizeof(cred->recovery_salt));
	for (size_t i = 0; i < cred->recovery_count; i++)
		buffer_copy(&out, cred->recovery_hash[i], SHA256_LEN);
	encode_bypass(&out, &cred->bypass);

	err = buffer_end(&out);
	if (err == TOTP_OK)
		*ret_len = out.len;
	return err;
}

static void decode_token(struct bytes *in, struct token *token)
{
	token->id = bytes_u8(in);
	token->type = (enum token_type)bytes_u8(in);
	token->alg = (enum hmac_alg)bytes_u8(in);
	token->digits = bytes_u8(in);
	token->period = bytes_u16(in);
	token->offset = (int32_t)bytes_u32(in);
	token->created = (int64_t)bytes_u64(in);
	bytes_string(in, token->label, sizeof(token->label));
	token->secret.len = bytes_u8(in);
	if (token->secret.len > SECRET_MAX) {
		in->bad = true;
		token->secret.len = 0;
	}
	bytes_copy(in, token->secret.data, token->secret.len);
}

static void decode_bypass(struct bytes *in, struct bypass *bypass)
{
	uint8_t present = bytes_u8(in);

	in->bad |= present > 1;
	if (present != 1)
		return;
	bypass->created = (int64_t)bytes_u64(in);
	bypass->expires = (int64_t)bytes_u64(in);
	bypass->uses = bytes_u8(in);
	in->bad |= bypass->uses == 0;
	bytes_copy(in, bypass->salt, sizeof(bypass->salt));
	bytes_copy(in, bypass->hash, sizeof(bypass->hash));
}

static void decode_cred_fields(struct bytes *in, struct cred *cred)
{
	uint8_t bound, flags;

	bytes_copy(in, cred->id, sizeof(cred->id));
	bytes_copy(in, cred->state_key, sizeof(cred->state_key));
	bound = bytes_u8(in);
	cred->uid_bound = bound == 1;
	in->bad |= bound > 1;
	cred->uid = bytes_u32(in);
	cred->created = (int64_t)bytes_u64(in);
	flags = bytes_u8(in);
	cred->disabled = flags & FLAG_DISABLED;
	cred->must_confirm = flags & FLAG_MUST_CONFIRM;
	in->bad |= flags != cred_flags(cred);
	bytes_string(in, cred->user, sizeof(cred->user));
	cred->token_count = bytes_u8(in);
	in->bad |= cred->token_count > CRED_TOKENS_MAX;
	for (size_t i = 0; !in->bad && i < cred->token_count; i++)
		decode_token(in, &cred->tokens[i]);
	cred->recovery_count = bytes_u8(in);
	in->bad |= cred->recovery_count > RECOVERY_MAX;
	bytes_copy(in, cred->recovery_salt, sizeof(cred->recovery_salt));
	for (size_t i = 0; !in->bad && i < cred->recovery_count; i++)
		bytes_copy(in, cred->recovery_hash[i], SHA256_LEN);
	decode_bypass(in, &cred->bypass);
}

enum totp_err cred_decode(const uint8_t *buf, size_t len, struct cred *ret_cred)
{
	struct bytes in = bytes_of(buf, len);
	uint8_t version;
	enum totp_err err;

	cred_wipe(ret_cred);
	if (len == 0)
		return TOTP_ERR_FORMAT;
	version = bytes_u8(&in);
	if (version < RECORD_VERSION_FIRST || version > record_version_newest)
		return TOTP_ERR_UNSUPPORTED;

	ret_cred->version = version;
	decode_cred_fields(&in, ret_cred);
	err = bytes_end(&in);
	if (err == TOTP_OK)
		err = cred_check(ret_cred);
	if (err != TOTP_OK)
		cred_wipe(ret_cred);
	return err;
}
