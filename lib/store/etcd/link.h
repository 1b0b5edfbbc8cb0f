/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections to the members of a cluster: HTTP/2 over TLS 1.3, with a certificate of our own,
 * members whose certificate our CA alone has signed, and no proxy, redirection or cookie.
 */
#ifndef STORE_ETCD_LINK_H
#define STORE_ETCD_LINK_H

#include <curl/curl.h>

#include "store/etcd/rpc.h"

struct etcd_link {
	CURL *curl;
	struct curl_slist *headers; /* of a call */
	char *body;                 /* of the answer */
	size_t body_len, body_room;
	bool in_trailers; /* its headers have ended… */
	bool is_whole;    /* …and the status of the call came after them */
	char error[CURL_ERROR_SIZE];
};

/* The paths of our CA, and of a certificate of ours with its key. */
struct etcd_identity {
	const char *ca;
	const char *certificate;
	const char *key;
};

/*
 * Nothing is connected yet. TOTP_ERR_UNSUPPORTED: this libcurl does not speak HTTP/2;
 * TOTP_ERR_NOMEM. It must be closed then, too.
 */
MUST_CHECK enum totp_err etcd_link_open(struct etcd_link *link,
					const struct etcd_identity *identity);
void etcd_link_close(struct etcd_link *link);

/* What to ask a member for. */
struct etcd_question {
	const char *member; /* https://ADDRESS:PORT */
	const char *path;
	struct piece body; /* of a call; empty: GET */
	uint64_t wait_ms;
};

/* Ask. The answer is in link->curl and link->body, until the next question. */
CURLcode etcd_link_ask(struct etcd_link *link, const struct etcd_question *question);

/*
 * What came of a call that was answered. TOTP_ERR_PEER: the answer is not one of gRPC, or was cut.
 * Else *ret_status says whether the call was done; if so *ret_message is the response.
 */
MUST_CHECK enum totp_err etcd_link_response(const struct etcd_link *link,
					    struct rpc_status *ret_status,
					    struct piece *ret_message);

/*
 * Close all connections: what comes next on one may be the rest of a malformed answer, or nothing
 * ever, where a host went away.
 */
void etcd_link_drop(struct etcd_link *link);

#endif
