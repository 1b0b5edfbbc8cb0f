/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys, and their rotation while other processes use the store.
 *
 * A process that writes a record holds the lock of the directory of records, shared, from reading
 * the keyring until the record has its name. After a new first key a rotation therefore need only
 * wait for the processes that began before (files_seal_with): nothing is sealed under the
 * former key from then on. The lock is flock(2) on the directory itself, which only the service
 * account can open, and no process waits for a person while it holds it.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/io.h"
#include "store/files/files.h"

#define ALONE_TRY_MS 200 /* in which a login that waits meanwhile is not yet refused */

static enum totp_err lock_users(struct files_store *store, int how, uint64_t deadline,
				struct reason *why)
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

enum totp_err files_begin_change(struct files_store *store, uint64_t deadline, struct reason *why)
{
	return lock_users(store, LOCK_SH, deadline, why);
}

enum totp_err files_begin_alone(struct files_store *store, uint64_t deadline, struct reason *why)
{
	return lock_users(store, LOCK_EX, deadline, why);
}

void files_end_change(struct files_store *store)
{
	int kept = errno;

	(void)flock(store->users_fd, LOCK_UN);
	errno = kept;
}

enum totp_err files_begin_sealing(struct files_store *store, uint64_t deadline, struct reason *why)
{
	enum totp_err err = files_begin_change(store, deadline, why);

	return err == TOTP_OK ? vault_renew(&store->store.vault, why) : err;
}

enum totp_err files_seal_with(struct store *sealed, uint32_t key_id, uint64_t deadline,
			      struct reason *why)
{
	struct files_store *store = files_of(sealed);
	enum totp_err err = files_begin_alone(store, deadline, why);

	if (err == TOTP_OK)
		err = vault_renew(&sealed->vault, why);
	files_end_change(store);
	if (err != TOTP_OK || vault_key_id(&sealed->vault) == key_id)
		return err;
	return reason_err(why, TOTP_ERR_ARGUMENT, "key %08x is not the first of %.100s",
			  (unsigned)key_id, sealed->vault.path);
}

enum totp_err files_claim_keys(struct store *claimed, struct reason *why)
{
	struct files_store *store = files_of(claimed);

	if (flock(store->states_fd, LOCK_EX | LOCK_NB) == 0) {
		store->claimed = true;
		return TOTP_OK;
	}
	if (errno != EWOULDBLOCK)
		return reason_errno(why, FILES_STATES ": cannot lock");
	return reason_err(why, TOTP_ERR_TIMEOUT,
			  "another program is changing the keys: let it finish");
}

/* No other process changes sealed files meanwhile: what is there is what was read, or stays. */
enum totp_err files_replace_if_same(struct files_store *store, int dir_fd, const char *temp,
				    const char *name, int fd)
{
	enum totp_err err = files_begin_alone(store, io_deadline(ALONE_TRY_MS), NULL);

	if (err == TOTP_OK && !files_is_still(dir_fd, name, fd))
		err = TOTP_ERR_STALE;
	if (err == TOTP_OK && renameat(dir_fd, temp, dir_fd, name) != 0)
		err = TOTP_ERR_SYSTEM;
	files_end_change(store);
	return err;
}
