/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transaction of etcd v3, and its encoding as gRPC takes it. All that we ask of a cluster is a
 * transaction, even a single read: its answer says which branch was taken, so that no missing field
 * of an answer can look like a success.
 */
#ifndef STORE_ETCD_REQUEST_H
#define STORE_ETCD_REQUEST_H

#include <stdbool.h>

#include "base/crypto.h"

#define ETCD_OPS_MAX      128 /* etcd's own limit, for compares and for either branch */
#define ETCD_REVISION_MAX INT64_MAX

/* A compare holds if a key was last changed, or created, at that revision; 0: there is none. */
struct etcd_compare {
	enum { ETCD_MODIFIED, ETCD_CREATED } what;
	struct piece key;
	uint64_t revision; /* at most ETCD_REVISION_MAX */
};

enum etcd_kind { ETCD_RANGE, ETCD_PUT, ETCD_DELETE };

struct etcd_op {
	enum etcd_kind kind;
	struct piece key;
	struct piece end;   /* RANGE: the first key that is not meant; empty: `key` alone */
	struct piece value; /* PUT; RANGE of a single key: it must be there with this value */
	uint32_t limit;     /* RANGE with an end: at most so many keys, 1 or more */
	bool keys_only;     /* RANGE: without values */
};

struct etcd_ops {
	size_t count; /* at most ETCD_OPS_MAX */
	const struct etcd_op *ops;
};

struct etcd_request {
	size_t compare_count; /* at most ETCD_OPS_MAX */
	const struct etcd_compare *compares;
	struct etcd_ops success; /* is done if all compares hold… */
	struct etcd_ops failure; /* …and this otherwise */
};

/*
 * Encode a request as the body of a call of RPC_TXN; the caller frees *ret_body. TOTP_ERR_NOMEM.
 * TOTP_ERR_ARGUMENT: a count or revision out of range, or a key or value that is empty: etcd
 * leaves fields of no length out of its answers.
 */
MUST_CHECK enum totp_err etcd_request_encode(const struct etcd_request *request, uint8_t **ret_body,
					     size_t *ret_len);

#endif
