/* SPDX-License-Identifier: BSD-2-Clause */
#include "clients.h"

/* How many clients there are, or how many whose request is running. */
struct count {
	size_t same;   /* that count as the same peer */
	size_t others; /* that do not count as root */
	size_t all;
};

static bool is_root(const struct peer *peer)
{
	return peer->root && peer->uid == 0;
}

static bool counts_as(const struct client *client, const struct peer *peer)
{
	return client->counted_as.uid == peer->uid && client->counted_as.root == peer->root &&
	       strcmp(client->counted_as.host, peer->host) == 0;
}

static struct count count_for(const struct clients *clients, const struct peer *peer, bool running)
{
	struct count count = {0};

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &clients->all[i];

		if (client->state == CLIENT_NONE || (running && client->state != CLIENT_RUNNING))
			continue;
		count.all++;
		count.others += !is_root(&client->counted_as);
		count.same += counts_as(client, peer);
	}
	return count;
}

static bool is_below_limits(const struct count *count)
{
	return count->same < CLIENTS_UID && count->others < CLIENTS_MAX - CLIENTS_ROOT;
}

struct client *clients_add(struct clients *clients, const struct peer *peer)
{
	const struct count count = count_for(clients, peer, false);

	if (!is_root(peer) && !is_below_limits(&count))
		return NULL;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->all[i];

		if (client->state != CLIENT_NONE)
			continue;
		*client = (struct client){
			.state = CLIENT_READING, .peer = *peer, .counted_as = *peer, .fd = -1};
		return client;
	}
	return NULL;
}

struct client *clients_to_evict(struct clients *clients, const struct peer *peer)
{
	const struct count count = count_for(clients, peer, false);
	struct client *idle = NULL;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->all[i];
		bool makes_room = is_root(peer) ||
				  (count.same < CLIENTS_UID ? !is_root(&client->counted_as)
							    : counts_as(client, peer));

		if (client->state == CLIENT_READING && makes_room &&
		    (!idle || client->deadline < idle->deadline))
			idle = client;
	}
	return idle;
}

bool clients_have_room(const struct clients *clients)
{
	const struct peer nobody = {.uid = RIGHTS_NOBODY};
	const struct count count = count_for(clients, &nobody, false);

	if (count.others < CLIENTS_MAX - CLIENTS_ROOT)
		return true;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients->all[i].state == CLIENT_READING &&
		    !is_root(&clients->all[i].counted_as))
			return true;
	return false;
}

/* False: the limit of this peer is reached. */
static bool count_as(struct clients *clients, struct client *client, const struct peer *peer)
{
	struct count count = count_for(clients, peer, false);

	if (counts_as(client, peer))
		return true;
	count.others -= !is_root(&client->counted_as); /* itself */
	if (!is_below_limits(&count))
		return false;
	client->counted_as = *peer;
	return true;
}

bool clients_count_host(struct clients *clients, struct client *client)
{
	return count_as(clients, client, &client->peer);
}

bool clients_queue(struct clients *clients, struct client *client, uid_t for_uid)
{
	struct peer counted_as = client->peer;

	counted_as.uid = for_uid;
	if (!count_as(clients, client, &counted_as))
		return false;
	client->state = CLIENT_WAITING;
	client->number = clients->requests++;
	return true;
}

struct client *clients_next(struct clients *clients)
{
	struct client *next = NULL;
	size_t fewest = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->all[i];
		size_t most = client->peer.host[0] ? CLIENTS_RUNNING_HOST : CLIENTS_RUNNING_UID;
		struct count count;

		if (client->state != CLIENT_WAITING)
			continue;
		count = count_for(clients, &client->counted_as, true);
		if (count.all >= CLIENTS_RUNNING ||
		    (!is_root(&client->counted_as) &&
		     (count.same >= most ||
		      count.others >= CLIENTS_RUNNING - CLIENTS_RUNNING_ROOT)))
			continue;
		if (next && (count.same > fewest ||
			     (count.same == fewest && client->number > next->number)))
			continue;
		next = client;
		fewest = count.same;
	}
	return next;
}

void client_remove(struct client *client)
{
	explicit_bzero(client, sizeof(*client));
	client->state = CLIENT_NONE;
	client->fd = -1;
}

size_t clients_count(const struct clients *clients)
{
	size_t count = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		count += clients->all[i].state != CLIENT_NONE;
	return count;
}
