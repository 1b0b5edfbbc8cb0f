/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files engine does with a whole store, beyond the contract: it is made once, it knows its
 * machine, and of many records all are created or none.
 */
#include "bulk.h"
#include "store_fixture.h"

static const uint8_t made_on[SHA256_LEN] = {7}; /* by the fixture */
static const uint8_t another[SHA256_LEN] = {9};

static void setting_up_again_fails_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *again = NULL;
	struct reason why = {""};

	add_user(f->store, "alice", 1);
	assert_refused(EXISTS,
		       files_setup(f->store_dir, &(struct files_owner){0, 0}, another, &why));
	assert_says("already", why);
	f->config.machine = made_on;
	again = open_again(f);
	assert_ok(store_check_place(again, 0, NULL));
	assert_ok(read_error(again, "alice", NULL));
}

static struct store *open_on(struct fixture *f, const uint8_t machine[SHA256_LEN])
{
	f->config.machine = machine;
	return open_again(f);
}

static void a_store_on_another_machine_is_noticed_until_it_is_accepted_there(void **state)
{
	struct fixture *f = *state;
	OWN_STORE struct store *moved = open_on(f, another);
	struct reason why = {""};

	assert_refused(OTHER_STORE, store_check_place(moved, 0, &why));
	assert_says(f->store_dir, why);
	assert_says("belongs to another machine", why);
	assert_ok(store_accept_place(moved, NOW, deadline_in(1000), NULL));
	assert_ok(store_check_place(moved, 0, NULL));
	moved = store_close(moved);
	moved = open_on(f, another);
	assert_ok(store_check_place(moved, 0, NULL));
	moved = store_close(moved);
	moved = open_on(f, made_on);
	assert_refused(OTHER_STORE, store_check_place(moved, 0, NULL));
}

static void without_an_identity_of_the_machine_nothing_is_claimed(void **state)
{
	static const uint8_t none[SHA256_LEN];
	struct fixture *f = *state;
	OWN_STORE struct store *store = open_on(f, NULL);

	assert_refused(NOT_FOUND, store_check_place(store, 0, NULL));
	assert_refused(ARGUMENT, store_accept_place(store, NOW, deadline_in(1000), NULL));
	store = store_close(store);

	directory_end(f->store_dir);
	assert_ok(files_setup(f->store_dir, &service, none, NULL));
	store = open_on(f, another);
	assert_refused(NOT_FOUND, store_check_place(store, 0, NULL));
	assert_ok(store_accept_place(store, NOW, deadline_in(1000), NULL));
	assert_ok(store_check_place(store, 0, NULL));
}

static void of_many_none_is_created_if_one_fails(void **state)
{
	static const struct {
		struct batch batch;
		enum totp_err err;
	} rows[] = {
		{{.fails_at = 0, .same_at = NOWHERE, .bad_at = NOWHERE, .used_at = NOWHERE},
		 TOTP_ERR_FORMAT},
		{{.fails_at = 20, .same_at = NOWHERE, .bad_at = NOWHERE, .used_at = NOWHERE},
		 TOTP_ERR_FORMAT},
		{{.fails_at = 39, .same_at = NOWHERE, .bad_at = NOWHERE, .used_at = NOWHERE},
		 TOTP_ERR_FORMAT},
		{{.fails_at = NOWHERE, .same_at = 20, .bad_at = NOWHERE, .used_at = NOWHERE},
		 TOTP_ERR_EXISTS},
		{{.fails_at = NOWHERE, .same_at = NOWHERE, .bad_at = 20, .used_at = NOWHERE},
		 TOTP_ERR_RANGE},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct batch batch = rows[i].batch;

		assert_int_equal(rows[i].err, create_all(f->store, 40, next_of, &batch, NULL));
		assert_int_equal(0, count_present(f->store, 40));
	}
}

static void of_many_none_is_created_if_one_existed_which_stays_unchanged(void **state)
{
	struct fixture *f = *state;
	struct batch batch = {NOWHERE, NOWHERE, NOWHERE, NOWHERE};
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};

	add_user(f->store, "u20", 200);
	assert_refused(EXISTS, create_all(f->store, 40, next_of, &batch, &why));
	assert_says("u20", why);
	assert_int_equal(1, count_present(f->store, 40));
	assert_ok(store_read(f->store, "u20", deadline_in(2000), &txn, NULL));
	assert_int_equal(200, txn.cred.id[0]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(setting_up_again_fails_and_changes_nothing),
		STORE_TEST(a_store_on_another_machine_is_noticed_until_it_is_accepted_there),
		STORE_TEST(without_an_identity_of_the_machine_nothing_is_claimed),
		STORE_TEST(of_many_none_is_created_if_one_fails),
		STORE_TEST(of_many_none_is_created_if_one_existed_which_stays_unchanged),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
