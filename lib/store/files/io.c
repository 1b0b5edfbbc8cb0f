/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files engine does with one file or directory: name, make, write, lock, compare. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/files.h"
#include "base/path.h"

#define LOCK_PAUSE_NS     500000 /* before the second try; grows */
#define LOCK_PAUSE_MAX_NS 20000000

enum totp_err files_state_name(const char *user, const uint8_t id[CRED_ID_LEN],
			       char ret_name[FILES_STATE_NAME_MAX + 1])
{
	enum totp_err err = store_name(user, ret_name);
	size_t len;

	if (err != TOTP_OK)
		return err;
	len = strlen(ret_name);
	ret_name[len] = '.';
	text_to_hex(id, CRED_ID_LEN, ret_name + len + 1);
	return TOTP_OK;
}

void files_prefix(struct reason *why, const char *directory)
{
	struct reason sentence;

	if (!why)
		return;
	sentence = *why;
	reason_set(why, "%s/%.240s", directory, sentence.text);
}

struct file_new files_new(const struct files_store *store, int dir_fd, const char *name,
			  enum file_durable durable)
{
	return (struct file_new){dir_fd,       name,         S_IRUSR | S_IWUSR,
				 store->owner, store->group, durable};
}

struct path_rule files_rule(const struct files_store *store, off_t size_max)
{
	return (struct path_rule){
		.owner = store->owner, .forbidden = S_IRWXG | S_IRWXO, .size_max = size_max};
}

enum totp_err files_make_dir(const struct file_new *dir, int *ret_fd, struct reason *why)
{
	OWN_FD int fd = -1;
	enum totp_err err;

	if (mkdirat(dir->dir_fd, dir->name, dir->mode) != 0 && errno != EEXIST)
		return reason_errno(why, "%s: cannot make the directory", dir->name);
	/*
	 * one that exists already, for example from an interrupted setup, must not belong to
	 * another account
	 */
	err = path_open_dir(dir->dir_fd, dir->name, dir->uid, &fd, why);
	if (err != TOTP_OK)
		return err;
	if (fchown(fd, dir->uid, dir->gid) != 0 || fchmod(fd, dir->mode) != 0)
		return reason_errno(why, "%s: cannot set owner and mode", dir->name);
	*ret_fd = fd_take(&fd);
	return TOTP_OK;
}

bool files_is_still(int dir_fd, const char *name, int fd)
{
	struct stat now, opened;

	return fstat(fd, &opened) == 0 && fstatat(dir_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       now.st_ino == opened.st_ino && now.st_dev == opened.st_dev;
}

void files_pause(unsigned tries)
{
	long pause = LOCK_PAUSE_NS * (long)(tries < 6 ? 1u << tries : 64u);
	struct timespec wait = {.tv_nsec = pause < LOCK_PAUSE_MAX_NS ? pause : LOCK_PAUSE_MAX_NS};

	nanosleep(&wait, NULL);
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
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return reason_errno(why, "login state: cannot lock");
		if (io_monotonic_ns() >= deadline)
			return reason_err(why, TOTP_ERR_TIMEOUT,
					  "login state: locked by another login for too long");
		files_pause(tries);
	}
	return TOTP_OK;
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
