/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files engine, as tools use it: create, replace, remove, and create many.
 *
 * Order, so that a power cut at any point leaves the old record or the new one: the new
 * state whole and synced, the new credential whole and synced under a temporary name,
 * rename, sync of the directory, and only then the old state is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/files.h"

/* One record's files while it is being written. */
struct putting {
	char name[STORE_NAME_MAX + 1];
	char temp[FILES_TEMP_NAME_MAX];
	char state[FILES_STATE_NAME_MAX + 1];
	enum file_durable durable;
};

static enum totp_err name_files(const struct cred *cred, struct putting *ret_putting)
{
	enum totp_err err = files_state_name(cred->user, cred->id, ret_putting->state);

	if (err == TOTP_OK)
		err = store_name(cred->user, ret_putting->name);
	if (err == TOTP_OK)
		err = file_temp_name(ret_putting->name, ret_putting->temp,
				     sizeof(ret_putting->temp));
	return err;
}

static enum totp_err put_state(const struct files_store *store, const struct cred *cred,
			       const struct login_state *state, const struct putting *putting)
{
	const struct file_new new =
		files_new(store, store->states_fd, putting->state, putting->durable);
	uint8_t file[STATE_FILE_LEN];
	enum totp_err err = state_encode_file(state, cred, file);

	return err == TOTP_OK ? file_write(&new, file, sizeof(file)) : err;
}

static enum totp_err put_sealed(const struct files_store *store, const struct cred *cred,
				const struct putting *putting)
{
	const struct file_new new =
		files_new(store, store->users_fd, putting->temp, putting->durable);
	uint8_t box[VAULT_BOX_MAX];
	size_t len = 0;
	enum totp_err err = vault_seal_cred(&store->store.vault, cred, box, &len);

	return err == TOTP_OK ? file_write(&new, box, len) : err;
}

static void remove_both(const struct files_store *store, const struct putting *putting)
{
	int kept = errno;

	unlinkat(store->users_fd, putting->temp, 0);
	unlinkat(store->states_fd, putting->state, 0);
	errno = kept;
}

/* Write both files, in the store's version; on error neither stays. */
static enum totp_err put_both(const struct files_store *store, const struct cred *unversioned,
			      const struct login_state *state, const struct putting *putting,
			      struct reason *why)
{
	OWN_CRED struct cred cred = *unversioned;
	enum totp_err err;

	cred.version = store->store.info.version;
	err = put_state(store, &cred, state, putting);
	if (err == TOTP_OK) {
		err = put_sealed(store, &cred, putting);
		if (err != TOTP_OK)
			remove_both(store, putting);
	}
	if (err == TOTP_OK)
		return err;
	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(why, FILES_USERS "/%s: cannot write", putting->name);
	else
		reason_set(why, FILES_USERS "/%s: cannot write: %s", putting->name, err_name(err));
	return err;
}

static enum totp_err create_record(const struct files_store *store, const struct cred *cred,
				   const struct login_state *state, struct reason *why)
{
	struct putting putting = {.durable = FILE_DURABLE};
	enum totp_err err = name_files(cred, &putting);

	if (err != TOTP_OK)
		return reason_err(why, err, "user name: %s", err_name(err));
	err = put_both(store, cred, state, &putting, why);
	if (err != TOTP_OK)
		return err;
	if (fsync(store->states_fd) != 0)
		err = TOTP_ERR_SYSTEM;
	if (err == TOTP_OK)
		err = file_name_new(store->users_fd, putting.temp, putting.name);
	if (err == TOTP_OK && fsync(store->users_fd) != 0) {
		unlinkat(store->users_fd, putting.name, 0);
		err = TOTP_ERR_SYSTEM;
	}
	if (err == TOTP_OK)
		return err;

	if (err == TOTP_ERR_EXISTS)
		reason_set(why, FILES_USERS "/%s: is there already", putting.name);
	else
		(void)reason_errno(why, FILES_USERS "/%s: cannot write", putting.name);
	remove_both(store, &putting);
	return err;
}

enum totp_err files_create(struct store *opened, const struct cred *cred,
			   const struct login_state *state, uint64_t deadline, struct reason *why)
{
	struct files_store *store = files_of(opened);
	enum totp_err err = files_begin_sealing(store, deadline, why);

	if (err == TOTP_OK)
		err = create_record(store, cred, state, why);
	files_end_change(store);
	/*
	 * one that stays does no harm: an enrolled user needs none, and it is removed with the
	 * record
	 */
	if (err == TOTP_OK)
		(void)!files_invite_remove(opened, cred->user, deadline, NULL);
	return err;
}

/* The new record is in its place: now the old state can go. */
static void drop_old_state(const struct files_store *store, const struct files_place *place)
{
	files_run_remove(store, place);
	unlinkat(store->states_fd, place->state_name, 0);
	/* or an older credential that is put back would find it after a power cut */
	(void)!fsync(store->states_fd);
}

static enum totp_err replace_record(const struct files_store *store,
				    const struct files_place *place, const struct cred *cred,
				    const struct login_state *state, struct reason *why)
{
	struct putting putting = {.durable = FILE_DURABLE};
	enum totp_err err = name_files(cred, &putting);

	if (err != TOTP_OK)
		return reason_err(why, err, "cannot replace the record: %s", err_name(err));
	err = put_both(store, cred, state, &putting, why);
	if (err != TOTP_OK)
		return err;
	if (fsync(store->states_fd) != 0 ||
	    renameat(store->users_fd, putting.temp, store->users_fd, putting.name) != 0) {
		(void)reason_errno(why, FILES_USERS "/%s: cannot replace", putting.name);
		remove_both(store, &putting);
		return TOTP_ERR_SYSTEM;
	}
	if (fsync(store->users_fd) != 0) {
		/* both states stay: a power cut may bring either credential back */
		(void)reason_errno(why,
				   FILES_USERS "/%s: replaced, but the disk does not confirm "
					       "it",
				   putting.name);
		return TOTP_ERR_UNCERTAIN;
	}
	drop_old_state(store, place);
	return TOTP_OK;
}

enum totp_err files_replace(struct store_txn *txn, const struct cred *cred,
			    const struct login_state *state, struct reason *why)
{
	struct files_store *store = files_of(txn->store);
	enum totp_err err = files_begin_sealing(store, txn->deadline, why);

	if (err == TOTP_OK)
		err = replace_record(store, files_place(txn), cred, state, why);
	files_end_change(store);
	return err;
}

/* The state of a user whose credential cannot be read. */
struct orphans {
	const struct files_store *store;
	const char *name; /* the user's */
};

/* Remove a file if its name is NAME '.' 32 hexadecimal digits. */
static void remove_orphan(void *context, const char *file)
{
	const struct orphans *orphans = context;
	size_t len = strlen(orphans->name);
	uint8_t id[CRED_ID_LEN];

	if (strncmp(file, orphans->name, len) == 0 && file[len] == '.' &&
	    text_hex(text_of(file + len + 1), id, sizeof(id)) == TOTP_OK)
		unlinkat(orphans->store->states_fd, file, 0);
}

static enum totp_err remove_name(struct files_store *store, const char *name, struct reason *why)
{
	enum totp_err err = files_begin_change(store, io_deadline(STORE_WAIT_MS), why);

	if (err == TOTP_OK && unlinkat(store->users_fd, name, 0) != 0)
		err = reason_errno(why, FILES_USERS "/%s: cannot remove", name);
	else if (err == TOTP_OK && fsync(store->users_fd) != 0) {
		(void)reason_errno(
			why, FILES_USERS "/%s: removed, but the disk does not confirm it", name);
		err = TOTP_ERR_UNCERTAIN;
	}
	files_end_change(store);
	return err;
}

/* found: where the state was found; NULL: nowhere. */
static enum totp_err remove_record(struct files_store *store, const char *user,
				   const struct files_place *found, struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	enum totp_err uninvited, err = store_name(user, name);

	if (err != TOTP_OK)
		return err;
	/*
	 * first, so that a power cut leaves no invitation without its record; but an invitation
	 * that cannot be removed does not keep the record
	 */
	uninvited = files_invite_remove(&store->store, user, io_deadline(STORE_WAIT_MS), why);
	err = remove_name(store, name, why);
	if (err != TOTP_OK)
		return err;
	if (found)
		drop_old_state(store, found);
	else
		(void)!files_each_name(store->states_fd, remove_orphan,
				       &(struct orphans){store, name});
	return uninvited == TOTP_OK || uninvited == TOTP_ERR_NOT_FOUND ? TOTP_OK
								       : TOTP_ERR_UNCERTAIN;
}

enum totp_err files_remove_by(struct store_txn *txn, const struct login_state *next,
			      struct reason *why)
{
	enum totp_err err = files_commit(txn, next, why);

	return err == TOTP_OK
		       ? remove_record(files_of(txn->store), txn->cred.user, files_place(txn), why)
		       : err;
}

enum totp_err files_remove(struct store *store, const char *user, uint64_t deadline,
			   struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	char name[STORE_NAME_MAX + 1];
	enum totp_err err = store_name(user, name);
	bool found;

	if (err != TOTP_OK)
		return TOTP_ERR_NOT_FOUND; /* no record can have that name */

	do {
		store_end(&txn);
		err = store_read_cred(store, user, deadline, &txn, why);
		if (err == TOTP_OK)
			err = store_begin(&txn, deadline, why);
	} while (err == TOTP_ERR_STALE && io_monotonic_ns() < deadline);
	if (err == TOTP_ERR_NOT_FOUND || err == TOTP_ERR_STALE)
		return err;

	found = err == TOTP_OK || err == TOTP_ERR_TIMEOUT;
	return remove_record(files_of(store), user, found ? files_place(&txn) : NULL, why);
}

/* A bulk creation under way: how far each step has come, to be able to take it back. */
struct bulk {
	struct files_store *store;
	struct putting *records;
	size_t written; /* both files of so many are there */
	size_t named;   /* so many have their name */
};

/* Here alone to name the user early: the name that a record gets in the end is a new one. */
static bool has_name(const struct files_store *store, const char *name)
{
	return faccessat(store->users_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum totp_err bulk_write(struct bulk *bulk, const struct store_many *many,
				struct reason *why)
{
	for (; bulk->written < many->count; bulk->written++) {
		OWN_CRED struct cred cred = {0};
		struct putting *record = &bulk->records[bulk->written];
		struct login_state state = {0};
		enum totp_err err = many->next(many->context, bulk->written, &cred, &state);

		if (err == TOTP_OK)
			err = name_files(&cred, record);
		if (err == TOTP_OK && has_name(bulk->store, record->name))
			err = TOTP_ERR_EXISTS;
		if (err != TOTP_OK)
			return reason_err(why, err, "%.100s: %s",
					  cred.user[0] ? cred.user : "a record", err_name(err));
		if (state.sequence == 0)
			state_init(&cred, &state);
		record->durable = FILE_DURABLE_LATER;
		err = put_both(bulk->store, &cred, &state, record, why);
		if (err != TOTP_OK)
			return err;
	}
	return TOTP_OK;
}

static enum totp_err bulk_sync(int dir_fd, struct reason *why)
{
	if (syncfs(dir_fd) == 0)
		return TOTP_OK;
	return reason_errno(why, "the disk does not confirm the records");
}

static enum totp_err bulk_name(struct bulk *bulk, size_t count, struct reason *why)
{
	for (; bulk->named < count; bulk->named++) {
		const struct putting *record = &bulk->records[bulk->named];
		enum totp_err err =
			file_name_new(bulk->store->users_fd, record->temp, record->name);

		if (err == TOTP_ERR_SYSTEM)
			(void)reason_errno(why, FILES_USERS "/%s", record->name);
		else if (err != TOTP_OK)
			reason_set(why, FILES_USERS "/%s: %s", record->name, err_name(err));
		if (err != TOTP_OK)
			return err;
	}
	return TOTP_OK;
}

/* Invitations that were used up; those that stay do no harm. */
static void bulk_uninvite(const struct bulk *bulk)
{
	OWN_FD int dir_fd = -1;

	if (files_open_dir(bulk->store, STORE_INVITE, &dir_fd, NULL) != TOTP_OK)
		return;
	for (size_t i = 0; i < bulk->named; i++)
		unlinkat(dir_fd, bulk->records[i].name, 0);
}

static enum totp_err create_many(struct bulk *bulk, const struct store_many *many,
				 struct reason *why)
{
	enum totp_err err = bulk_write(bulk, many, why);

	if (err == TOTP_OK)
		err = bulk_sync(bulk->store->states_fd, why);
	if (err == TOTP_OK)
		err = bulk_sync(bulk->store->users_fd, why);
	if (err == TOTP_OK)
		err = bulk_name(bulk, many->count, why);
	if (err == TOTP_OK)
		err = bulk_sync(bulk->store->users_fd, why);
	if (err == TOTP_OK)
		bulk_uninvite(bulk);
	for (size_t i = 0; i < bulk->named && err != TOTP_OK; i++)
		unlinkat(bulk->store->users_fd, bulk->records[i].name, 0);
	for (size_t i = 0; i < bulk->written && err != TOTP_OK; i++)
		remove_both(bulk->store, &bulk->records[i]);
	return err;
}

enum totp_err files_create_many(struct store *opened, const struct store_many *many,
				size_t *ret_done, struct reason *why)
{
	struct bulk bulk = {.store = files_of(opened)};
	enum totp_err err;

	bulk.records = calloc(many->count, sizeof(*bulk.records));
	if (!bulk.records)
		return reason_err(why, TOTP_ERR_NOMEM, "%s", err_name(TOTP_ERR_NOMEM));
	err = files_begin_sealing(bulk.store, io_deadline(STORE_WAIT_MS), why);
	if (err == TOTP_OK)
		err = create_many(&bulk, many, why);
	files_end_change(bulk.store);
	free(bulk.records);
	if (err == TOTP_OK)
		*ret_done = many->count;
	return err;
}
