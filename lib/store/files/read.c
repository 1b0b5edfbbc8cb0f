/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a user's record in the files engine: the credential, which its seal proves, and the
 * login state that it names.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/files.h"
#include "base/path.h"

const char *files_directory(enum store_kind kind)
{
	return kind == STORE_RECORD ? FILES_USERS : FILES_INVITES;
}

enum totp_err files_open_dir(const struct files_store *store, enum store_kind kind, int *ret_fd,
			     struct reason *why)
{
	return path_open_dir(store->dir_fd, files_directory(kind), store->owner, ret_fd, why);
}

enum totp_err files_read_box(const struct files_store *store, struct files_box *box,
			     struct reason *why)
{
	const char *directory = files_directory(box->kind);
	const struct path_rule rule = files_rule(
		store,
		SEAL_OVERHEAD + (box->kind == STORE_RECORD ? CRED_BYTES_MAX : INVITE_BYTES_MAX));
	enum totp_err err = store_name(box->user, box->name);

	box->fd = -1;
	if (err != TOTP_OK)
		return reason_err(why, err, "user name too long for a record");
	err = path_open_file(box->dir_fd, box->name, &rule, &box->fd, why);
	if (err != TOTP_OK) {
		files_prefix(why, directory);
		return err;
	}
	err = io_read_all(box->fd, box->bytes, sizeof(box->bytes), &box->len);
	if (err != TOTP_OK)
		reason_set(why, "%s/%s: cannot be read (%s)", directory, box->name, err_name(err));
	return err;
}

enum totp_err files_opened_box(const struct files_box *box, enum totp_err err,
			       const struct reason *cause, struct reason *why)
{
	const char *directory = files_directory(box->kind);

	if (err == TOTP_ERR_SEAL && !files_is_still(box->dir_fd, box->name, box->fd))
		return TOTP_ERR_STALE;
	if (err != TOTP_OK && cause->text[0])
		reason_set(why, "%s/%s: %.200s", directory, box->name, cause->text);
	else if (err != TOTP_OK)
		reason_set(why, "%s/%s: cannot be opened (%s): %s", directory, box->name,
			   err_name(err),
			   box->kind == STORE_RECORD ? "totpctl delete, then enroll again"
						     : "totpctl uninvite, then invite again");
	return err;
}

static enum totp_err read_cred(struct store_txn *txn, const char *user, struct reason *why)
{
	struct files_store *store = files_of(txn->store);
	struct files_place *place = files_place(txn);
	struct files_box box = {.kind = STORE_RECORD, .dir_fd = store->users_fd, .user = user};
	struct reason cause = {""};
	enum totp_err err = files_read_box(store, &box, why);

	*place =
		(struct files_place){.open = true, .cred_fd = box.fd, .state_fd = -1, .run_fd = -1};
	if (err != TOTP_OK)
		return err;
	err = vault_open_cred(&store->store.vault, user, bytes_of(box.bytes, box.len), &txn->cred,
			      &cause);
	return files_opened_box(&box, err, &cause, why);
}

bool files_cred_is_still(struct store_txn *txn)
{
	char name[STORE_NAME_MAX + 1];

	return store_name(txn->cred.user, name) == TOTP_OK &&
	       files_is_still(files_of(txn->store)->users_fd, name, files_place(txn)->cred_fd);
}

static enum totp_err open_disk_state(struct store_txn *txn, struct reason *why)
{
	const struct files_store *store = files_of(txn->store);
	struct files_place *place = files_place(txn);
	struct path_rule rule = files_rule(store, STATE_FILE_LEN);
	const char *name = place->state_name;
	enum totp_err err = files_state_name(txn->cred.user, txn->cred.id, place->state_name);

	rule.flags = O_RDWR;
	if (err == TOTP_OK)
		err = path_open_file(store->states_fd, name, &rule, &place->state_fd, why);
	if (err == TOTP_ERR_SYSTEM && errno == EROFS && store->run_fd >= 0) {
		rule.flags = O_RDONLY;
		place->read_only = true;
		err = path_open_file(store->states_fd, name, &rule, &place->state_fd, why);
	}
	if (err != TOTP_OK)
		files_prefix(why, FILES_STATES);
	if (err != TOTP_ERR_NOT_FOUND)
		return err;
	if (!files_cred_is_still(txn))
		return TOTP_ERR_STALE; /* replaced or removed between the two */
	return reason_err(why, TOTP_ERR_SEAL,
			  FILES_STATES "/%.100s: missing: run totpctl repair %.64s", name,
			  txn->cred.user);
}

enum totp_err files_load_state(struct store_txn *txn, struct reason *why)
{
	NOT_ZEROED uint8_t file[STATE_FILE_LEN];
	struct files_place *place = files_place(txn);
	size_t len = 0;
	enum totp_err err = io_pread(place->state_fd, file, sizeof(file), 0, &len);

	if (err != TOTP_OK)
		return reason_errno(why, "login state: cannot read");
	err = state_choose(file, len, &txn->cred, &txn->state, &txn->torn);
	place->disk_sequence = txn->state.sequence;
	if (err == TOTP_OK)
		return files_run_load(txn, why);
	if (err == TOTP_ERR_CRYPTO || err == TOTP_ERR_UNSUPPORTED)
		return reason_err(why, err, "login state: %s", err_name(err));
	return reason_err(why, TOTP_ERR_SEAL, "login state damaged: run totpctl repair %.100s",
			  txn->cred.user);
}

static enum totp_err read_once(struct store_txn *txn, const char *user, struct reason *why)
{
	enum totp_err err = read_cred(txn, user, why);

	if (err == TOTP_OK && txn->cred_only)
		return open_disk_state(txn, NULL) == TOTP_ERR_STALE ? TOTP_ERR_STALE : TOTP_OK;
	if (err == TOTP_OK)
		err = open_disk_state(txn, why);
	if (err != TOTP_OK)
		return err;
	err = files_load_state(txn, why);
	/* nobody is kept from writing, and between two writes both slots can look damaged */
	for (unsigned tries = 0; err == TOTP_ERR_SEAL && tries < 3; tries++) {
		files_pause(tries);
		err = files_load_state(txn, why);
	}
	return err;
}

/* What is to be read, and where to. */
struct reading {
	struct store_txn *txn;
	const char *user;
};

static enum totp_err try_to_read(void *context, struct reason *why)
{
	const struct reading *reading = context;

	files_end(reading->txn);
	reading->txn->torn = false;
	return read_once(reading->txn, reading->user, why);
}

enum totp_err files_read(struct store_txn *txn, const char *user, uint64_t deadline,
			 struct reason *why)
{
	struct reading reading = {txn, user};

	(void)deadline; /* nothing is waited for */
	return store_retry(try_to_read, &reading, why);
}

void files_let_go(struct files_place *place)
{
	struct flock unlock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	/* Not by closing alone: a child that the caller forked meanwhile holds it too. */
	if (place->locked)
		(void)fcntl(place->state_fd, F_OFD_SETLK, &unlock);
	if (place->run_fd >= 0)
		(void)fcntl(place->run_fd, F_OFD_SETLK, &unlock);
	place->locked = false;
}

void files_end(struct store_txn *txn)
{
	struct files_place *place = files_place(txn);

	if (!place->open)
		return;
	files_let_go(place);
	fd_close(place->state_fd);
	fd_close(place->run_fd);
	fd_close(place->cred_fd);
	place->open = false;
}
