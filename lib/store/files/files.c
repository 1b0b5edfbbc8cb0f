/*
 * The files engine, as logins use it: find, read, lock, commit. See pam_totp-record(5)
 * for what lies where.
 *
 * Why a state is overwritten in place: it works on a full disk, costs a quarter of a
 * temporary file with rename, and with two slots in blocks of their own a power cut
 * leaves one of them whole. What this does not defend against: root, and a disk that
 * lies about flushes.
 */
#include "store/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/path.h"

#define LOCK_PAUSE_NS     500000 /* before the second try; grows */
#define LOCK_PAUSE_MAX_NS 20000000

/* "pam_totp store N" */
static bool read_title(struct text line, uint64_t *ret_version)
{
	static const char title[] = FILES_TITLE;
	size_t len = sizeof(title) - 1;

	return line.len > len && memcmp(line.at, title, len) == 0 &&
	       text_number((struct text){line.at + len, line.len - len}, RECORD_VERSION_FIRST,
			   UINT32_MAX, ret_version) == TOTP_OK;
}

/* "id HEX" and the like */
static bool read_hex_line(struct text line, const char *name, uint8_t *ret_bytes, size_t len)
{
	size_t name_len = strlen(name);

	return line.len > name_len && memcmp(line.at, name, name_len) == 0 &&
	       text_hex((struct text){line.at + name_len, line.len - name_len}, ret_bytes, len) ==
		       TOTP_OK;
}

static enum totp_err parse_marker(struct store *store, struct text text, const char *dir,
				  struct reason *why)
{
	struct text line[3] = {{"", 0}, {"", 0}, {"", 0}};
	uint64_t version = 0;

	for (size_t i = 0; i < 3; i++)
		text_line(&text, &line[i]);
	if (read_title(line[0], &version) && version > record_version_newest) {
		reason_set(why, "%s/" FILES_MARKER ": made by a newer version of pam_totp", dir);
		return TOTP_ERR_UNSUPPORTED;
	}
	store->version = (uint8_t)version;
	if (version && read_hex_line(line[1], "id ", store->id, sizeof(store->id)) &&
	    read_hex_line(line[2], "machine ", store->machine, sizeof(store->machine)) &&
	    text.len == 0)
		return TOTP_OK;
	reason_set(why, "%s/" FILES_MARKER ": damaged: restore it from your backup", dir);
	return TOTP_ERR_FORMAT;
}

static enum totp_err read_marker(struct store *store, int dir_fd, const char *dir,
				 struct reason *why)
{
	const struct path_rule rule = {.forbidden = S_IWGRP | S_IWOTH,
				       .size_max = FILES_MARKER_MAX};
	char text[FILES_MARKER_MAX];
	size_t len = 0;
	OWN_FD int fd = -1;
	enum totp_err err = path_open_file(dir_fd, FILES_MARKER, &rule, &fd, NULL, why);

	if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why,
			   "%s: no marker " FILES_MARKER ": is the file system mounted? On a "
			   "new host run totpctl init",
			   dir);
	if (err != TOTP_OK)
		return err;
	err = io_read_all(fd, text, sizeof(text), &len);
	if (err != TOTP_OK)
		return reason_errno(why, "%s/" FILES_MARKER ": cannot read", dir);
	return parse_marker(store, (struct text){text, len}, dir, why);
}

/* Open what a marked store has. That one of these is missing proves nothing absent. */
static enum totp_err open_records(struct store *store, int dir_fd, struct reason *why)
{
	struct stat st;
	enum totp_err err = path_open_any_dir(dir_fd, FILES_USERS, &store->users_fd, &st, why);

	if (err == TOTP_OK) {
		store->owner = st.st_uid;
		store->group = st.st_gid;
		err = path_open_dir(dir_fd, FILES_STATES, store->owner, &store->states_fd, NULL,
				    why);
	}
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_UNSAFE : err;
}

static enum totp_err open_folders(struct store *store, const char *dir, struct reason *why)
{
	OWN_FD int dir_fd = -1;
	enum totp_err err = path_open_dir(AT_FDCWD, dir, 0, &dir_fd, NULL, why);

	if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why,
			   "%s: no store: is the file system mounted? On a new host run "
			   "totpctl init",
			   dir);
	if (err == TOTP_OK)
		err = read_marker(store, dir_fd, dir, why);
	if (err == TOTP_OK)
		err = open_records(store, dir_fd, why);
	if (err == TOTP_OK)
		store->dir_fd = fd_take(&dir_fd);
	return err;
}

enum totp_err store_identify(const char *dir, uint8_t ret_id[CRED_ID_LEN], struct reason *why)
{
	OWN_FD int dir_fd = -1;
	struct store marked = {.version = 0};
	enum totp_err err = path_open_dir(AT_FDCWD, dir, 0, &dir_fd, NULL, why);

	if (err == TOTP_OK)
		err = read_marker(&marked, dir_fd, dir, why);
	if (err == TOTP_OK)
		memcpy(ret_id, marked.id, sizeof(marked.id));
	return err;
}

enum totp_err store_open(const struct store_config *config, struct store **ret_store,
			 struct reason *why)
{
	size_t path_len = strlen(config->keyring) + 1;
	OWN_STORE struct store *store = calloc(1, sizeof(*store) + path_len);
	enum totp_err err;

	if (!store) {
		reason_set(why, "%s", err_name(TOTP_ERR_NOMEM));
		return TOTP_ERR_NOMEM;
	}
	store->dir_fd = store->users_fd = store->states_fd = store->run_fd = -1;
	memcpy(store->text, config->keyring, path_len);
	store->keyring_path = store->text;
	if (config->keys) {
		store->keyring = *config->keys;
		store->has_keys = store->given = true;
	}
	err = open_folders(store, config->dir, why);
	if (err == TOTP_OK && config->run_dir)
		err = files_run_open(store, config, why);
	if (err != TOTP_OK)
		return err;

	*ret_store = store;
	store = NULL;
	return TOTP_OK;
}

struct store *store_close(struct store *store)
{
	if (!store)
		return NULL;
	fd_close(store->dir_fd);
	fd_close(store->users_fd);
	fd_close(store->states_fd);
	fd_close(store->run_fd);
	keyring_wipe(&store->keyring);
	free(store);
	return NULL;
}

void store_scope_end(struct store **store)
{
	*store = store_close(*store);
}

int64_t store_since(const struct store *store)
{
	return store->since;
}

bool store_lacks_key(const struct store *store)
{
	return store->lacks_key;
}

uint8_t store_version(const struct store *store)
{
	return store->version;
}

const uint8_t *store_id(const struct store *store)
{
	return store->id;
}

const uint8_t *store_machine(const struct store *store)
{
	return store->machine;
}

enum totp_err store_has(struct store *store, const char *user, bool *ret_has, struct reason *why)
{
	char name[STORE_NAME_MAX + 1];
	struct stat st;
	enum totp_err err = store_name(user, name);

	if (err != TOTP_OK) {
		reason_set(why, "user name too long for a record");
		return err;
	}
	if (fstatat(store->users_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		*ret_has = true;
		return TOTP_OK;
	}
	if (errno != ENOENT) {
		(void)reason_errno(why, FILES_USERS "/%s", name);
		return TOTP_ERR_SYSTEM;
	}
	*ret_has = false;
	return TOTP_OK;
}

enum totp_err files_unseal(struct store *store, const char *user, const uint8_t *box, size_t len,
			   uint8_t *ret_plain, size_t cap, size_t *ret_len, struct reason *why)
{
	const struct host_key *key = NULL;
	uint32_t id = 0;
	enum totp_err err = seal_key_id(box, len, &id);

	if (err != TOTP_OK) {
		reason_set(why, "not a sealed record");
		return err;
	}
	err = files_find_key(store, id, &key, why);
	if (err != TOTP_OK)
		return err;
	if (!key) {
		reason_set(why, "sealed by key %08x, which %.100s does not hold: restore that line",
			   (unsigned)id, store->keyring_path);
		return TOTP_ERR_SEAL;
	}
	return seal_open(key, user, box, len, ret_plain, cap, ret_len);
}

/* Open a credential; where it does not open, `why` says what to do. */
static enum totp_err open_seal(struct store *store, const char *user, const uint8_t *box,
			       size_t len, struct cred *ret_cred, struct reason *why)
{
	uint8_t plain[CRED_BYTES_MAX];
	size_t plain_len = 0;
	enum totp_err err =
		files_unseal(store, user, box, len, plain, sizeof(plain), &plain_len, why);

	if (err == TOTP_OK)
		err = cred_decode(plain, plain_len, ret_cred);
	WIPE(plain);
	if (err == TOTP_OK && strcmp(ret_cred->user, user) != 0)
		err = TOTP_ERR_SEAL;
	if (err == TOTP_ERR_UNSUPPORTED)
		reason_set(why, "made by a newer version of pam_totp");
	else if (err != TOTP_OK && why->text[0] == '\0')
		reason_set(why, "cannot be opened (%s): totpctl revoke, then enrol again",
			   err_name(err));
	return err;
}

static enum totp_err read_cred(struct store_txn *txn, const char *user, struct reason *why)
{
	const struct path_rule rule = {.owner = txn->store->owner,
				       .forbidden = S_IRWXG | S_IRWXO,
				       .size_max = CRED_BYTES_MAX + SEAL_OVERHEAD};
	uint8_t box[CRED_BYTES_MAX + SEAL_OVERHEAD];
	char name[STORE_NAME_MAX + 1];
	struct reason cause = {""};
	size_t len = 0;
	enum totp_err err = store_name(user, name);

	if (err != TOTP_OK) {
		reason_set(why, "user name too long for a record");
		return err;
	}
	err = path_open_file(txn->store->users_fd, name, &rule, &txn->cred_fd, NULL, why);
	if (err != TOTP_OK) {
		files_prefix(why, FILES_USERS);
		return err;
	}
	err = io_read_all(txn->cred_fd, box, sizeof(box), &len);
	if (err != TOTP_OK)
		reason_set(&cause, "cannot be read (%s)", err_name(err));
	else
		err = open_seal(txn->store, user, box, len, &txn->cred, &cause);
	/* replaced since it was opened, perhaps so that its key could go */
	if (err == TOTP_ERR_SEAL && !files_is_still(txn->store->users_fd, name, txn->cred_fd))
		return TOTP_ERR_STALE;
	if (err != TOTP_OK)
		reason_set(why, FILES_USERS "/%s: %.200s", name, cause.text);
	return err;
}

bool files_is_still(int dir_fd, const char *name, int fd)
{
	struct stat now, opened;

	return fstat(fd, &opened) == 0 && fstatat(dir_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       now.st_ino == opened.st_ino && now.st_dev == opened.st_dev;
}

static bool cred_is_still(const struct store_txn *txn)
{
	char name[STORE_NAME_MAX + 1];

	return store_name(txn->cred.user, name) == TOTP_OK &&
	       files_is_still(txn->store->users_fd, name, txn->cred_fd);
}

static enum totp_err open_state(struct store_txn *txn, struct reason *why)
{
	struct path_rule rule = {.owner = txn->store->owner,
				 .forbidden = S_IRWXG | S_IRWXO,
				 .size_max = STATE_FILE_LEN,
				 .flags = O_RDWR};
	char name[FILES_STATE_NAME_MAX];
	enum totp_err err = files_state_name(txn->cred.user, txn->cred.id, name);

	if (err != TOTP_OK)
		return err;
	err = path_open_file(txn->store->states_fd, name, &rule, &txn->state_fd, NULL, why);
	if (err == TOTP_ERR_SYSTEM && errno == EROFS && txn->store->run_fd >= 0) {
		rule.flags = O_RDONLY;
		txn->read_only = true;
		err = path_open_file(txn->store->states_fd, name, &rule, &txn->state_fd, NULL, why);
	}
	if (err != TOTP_OK)
		files_prefix(why, FILES_STATES);
	if (err != TOTP_ERR_NOT_FOUND)
		return err;
	if (!cred_is_still(txn))
		return TOTP_ERR_STALE; /* replaced or removed between the two */
	reason_set(why, FILES_STATES "/%.100s: missing: run totpctl repair %.64s", name,
		   txn->cred.user);
	return TOTP_ERR_SEAL;
}

static enum totp_err load_state(struct store_txn *txn, struct reason *why)
{
	uint8_t file[STATE_FILE_LEN];
	size_t len = 0;
	enum totp_err err = io_pread(txn->state_fd, file, sizeof(file), 0, &len);

	if (err != TOTP_OK)
		return reason_errno(why, "login state: cannot read");
	err = state_choose(file, len, &txn->cred, &txn->state, &txn->torn);
	txn->disk_sequence = txn->state.sequence;
	if (err == TOTP_OK)
		return files_run_load(txn, why);
	if (err == TOTP_ERR_CRYPTO || err == TOTP_ERR_UNSUPPORTED) {
		reason_set(why, "login state: %s", err_name(err));
		return err;
	}
	reason_set(why, "login state damaged: run totpctl repair %.100s", txn->cred.user);
	return TOTP_ERR_SEAL;
}

void files_pause(unsigned tries)
{
	long pause = LOCK_PAUSE_NS * (long)(tries < 6 ? 1u << tries : 64u);
	struct timespec wait = {.tv_nsec = pause < LOCK_PAUSE_MAX_NS ? pause : LOCK_PAUSE_MAX_NS};

	nanosleep(&wait, NULL);
}

enum totp_err store_read_cred(struct store *store, const char *user, struct store_txn *txn,
			      struct reason *why)
{
	enum totp_err err;

	*txn = (struct store_txn){
		.store = store, .cred_fd = -1, .state_fd = -1, .run_fd = -1, .cred_only = true};
	err = read_cred(txn, user, why);
	if (err == TOTP_OK && open_state(txn, NULL) == TOTP_ERR_STALE)
		err = TOTP_ERR_STALE;
	if (err != TOTP_OK)
		store_end(txn);
	return err;
}

/*
 * Load a state that nobody keeps from being written meanwhile: of a file caught between
 * two writes both slots can look damaged, so a second look decides.
 */
static enum totp_err load_unlocked(struct store_txn *txn, struct reason *why)
{
	enum totp_err err = load_state(txn, why);

	for (unsigned tries = 0; err == TOTP_ERR_SEAL && tries < 3; tries++) {
		files_pause(tries);
		err = load_state(txn, why);
	}
	return err;
}

enum totp_err store_read(struct store *store, const char *user, struct store_txn *txn,
			 struct reason *why)
{
	enum totp_err err;

	*txn = (struct store_txn){.store = store, .cred_fd = -1, .state_fd = -1, .run_fd = -1};
	err = read_cred(txn, user, why);
	if (err == TOTP_OK)
		err = open_state(txn, why);
	if (err == TOTP_OK)
		err = load_unlocked(txn, why);
	if (err != TOTP_OK)
		store_end(txn);
	return err;
}

/* Lock the state file: an OFD lock, since a POSIX one vanishes when the caller of our
 * module closes any descriptor of the file. */
enum totp_err files_take_lock(int fd, uint64_t deadline, struct reason *why)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

#ifdef STORE_WITHOUT_LOCK
	return TOTP_OK;
#endif
	for (unsigned tries = 0; fcntl(fd, F_OFD_SETLK, &lock) != 0; tries++) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
			(void)reason_errno(why, "login state: cannot lock");
			return TOTP_ERR_SYSTEM;
		}
		if (io_monotonic_ns() >= deadline) {
			reason_set(why, "login state: locked by another login for too long");
			return TOTP_ERR_TIMEOUT;
		}
		files_pause(tries);
	}
	return TOTP_OK;
}

static void let_go(struct store_txn *txn)
{
	struct flock unlock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	/* Not by closing alone: a child that the caller forked meanwhile holds it too. */
	if (txn->locked)
		(void)fcntl(txn->state_fd, F_OFD_SETLK, &unlock);
	if (txn->run_fd >= 0)
		(void)fcntl(txn->run_fd, F_OFD_SETLK, &unlock);
	txn->locked = false;
}

/* The record may have gone, and the state moved on, before the lock was had. */
static enum totp_err make_current(struct store_txn *txn, struct reason *why)
{
	char name[FILES_STATE_NAME_MAX];

	if (txn->state_fd >= 0) {
		enum totp_err err = files_state_name(txn->cred.user, txn->cred.id, name);

		if (err != TOTP_OK)
			return err;
		if (!files_is_still(txn->store->states_fd, name, txn->state_fd))
			return TOTP_ERR_STALE;
	}
	if (!cred_is_still(txn))
		return TOTP_ERR_STALE;
	return txn->cred_only ? TOTP_OK : load_state(txn, why);
}

enum totp_err store_lock(struct store_txn *txn, uint64_t deadline, struct reason *why)
{
	enum totp_err err = files_run_lock(txn, deadline, why);

	if (err == TOTP_OK && txn->state_fd >= 0) {
		if (!txn->read_only)
			err = files_take_lock(txn->state_fd, deadline, why);
		txn->locked = err == TOTP_OK;
	}
	if (err == TOTP_OK)
		err = make_current(txn, why);
	if (err != TOTP_OK)
		let_go(txn); /* so that nobody can commit on top of it */
	return err;
}

/* Overwrite the slot that does not count now. A sync that fails is not tried again: the
 * kernel has marked the page clean, and a second call would lie. */
enum totp_err files_write_slot(int fd, const uint8_t slot[STATE_SLOT_LEN], uint64_t sequence)
{
	if (io_pwrite(fd, slot, STATE_SLOT_LEN, (off_t)(sequence & 1) * STATE_SLOT_LEN) !=
		    TOTP_OK ||
	    fdatasync(fd) != 0)
		return TOTP_ERR_SYSTEM;
	return TOTP_OK;
}

/* The number after both states, for the slot that does not count on the disk now. */
static uint64_t next_sequence(const struct store_txn *txn)
{
	uint64_t next = txn->state.sequence + 1;

	return (next ^ txn->disk_sequence) & 1 ? next : next + 1;
}

static enum totp_err commit_to_disk(struct store_txn *txn, const struct login_state *next,
				    struct reason *why)
{
	uint8_t slot[STATE_SLOT_LEN];
	enum totp_err err = state_encode(next, &txn->cred, slot);
	int refusal;

	if (err != TOTP_OK) {
		reason_set(why, "login state: %s", err_name(err));
		return err;
	}
	errno = EROFS;
	err = TOTP_ERR_SYSTEM;
	if (!txn->read_only)
		err = files_write_slot(txn->state_fd, slot, next->sequence);
	if (err == TOTP_OK) {
		files_run_clear(txn);
		return TOTP_OK;
	}
	refusal = errno;
	(void)reason_errno(why, "login state: cannot write");
	return txn->store->run_fd < 0 ? err : files_run_commit(txn, next, refusal, why);
}

enum totp_err files_commit(struct store_txn *txn, const struct login_state *next,
			   struct reason *why)
{
	struct login_state numbered = *next;
	enum totp_err err;

	if (!txn->locked || txn->cred_only)
		return TOTP_ERR_ARGUMENT;

	numbered.sequence = next_sequence(txn);
	err = commit_to_disk(txn, &numbered, why);
	if (err == TOTP_OK && !cred_is_still(txn))
		err = TOTP_ERR_STALE; /* revoked although we held the lock: see store_remove */
	return err;
}

enum totp_err store_commit(struct store_txn *txn, const struct login_state *next,
			   struct reason *why)
{
	enum totp_err err = files_commit(txn, next, why);

	if (err != TOTP_ERR_ARGUMENT)
		store_end(txn);
	return err;
}

void store_end(struct store_txn *txn)
{
	int kept = errno;

	let_go(txn);
	txn->state_fd = fd_close(txn->state_fd);
	txn->run_fd = fd_close(txn->run_fd);
	txn->cred_fd = fd_close(txn->cred_fd);
	cred_wipe(&txn->cred);
	errno = kept;
}
