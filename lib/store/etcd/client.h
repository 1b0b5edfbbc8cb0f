/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks a cluster of etcd, by gRPC over TLS 1.3 with a certificate of our own. One member is asked
 * at a time, over a connection that is kept; a request without a valid answer is sent again, byte
 * by byte, to the next member. So a request may have been done
 * although it failed, and may be done twice: it must be one that can be, and whose answer says
 * whether it was this one that was done.
 *
 * A program that has the key of a member or of a client can do anything: the cluster's own access
 * control is not used.
 */
#ifndef STORE_ETCD_CLIENT_H
#define STORE_ETCD_CLIENT_H

#include "base/text.h"
#include "store/etcd/answer.h"

#define ETCD_MEMBERS_MAX 9
#define ETCD_URL_MAX     256
#define ETCD_WAIT_MS     3500 /* what a login waits in all… */
#define ETCD_TRY_MS      350  /* …and for one member: the least that a try is given */

struct etcd_config {
	const char *endpoints;   /* "https://10.0.0.1:2379, ...": commas between them */
	const char *ca;          /* absolute path: the certificate that signs the members'… */
	const char *certificate; /* …ours… */
	const char *key;         /* …and its key */
};

struct etcd_client;

/*
 * Nothing is asked yet. Not to be used in two processes: a connection has one owner.
 * TOTP_ERR_FORMAT: endpoints; TOTP_ERR_UNSUPPORTED: libcurl; *why says what is wrong.
 * TOTP_ERR_NOMEM.
 */
MUST_CHECK enum totp_err etcd_client_open(const struct etcd_config *config,
					  struct etcd_client **ret_client, struct reason *why);

/* Accepts NULL; returns NULL. */
struct etcd_client *etcd_client_close(struct etcd_client *client);

/*
 * Ask, and decode the answer.
 *
 * deadline: CLOCK_MONOTONIC, ns. A try takes a tenth of the time that is left at first, at least
 * ETCD_TRY_MS. TOTP_ERR_TIMEOUT: no member gave a valid answer in time. TOTP_ERR_PEER: an answer
 * that etcd would not give to this request. After these two the request may have been done, or be
 * done later. TOTP_ERR_SYSTEM: our certificate cannot be used; TOTP_ERR_ARGUMENT: the members
 * reject the request: it was not done. *why has a sentence.
 */
MUST_CHECK enum totp_err etcd_client_ask(struct etcd_client *client,
					 const struct etcd_request *request, uint64_t deadline,
					 struct etcd_answer *ret_answer, struct reason *why);

/* --- one member at a time, for an administrator --- */

size_t etcd_client_members(const struct etcd_client *client);
const char *etcd_client_url(const struct etcd_client *client, size_t member);

/* What a member answered, until the next call of a function here. */
struct etcd_fetched {
	struct piece body;        /* or the response, of a call */
	int64_t date;             /* by its clock: seconds since 1970 UTC; 0: it did not say */
	struct piece certificate; /* of the member, in PEM; empty: an older connection was used */
};

struct etcd_fetch {
	size_t member;
	const char *path;
	bool get; /* GET it; else it is a call, whose request is empty */
	unsigned wait_ms;
};

/* Ask one member for a path, once. Errors as etcd_client_ask, but for TOTP_ERR_NOMEM. */
MUST_CHECK enum totp_err etcd_client_fetch(struct etcd_client *client,
					   const struct etcd_fetch *fetch,
					   struct etcd_fetched *ret_fetched, struct reason *why);

#endif
