/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * readonly_login: states in a directory that lives until the next boot, for as long as the disk
 * refuses writes. A file there has the two slots of a state file, under the same key, or is empty
 * and only a lock. Because a reboot forgets these states, `since` denies every code from before
 * the host came up.
 *
 * root owns run_dir and `since`; the store's account owns the directory of states, whose files
 * totpd and logins in root's processes both use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/files.h"
#include "base/path.h"

#define SINCE     "since"
#define SINCE_MAX 24 /* bytes of a number and a line end */

static const struct path_rule since_rule = {.forbidden = S_IWGRP | S_IWOTH, .size_max = SINCE_MAX};

/* --- the directory --- */

static enum totp_err open_run_dir(const char *path, int *ret_fd, struct reason *why)
{
	bool made = mkdir(path, 0755) == 0;

	/* the mode again: the caller's umask may have taken bits away */
	if ((!made && errno != EEXIST) || (made && chmod(path, 0755) != 0))
		return reason_errno(why, "cannot make the directory");
	return path_open_dir(AT_FDCWD, path, 0, ret_fd, why);
}

static enum totp_err write_since(int dir_fd, int64_t booted)
{
	const struct file_new file = {dir_fd,          SINCE,           0644,
				      FILE_SAME_OWNER, FILE_SAME_GROUP, FILE_DURABLE_LATER};
	char text[SINCE_MAX];
	enum totp_err err;

	snprintf(text, sizeof(text), "%lld\n", (long long)booted);
	err = file_put_new(&file, text, strlen(text));
	/* another process was first: read its file */
	return err == TOTP_ERR_EXISTS ? TOTP_OK : err;
}

static enum totp_err read_since(int dir_fd, int64_t *ret_since, struct reason *why)
{
	char text[SINCE_MAX];
	struct text rest = {text, 0}, line = {text, 0};
	uint64_t number = 0;
	OWN_FD int fd = -1;
	enum totp_err err = path_open_file(dir_fd, SINCE, &since_rule, &fd, why);

	if (err != TOTP_OK)
		return err;
	err = io_read_all(fd, text, sizeof(text), &rest.len);
	if (err == TOTP_OK &&
	    (!text_line(&rest, &line) || text_number(line, 0, INT64_MAX, &number) != TOTP_OK))
		err = TOTP_ERR_FORMAT;
	if (err != TOTP_OK)
		reason_set(why, SINCE ": expected seconds since 1970: remove it");
	*ret_since = (int64_t)number;
	return err;
}

/* When the host came up, as it was first known, or as it is now: a clock that was set
 * since then has moved one of them. */
static enum totp_err find_since(struct files_store *store, int dir_fd, int64_t booted,
				struct reason *why)
{
	int64_t first = 0;
	enum totp_err err = read_since(dir_fd, &first, why);

	if (err == TOTP_ERR_NOT_FOUND) {
		err = write_since(dir_fd, booted > 0 ? booted : 0);
		if (err == TOTP_ERR_SYSTEM && errno == EACCES && geteuid() != 0)
			err = TOTP_OK; /* only root can write it: use the time that is known now */
		else if (err != TOTP_OK)
			return reason_errno(why, SINCE ": cannot write");
		else
			err = read_since(dir_fd, &first, why);
	}
	store->store.info.since = first > booted ? first : booted;
	return err;
}

/*
 * The directory of states. It lies in a directory that only root can write to, so root has put
 * it there, and the account gets it even if another account owns it, such as one that was
 * removed and created again with another uid.
 */
static enum totp_err open_run_states(struct files_store *store, int dir_fd, struct reason *why)
{
	struct file_new states = files_new(store, dir_fd, FILES_STATES, FILE_DURABLE_LATER);
	struct stat st;
	enum totp_err err = path_open_any_dir(dir_fd, FILES_STATES, &store->run_fd, &st, why);

	states.mode = S_IRWXU;
	if (err == TOTP_ERR_NOT_FOUND)
		return files_make_dir(&states, &store->run_fd, why);
	if (err != TOTP_OK || st.st_uid == store->owner)
		return err;
	if (fchown(store->run_fd, store->owner, store->group) != 0 ||
	    fchmod(store->run_fd, S_IRWXU) != 0)
		return reason_errno(why, FILES_STATES ": cannot set owner and mode");
	return TOTP_OK;
}

enum totp_err files_run_open(struct files_store *store, const struct files_config *config,
			     struct reason *why)
{
	OWN_FD int dir_fd = -1;
	struct reason cause = {""};
	enum totp_err err = open_run_dir(config->run_dir, &dir_fd, &cause);

	if (err == TOTP_OK)
		err = find_since(store, dir_fd, config->booted, &cause);
	if (err == TOTP_OK)
		err = open_run_states(store, dir_fd, &cause);
	if (err == TOTP_OK)
		return err;
	reason_set(why, "run_dir %.100s: %.140s", config->run_dir, cause.text);
	/* a missing file here is no proof of absence */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err;
}

/* --- one state --- */

static enum totp_err open_run_state(struct store_txn *txn, struct reason *why)
{
	struct files_place *place = files_place(txn);
	struct path_rule rule = files_rule(files_of(txn->store), STATE_FILE_LEN);
	enum totp_err err;

	rule.flags = O_RDWR;
	err = path_open_file(files_of(txn->store)->run_fd, place->state_name, &rule, &place->run_fd,
			     why);
	if (err != TOTP_OK)
		files_prefix(why, "run_dir/" FILES_STATES);
	return err;
}

enum totp_err files_run_load(struct store_txn *txn, struct reason *why)
{
	uint8_t file[STATE_FILE_LEN];
	struct files_place *place = files_place(txn);
	struct login_state state;
	bool torn = false;
	size_t len = 0;
	enum totp_err err = TOTP_OK;

	place->run_sequence = 0;
	if (files_of(txn->store)->run_fd < 0)
		return TOTP_OK;
	if (place->run_fd < 0)
		err = open_run_state(txn, why);
	if (err != TOTP_OK)
		return err == TOTP_ERR_NOT_FOUND ? TOTP_OK : err;
	err = io_pread(place->run_fd, file, sizeof(file), 0, &len);
	if (err != TOTP_OK)
		return reason_errno(why, "login state in run_dir: cannot read");
	if (len < sizeof(file))
		return TOTP_OK; /* empty, or the first write was cut short and allowed no login */
	err = state_choose(file, len, &txn->cred, &state, &torn);
	if (err != TOTP_OK)
		return reason_err(why, err, "login state in run_dir: %s: the next boot removes it",
				  err_name(err));
	place->run_sequence = state.sequence;
	txn->torn |= torn;
	state_merge(&txn->state, &state);
	return TOTP_OK;
}

static enum totp_err make_run_state(struct store_txn *txn, struct reason *why)
{
	/* it has its owner before it has its name */
	const struct files_store *store = files_of(txn->store);
	const struct files_place *place = files_place(txn);
	const struct file_new file =
		files_new(store, store->run_fd, place->state_name, FILE_DURABLE_LATER);
	enum totp_err err = file_put_new(&file, "", 0);

	if (err != TOTP_OK && err != TOTP_ERR_EXISTS) { /* which means: another process was first */
		(void)reason_errno(why, "run_dir/" FILES_STATES "/%.100s: cannot make",
				   place->state_name);
		return err;
	}
	err = open_run_state(txn, why);
	/* gone between the two, with its record */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_STALE : err;
}

enum totp_err files_run_lock(struct store_txn *txn, uint64_t deadline, struct reason *why)
{
	int dir_fd = files_of(txn->store)->run_fd;
	struct files_place *place = files_place(txn);
	enum totp_err err = TOTP_OK;

	if (dir_fd < 0 || txn->cred_only)
		return TOTP_OK;
	if (place->run_fd < 0)
		err = make_run_state(txn, why);
	if (err == TOTP_OK)
		err = files_take_lock(place->run_fd, deadline, why);
	/* removed with the record that it belongs to */
	if (err == TOTP_OK && !files_is_still(dir_fd, place->state_name, place->run_fd))
		err = TOTP_ERR_STALE;
	return err;
}

/* Would a reboot forget something for good? */
static bool must_last(const struct store_txn *txn, const struct login_state *next)
{
	for (size_t i = 0; i < txn->cred.token_count; i++)
		if (txn->cred.tokens[i].type == TOKEN_HOTP &&
		    next->tokens[i].moving != txn->state.tokens[i].moving)
			return true;
	if (state_is_pending(&txn->state, &txn->cred) && !state_is_pending(next, &txn->cred))
		return true;
	return next->spent != txn->state.spent || next->bypass_used != txn->state.bypass_used;
}

static enum totp_err write_run(struct store_txn *txn, struct login_state *state)
{
	const struct files_place *place = files_place(txn);
	uint8_t file[STATE_FILE_LEN];
	enum totp_err err;

	/* past the number that the disk may have taken all the same, in the other slot */
	state->sequence++;
	if (place->run_sequence && !((state->sequence ^ place->run_sequence) & 1))
		state->sequence++;
	if (place->run_sequence) {
		err = state_encode(state, &txn->cred, file);
		return err == TOTP_OK ? files_write_slot(place->run_fd, file, state->sequence)
				      : err;
	}
	err = state_encode_file(state, &txn->cred, file);
	if (err == TOTP_OK)
		err = io_pwrite(place->run_fd, file, sizeof(file), 0);
	return err;
}

enum totp_err files_run_commit(struct store_txn *txn, const struct login_state *next, int refusal,
			       struct reason *why)
{
	struct login_state state = *next;
	enum totp_err err;

	if (refusal != EROFS && refusal != ENOSPC && refusal != EDQUOT && refusal != EIO)
		return TOTP_ERR_SYSTEM;
	if (must_last(txn, next))
		return reason_err(
			why, TOTP_ERR_SYSTEM,
			"the disk cannot be written to, and without it recovery codes, "
			"temporary codes, counter-based tokens and first codes cannot be used");
	err = write_run(txn, &state);
	if (err != TOTP_OK)
		return reason_errno(why, "login state: cannot write to the disk, nor to run_dir");
	txn->in_run = true;
	return TOTP_OK;
}

void files_run_clear(const struct files_place *place)
{
	/* what stays does no harm: the disk's state is the later one */
	if (place->run_fd >= 0 && place->run_sequence)
		(void)!ftruncate(place->run_fd, 0);
}

void files_run_remove(const struct files_store *store, const struct files_place *place)
{
	if (store->run_fd >= 0)
		unlinkat(store->run_fd, place->state_name, 0);
}
