/* SPDX-License-Identifier: BSD-2-Clause */
/* Invitations as files: files of attackers, older stores, disks that fail. */
#include "store_fixture.h"

static struct invite invite_of(const char *user)
{
	struct invite invite = {.uid = 1000, .created = NOW, .expires = NOW + 86400};

	strcpy(invite.user, user);
	return invite;
}

static void invite(const struct fixture *f, const char *user)
{
	struct invite invite = invite_of(user);

	assert_ok(store_invite_put(f->store, &invite, deadline_in(2000), NULL));
}

static enum totp_err get(const struct fixture *f, const char *user, struct reason *why)
{
	struct invite invite;

	return store_invite_get(f->store, user, deadline_in(2000), &invite, why);
}

/* Replace the bytes of alice's invitation, as the store's account can. */
static void put(const struct fixture *f, const void *data, size_t len)
{
	write_file(in_store(f, "invites/alice"), data, len, 0600);
	assert_int_equal(0, chown(in_store(f, "invites/alice"), SERVICE_UID, SERVICE_UID));
}

static void put_copy(const struct fixture *f, const char *from)
{
	uint8_t data[4096];
	size_t len = read_file(in_store(f, from), data, sizeof(data));

	put(f, data, len);
}

/* --- damage --- */

static void put_that_of_bob(const struct fixture *f)
{
	invite(f, "bob");
	put_copy(f, "invites/bob");
}

static void put_a_credential(const struct fixture *f)
{
	struct cred cred = cred_of("alice", 1);
	struct login_state fresh = state_of(&cred);

	assert_ok(store_create(f->store, &cred, &fresh, deadline_in(2000), NULL));
	put_copy(f, "users/alice");
	assert_int_equal(0, unlink(in_store(f, "users/alice")));
}

/* An invitation that was sealed for alice with a key of this host, but names bob. */
static void put_a_wrong_name(const struct fixture *f)
{
	OWN_KEYRING struct keyring keyring = {0};
	struct invite invite = invite_of("bob");
	uint8_t plain[INVITE_BYTES_MAX], box[INVITE_BYTES_MAX + SEAL_OVERHEAD];
	size_t len = 0;

	assert_ok(keyring_load(f->keyring, &keyring, NULL));
	assert_ok(invite_encode(&invite, plain, &len));
	assert_ok(seal_close(&keyring.keys[0], "alice", plain, len, box));
	put(f, box, len + SEAL_OVERHEAD);
}

static void put_one_of_another_host(const struct fixture *f)
{
	struct host_key key = {.id = 0x0a0b0c0d};
	struct invite invite = invite_of("alice");
	uint8_t plain[INVITE_BYTES_MAX], box[INVITE_BYTES_MAX + SEAL_OVERHEAD];
	size_t len = 0;

	assert_ok(invite_encode(&invite, plain, &len));
	assert_ok(seal_close(&key, "alice", plain, len, box));
	put(f, box, len + SEAL_OVERHEAD);
}

static void flip_a_bit(const struct fixture *f)
{
	uint8_t data[4096];
	size_t len = read_file(in_store(f, "invites/alice"), data, sizeof(data));

	data[len - 20] ^= 1;
	put(f, data, len);
}

static void make_empty(const struct fixture *f)
{
	put(f, "", 0);
}

static void make_link(const struct fixture *f)
{
	assert_int_equal(0, rename(in_store(f, "invites/alice"), in_store(f, "invites/x")));
	assert_int_equal(0, symlink("x", in_store(f, "invites/alice")));
}

static void make_fifo(const struct fixture *f)
{
	assert_int_equal(0, unlink(in_store(f, "invites/alice")));
	assert_int_equal(0, mkfifo(in_store(f, "invites/alice"), 0600));
}

static void make_folder(const struct fixture *f)
{
	assert_int_equal(0, unlink(in_store(f, "invites/alice")));
	assert_int_equal(0, mkdir(in_store(f, "invites/alice"), 0700));
}

static void open_to_all(const struct fixture *f)
{
	assert_int_equal(0, chmod(in_store(f, "invites/alice"), 0666));
}

static void give_away(const struct fixture *f)
{
	assert_int_equal(0, chown(in_store(f, "invites/alice"), SERVICE_UID + 1, 0));
}

static void stretch(const struct fixture *f)
{
	assert_int_equal(0, truncate(in_store(f, "invites/alice"), 1 << 20));
}

static void open_folder_to_all(const struct fixture *f)
{
	assert_int_equal(0, chmod(in_store(f, "invites"), 0777));
}

static void give_folder_away(const struct fixture *f)
{
	assert_int_equal(0, chown(in_store(f, "invites"), SERVICE_UID + 1, 0));
}

static void link_folder(const struct fixture *f)
{
	assert_int_equal(0, rename(in_store(f, "invites"), in_store(f, "elsewhere")));
	assert_int_equal(0, symlink("elsewhere", in_store(f, "invites")));
}

static void lose_the_key(const struct fixture *f)
{
	assert_int_equal(0, unlink(f->keyring));
}

static void anything_but_an_invitation_of_this_host_to_this_user_is_an_error(void **state)
{
	static const struct {
		void (*do_to)(const struct fixture *f);
		enum totp_err err;
		const char *words;
	} rows[] = {
		{put_that_of_bob, TOTP_ERR_SEAL, "invites/alice: cannot be opened"},
		{put_a_credential, TOTP_ERR_FORMAT, "invites/alice: cannot be opened"},
		{put_a_wrong_name, TOTP_ERR_SEAL, "totpctl uninvite"},
		{put_one_of_another_host, TOTP_ERR_SEAL, "sealed by key 0a0b0c0d"},
		{flip_a_bit, TOTP_ERR_SEAL, "invites/alice: cannot be opened"},
		{make_empty, TOTP_ERR_FORMAT, "invites/alice: not a sealed record"},
		{make_link, TOTP_ERR_UNSAFE, "invites/alice: not a regular file"},
		{make_fifo, TOTP_ERR_UNSAFE, "invites/alice: not a regular file"},
		{make_folder, TOTP_ERR_UNSAFE, "invites/alice: not a regular file"},
		{open_to_all, TOTP_ERR_UNSAFE, "invites/alice: mode 0666"},
		{give_away, TOTP_ERR_UNSAFE, "invites/alice: owned by uid 4712"},
		{stretch, TOTP_ERR_UNSAFE, "invites/alice: 1048576 bytes"},
		{open_folder_to_all, TOTP_ERR_UNSAFE, "invites: mode 0777"},
		{give_folder_away, TOTP_ERR_UNSAFE, "invites: owned by uid 4712"},
		{link_folder, TOTP_ERR_UNSAFE, "invites: not a directory"},
		{lose_the_key, TOTP_ERR_SYSTEM, "keyring"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};

		fixture_end(state);
		fixture_begin(state);
		invite(f, "alice");
		f->store = store_close(f->store); /* the keyring is damaged with it */
		f->store = open_again(f);
		rows[i].do_to(f);
		f->store = store_close(f->store);
		f->store = open_again(f);
		assert_int_equal(rows[i].err, get(f, "alice", &why));
		assert_says(rows[i].words, why);
	}
}

static void an_invitation_that_cannot_be_removed_keeps_no_record(void **state)
{
	struct fixture *f = *state;
	struct reason why = {""};
	bool has = true;

	invite(f, "alice");
	make_folder(f);
	add_user(f->store, "alice", 1); /* it does not prevent an enrollment either */
	assert_refused(UNCERTAIN, store_remove(f->store, "alice", deadline_in(100), &why));
	assert_says("invites/alice: cannot remove", why);
	assert_ok(look_for(f->store, "alice", &has, NULL));
	assert_false(has);
}

/* --- the directory --- */

static void an_older_store_gets_the_directory_when_it_is_needed(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(0, rmdir(in_store(f, "invites")));
	assert_refused(NOT_FOUND, get(f, "alice", NULL));
	assert_refused(NOT_FOUND, store_invite_remove(f->store, "alice", deadline_in(2000), NULL));
	assert_ok(store_each(f->store, STORE_INVITE, NULL, NULL, NULL));
	assert_ok(files_each_stray(f->store, NULL, NULL, NULL));
	add_user(f->store, "bob", 1);
	assert_ok(store_remove(f->store, "bob", deadline_in(100), NULL));
	assert_ok(store_each_key(f->store, NULL, NULL, NULL));
	assert_int_equal(-1, stat(in_store(f, "invites"), &st));
	/* nothing was closed that was not opened */
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);

	invite(f, "alice");
	assert_ok(get(f, "alice", NULL));
	assert_int_equal(0, stat(in_store(f, "invites"), &st));
	assert_int_equal(S_IFDIR | 0700, st.st_mode);
	assert_int_equal(SERVICE_UID, st.st_uid);
	assert_int_equal(0, stat(in_store(f, "invites/alice"), &st));
	assert_int_equal(S_IFREG | 0600, st.st_mode);
	assert_int_equal(SERVICE_UID, st.st_uid);
}

static void note_name(void *context, const char *name)
{
	snprintf(context, 512, "%s%.200s ", strlen(context) < 250 ? (char *)context : "", name);
}

static void leftovers_of_an_interrupted_write_are_listed(void **state)
{
	struct fixture *f = *state;
	char invited[512] = "", strays[512] = "";

	invite(f, "alice");
	write_file(in_store(f, "invites/bob~0123456789abcdef"), "x", 1, 0600);
	assert_ok(store_each(f->store, STORE_INVITE, note_name, invited, NULL));
	assert_string_equal("alice ", invited);
	assert_ok(files_each_stray(f->store, note_name, strays, NULL));
	assert_string_equal("invites/bob~0123456789abcdef ", strays);
}

/* --- writes --- */

static void an_invitation_that_fails_on_the_disk_leaves_the_old_one(void **state)
{
	struct fixture *f = *state;
	struct invite later = invite_of("alice"), seen;
	char strays[512] = "";

	invite(f, "alice");
	later.expires += 100;
	limit_files(20);
	assert_refused(SYSTEM, store_invite_put(f->store, &later, deadline_in(2000), NULL));
	limit_files(RLIM_INFINITY);
	assert_ok(store_invite_get(f->store, "alice", deadline_in(2000), &seen, NULL));
	assert_int_equal(NOW + 86400, seen.expires);
	assert_ok(files_each_stray(f->store, note_name, strays, NULL));
	assert_string_equal("", strays);
}

static void without_a_keyring_nobody_can_be_invited_but_anybody_uninvited(void **state)
{
	struct fixture *f = *state;
	struct invite other = invite_of("bob");
	struct reason why = {""};

	invite(f, "alice");
	lose_the_key(f);
	f->store = store_close(f->store);
	f->store = open_again(f);
	assert_refused(SYSTEM, store_invite_put(f->store, &other, deadline_in(2000), &why));
	assert_says("keyring", why);
	assert_ok(store_invite_remove(f->store, "alice", deadline_in(2000), NULL));
}

/* --- many --- */

static enum totp_err next_user(void *context, size_t index, struct cred *ret_cred,
			       struct login_state *unused_state)
{
	char user[32];

	(void)context;
	snprintf(user, sizeof(user), "u%zu", index);
	*ret_cred = cred_of(user, (uint8_t)(index + 1));
	return TOTP_OK;
}

static void creating_many_uses_their_invitations_up(void **state)
{
	struct fixture *f = *state;
	char invited[512] = "";

	invite(f, "u0");
	invite(f, "u7");
	invite(f, "alice");
	assert_ok(create_all(f->store, 8, next_user, NULL, NULL));
	assert_ok(store_each(f->store, STORE_INVITE, note_name, invited, NULL));
	assert_string_equal("alice ", invited);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE_TEST(anything_but_an_invitation_of_this_host_to_this_user_is_an_error),
		STORE_TEST(an_invitation_that_cannot_be_removed_keeps_no_record),
		STORE_TEST(an_older_store_gets_the_directory_when_it_is_needed),
		STORE_TEST(leftovers_of_an_interrupted_write_are_listed),
		STORE_TEST(an_invitation_that_fails_on_the_disk_leaves_the_old_one),
		STORE_TEST(without_a_keyring_nobody_can_be_invited_but_anybody_uninvited),
		STORE_TEST(creating_many_uses_their_invitations_up),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
