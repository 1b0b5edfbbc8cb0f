#include "desk.h"

/* How many seats does the peer have, or anybody with the same standing, in this state? */
struct count {
	size_t same;   /* the same user */
	size_t others; /* anybody but root */
	size_t all;
};

static bool is_root(const struct peer *peer)
{
	return peer->root && peer->uid == 0;
}

static struct count count_of(const struct desk *desk, const struct peer *peer, bool running)
{
	struct count count = {0};

	for (size_t i = 0; i < DESK_SEATS; i++) {
		const struct seat *seat = &desk->seats[i];

		if (seat->state == SEAT_FREE || (running && seat->state != SEAT_RUNNING))
			continue;
		count.all++;
		count.others += !is_root(&seat->peer);
		count.same += seat->peer.uid == peer->uid && seat->peer.root == peer->root;
	}
	return count;
}

struct seat *desk_sit(struct desk *desk, const struct peer *peer)
{
	const struct count count = count_of(desk, peer, false);

	if (!is_root(peer) &&
	    (count.same >= DESK_SEATS_UID || count.others >= DESK_SEATS - DESK_SEATS_ROOT))
		return NULL;
	for (size_t i = 0; i < DESK_SEATS; i++) {
		struct seat *seat = &desk->seats[i];

		if (seat->state != SEAT_FREE)
			continue;
		*seat = (struct seat){.state = SEAT_READING, .peer = *peer, .fd = -1};
		return seat;
	}
	return NULL;
}

bool desk_has_room(const struct desk *desk)
{
	const struct peer nobody = {.uid = RIGHTS_NOBODY};

	return count_of(desk, &nobody, false).others < DESK_SEATS - DESK_SEATS_ROOT;
}

void desk_wait(struct desk *desk, struct seat *seat)
{
	seat->state = SEAT_WAITING;
	seat->turn = desk->turns++;
}

/* May one more child run for this peer? *ret_same is how many do. */
static bool may_run(const struct desk *desk, const struct peer *peer, size_t *ret_same)
{
	const struct count count = count_of(desk, peer, true);

	*ret_same = count.same;
	if (count.all >= DESK_RUNNING)
		return false;
	return is_root(peer) ||
	       (count.same < DESK_RUNNING_UID && count.others < DESK_RUNNING - DESK_RUNNING_ROOT);
}

struct seat *desk_next(struct desk *desk)
{
	struct seat *next = NULL;
	size_t fewest = 0;

	for (size_t i = 0; i < DESK_SEATS; i++) {
		struct seat *seat = &desk->seats[i];
		size_t same = 0;

		if (seat->state != SEAT_WAITING || !may_run(desk, &seat->peer, &same))
			continue;
		if (next && (same > fewest || (same == fewest && seat->turn > next->turn)))
			continue;
		next = seat;
		fewest = same;
	}
	return next;
}

void desk_leave(struct seat *seat)
{
	wire_request_wipe(&seat->request);
	*seat = (struct seat){.state = SEAT_FREE, .fd = -1};
}

size_t desk_taken(const struct desk *desk)
{
	size_t taken = 0;

	for (size_t i = 0; i < DESK_SEATS; i++)
		taken += desk->seats[i].state != SEAT_FREE;
	return taken;
}
