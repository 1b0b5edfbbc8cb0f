/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealing records again under another key: which file needs which key, and many records at once
 * with two waits for the disk for each batch. A record keeps its id and its state: only the seal
 * around it changes, by a new file that replaces the old one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/files.h"

#define BATCH_MIN     64
#define BATCH_MAX     4096
#define SPARE_FDS     64 /* for all else that the process has open */
#define FEW           16 /* up to so many files the whole file system is not synced */
#define ALONE_WAIT_MS 60000
#define LET_IN_NS     50000000 /* longer than the pause of a process that waits for a lock */

_Static_assert(INVITE_BYTES_MAX <= CRED_BYTES_MAX, "one buffer for both");

/* --- which file needs which key --- */

struct key_walk {
	struct files_store *store;
	enum store_kind kind;
	int dir_fd;
	store_key_fn *each;
	void *context;
};

static void report_key(void *context, const char *user)
{
	struct key_walk *walk = context;
	struct files_box box = {.kind = walk->kind, .dir_fd = walk->dir_fd, .user = user};
	struct store_sealed sealed = {.kind = walk->kind, .user = user};

	sealed.err = files_read_box(walk->store, &box, &sealed.why);
	fd_close(box.fd);
	if (sealed.err == TOTP_OK) {
		sealed.err = seal_key_id(bytes_of(box.bytes, box.len), &sealed.key_id);
		if (sealed.err != TOTP_OK)
			reason_set(&sealed.why, "%s/%s: not a sealed file",
				   files_directory(box.kind), box.name);
	}
	if (sealed.err != TOTP_ERR_NOT_FOUND) /* removed meanwhile */
		walk->each(walk->context, &sealed);
}

static enum totp_err walk_kind(struct store *opened, enum store_kind kind, store_key_fn *each,
			       void *context, struct reason *why)
{
	struct files_store *store = files_of(opened);
	OWN_FD int dir_fd = -1;
	enum totp_err err = files_open_dir(store, kind, &dir_fd, why);
	struct key_walk walk = {store, kind, dir_fd, each, context};

	if (err != TOTP_OK)
		return err == TOTP_ERR_NOT_FOUND && kind == STORE_INVITE ? TOTP_OK : err;
	return files_each(opened, kind, report_key, &walk, why);
}

enum totp_err files_each_key(struct store *store, store_key_fn *each, void *context,
			     struct reason *why)
{
	enum totp_err err = walk_kind(store, STORE_RECORD, each, context, why);

	return err == TOTP_OK ? walk_kind(store, STORE_INVITE, each, context, why) : err;
}

enum totp_err files_key_of(struct store *opened, const char *user, uint32_t *ret_key_id)
{
	struct files_store *store = files_of(opened);
	struct files_box box = {.kind = STORE_RECORD, .dir_fd = store->users_fd, .user = user};
	enum totp_err err = files_read_box(store, &box, NULL);

	fd_close(box.fd);
	return err == TOTP_OK ? seal_key_id(bytes_of(box.bytes, box.len), ret_key_id) : err;
}

/* --- one file --- */

struct resealing {
	const char *user;
	int fd; /* the file as it was read; -1: it was reported */
	char name[STORE_NAME_MAX + 1];
	char temp[FILES_TEMP_NAME_MAX];
	char state[FILES_STATE_NAME_MAX + 1]; /* of a record */
};

struct batch {
	struct files_store *store;
	const struct store_reseal *what;
	int dir_fd;
	size_t room; /* files, each of which has a descriptor open until the batch ends */
	size_t count;
	struct resealing files[];
};

static void report_resealed(const struct batch *batch, struct resealing *file, enum totp_err err,
			    const struct reason *why)
{
	file->fd = fd_close(file->fd);
	batch->what->told(batch->what->context, file->user, err, why);
}

/* The name of the state that a record's plaintext names. */
static enum totp_err name_state(struct resealing *file, const struct buffer *plain)
{
	OWN_CRED struct cred cred;
	enum totp_err err = cred_decode(plain->data, plain->len, &cred);

	return err == TOTP_OK ? files_state_name(file->user, cred.id, file->state) : err;
}

/* What a file holds; nothing if the first key has sealed it already. */
static enum totp_err read_plain(const struct batch *batch, struct resealing *file,
				struct buffer *ret_plain, struct reason *why)
{
	struct files_box box = {
		.kind = batch->what->kind, .dir_fd = batch->dir_fd, .user = file->user};
	struct reason cause = {""};
	struct bytes bytes;
	uint32_t id = 0;
	enum totp_err err = files_read_box(batch->store, &box, why);

	file->fd = box.fd;
	memcpy(file->name, box.name, sizeof(file->name));
	if (err != TOTP_OK)
		return err;
	bytes = bytes_of(box.bytes, box.len);
	err = seal_key_id(bytes, &id);
	if (err == TOTP_OK && id == vault_key_id(&batch->store->store.vault))
		return TOTP_OK;
	if (err == TOTP_OK)
		err = vault_open(&batch->store->store.vault, file->user, bytes, ret_plain, &cause);
	if (err == TOTP_OK && box.kind == STORE_RECORD)
		err = name_state(file, ret_plain);
	return files_opened_box(&box, err, &cause, why);
}

/* Write the new box beside the old one. */
static enum totp_err write_sealed(const struct batch *batch, struct resealing *file,
				  const struct buffer *plain)
{
	const struct vault *vault = &batch->store->store.vault;
	const struct file_new new =
		files_new(batch->store, batch->dir_fd, file->temp,
			  batch->what->count > FEW ? FILE_DURABLE_LATER : FILE_DURABLE);
	uint8_t box[VAULT_BOX_MAX];
	size_t len = 0;
	enum totp_err err = vault_seal(vault, file->user, plain, box, &len);

	if (err != TOTP_OK)
		return err;
	/* the next run uses the name again, so that one which was cut short leaves nothing */
	memcpy(file->temp, file->name, sizeof(file->name));
	snprintf(file->temp + strlen(file->name), FILE_TEMP_LEN + 1, "~%016x",
		 (unsigned)vault_key_id(vault));
	if (unlinkat(batch->dir_fd, file->temp, 0) != 0 && errno != ENOENT)
		return TOTP_ERR_SYSTEM;
	return file_write(&new, box, len);
}

/*
 * Returns only errors of the disk; an error of the file itself is reported to the caller's
 * function.
 */
static enum totp_err begin_resealing(struct batch *batch, const char *user, struct reason *why)
{
	struct resealing *file = &batch->files[batch->count];
	uint8_t bytes[CRED_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	struct reason cause = {""};
	enum totp_err err;

	*file = (struct resealing){.user = user, .fd = -1};
	err = read_plain(batch, file, &plain, &cause);
	if (err != TOTP_OK || plain.len == 0) {
		WIPE(bytes);
		report_resealed(batch, file, err, &cause);
		return TOTP_OK;
	}
	err = write_sealed(batch, file, &plain);
	WIPE(bytes);
	batch->count++; /* leave_rest closes it after an error */
	if (err != TOTP_OK)
		(void)reason_errno(why, "%s/%s: cannot write", files_directory(batch->what->kind),
				   file->name);
	return err;
}

/*
 * Hold the login state, so that no login in progress loses its record; but not for ever, since a
 * user may have stopped their own su.
 */
static void hold_state(const struct batch *batch, const struct resealing *file, int *ret_fd)
{
	const struct files_store *store = batch->store;
	struct path_rule rule = files_rule(store, STATE_FILE_LEN);

	rule.flags = O_RDWR;
	if (batch->what->kind == STORE_RECORD &&
	    path_open_file(store->states_fd, file->state, &rule, ret_fd, NULL) == TOTP_OK)
		(void)!files_take_lock(*ret_fd, io_deadline(STORE_WAIT_MS), NULL);
}

static enum totp_err hold_and_replace(const struct batch *batch, const struct resealing *file,
				      struct reason *why)
{
	OWN_FD int state_fd = -1;
	enum totp_err err;

	hold_state(batch, file, &state_fd);
	err = files_replace_if_same(batch->store, batch->dir_fd, file->temp, file->name, file->fd);
	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(why, "%s/%s: cannot replace", files_directory(batch->what->kind),
				   file->name);
	else if (err == TOTP_ERR_TIMEOUT)
		reason_set(why, "%s: other programs are changing records all the time",
			   files_directory(batch->what->kind));
	return err;
}

/*
 * A process that writes a record may have been stopped. Until it goes on, logins get a chance
 * between two tries.
 */
static enum totp_err end_resealing(struct batch *batch, struct resealing *file, struct reason *why)
{
	static const struct reason replaced = {"replaced meanwhile"};
	static const struct timespec between = {.tv_nsec = LET_IN_NS};
	uint64_t deadline = io_deadline(ALONE_WAIT_MS);
	enum totp_err err = hold_and_replace(batch, file, why);

	while (err == TOTP_ERR_TIMEOUT && io_monotonic_ns() < deadline) {
		nanosleep(&between, NULL);
		err = hold_and_replace(batch, file, why);
	}
	if (err != TOTP_OK && err != TOTP_ERR_STALE)
		return err;
	if (err == TOTP_ERR_STALE)
		unlinkat(batch->dir_fd, file->temp, 0);
	report_resealed(batch, file, err, &replaced);
	return TOTP_OK;
}

/* --- many of them --- */

/* Files that were not reported yet stay as they were. */
static void leave_rest(struct batch *batch)
{
	int kept = errno;

	for (size_t i = 0; i < batch->count; i++) {
		struct resealing *file = &batch->files[i];

		if (file->fd < 0)
			continue;
		file->fd = fd_close(file->fd);
		unlinkat(batch->dir_fd, file->temp, 0);
	}
	batch->count = 0;
	errno = kept;
}

/* Wait until the directory and its files are on the disk. */
static enum totp_err sync_directory(const struct batch *batch, struct reason *why)
{
	if ((batch->what->count > FEW ? syncfs(batch->dir_fd) : fsync(batch->dir_fd)) == 0)
		return TOTP_OK;
	return reason_errno(why, "the disk does not confirm the records");
}

/* The bytes of all before the name of any: after a power cut each name has a whole file. */
static enum totp_err end_batch(struct batch *batch, struct reason *why)
{
	enum totp_err err = batch->count ? sync_directory(batch, why) : TOTP_OK;

	for (size_t i = 0; i < batch->count && err == TOTP_OK; i++)
		err = end_resealing(batch, &batch->files[i], why);
	if (err == TOTP_OK)
		batch->count = 0;
	return err;
}

static enum totp_err reseal_batches(struct batch *batch, struct reason *why)
{
	enum totp_err err = TOTP_OK;

	for (size_t i = 0; i < batch->what->count && err == TOTP_OK; i++) {
		err = begin_resealing(batch, batch->what->users[i], why);
		if (err == TOTP_OK && batch->count == batch->room)
			err = end_batch(batch, why);
	}
	if (err == TOTP_OK)
		err = end_batch(batch, why);
	if (err != TOTP_OK)
		leave_rest(batch);
	return err == TOTP_OK ? sync_directory(batch, why) : err;
}

/* The more at once, the fewer waits for the disk. */
static size_t batch_room(size_t count)
{
	struct rlimit limit;
	size_t most = BATCH_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < BATCH_MIN + SPARE_FDS)
		most = BATCH_MIN;
	else if (limit.rlim_cur - SPARE_FDS < most)
		most = (size_t)limit.rlim_cur - SPARE_FDS;
	return count < most ? count : most;
}

enum totp_err files_reseal(struct store *opened, const struct store_reseal *reseal,
			   struct reason *why)
{
	struct files_store *store = files_of(opened);
	size_t room = batch_room(reseal->count);
	struct batch *batch;
	enum totp_err err = TOTP_ERR_ARGUMENT;

	if (store->claimed)
		err = files_begin_sealing(store, io_deadline(STORE_WAIT_MS), why);
	/* only for the keyring: the keys are claimed, so they stay as they are */
	files_end_change(store);
	if (err != TOTP_OK)
		return err;
	batch = calloc(1, sizeof(*batch) + room * sizeof(batch->files[0]));
	if (!batch)
		return reason_err(why, TOTP_ERR_NOMEM, "%s", err_name(TOTP_ERR_NOMEM));
	batch->room = room;
	batch->store = store;
	batch->what = reseal;
	batch->dir_fd = -1;
	err = files_open_dir(store, reseal->kind, &batch->dir_fd, why);
	if (err == TOTP_OK)
		err = reseal_batches(batch, why);
	else if (err == TOTP_ERR_NOT_FOUND && reseal->count == 0)
		err = TOTP_OK;
	fd_close(batch->dir_fd);
	free(batch);
	return err;
}
