/* SPDX-License-Identifier: BSD-2-Clause */
/* A credential in which every field has a different value, and a host key. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <string.h>

#include "record/cred.h"
#include "record/seal.h"

/* Bytes that count up from `first`. */
static inline void example_bytes(uint8_t *bytes, size_t len, unsigned first)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(first + i);
}

static inline struct token example_totp(void)
{
	struct token token = {.id = 1,
			      .type = TOKEN_TOTP,
			      .alg = HMAC_SHA256,
			      .digits = 8,
			      .period = 60,
			      .offset = -2,
			      .created = 0x6553f101,
			      .label = "phone",
			      .secret = {.len = 10}};

	example_bytes(token.secret.data, token.secret.len, 'A');
	return token;
}

static inline struct token example_hotp(void)
{
	struct token token = {.id = 7,
			      .type = TOKEN_HOTP,
			      .alg = HMAC_SHA1,
			      .digits = 6,
			      .created = 0x6553f102,
			      .label = "key",
			      .secret = {.len = 11}};

	example_bytes(token.secret.data, token.secret.len, 'k');
	return token;
}

static inline struct cred example_cred(void)
{
	struct cred cred = {.version = RECORD_VERSION_FIRST,
			    .user = "alice",
			    .uid_bound = true,
			    .uid = 1000,
			    .created = 0x6553f100,
			    .must_confirm = true,
			    .token_count = 2,
			    .tokens = {example_totp(), example_hotp()},
			    .recovery_count = 1,
			    .bypass = {.uses = 5, .created = 0x6553f103, .expires = 0x6553f104}};

	example_bytes(cred.id, sizeof(cred.id), 0x10);
	example_bytes(cred.state_key, sizeof(cred.state_key), 0x20);
	example_bytes(cred.recovery_salt, sizeof(cred.recovery_salt), 0x40);
	example_bytes(cred.recovery_hash[0], SHA256_LEN, 0x50);
	example_bytes(cred.bypass.salt, sizeof(cred.bypass.salt), 0x80);
	example_bytes(cred.bypass.hash, sizeof(cred.bypass.hash), 0x90);
	return cred;
}

static inline struct host_key example_key(void)
{
	struct host_key key = {.id = 0xdeadbeef, .created = 86400};

	example_bytes(key.key, sizeof(key.key), 0x70);
	return key;
}

#endif
