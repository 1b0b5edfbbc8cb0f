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

enum totp_err files_open_dir(const struct store *store, enum store_kind kind, int *ret_fd,
			     struct reason *why)
{
	return path_open_dir(store->dir_fd, files_directory(kind), store->info.owner, ret_fd, why);
}

enum totp_err files_read_box(const struct store *store, struct files_box *box, struct reason *why)
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

enum totp_err store_unseal(struct store *store, const char *user, struct bytes box,
			   struct cred *ret_cred, struct reason *why)
{
	uint8_t bytes[CRED_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	enum totp_err err = files_unseal(store, user, box, &plain, why);

	if (err == TOTP_OK)
		err = cred_decode(plain.data, plain.len, ret_cred);
	WIPE(bytes);
	if (err == TOTP_OK && strcmp(ret_cred->user, user) != 0)
		err = TOTP_ERR_SEAL;
	if (err == TOTP_ERR_UNSUPPORTED)
		reason_set(why, "made by a newer version of pam_totp");
	return err;
}

static enum totp_err read_cred(struct store_txn *txn, const char *user, struct reason *why)
{
	struct store *store = txn->store;
	struct files_box box = {.kind = STORE_RECORD, .dir_fd = store->users_fd, .user = user};
	struct reason cause = {""};
	enum totp_err err = files_read_box(store, &box, why);

	txn->cred_fd = box.fd;
	if (err != TOTP_OK)
		return err;
	err = store_unseal(store, user, bytes_of(box.bytes, box.len), &txn->cred, &cause);
	return files_opened_box(&box, err, &cause, why);
}

bool files_cred_is_still(const struct store_txn *txn)
{
	char name[STORE_NAME_MAX + 1];

	return store_name(txn->cred.user, name) == TOTP_OK &&
	       files_is_still(txn->store->users_fd, name, txn->cred_fd);
}

static enum totp_err open_disk_state(struct store_txn *txn, struct reason *why)
{
	struct path_rule rule = files_rule(txn->store, STATE_FILE_LEN);
	const char *name = txn->state_name;
	enum totp_err err = files_state_name(txn->cred.user, txn->cred.id, txn->state_name);

	rule.flags = O_RDWR;
	if (err == TOTP_OK)
		err = path_open_file(txn->store->states_fd, name, &rule, &txn->state_fd, why);
	if (err == TOTP_ERR_SYSTEM && errno == EROFS && txn->store->run_fd >= 0) {
		rule.flags = O_RDONLY;
		txn->read_only = true;
		err = path_open_file(txn->store->states_fd, name, &rule, &txn->state_fd, why);
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
	size_t len = 0;
	enum totp_err err = io_pread(txn->state_fd, file, sizeof(file), 0, &len);

	if (err != TOTP_OK)
		return reason_errno(why, "login state: cannot read");
	err = state_choose(file, len, &txn->cred, &txn->state, &txn->torn);
	txn->disk_sequence = txn->state.sequence;
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
	if (err == TOTP_OK)
		err = files_load_state(txn, why);
	/* nobody is kept from writing, and between two writes both slots can look damaged */
	for (unsigned tries = 0; err == TOTP_ERR_SEAL && txn->state_fd >= 0 && tries < 3; tries++) {
		files_pause(tries);
		err = files_load_state(txn, why);
	}
	return err;
}

/* What is to be read, and where to. */
struct reading {
	struct store *store;
	const char *user;
	struct store_txn *txn;
	bool cred_only;
};

static enum totp_err try_to_read(void *context, struct reason *why)
{
	const struct reading *reading = context;
	enum totp_err err;

	*reading->txn = (struct store_txn)STORE_TXN_NONE;
	reading->txn->store = reading->store;
	reading->txn->cred_only = reading->cred_only;
	err = read_once(reading->txn, reading->user, why);
	if (err != TOTP_OK)
		store_end(reading->txn);
	return err;
}

enum totp_err store_read_cred(struct store *store, const char *user, struct store_txn *txn,
			      struct reason *why)
{
	struct reading reading = {store, user, txn, .cred_only = true};

	return store_retry(try_to_read, &reading, why);
}

enum totp_err store_read(struct store *store, const char *user, struct store_txn *txn,
			 struct reason *why)
{
	struct reading reading = {store, user, txn, .cred_only = false};

	return store_retry(try_to_read, &reading, why);
}

void files_let_go(struct store_txn *txn)
{
	struct flock unlock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	/* Not by closing alone: a child that the caller forked meanwhile holds it too. */
	if (txn->locked)
		(void)fcntl(txn->state_fd, F_OFD_SETLK, &unlock);
	if (txn->run_fd >= 0)
		(void)fcntl(txn->run_fd, F_OFD_SETLK, &unlock);
	txn->locked = false;
}

void store_end(struct store_txn *txn)
{
	int kept = errno;

	files_let_go(txn);
	txn->state_fd = fd_close(txn->state_fd);
	txn->run_fd = fd_close(txn->run_fd);
	txn->cred_fd = fd_close(txn->cred_fd);
	cred_wipe(&txn->cred);
	errno = kept;
}
