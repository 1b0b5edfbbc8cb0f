/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of a store's keys in etcd, and the value of a login state. */
#ifndef STORE_ETCD_VALUE_H
#define STORE_ETCD_VALUE_H

#include "record/state.h"
#include "store/engine.h"

#define ETCD_REALM_LEN_MAX 64
#define ETCD_PREFIX_MAX    (8 + ETCD_REALM_LEN_MAX + 2)           /* "totp/1/REALM/" */
#define ETCD_KEY_MAX       (ETCD_PREFIX_MAX + 6 + STORE_NAME_MAX) /* "c/HH/NAME" after it */
#define ETCD_STATE_MAX     (STORE_NONCE_LEN + STATE_SLOT_LEN)

struct etcd_key {
	size_t len;
	char text[ETCD_KEY_MAX];
};

struct piece etcd_key_of(const struct etcd_key *key);

/* TOTP_ERR_RANGE: no realm. */
MUST_CHECK enum totp_err etcd_prefix(const char *realm, char ret_prefix[ETCD_PREFIX_MAX]);

/* A key of the store itself: "meta". */
struct etcd_key etcd_own_key(const char *prefix, const char *word);

enum etcd_part { ETCD_CREDS = 'c', ETCD_STATES = 's', ETCD_INVITES = 'i' };

/* All keys of a user. TOTP_ERR_RANGE: as store_name; TOTP_ERR_CRYPTO. */
struct etcd_keys {
	struct etcd_key cred, state, invite;
};

MUST_CHECK enum totp_err etcd_keys(const char *prefix, const char *user,
				   struct etcd_keys *ret_keys);

#define ETCD_SHARDS 256

/* The first key of a shard; that of ETCD_SHARDS ends the last one. */
struct etcd_key etcd_shard(const char *prefix, enum etcd_part part, unsigned shard);

/* The NAME of a user's key, or "" if it is no such key. */
struct text etcd_name_of(const char *prefix, enum etcd_part part, struct piece key);

/* Encode a state under a new nonce. Errors as state_encode and crypto_random. */
MUST_CHECK enum totp_err etcd_state_encode(const struct login_state *state, const struct cred *cred,
					   uint8_t ret_value[ETCD_STATE_MAX], size_t *ret_len);

/* Errors as state_decode. */
MUST_CHECK enum totp_err etcd_state_decode(struct piece value, const struct cred *cred,
					   struct login_state *ret_state);

#endif
