/*
 * The files engine, as tools use it: create, replace, remove, and create many.
 *
 * Order, so that a power cut at any point leaves the old record or the new one: the new
 * state whole and synced, the new credential whole and synced under a temporary name,
 * rename, sync of the directory, and only then the old state is removed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/files.h"

/* The names of one record's files while it is being written. */
struct put_names {
	char name[STORE_NAME_MAX + 1];
	char temp[FILES_TEMP_NAME_MAX];
	char state[FILES_STATE_NAME_MAX];
};

static enum totp_err put_names_of(const struct cred *cred, struct put_names *ret_names)
{
	enum totp_err err = files_state_name(cred->user, cred->id, ret_names->state);

	if (err == TOTP_OK)
		err = store_name(cred->user, ret_names->name);
	return err == TOTP_OK ? files_temp_name(ret_names->name, ret_names->temp) : err;
}

static enum totp_err put_state(const struct store *store, const struct cred *cred,
			       const struct login_state *state, const char *name,
			       enum durable durable)
{
	uint8_t file[STATE_FILE_LEN];
	enum totp_err err = state_encode_file(state, cred, file);

	if (err != TOTP_OK)
		return err;
	return files_put(store, store->states_fd, name, file, sizeof(file), durable);
}

static enum totp_err put_sealed(const struct store *store, const struct cred *cred,
				const char *temp, enum durable durable)
{
	uint8_t plain[CRED_BYTES_MAX], box[CRED_BYTES_MAX + SEAL_OVERHEAD];
	size_t len = 0;
	enum totp_err err = cred_encode(cred, plain, &len);

	if (err == TOTP_OK)
		err = seal_close(&store->keyring.keys[0], cred->user, plain, len, box);
	WIPE(plain);
	if (err == TOTP_OK)
		err = files_put(store, store->users_fd, temp, box, len + SEAL_OVERHEAD, durable);
	return err;
}

/* Write both files, in the store's version; on error neither stays. */
static enum totp_err put_both(const struct store *store, const struct cred *unversioned,
			      const struct login_state *state, const struct put_names *names,
			      enum durable durable, struct reason *why)
{
	OWN_CRED struct cred cred = *unversioned;
	enum totp_err err;

	cred.version = store->version;
	err = put_state(store, &cred, state, names->state, durable);
	if (err == TOTP_OK) {
		err = put_sealed(store, &cred, names->temp, durable);
		if (err != TOTP_OK) {
			int kept = errno;
			unlinkat(store->states_fd, names->state, 0);
			errno = kept;
		}
	}
	if (err == TOTP_OK)
		return err;
	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(why, FILES_USERS "/%s: cannot write", names->name);
	else
		reason_set(why, FILES_USERS "/%s: cannot write: %s", names->name, err_name(err));
	return err;
}

static void take_back(const struct store *store, const struct put_names *names)
{
	int kept = errno;

	unlinkat(store->users_fd, names->temp, 0);
	unlinkat(store->states_fd, names->state, 0);
	errno = kept;
}

static enum totp_err name_new(const struct store *store, const struct put_names *names)
{
	return files_name_new(store->users_fd, names->temp, names->name);
}

static enum totp_err create(const struct store *store, const struct cred *cred,
			    const struct login_state *state, struct reason *why)
{
	struct put_names names;
	enum totp_err err = put_names_of(cred, &names);

	if (err != TOTP_OK) {
		reason_set(why, "user name: %s", err_name(err));
		return err;
	}
	err = put_both(store, cred, state, &names, DURABLE_NOW, why);
	if (err != TOTP_OK)
		return err;
	if (fsync(store->states_fd) != 0)
		err = TOTP_ERR_SYSTEM;
	if (err == TOTP_OK)
		err = name_new(store, &names);
	if (err == TOTP_OK && fsync(store->users_fd) != 0) {
		unlinkat(store->users_fd, names.name, 0);
		err = TOTP_ERR_SYSTEM;
	}
	if (err == TOTP_OK)
		return err;

	if (err == TOTP_ERR_EXISTS)
		reason_set(why, FILES_USERS "/%s: is there already", names.name);
	else
		(void)reason_errno(why, FILES_USERS "/%s: cannot write", names.name);
	take_back(store, &names);
	return err;
}

enum totp_err store_create(struct store *store, const struct cred *cred,
			   const struct login_state *state, struct reason *why)
{
	enum totp_err err = files_begin_sealing(store, why);

	if (err == TOTP_OK)
		err = create(store, cred, state, why);
	files_end_change(store);
	/*
	 * one that stays does no harm: an enrolled user needs none, and it is removed with the
	 * record
	 */
	if (err == TOTP_OK)
		(void)!store_invite_remove(store, cred->user, NULL);
	return err;
}

/* The new record is in its place: now the old state can go. */
static void drop_old_state(const struct store_txn *txn)
{
	char old[FILES_STATE_NAME_MAX];

	if (files_state_name(txn->cred.user, txn->cred.id, old) != TOTP_OK)
		return;
	files_run_remove(txn);
	unlinkat(txn->store->states_fd, old, 0);
	/* or an older credential that is put back would find it after a power cut */
	(void)!fsync(txn->store->states_fd);
}

static enum totp_err replace(struct store_txn *txn, const struct cred *cred,
			     const struct login_state *state, struct reason *why)
{
	const struct store *store = txn->store;
	struct put_names names;
	enum totp_err err = put_names_of(cred, &names);

	if (err == TOTP_OK &&
	    ((!txn->locked && txn->state_fd >= 0) || strcmp(cred->user, txn->cred.user) != 0 ||
	     memcmp(cred->id, txn->cred.id, sizeof(cred->id)) == 0))
		err = TOTP_ERR_ARGUMENT;
	if (err != TOTP_OK)
		reason_set(why, "cannot replace the record: %s", err_name(err));
	else
		err = put_both(store, cred, state, &names, DURABLE_NOW, why);
	if (err != TOTP_OK)
		return err;
	if (fsync(store->states_fd) != 0 ||
	    renameat(store->users_fd, names.temp, store->users_fd, names.name) != 0) {
		(void)reason_errno(why, FILES_USERS "/%s: cannot replace", names.name);
		take_back(store, &names);
		err = TOTP_ERR_SYSTEM;
	} else if (fsync(store->users_fd) != 0) {
		/* both states stay: a power cut may bring either credential back */
		(void)reason_errno(why,
				   FILES_USERS "/%s: replaced, but the disk does not confirm "
					       "it",
				   names.name);
		err = TOTP_ERR_UNCERTAIN;
	} else {
		drop_old_state(txn);
	}
	return err;
}

enum totp_err store_replace(struct store_txn *txn, const struct cred *cred,
			    const struct login_state *state, struct reason *why)
{
	struct store *store = txn->store;
	enum totp_err err = files_begin_sealing(store, why);

	if (err == TOTP_OK)
		err = replace(txn, cred, state, why);
	files_end_change(store);
	store_end(txn);
	return err;
}

/* Is this file name NAME '.' 32 hexadecimal digits? */
static bool is_state_of(const char *file, const char *name)
{
	size_t len = strlen(name);
	uint8_t id[CRED_ID_LEN];

	return strncmp(file, name, len) == 0 && file[len] == '.' &&
	       text_hex(text_of(file + len + 1), id, sizeof(id)) == TOTP_OK;
}

/* Remove every state of a user whose credential cannot be read. */
static void remove_states(const struct store *store, const char *name)
{
	int fd = openat(store->states_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		fd_close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (is_state_of(entry->d_name, name))
			unlinkat(store->states_fd, entry->d_name, 0);
	closedir(dir);
}

static enum totp_err remove_name(struct store *store, const char *name, struct reason *why)
{
	enum totp_err err = files_begin_change(store, why);

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

/* sound: the transaction has found the state that goes with it. */
static enum totp_err remove_found(struct store *store, const struct store_txn *txn, bool sound,
				  const char *user, const char *name, struct reason *why)
{
	/*
	 * first, so that a power cut leaves no invitation without its record; but an invitation
	 * that cannot be removed does not keep the record
	 */
	enum totp_err uninvited = store_invite_remove(store, user, why);
	enum totp_err err = remove_name(store, name, why);

	if (err != TOTP_OK)
		return err;
	if (sound)
		drop_old_state(txn);
	else
		remove_states(store, name);
	return uninvited == TOTP_OK || uninvited == TOTP_ERR_NOT_FOUND ? TOTP_OK
								       : TOTP_ERR_UNCERTAIN;
}

enum totp_err store_remove_by(struct store_txn *txn, const struct login_state *next,
			      struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	enum totp_err err = files_commit(txn, next, why);

	if (err == TOTP_OK)
		err = store_name(txn->cred.user, name);
	if (err == TOTP_OK)
		err = remove_found(txn->store, txn, true, txn->cred.user, name, why);
	store_end(txn);
	return err;
}

enum totp_err store_remove(struct store *store, const char *user, uint64_t deadline,
			   struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	char name[STORE_NAME_MAX + 1];
	enum totp_err err = store_name(user, name);

	if (err != TOTP_OK)
		return TOTP_ERR_NOT_FOUND; /* no record can have that name */

	do {
		store_end(&txn);
		err = store_read_cred(store, user, &txn, why);
		if (err == TOTP_OK)
			err = store_lock(&txn, deadline, why);
	} while (err == TOTP_ERR_STALE && io_monotonic_ns() < deadline);
	if (err == TOTP_ERR_NOT_FOUND || err == TOTP_ERR_STALE)
		return err;

	return remove_found(store, &txn, err == TOTP_OK || err == TOTP_ERR_TIMEOUT, user, name,
			    why);
}

/* A bulk creation under way: how far each step has come, to be able to take it back. */
struct bulk {
	struct store *store;
	struct put_names *names;
	size_t written; /* both files of so many are there */
	size_t named;   /* so many have their name */
};

static enum totp_err bulk_write(struct bulk *bulk, size_t count, store_next_fn *next, void *context,
				struct reason *why)
{
	for (; bulk->written < count; bulk->written++) {
		OWN_CRED struct cred cred = {0};
		struct put_names *names = &bulk->names[bulk->written];
		struct login_state state = {0};
		bool has = false;
		enum totp_err err = next(context, bulk->written, &cred, &state);

		if (err == TOTP_OK)
			err = store_has(bulk->store, cred.user, &has, why);
		if (err == TOTP_OK)
			err = has ? TOTP_ERR_EXISTS : put_names_of(&cred, names);
		if (err != TOTP_OK) {
			reason_set(why, "%.100s: %s", cred.user[0] ? cred.user : "a record",
				   err_name(err));
			return err;
		}
		if (state.sequence == 0)
			state_init(&cred, &state);
		err = put_both(bulk->store, &cred, &state, names, DURABLE_LATER, why);
		if (err != TOTP_OK)
			return err;
	}
	return TOTP_OK;
}

static enum totp_err bulk_sync(int dir_fd, struct reason *why)
{
	if (syncfs(dir_fd) == 0)
		return TOTP_OK;
	(void)reason_errno(why, "the disk does not confirm the records");
	return TOTP_ERR_SYSTEM;
}

static enum totp_err bulk_name(struct bulk *bulk, size_t count, struct reason *why)
{
	for (; bulk->named < count; bulk->named++) {
		const struct put_names *names = &bulk->names[bulk->named];
		enum totp_err err = name_new(bulk->store, names);

		if (err == TOTP_ERR_SYSTEM)
			(void)reason_errno(why, FILES_USERS "/%s", names->name);
		else if (err != TOTP_OK)
			reason_set(why, FILES_USERS "/%s: %s", names->name, err_name(err));
		if (err != TOTP_OK)
			return err;
	}
	return TOTP_OK;
}

static void bulk_uninvite(const struct bulk *bulk, size_t count)
{
	OWN_FD int dir_fd = -1;

	if (files_open_invites(bulk->store, &dir_fd, NULL) != TOTP_OK)
		return;
	for (size_t i = 0; i < count; i++)
		unlinkat(dir_fd, bulk->names[i].name, 0);
}

static void bulk_take_back(const struct bulk *bulk)
{
	for (size_t i = 0; i < bulk->named; i++)
		unlinkat(bulk->store->users_fd, bulk->names[i].name, 0);
	for (size_t i = 0; i < bulk->written; i++)
		take_back(bulk->store, &bulk->names[i]);
}

static enum totp_err create_many(struct bulk *bulk, size_t count, store_next_fn *next,
				 void *context, struct reason *why)
{
	enum totp_err err = bulk_write(bulk, count, next, context, why);

	if (err == TOTP_OK)
		err = bulk_sync(bulk->store->states_fd, why);
	if (err == TOTP_OK)
		err = bulk_sync(bulk->store->users_fd, why);
	if (err == TOTP_OK)
		err = bulk_name(bulk, count, why);
	if (err == TOTP_OK)
		err = bulk_sync(bulk->store->users_fd, why);
	if (err == TOTP_OK)
		bulk_uninvite(bulk, count);
	else
		bulk_take_back(bulk);
	return err;
}

enum totp_err store_create_many(struct store *store, size_t count, store_next_fn *next,
				void *context, struct reason *why)
{
	struct bulk bulk = {.store = store};
	enum totp_err err;

	bulk.names = count ? calloc(count, sizeof(*bulk.names)) : NULL;
	if (!bulk.names) {
		reason_set(why, "%s", err_name(count ? TOTP_ERR_NOMEM : TOTP_OK));
		return count ? TOTP_ERR_NOMEM : TOTP_OK;
	}
	err = files_begin_sealing(store, why);
	if (err == TOTP_OK)
		err = create_many(&bulk, count, next, context, why);
	files_end_change(store);
	free(bulk.names);
	return err;
}
