/* Whose turn it is: nobody's users keeps others waiting. */
#include "../unit/unit.h"

#include "clients.h"

static const struct peer root = {.uid = 0, .root = true};
static const struct peer alice = {.uid = 1000};
static const struct peer bob = {.uid = 1001};

static struct desk desk;

static int clear(void **unused)
{
	memset(&desk, 0, sizeof(desk));
	return 0;
}

/* Sit down and ask; NULL if there is no seat. */
static struct seat *ask(const struct peer *peer)
{
	struct seat *seat = desk_sit(&desk, peer);

	if (seat)
		assert_true(desk_wait(&desk, seat, peer->uid));
	return seat;
}

static size_t ask_often(const struct peer *peer, size_t times)
{
	size_t seated = 0;

	for (size_t i = 0; i < times; i++)
		seated += ask(peer) != NULL;
	return seated;
}

/* Let the next one run; who was it? */
static struct seat *run_next(void)
{
	struct seat *seat = desk_next(&desk);

	if (seat)
		seat->state = SEAT_RUNNING;
	return seat;
}

static size_t run_all(void)
{
	size_t running = 0;

	while (run_next())
		running++;
	return running;
}

static void one_user_has_their_share_of_seats_and_no_more(void **unused)
{
	assert_int_equal(DESK_SEATS_UID, ask_often(&alice, 1000));
	assert_non_null(ask(&bob));
	assert_non_null(ask(&root));
}

static void root_finds_a_seat_whoever_else_is_there(void **unused)
{
	for (uid_t uid = 2000; uid < 3000; uid++)
		(void)ask(&(struct peer){.uid = uid});
	assert_false(desk_has_room(&desk));
	assert_int_equal(DESK_SEATS - DESK_SEATS_ROOT, desk_taken(&desk));
	assert_null(ask(&bob));
	assert_int_equal(DESK_SEATS_ROOT, ask_often(&root, 1000));
}

static void one_user_has_their_share_of_children_and_no_more(void **unused)
{
	(void)ask_often(&alice, 20);
	assert_int_equal(DESK_RUNNING_UID, run_all());
	(void)ask(&bob);
	assert_int_equal(bob.uid, run_next()->peer.uid);
}

static void root_s_child_runs_whoever_else_s_do(void **unused)
{
	for (uid_t uid = 2000; uid < 2100; uid++)
		(void)ask(&(struct peer){.uid = uid});
	assert_int_equal(DESK_RUNNING - DESK_RUNNING_ROOT, run_all());
	(void)ask_often(&root, 20);
	assert_int_equal(DESK_RUNNING_ROOT, run_all());
}

static void who_has_fewest_children_at_work_is_next_and_then_who_waits_longest(void **unused)
{
	struct seat *first = ask(&alice), *second = ask(&alice), *third = ask(&bob);

	assert_ptr_equal(first, run_next());
	assert_ptr_equal(third, run_next());
	assert_ptr_equal(second, run_next());
	assert_null(run_next());
}

/* Sit down and say nothing, at this time. */
static struct seat *sit(const struct peer *peer, uint64_t when)
{
	struct seat *seat = desk_sit(&desk, peer);

	if (seat)
		seat->deadline = when;
	return seat;
}

static void of_a_crowd_that_says_nothing_the_longest_silent_one_goes(void **unused)
{
	struct seat *first = NULL;

	for (unsigned i = 0; i < 1000; i++) {
		struct seat *seat = sit(&(struct peer){.uid = 2000 + i}, 1000 - i);

		first = seat ? seat : first;
	}
	assert_null(desk_sit(&desk, &bob));
	assert_true(desk_has_room(&desk));
	assert_ptr_equal(first, desk_oust(&desk, &bob));
	desk_leave(first);
	assert_non_null(ask(&bob));
	/* who asks is not sent away for whoever comes next */
	for (size_t i = 0; i < DESK_SEATS; i++)
		if (desk.seats[i].state == SEAT_READING)
			assert_true(desk_wait(&desk, &desk.seats[i], desk.seats[i].peer.uid));
	assert_null(desk_oust(&desk, &alice));
	assert_false(desk_has_room(&desk));
}

static void whose_share_is_full_takes_no_seat_of_others(void **unused)
{
	struct seat *bobs = sit(&bob, 1);

	assert_int_equal(DESK_SEATS_UID - 1, ask_often(&alice, DESK_SEATS_UID - 1));
	struct seat *silent = sit(&alice, 2);

	assert_non_null(silent);
	assert_null(desk_sit(&desk, &alice));
	assert_ptr_equal(silent, desk_oust(&desk, &alice));
	assert_true(desk_wait(&desk, silent, alice.uid));
	assert_null(desk_oust(&desk, &alice));
	assert_int_equal(SEAT_READING, bobs->state);
}

static void nobody_takes_a_seat_of_root_s(void **unused)
{
	for (size_t i = 0; i < DESK_SEATS; i++)
		assert_non_null(sit(&root, i));
	assert_null(desk_sit(&desk, &bob));
	assert_null(desk_oust(&desk, &bob));
	assert_ptr_equal(&desk.seats[0], desk_oust(&desk, &root));
}

static void a_seat_that_is_left_holds_nothing_and_is_free(void **unused)
{
	static const struct wire_request nothing;
	struct seat *seat = ask(&alice);

	strcpy(seat->request.answer.code.text, "123456");
	desk_leave(seat);
	assert_memory_equal(&nothing, &seat->request, sizeof(nothing));
	assert_int_equal(0, desk_taken(&desk));
	assert_int_equal(-1, seat->fd);
}

static void a_user_s_uid_0_on_the_other_socket_has_no_root_s_share(void **unused)
{
	const struct peer guest = {.uid = 0};

	assert_int_equal(DESK_SEATS_UID, ask_often(&guest, 1000));
	assert_int_equal(DESK_RUNNING_UID, run_all());
}

static void what_root_asks_for_a_user_counts_in_that_user_s_share(void **unused)
{
	size_t seated = 0;

	for (int i = 0; i < 1000; i++) {
		struct seat *seat = desk_sit(&desk, &root);

		assert_non_null(seat);
		if (desk_wait(&desk, seat, alice.uid))
			seated++;
		else
			desk_leave(seat);
	}
	assert_int_equal(DESK_SEATS_UID, seated);
	assert_int_equal(DESK_RUNNING_UID, run_all());
	assert_non_null(ask(&root));
	assert_true(run_next()->share.uid == 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_user_has_their_share_of_seats_and_no_more, clear),
		cmocka_unit_test_setup(root_finds_a_seat_whoever_else_is_there, clear),
		cmocka_unit_test_setup(one_user_has_their_share_of_children_and_no_more, clear),
		cmocka_unit_test_setup(root_s_child_runs_whoever_else_s_do, clear),
		cmocka_unit_test_setup(
			who_has_fewest_children_at_work_is_next_and_then_who_waits_longest, clear),
		cmocka_unit_test_setup(of_a_crowd_that_says_nothing_the_longest_silent_one_goes,
				       clear),
		cmocka_unit_test_setup(whose_share_is_full_takes_no_seat_of_others, clear),
		cmocka_unit_test_setup(nobody_takes_a_seat_of_root_s, clear),
		cmocka_unit_test_setup(a_seat_that_is_left_holds_nothing_and_is_free, clear),
		cmocka_unit_test_setup(a_user_s_uid_0_on_the_other_socket_has_no_root_s_share,
				       clear),
		cmocka_unit_test_setup(what_root_asks_for_a_user_counts_in_that_user_s_share,
				       clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
