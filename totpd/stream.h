/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request of a login host, as it arrives at a verifier: the header of the program that ends
 * TLS, and then the request, in pieces of any size. Nothing here waits.
 */
#ifndef STREAM_H
#define STREAM_H

#include "clients.h"

/* Say hello to a new client, with a nonce of its own. False: the connection is of no use. */
MUST_CHECK bool stream_greet(struct client *client);

/*
 * Receive what has arrived. TOTP_OK: it is a whole request, in client->relay; or it is malformed,
 * and client->err says how. Then the connection's host is in client->peer. TOTP_ERR_STALE: more
 * must arrive. Any other: disconnect the client; if it is worth a line of the log, *why has it.
 */
MUST_CHECK enum totp_err stream_receive(struct client *client, struct reason *why);

/* Send the response to a request that was received, and wipe the message. */
void stream_answer(const struct client *client, const struct wire_response *response);

#endif
