/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locking a record in the files engine, and committing its next state.
 *
 * Why a state is overwritten in place: it works on a full disk, costs a quarter of a
 * temporary file with rename, and with two slots in blocks of their own a power cut
 * leaves one of them whole. What this does not defend against: root, and a disk that
 * lies about flushes.
 */
#include <errno.h>

#include "store/files/files.h"

/* The record may have gone, and the state moved on, before the lock was had. */
static enum totp_err make_current(struct store_txn *txn, struct reason *why)
{
	const struct files_place *place = files_place(txn);

	if (place->state_fd >= 0 &&
	    !files_is_still(files_of(txn->store)->states_fd, place->state_name, place->state_fd))
		return TOTP_ERR_STALE;
	if (!files_cred_is_still(txn))
		return TOTP_ERR_STALE;
	return txn->cred_only ? TOTP_OK : files_load_state(txn, why);
}

enum totp_err files_begin(struct store_txn *txn, uint64_t deadline, struct reason *why)
{
	struct files_place *place = files_place(txn);
	enum totp_err err = files_run_lock(txn, deadline, why);

	if (err == TOTP_OK && place->state_fd >= 0) {
		if (!place->read_only)
			err = files_take_lock(place->state_fd, deadline, why);
		place->locked = err == TOTP_OK;
	}
	if (err == TOTP_OK)
		err = make_current(txn, why);
	if (err != TOTP_OK)
		files_let_go(place); /* so that nobody can commit on top of it */
	return err;
}

static enum totp_err commit_to_disk(struct store_txn *txn, const struct login_state *next,
				    struct reason *why)
{
	NOT_ZEROED uint8_t slot[STATE_SLOT_LEN];
	const struct files_place *place = files_place(txn);
	enum totp_err err = state_encode(next, &txn->cred, slot);
	int refusal;

	if (err != TOTP_OK)
		return reason_err(why, err, "login state: %s", err_name(err));
	errno = EROFS;
	err = TOTP_ERR_SYSTEM;
	if (!place->read_only)
		err = files_write_slot(place->state_fd, slot, next->sequence);
	if (err == TOTP_OK) {
		files_run_clear(place);
		return TOTP_OK;
	}
	refusal = errno;
	(void)reason_errno(why, "login state: cannot write");
	return files_of(txn->store)->run_fd < 0 ? err : files_run_commit(txn, next, refusal, why);
}

enum totp_err files_commit(struct store_txn *txn, const struct login_state *next,
			   struct reason *why)
{
	struct login_state numbered = *next;
	enum totp_err err;

	/* the number after both states, for the slot that does not count on the disk now */
	numbered.sequence = txn->state.sequence + 1;
	if (((numbered.sequence ^ files_place(txn)->disk_sequence) & 1) == 0)
		numbered.sequence++;
	err = commit_to_disk(txn, &numbered, why);
	if (err == TOTP_OK && !files_cred_is_still(txn))
		err = TOTP_ERR_STALE; /* revoked although we held the lock: see store_remove */
	return err;
}
