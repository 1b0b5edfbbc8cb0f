/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gRPC over HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), so far as we
 * need it, and what we use of etcd's interface: its rpc.proto and kv.proto, which are the same in
 * 3.4 and 3.5 for all that is here.
 */
#ifndef STORE_ETCD_RPC_H
#define STORE_ETCD_RPC_H

#include "base/crypto.h"
#include "base/text.h"

/* --- messages on the wire --- */

#define RPC_PREFIX_LEN 5 /* before a message: a byte for its compression, and its length in 4 */

/* Write the prefix of a message of so many bytes, which is not compressed. */
void rpc_prefix(uint8_t prefix[RPC_PREFIX_LEN], size_t len);

/* The body of a call whose request has no field. */
extern const struct piece rpc_empty;

/* The message in the body of an answer. TOTP_ERR_FORMAT: the body is not one message alone. */
MUST_CHECK enum totp_err rpc_open(struct piece body, struct piece *ret_message);

#define RPC_OK          0
#define RPC_STATUS_NONE UINT64_MAX /* it is not there, or no number */

#define RPC_INVALID_ARGUMENT 3

#define RPC_MESSAGE_MAX 120

/* What the trailers of an answer say of the call. */
struct rpc_status {
	uint64_t code;                 /* RPC_OK; or an error, or RPC_STATUS_NONE */
	char message[RPC_MESSAGE_MAX]; /* fit for a log */
};

/* Decode the trailers "grpc-status" and "grpc-message"; one that is missing is empty. */
void rpc_status(struct text code, struct text message, struct rpc_status *ret_status);

/* --- etcd's calls, and the numbers of fields in their messages --- */

#define RPC_TXN         "/etcdserverpb.KV/Txn"
#define RPC_STATUS      "/etcdserverpb.Maintenance/Status"
#define RPC_ALARM       "/etcdserverpb.Maintenance/Alarm" /* an empty request lists them */
#define RPC_MEMBER_LIST "/etcdserverpb.Cluster/MemberList"

enum { TXN_COMPARE = 1, TXN_SUCCESS, TXN_FAILURE };
enum {
	COMPARE_TARGET = 2,
	COMPARE_KEY,
	COMPARE_CREATE_REVISION = 5,
	COMPARE_MOD_REVISION,
	TARGET_CREATE = 1, /* of the target */
	TARGET_MOD,
};
enum { OP_RANGE = 1, OP_PUT, OP_DELETE_RANGE }; /* of a request, and of the response to it */
enum { OP_KEY = 1, RANGE_END = 2, RANGE_LIMIT = 3, RANGE_KEYS_ONLY = 8, PUT_VALUE = 2 };

enum { RESPONSE_HEADER = 1 }; /* of all responses */
enum { HEADER_CLUSTER_ID = 1, HEADER_MEMBER_ID, HEADER_REVISION, HEADER_RAFT_TERM };
enum { TXN_SUCCEEDED = 2, TXN_RESPONSES };
enum { RANGE_KVS = 2, RANGE_MORE, RANGE_COUNT };
enum { DELETE_RANGE_DELETED = 2 };
enum { KV_KEY = 1, KV_CREATE_REVISION, KV_MOD_REVISION, KV_VERSION, KV_VALUE };
enum { STATUS_VERSION = 2, STATUS_DB_SIZE, STATUS_LEADER };
enum { MEMBER_LIST_MEMBERS = 2, MEMBER_ID = 1, MEMBER_NAME };
enum { ALARM_ALARMS = 2, ALARM_TYPE = 2 };

#endif
