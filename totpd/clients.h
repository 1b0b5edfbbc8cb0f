/*
 * Whose turn it is. A connection takes a seat, its request is read, and a child answers it
 * when one may run: each user has a share of seats and children, and root has some that
 * nobody else gets, so that one person who asks without end delays nobody. Pure: no
 * sockets, no processes.
 */
#ifndef DESK_H
#define DESK_H

#include "rights.h"

#define DESK_SEATS        256
#define DESK_SEATS_ROOT   64 /* of them root's alone */
#define DESK_SEATS_UID    64 /* of one user who is not root */
#define DESK_RUNNING      16
#define DESK_RUNNING_ROOT 4
#define DESK_RUNNING_UID  2

enum seat_state { SEAT_FREE = 0, SEAT_READING, SEAT_WAITING, SEAT_RUNNING };

struct seat {
	enum seat_state state;
	struct peer peer;
	struct peer share;           /* in whose share it counts: mostly the peer's own */
	int fd;                      /* of the connection */
	pid_t child;                 /* SEAT_RUNNING */
	uint64_t deadline;           /* CLOCK_MONOTONIC, ns: when it loses the seat */
	uint64_t turn;               /* requests that came before */
	enum totp_err err;           /* SEAT_WAITING: why the request cannot be read… */
	struct wire_request request; /* …or the request */
};

struct desk {
	struct seat seats[DESK_SEATS];
	uint64_t turns;
};

/* A free seat for this peer, which becomes SEAT_READING; NULL: no share is left. */
struct seat *desk_sit(struct desk *desk, const struct peer *peer);

/*
 * Where desk_sit has found none: the seat whose leaving would make one for this peer. It is
 * that of who has been silent for longest, of the same user where that user's share is used up;
 * NULL: all of them have asked. Who sits there asks again.
 */
struct seat *desk_oust(struct desk *desk, const struct peer *peer);

/* Could anybody but root sit down, if need be in another's place? They wait outside else. */
bool desk_has_room(const struct desk *desk);

/*
 * The request of a seat has been read; root may ask for a user, in whose share it then counts.
 * False: that share is used up, and the seat is to be left.
 */
MUST_CHECK bool desk_wait(struct desk *desk, struct seat *seat, uid_t for_uid);

/* The seat whose request is to be answered next, or NULL: of those who have fewest children at
 * work, the one who has waited longest. */
struct seat *desk_next(struct desk *desk);

/* Make the seat free, wiping what it held. Descriptor and child are the caller's. */
void desk_leave(struct seat *seat);

/* How many seats are not free. */
size_t desk_taken(const struct desk *desk);

#endif
