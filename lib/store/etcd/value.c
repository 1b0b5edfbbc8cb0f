/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/etcd/value.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define SLOT_USED_MAX (STATE_SLOT_LEN - SHA256_LEN) /* the MAC comes after it */

struct piece etcd_key_of(const struct etcd_key *key)
{
	return (struct piece){key->text, key->len};
}

enum totp_err etcd_prefix(const char *realm, char ret_prefix[ETCD_PREFIX_MAX])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	size_t len = strlen(realm);

	if (len == 0 || len > ETCD_REALM_LEN_MAX || strspn(realm, plain) != len)
		return TOTP_ERR_RANGE;
	snprintf(ret_prefix, ETCD_PREFIX_MAX, "totp/1/%s/", realm);
	return TOTP_OK;
}

static struct etcd_key key_from(const char *prefix, const char *rest)
{
	struct etcd_key key;

	snprintf(key.text, sizeof(key.text), "%s%s", prefix, rest);
	key.len = strlen(key.text);
	return key;
}

struct etcd_key etcd_own_key(const char *prefix, const char *word)
{
	return key_from(prefix, word);
}

enum totp_err etcd_keys(const char *prefix, const char *user, struct etcd_keys *ret_keys)
{
	char rest[6 + STORE_NAME_MAX], *name = rest + 5;
	uint8_t hash[SHA256_LEN];
	enum totp_err err = store_name(user, name);

	if (err == TOTP_OK)
		err = crypto_sha256((struct piece){name, strlen(name)}, hash);
	if (err != TOTP_OK)
		return err;
	rest[1] = '/';
	text_to_hex(hash, 1, rest + 2);
	rest[4] = '/';
	rest[0] = ETCD_CREDS;
	ret_keys->cred = key_from(prefix, rest);
	rest[0] = ETCD_STATES;
	ret_keys->state = key_from(prefix, rest);
	rest[0] = ETCD_INVITES;
	ret_keys->invite = key_from(prefix, rest);
	return TOTP_OK;
}

struct etcd_key etcd_shard(const char *prefix, enum etcd_part part, unsigned shard)
{
	char rest[8];

	snprintf(rest, sizeof(rest), shard < ETCD_SHARDS ? "%c/%02x/" : "%c0", (char)part, shard);
	return key_from(prefix, rest);
}

struct text etcd_name_of(const char *prefix, enum etcd_part part, struct piece key)
{
	size_t skip = strlen(prefix) + 5; /* "c/HH/" */
	const char *at = key.at;

	if (key.len <= skip || key.len - skip > STORE_NAME_MAX ||
	    memcmp(at, prefix, skip - 5) != 0 || at[skip - 5] != (char)part)
		return (struct text){"", 0};
	return (struct text){at + skip, key.len - skip};
}

/* A state may be the same as that of another host which judged the same code: a nonce is not. */
static enum totp_err make_nonce(uint8_t nonce[STORE_NONCE_LEN])
{
#ifdef ETCD_WITHOUT_NONCE /* only to show that the race test can fail */
	memset(nonce, 0, STORE_NONCE_LEN);
	return TOTP_OK;
#else
	return crypto_random(nonce, STORE_NONCE_LEN);
#endif
}

enum totp_err etcd_state_encode(const struct login_state *state, const struct cred *cred,
				uint8_t ret_value[ETCD_STATE_MAX], size_t *ret_len)
{
	uint8_t *slot = ret_value + STORE_NONCE_LEN;
	enum totp_err err = state_encode(state, cred, slot);
	size_t used;

	if (err == TOTP_OK)
		err = make_nonce(ret_value);
	if (err != TOTP_OK)
		return err;
	used = bytes_used(slot, SLOT_USED_MAX);
	memmove(slot + used, slot + SLOT_USED_MAX, SHA256_LEN);
	*ret_len = STORE_NONCE_LEN + used + SHA256_LEN;
	return TOTP_OK;
}

enum totp_err etcd_state_decode(struct piece value, const struct cred *cred,
				struct login_state *ret_state)
{
	uint8_t slot[STATE_SLOT_LEN] = {0};
	struct bytes in = bytes_of(value.at, value.len);
	size_t used;

	if (value.len <= STORE_NONCE_LEN + SHA256_LEN || value.len > ETCD_STATE_MAX)
		return TOTP_ERR_SEAL;
	used = value.len - STORE_NONCE_LEN - SHA256_LEN;
	(void)bytes_take(&in, STORE_NONCE_LEN);
	bytes_copy(&in, slot, used);
	bytes_copy(&in, slot + SLOT_USED_MAX, SHA256_LEN);
	if (slot[used - 1] == 0) /* a state has one encoding */
		return TOTP_ERR_SEAL;
	return state_decode(slot, cred, ret_state);
}
