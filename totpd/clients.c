#include "clients.h"

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
		count.others += !is_root(&seat->share);
		count.same += seat->share.uid == peer->uid && seat->share.root == peer->root;
	}
	return count;
}

static bool has_share(const struct count *count)
{
	return count->same < DESK_SEATS_UID;
}

static bool others_have_room(const struct count *count)
{
	return count->others < DESK_SEATS - DESK_SEATS_ROOT;
}

struct seat *desk_sit(struct desk *desk, const struct peer *peer)
{
	const struct count count = count_of(desk, peer, false);

	if (!is_root(peer) && (!has_share(&count) || !others_have_room(&count)))
		return NULL;
	for (size_t i = 0; i < DESK_SEATS; i++) {
		struct seat *seat = &desk->seats[i];

		if (seat->state != SEAT_FREE)
			continue;
		*seat = (struct seat){
			.state = SEAT_READING, .peer = *peer, .share = *peer, .fd = -1};
		return seat;
	}
	return NULL;
}

/* Would this peer have a seat if that one left? */
static bool is_in_the_way(const struct seat *seat, const struct peer *peer, bool own_share_is_full)
{
	if (is_root(peer))
		return true;
	if (own_share_is_full)
		return seat->share.uid == peer->uid && seat->share.root == peer->root;
	return !is_root(&seat->share);
}

struct seat *desk_oust(struct desk *desk, const struct peer *peer)
{
	const struct count count = count_of(desk, peer, false);
	struct seat *silent = NULL;

	for (size_t i = 0; i < DESK_SEATS; i++) {
		struct seat *seat = &desk->seats[i];

		if (seat->state == SEAT_READING && is_in_the_way(seat, peer, !has_share(&count)) &&
		    (!silent || seat->deadline < silent->deadline))
			silent = seat;
	}
	return silent;
}

bool desk_has_room(const struct desk *desk)
{
	const struct peer nobody = {.uid = RIGHTS_NOBODY};
	const struct count count = count_of(desk, &nobody, false);

	if (others_have_room(&count))
		return true;
	for (size_t i = 0; i < DESK_SEATS; i++)
		if (desk->seats[i].state == SEAT_READING && !is_root(&desk->seats[i].share))
			return true;
	return false;
}

bool desk_wait(struct desk *desk, struct seat *seat, uid_t for_uid)
{
	struct peer share = {.uid = for_uid, .root = seat->peer.root};

	if (share.uid != seat->share.uid) {
		const struct count count = count_of(desk, &share, false);

		if (!has_share(&count) || !others_have_room(&count))
			return false;
		seat->share = share;
	}
	seat->state = SEAT_WAITING;
	seat->turn = desk->turns++;
	return true;
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

		if (seat->state != SEAT_WAITING || !may_run(desk, &seat->share, &same))
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
