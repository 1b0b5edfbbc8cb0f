/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answering one request: what a child of totpd does. It may wait for a lock or for a name service;
 * the parent ends it when that takes too long.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "login/relay.h"
#include "rights.h"
#include "server.h"

/*
 * Answer the request that came on the connection fd. Of a process of this host only relay->request
 * counts. The store is closed, unless a worker keeps it in server->store. No code is used up and
 * nothing is stored if the client has closed the connection or the request's deadline has passed.
 *
 * True: a credential is sealed by a key that was added to the keyring later, or that is lost.
 */
bool request_answer(struct server *server, const struct peer *peer, int fd,
		    const struct relay_request *relay, struct wire_response *ret_response);

#endif
