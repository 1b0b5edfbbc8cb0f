/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connected clients, and whose request is answered next. Each user may have so many
 * connections and so many requests that run at the same time, and root has some of both for
 * itself: nobody who sends requests without end delays others. Pure: no sockets, no processes.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "login/relay.h"
#include "rights.h"

#define CLIENTS_MAX          256
#define CLIENTS_ROOT         64 /* of these for root alone */
#define CLIENTS_UID          64 /* of one user who is not root */
#define CLIENTS_RUNNING      16
#define CLIENTS_RUNNING_ROOT 4
#define CLIENTS_RUNNING_UID  2
#define CLIENTS_RUNNING_HOST 4 /* of one login host, for all of its users */

#define CLIENTS_STREAM_MAX (PROXY_HEADER_MAX + RELAY_REQUEST_LEN)

enum client_state { CLIENT_NONE = 0, CLIENT_READING, CLIENT_WAITING, CLIENT_RUNNING };

struct client {
	enum client_state state;
	struct peer peer;
	struct peer counted_as;     /* for whose limits it counts: mostly the peer's own */
	int fd;                     /* of the connection */
	pid_t child;                /* CLIENT_RUNNING */
	uint64_t deadline;          /* CLOCK_MONOTONIC, ns: when it is disconnected */
	uint64_t number;            /* how many requests came before */
	enum totp_err err;          /* CLIENT_WAITING: why the request cannot be decoded… */
	struct relay_request relay; /* …or the request: relay.request, and more if from a host */
	bool is_stream;             /* by way of the verifier's socket… */
	uint8_t nonce[RELAY_NONCE_LEN]; /* …of its hello… */
	size_t received; /* …of the stream: so many bytes, of the header and the request */
	uint8_t stream[CLIENTS_STREAM_MAX + 1];
};

struct clients {
	struct client all[CLIENTS_MAX];
	uint64_t requests;
};

/* Add a client for this peer, which becomes CLIENT_READING; NULL: a limit is reached. */
struct client *clients_add(struct clients *clients, const struct peer *peer);

/*
 * The client to disconnect where clients_add found no room for this peer: the one that has been
 * idle longest, of the same user where the user's own limit is reached. Its program tries again.
 * NULL: all of them have sent a request.
 */
struct client *clients_to_evict(struct clients *clients, const struct peer *peer);

/* Could a client that is not root be added, if need be instead of an idle one? If not, new ones
 * wait in the listener's queue. */
bool clients_have_room(const struct clients *clients);

/*
 * A connection has said of which host it is, and counts for that host from now on: one that sends
 * no request takes no room from other hosts. False: the host's limit is reached, and the client
 * must be disconnected.
 */
MUST_CHECK bool clients_count_host(struct clients *clients, struct client *client);

/*
 * The client's request has been read, and is queued. Root may ask for a user, and the client then
 * counts for that user. False: that user's limit is reached, and the client must be disconnected.
 */
MUST_CHECK bool clients_queue(struct clients *clients, struct client *client, uid_t for_uid);

/* The client to answer next, or NULL: of the users with the fewest running requests, the one that
 * has waited longest. */
struct client *clients_next(struct clients *clients);

/* Remove a client, and wipe what it held. Descriptor and child are the caller's. */
void client_remove(struct client *client);

/* How many clients there are. */
size_t clients_count(const struct clients *clients);

#endif
