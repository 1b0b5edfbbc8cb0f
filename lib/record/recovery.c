/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/recovery.h"

#define BYPASS_EARLY_MAX 60 /* seconds before it was made: a clock that was set a little */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* A character of the alphabet, or NUL. */
static char normal_of(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		return '0';
	if (c == 'I' || c == 'L')
		return '1';
	return c && strchr(alphabet, c) ? c : '\0';
}

bool recovery_read(const char *typed, struct recovery_code *ret_code)
{
	size_t len = 0;
	bool good = true;

	*ret_code = (struct recovery_code){0};
	for (; *typed && good; typed++) {
		char c = normal_of(*typed);

		if (*typed == ' ' || *typed == '-')
			continue;
		good = c && len < RECOVERY_CODE_LEN;
		if (good)
			ret_code->text[len++] = c;
	}
	good = good && len == RECOVERY_CODE_LEN;
	if (!good)
		WIPE(*ret_code);
	return good;
}

void recovery_show(const struct recovery_code *code, char ret_text[RECOVERY_SHOWN_MAX])
{
	for (size_t i = 0; i < RECOVERY_CODE_LEN; i++) {
		if (i && i % 4 == 0)
			*ret_text++ = '-';
		*ret_text++ = code->text[i];
	}
	*ret_text = '\0';
}

static enum totp_err hash_code(const uint8_t salt[RECOVERY_SALT_LEN], const char *code,
			       uint8_t ret_hash[SHA256_LEN])
{
	const struct piece key = {salt, RECOVERY_SALT_LEN}, piece = {code, strlen(code)};

	return crypto_hmac(HMAC_SHA256, key, &piece, 1, ret_hash);
}

int recovery_find_hash(const struct cred *cred, const uint8_t hash[SHA256_LEN])
{
	int index = -1;

	for (int i = 0; i < cred->recovery_count; i++)
		if (secret_equal(hash, cred->recovery_hash[i], SHA256_LEN))
			index = i;
	return index;
}

static enum totp_err make_code(struct recovery_code *ret_code)
{
	uint8_t random[RECOVERY_CODE_LEN];
	enum totp_err err = crypto_random(random, sizeof(random));

	*ret_code = (struct recovery_code){0};
	for (size_t i = 0; i < RECOVERY_CODE_LEN && err == TOTP_OK; i++)
		ret_code->text[i] = alphabet[random[i] & 31];
	WIPE(random);
	return err;
}

static void forget_codes(struct cred *cred)
{
	cred->recovery_count = 0;
	memset(cred->recovery_salt, 0, sizeof(cred->recovery_salt));
	memset(cred->recovery_hash, 0, sizeof(cred->recovery_hash));
}

enum totp_err recovery_make(struct cred *cred, unsigned count,
			    struct recovery_code ret_codes[RECOVERY_MAX])
{
	OWN_CRED struct cred changed = *cred;
	enum totp_err err = TOTP_OK;

	if (count > RECOVERY_MAX)
		return TOTP_ERR_RANGE;
	forget_codes(&changed);
	changed.recovery_count = (uint8_t)count;
	if (count)
		err = crypto_random(changed.recovery_salt, sizeof(changed.recovery_salt));
	for (unsigned i = 0; i < count && err == TOTP_OK; i++) {
		err = make_code(&ret_codes[i]);
		if (err == TOTP_OK)
			err = hash_code(changed.recovery_salt, ret_codes[i].text,
					changed.recovery_hash[i]);
	}
	if (err == TOTP_OK)
		*cred = changed;
	else
		explicit_bzero(ret_codes, count * sizeof(*ret_codes));
	return err;
}

enum totp_err recovery_find(const struct cred *cred, const char *code, int *ret_index)
{
	uint8_t hash[SHA256_LEN];
	enum totp_err err = hash_code(cred->recovery_salt, code, hash);

	if (err == TOTP_OK)
		*ret_index = recovery_find_hash(cred, hash);
	return err;
}

/* Keyed, so that the salt reveals nothing about the secret that it is derived from. */
static enum totp_err scratch_salt(const struct cred *cred, uint8_t ret_salt[RECOVERY_SALT_LEN])
{
	static const char purpose[] = "salt of scratch codes";
	const struct secret *secret = &cred->tokens[0].secret;
	const struct piece key = {secret->data, secret->len};
	const struct piece piece = {purpose, sizeof(purpose) - 1};
	uint8_t mac[SHA256_LEN];
	enum totp_err err = crypto_hmac(HMAC_SHA256, key, &piece, 1, mac);

	if (err == TOTP_OK)
		memcpy(ret_salt, mac, RECOVERY_SALT_LEN);
	WIPE(mac);
	return err;
}

static enum totp_err add_scratch(struct cred *cred, const struct code *code)
{
	uint8_t hash[SHA256_LEN];
	enum totp_err err;

	if (strspn(code->text, "0123456789") != SCRATCH_DIGITS)
		return TOTP_ERR_RANGE;
	err = hash_code(cred->recovery_salt, code->text, hash);
	if (err == TOTP_OK && recovery_find_hash(cred, hash) < 0)
		memcpy(cred->recovery_hash[cred->recovery_count++], hash, sizeof(hash));
	return err;
}

enum totp_err recovery_take_scratch(struct cred *cred, const struct code *codes, unsigned count)
{
	OWN_CRED struct cred changed = *cred;
	enum totp_err err = TOTP_OK;

	if (cred->token_count == 0 || count > RECOVERY_MAX)
		return TOTP_ERR_RANGE;
	forget_codes(&changed);
	if (count)
		err = scratch_salt(&changed, changed.recovery_salt);
	for (unsigned i = 0; i < count && err == TOTP_OK; i++)
		err = add_scratch(&changed, &codes[i]);
	if (err == TOTP_OK)
		*cred = changed;
	return err;
}

unsigned recovery_left(const struct cred *cred, const struct login_state *state)
{
	unsigned left = 0;

	for (unsigned i = 0; i < cred->recovery_count; i++)
		left += !(state->spent >> i & 1);
	return left;
}

enum totp_err bypass_make(struct cred *cred, int64_t now, uint32_t seconds, unsigned uses,
			  struct recovery_code *ret_code)
{
	struct bypass bypass = {.uses = (uint8_t)uses, .created = now};
	enum totp_err err;

	if (uses < 1 || uses > BYPASS_USES_MAX || now < 0 || seconds == 0 ||
	    __builtin_add_overflow(now, (int64_t)seconds, &bypass.expires))
		return TOTP_ERR_RANGE;
	err = crypto_random(bypass.salt, sizeof(bypass.salt));
	if (err == TOTP_OK)
		err = make_code(ret_code);
	if (err == TOTP_OK)
		err = hash_code(bypass.salt, ret_code->text, bypass.hash);
	if (err == TOTP_OK)
		cred->bypass = bypass;
	else
		WIPE(*ret_code);
	return err;
}

enum totp_err bypass_is(const struct cred *cred, const struct recovery_code *code, bool *ret_same)
{
	uint8_t hash[SHA256_LEN];
	enum totp_err err = hash_code(cred->bypass.salt, code->text, hash);

	if (err == TOTP_OK)
		*ret_same = secret_equal(hash, cred->bypass.hash, sizeof(hash)) &&
			    cred->bypass.uses != 0;
	return err;
}

unsigned bypass_left(const struct cred *cred, const struct login_state *state, int64_t now)
{
	const struct bypass *bypass = &cred->bypass;

	if (now >= bypass->expires || now < bypass->created - BYPASS_EARLY_MAX ||
	    state->bypass_used >= bypass->uses)
		return 0;
	return (unsigned)(bypass->uses - state->bypass_used);
}
