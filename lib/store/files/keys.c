/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys, and their rotation while other processes use the store.
 *
 * A process that writes a record holds the lock of the directory of records, shared, from reading
 * the keyring until the record has its name. After a new first key a rotation therefore need only
 * wait for the processes that began before (store_await_sealers): nothing is sealed under the
 * former key from then on. The lock is flock(2) on the directory itself, which only the service
 * account can open, and no process waits for a person while it holds it.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/io.h"
#include "store/files/files.h"

#define ALONE_TRY_MS 200 /* in which a login that waits meanwhile is not yet refused */

static enum totp_err load_keys(struct store *store, struct reason *why)
{
	enum totp_err err = keyring_load(store->keyring_path, &store->keyring, why);

	store->has_keys = err == TOTP_OK;
	/* a lost keyring says nothing about who is enrolled */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err;
}

/*
 * Keys that were loaded are loaded again if the keyring has changed. Keys that the caller gave
 * cannot be: the caller must begin again.
 */
static enum totp_err make_keys_current(struct store *store, struct reason *why)
{
	static const struct io_stamp unseen;
	struct io_stamp now = io_stamp_of(store->keyring_path);

	if (store->has_keys && io_stamp_equal(&now, &store->keyring.stamp))
		return TOTP_OK;
	if (!store->given)
		return load_keys(store, why);
	if (io_stamp_equal(&now, &unseen))
		return TOTP_OK;
	store->info.lacks_key = true;
	return reason_err(why, TOTP_ERR_STALE,
			  "the keyring has changed since it was read: try again");
}

enum totp_err files_find_key(struct store *store, uint32_t id, const struct host_key **ret_key,
			     struct reason *why)
{
	enum totp_err err = store->has_keys ? TOTP_OK : load_keys(store, why);
	const struct host_key *key = err == TOTP_OK ? keyring_find(&store->keyring, id) : NULL;

	if (err == TOTP_OK && !key && !store->given) {
		err = make_keys_current(store, why);
		key = err == TOTP_OK ? keyring_find(&store->keyring, id) : NULL;
	}
	if (err != TOTP_OK)
		return err;
	store->info.lacks_key |= !key;
	*ret_key = key;
	return TOTP_OK;
}

static enum totp_err lock_users(struct store *store, int how, uint64_t deadline, struct reason *why)
{
	for (unsigned tries = 0; flock(store->users_fd, how | LOCK_NB) != 0; tries++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return reason_errno(why, FILES_USERS ": cannot lock");
		if (io_monotonic_ns() >= deadline)
			return reason_err(
				why, TOTP_ERR_TIMEOUT,
				"other programs are changing records (lslocks names them): "
				"try again");
		files_pause(tries);
	}
	return TOTP_OK;
}

enum totp_err files_begin_change(struct store *store, struct reason *why)
{
	return lock_users(store, LOCK_SH, io_monotonic_ns() + STORE_LOCK_WAIT_MS * 1000000ull, why);
}

enum totp_err files_begin_alone(struct store *store, uint64_t deadline, struct reason *why)
{
	return lock_users(store, LOCK_EX, deadline, why);
}

void files_end_change(struct store *store)
{
	int kept = errno;

	(void)flock(store->users_fd, LOCK_UN);
	errno = kept;
}

enum totp_err files_begin_sealing(struct store *store, struct reason *why)
{
	enum totp_err err = files_begin_change(store, why);

	return err == TOTP_OK ? make_keys_current(store, why) : err;
}

enum totp_err store_await_sealers(struct store *store, uint64_t deadline, struct reason *why)
{
	enum totp_err err = files_begin_alone(store, deadline, why);

	files_end_change(store);
	return err;
}

enum totp_err store_claim_keys(struct store *store, struct reason *why)
{
	if (flock(store->states_fd, LOCK_EX | LOCK_NB) == 0) {
		store->claimed = true;
		return TOTP_OK;
	}
	if (errno != EWOULDBLOCK)
		return reason_errno(why, FILES_STATES ": cannot lock");
	return reason_err(why, TOTP_ERR_TIMEOUT,
			  "another program is changing the keys: let it finish");
}

enum totp_err files_unseal(struct store *store, const char *user, struct bytes box,
			   struct buffer *ret_plain, struct reason *why)
{
	const struct host_key *key = NULL;
	uint32_t id = 0;
	enum totp_err err = seal_key_id(box, &id);

	if (err != TOTP_OK)
		return reason_err(why, err, "not a sealed record");
	err = files_find_key(store, id, &key, why);
	if (err != TOTP_OK)
		return err;
	if (!key)
		return reason_err(
			why, TOTP_ERR_SEAL,
			"sealed by key %08x, which %.100s does not hold: restore that line",
			(unsigned)id, store->keyring_path);
	return seal_open(key, user, box, ret_plain);
}

/* No other process changes sealed files meanwhile: what is there is what was read, or stays. */
enum totp_err files_replace_if_same(struct store *store, int dir_fd, const char *temp,
				    const char *name, int fd)
{
	uint64_t deadline = io_monotonic_ns() + ALONE_TRY_MS * 1000000ull;
	enum totp_err err = files_begin_alone(store, deadline, NULL);

	if (err == TOTP_OK && !files_is_still(dir_fd, name, fd))
		err = TOTP_ERR_STALE;
	if (err == TOTP_OK && renameat(dir_fd, temp, dir_fd, name) != 0)
		err = TOTP_ERR_SYSTEM;
	files_end_change(store);
	return err;
}
