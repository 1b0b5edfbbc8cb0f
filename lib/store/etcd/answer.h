/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer of etcd to a transaction. A proxy or a member may lose, cut or repeat an answer, so
 * that an answer counts only if it is whole, and is one to this request: a field that is missing,
 * doubled or of another type is an error, and so is a key that was not asked for. Fields that are
 * not known are ignored: later versions of etcd may add some.
 */
#ifndef STORE_ETCD_ANSWER_H
#define STORE_ETCD_ANSWER_H

#include "base/own.h"
#include "store/etcd/request.h"

#define ETCD_ANSWER_MAX ((size_t)8 << 20) /* bytes; more is no answer */

/* A key, its value, and the revisions at which it was created and last changed. */
struct etcd_pair {
	struct piece key;
	struct piece value; /* empty with keys_only */
	uint64_t created;
	uint64_t modified;
};

/* What became of one operation. */
struct etcd_result {
	const struct etcd_pair *pairs; /* RANGE: in the order of keys; of a single key, 0 or 1 */
	size_t pair_count;
	uint64_t count; /* RANGE: of the keys there are, not only up to `limit`; DELETE: deleted */
};

struct etcd_answer {
	uint64_t cluster;  /* its id */
	uint64_t member;   /* the id of the member that answered */
	uint64_t revision; /* of the store, after the request */
	uint64_t term;     /* grows with each election of a leader */
	bool succeeded;    /* all compares held: the results are those of `success` */
	bool again;        /* the client had sent the request before, without an answer to it */
	size_t result_count;
	struct etcd_result results[ETCD_OPS_MAX];
	struct etcd_pair *pairs; /* the results point into this… */
	uint8_t *bytes;          /* …and keys and values into that, the message */
};

#define OWN_ETCD_ANSWER OWN(etcd_answer_free)

/* Free what it holds, and make it empty. */
void etcd_answer_free(struct etcd_answer *answer);

/*
 * Decode the answer to a request. On an error *ret_answer is empty. TOTP_ERR_NOMEM.
 * TOTP_ERR_FORMAT: anything that etcd would not answer to this request.
 */
MUST_CHECK enum totp_err etcd_answer_decode(const struct etcd_request *request,
					    struct piece message, struct etcd_answer *ret_answer);

/* The id of the leader, as a member gives it with its status; 0: it knows none. */
uint64_t etcd_answer_leader(struct piece message);

#endif
