/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose request is next: no user blocks the others. */
#include "../unit/unit.h"

#include "clients.h"

static const struct peer root = {.uid = 0, .root = true};
static const struct peer alice = {.uid = 1000};
static const struct peer bob = {.uid = 1001};

static struct clients clients;

static int clear(void **unused)
{
	memset(&clients, 0, sizeof(clients));
	return 0;
}

/* Connect and send a request; NULL if a limit is reached. */
static struct client *ask(const struct peer *peer)
{
	struct client *client = clients_add(&clients, peer);

	if (client)
		assert_true(clients_queue(&clients, client, peer->uid));
	return client;
}

static size_t ask_often(const struct peer *peer, size_t times)
{
	size_t added = 0;

	for (size_t i = 0; i < times; i++)
		added += ask(peer) != NULL;
	return added;
}

/* Answer the next request; returns its client. */
static struct client *run_next(void)
{
	struct client *client = clients_next(&clients);

	if (client)
		client->state = CLIENT_RUNNING;
	return client;
}

static size_t run_all(void)
{
	size_t running = 0;

	while (run_next())
		running++;
	return running;
}

static void one_user_has_so_many_connections_and_no_more(void **unused)
{
	assert_int_equal(CLIENTS_UID, ask_often(&alice, 1000));
	assert_non_null(ask(&bob));
	assert_non_null(ask(&root));
}

static void root_can_connect_however_many_others_have(void **unused)
{
	for (uid_t uid = 2000; uid < 3000; uid++)
		(void)ask(&(struct peer){.uid = uid});
	assert_false(clients_have_room(&clients));
	assert_int_equal(CLIENTS_MAX - CLIENTS_ROOT, clients_count(&clients));
	assert_null(ask(&bob));
	assert_int_equal(CLIENTS_ROOT, ask_often(&root, 1000));
}

static void one_user_has_so_many_running_requests_and_no_more(void **unused)
{
	(void)ask_often(&alice, 20);
	assert_int_equal(CLIENTS_RUNNING_UID, run_all());
	(void)ask(&bob);
	assert_int_equal(bob.uid, run_next()->peer.uid);
}

static void a_request_of_root_runs_however_many_others_do(void **unused)
{
	for (uid_t uid = 2000; uid < 2100; uid++)
		(void)ask(&(struct peer){.uid = uid});
	assert_int_equal(CLIENTS_RUNNING - CLIENTS_RUNNING_ROOT, run_all());
	(void)ask_often(&root, 20);
	assert_int_equal(CLIENTS_RUNNING_ROOT, run_all());
}

static void the_user_with_the_fewest_running_requests_is_next_then_the_longest_waiting(
	void **unused)
{
	struct client *first = ask(&alice), *second = ask(&alice), *third = ask(&bob);

	assert_ptr_equal(first, run_next());
	assert_ptr_equal(third, run_next());
	assert_ptr_equal(second, run_next());
	assert_null(run_next());
}

/* Connect at this time, and send nothing. */
static struct client *connect_idle(const struct peer *peer, uint64_t when)
{
	struct client *client = clients_add(&clients, peer);

	if (client)
		client->deadline = when;
	return client;
}

static void of_many_idle_clients_the_one_that_was_idle_longest_is_evicted(void **unused)
{
	struct client *first = NULL;

	for (unsigned i = 0; i < 1000; i++) {
		struct client *client = connect_idle(&(struct peer){.uid = 2000 + i}, 1000 - i);

		first = client ? client : first;
	}
	assert_null(clients_add(&clients, &bob));
	assert_true(clients_have_room(&clients));
	assert_ptr_equal(first, clients_to_evict(&clients, &bob));
	client_remove(first);
	assert_non_null(ask(&bob));
	/* a client that has sent its request is not evicted */
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients.all[i].state == CLIENT_READING)
			assert_true(
				clients_queue(&clients, &clients.all[i], clients.all[i].peer.uid));
	assert_null(clients_to_evict(&clients, &alice));
	assert_false(clients_have_room(&clients));
}

static void a_user_at_the_limit_evicts_no_client_of_others(void **unused)
{
	struct client *bobs = connect_idle(&bob, 1);

	assert_int_equal(CLIENTS_UID - 1, ask_often(&alice, CLIENTS_UID - 1));
	struct client *idle = connect_idle(&alice, 2);

	assert_non_null(idle);
	assert_null(clients_add(&clients, &alice));
	assert_ptr_equal(idle, clients_to_evict(&clients, &alice));
	assert_true(clients_queue(&clients, idle, alice.uid));
	assert_null(clients_to_evict(&clients, &alice));
	assert_int_equal(CLIENT_READING, bobs->state);
}

/* All of them connect as the account of the program that ends TLS. */
static void connections_of_one_host_take_no_room_from_others(void **unused)
{
	static const struct peer terminator = {.uid = 998};

	for (size_t i = 0; i <= CLIENTS_UID; i++) {
		struct client *client = clients_add(&clients, &terminator);

		assert_non_null(client);
		strcpy(client->peer.host, "web01");
		assert_int_equal(i < CLIENTS_UID, clients_count_host(&clients, client));
		if (i == CLIENTS_UID)
			client_remove(client);
	}
	struct client *other = clients_add(&clients, &terminator);

	assert_non_null(other);
	strcpy(other->peer.host, "web02");
	assert_true(clients_count_host(&clients, other));
	assert_true(clients_count_host(&clients, other));
	assert_true(clients_queue(&clients, other, other->peer.uid));
}

static void the_last_room_is_that_of_a_host_too(void **unused)
{
	struct peer user = {.uid = 1000};

	for (; user.uid < 1000 + CLIENTS_MAX - CLIENTS_ROOT - 1; user.uid++)
		assert_non_null(ask(&user));
	struct client *last = clients_add(&clients, &bob);

	assert_non_null(last);
	strcpy(last->peer.host, "web01");
	assert_true(clients_count_host(&clients, last));
	assert_null(clients_add(&clients, &user));
}

static void no_client_of_root_is_evicted_for_others(void **unused)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		assert_non_null(connect_idle(&root, i));
	assert_null(clients_add(&clients, &bob));
	assert_null(clients_to_evict(&clients, &bob));
	assert_ptr_equal(&clients.all[0], clients_to_evict(&clients, &root));
}

static void a_removed_client_holds_nothing(void **unused)
{
	static const struct wire_request nothing;
	struct client *client = ask(&alice);

	strcpy(client->relay.request.answer.code.text, "123456");
	client_remove(client);
	assert_memory_equal(&nothing, &client->relay.request, sizeof(nothing));
	assert_int_equal(0, clients_count(&clients));
	assert_int_equal(-1, client->fd);
}

static void uid_0_on_the_user_s_socket_has_no_more_than_a_user(void **unused)
{
	const struct peer mapped = {.uid = 0};

	assert_int_equal(CLIENTS_UID, ask_often(&mapped, 1000));
	assert_int_equal(CLIENTS_RUNNING_UID, run_all());
}

static void what_root_asks_for_a_user_counts_for_that_user(void **unused)
{
	size_t added = 0;

	for (int i = 0; i < 1000; i++) {
		struct client *client = clients_add(&clients, &root);

		assert_non_null(client);
		if (clients_queue(&clients, client, alice.uid))
			added++;
		else
			client_remove(client);
	}
	assert_int_equal(CLIENTS_UID, added);
	assert_int_equal(CLIENTS_RUNNING_UID, run_all());
	assert_non_null(ask(&root));
	assert_true(run_next()->counted_as.uid == 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_user_has_so_many_connections_and_no_more, clear),
		cmocka_unit_test_setup(root_can_connect_however_many_others_have, clear),
		cmocka_unit_test_setup(one_user_has_so_many_running_requests_and_no_more, clear),
		cmocka_unit_test_setup(a_request_of_root_runs_however_many_others_do, clear),
		cmocka_unit_test_setup(
			the_user_with_the_fewest_running_requests_is_next_then_the_longest_waiting,
			clear),
		cmocka_unit_test_setup(
			of_many_idle_clients_the_one_that_was_idle_longest_is_evicted, clear),
		cmocka_unit_test_setup(a_user_at_the_limit_evicts_no_client_of_others, clear),
		cmocka_unit_test_setup(connections_of_one_host_take_no_room_from_others, clear),
		cmocka_unit_test_setup(the_last_room_is_that_of_a_host_too, clear),
		cmocka_unit_test_setup(no_client_of_root_is_evicted_for_others, clear),
		cmocka_unit_test_setup(a_removed_client_holds_nothing, clear),
		cmocka_unit_test_setup(uid_0_on_the_user_s_socket_has_no_more_than_a_user, clear),
		cmocka_unit_test_setup(what_root_asks_for_a_user_counts_for_that_user, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
