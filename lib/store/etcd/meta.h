/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a store in etcd says of itself, as text, so that an administrator can read it with etcdctl:
 *
 *   pam_totp store 2            the version of records that are written
 *   id HEX                      random, 16 bytes
 *   cluster NUMBER              the id of the cluster that the store belongs to: a backup is
 *                               restored into a cluster with another one
 *   key HEX                     the id of the key that seals
 *   since NUMBER                seconds since 1970 UTC: codes from before are denied
 *   epoch NUMBER                how often a restored backup was accepted
 */
#ifndef STORE_ETCD_META_H
#define STORE_ETCD_META_H

#include "base/text.h"
#include "record/cred.h"

#define ETCD_META_MAX 256

struct etcd_meta {
	uint8_t version;
	uint8_t id[CRED_ID_LEN];
	uint64_t cluster;
	uint32_t key_id;
	int64_t since;
	uint32_t epoch;
};

/* Returns the bytes without a NUL. */
size_t etcd_meta_encode(const struct etcd_meta *meta, char ret_text[ETCD_META_MAX]);

/*
 * There is one encoding: encode(decode(text)) is text. TOTP_ERR_UNSUPPORTED: a newer version.
 * TOTP_ERR_FORMAT.
 */
MUST_CHECK enum totp_err etcd_meta_decode(struct text text, struct etcd_meta *ret_meta);

#endif
