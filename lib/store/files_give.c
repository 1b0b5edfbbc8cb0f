/*
 * A store that was made before there was a service account, given to it afterwards.
 *
 * The folders go first: from then on root's programs accept files of root's and of the
 * account's, so that logins go on while this does, and after it was cut short. But then the
 * account can put what it likes into them: so only what is opened as a regular file of root's,
 * with one name, is given away, and only if it is what the store holds there. A link to another
 * file of root's has one name, too, once that file was replaced: it would be given with what it
 * holds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files.h"
#include "store/path.h"

struct giving {
	uid_t uid;
	gid_t gid;
	size_t given;
};

static bool begins_slot(int fd, off_t offset)
{
	uint8_t start[4];
	size_t len = 0;

	return io_pread(fd, start, sizeof(start), offset, &len) == TOTP_OK &&
	       state_begins(start, len);
}

static bool is_sealed(int fd)
{
	uint8_t start[SEAL_OVERHEAD];
	size_t len = 0;
	uint32_t unused = 0;

	return io_pread(fd, start, sizeof(start), 0, &len) == TOTP_OK &&
	       seal_key_id(start, len, &unused) == TOTP_OK;
}

/* An empty one is a write that was cut short. */
static bool is_ours(int fd, const struct stat *st, const char *folder)
{
	if (st->st_size == 0)
		return true;
	if (strcmp(folder, FILES_STATES) != 0)
		return st->st_size <= CRED_BYTES_MAX + SEAL_OVERHEAD && is_sealed(fd);
	return st->st_size == STATE_FILE_LEN &&
	       (begins_slot(fd, 0) || begins_slot(fd, STATE_SLOT_LEN));
}

static enum totp_err give_file(struct giving *giving, int dir_fd, const char *folder,
			       const char *name)
{
	OWN_FD int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0) /* gone meanwhile, or a link */
		return errno == ENOENT || errno == ELOOP ? TOTP_OK : TOTP_ERR_SYSTEM;
	if (fstat(fd, &st) != 0)
		return TOTP_ERR_SYSTEM;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != 0 || !is_ours(fd, &st, folder))
		return TOTP_OK;
	if (fchown(fd, giving->uid, giving->gid) != 0)
		return TOTP_ERR_SYSTEM;
	giving->given++;
	return TOTP_OK;
}

static enum totp_err give_files(struct giving *giving, int dir_fd, const char *folder,
				struct reason *why)
{
	int fd = openat(dir_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	enum totp_err err = TOTP_OK;

	if (!dir) {
		(void)reason_errno(why, "%s: cannot be listed", folder);
		if (fd >= 0)
			close(fd);
		return TOTP_ERR_SYSTEM;
	}
	while (err == TOTP_OK && (errno = 0, entry = readdir(dir)))
		err = give_file(giving, fd, folder, entry->d_name);
	if (err != TOTP_OK)
		(void)reason_errno(why, "%s/%.100s: cannot give", folder, entry->d_name);
	else if (errno != 0)
		err = reason_errno(why, "%s: cannot be listed", folder);
	closedir(dir);
	return err;
}

static enum totp_err give_folder(struct giving *giving, int dir_fd, const char *folder,
				 struct reason *why)
{
	OWN_FD int fd = -1;
	struct stat st;
	enum totp_err err = path_open_dir(dir_fd, folder, giving->uid, &fd, &st, why);

	if (err != TOTP_OK || st.st_uid == giving->uid)
		return err;
	if (fchown(fd, giving->uid, giving->gid) != 0)
		return reason_errno(why, "%s: cannot give", folder);
	giving->given++;
	return TOTP_OK;
}

enum totp_err store_give(struct store *store, uid_t uid, gid_t gid, bool *ret_given,
			 struct reason *why)
{
	static const char *const folders[] = {FILES_USERS, FILES_STATES, FILES_INVITES};
	struct giving giving = {.uid = uid, .gid = gid};
	bool missing = false;
	enum totp_err err = TOTP_OK;

	for (size_t i = 0; i < 3 && err == TOTP_OK; i++) {
		err = give_folder(&giving, store->dir_fd, folders[i], why);
		missing = err == TOTP_ERR_NOT_FOUND &&
			  i == 2; /* a store of before there were any */
		err = missing ? TOTP_OK : err;
	}
	for (size_t i = 0; i < (missing ? 2u : 3u) && err == TOTP_OK; i++)
		err = give_files(&giving, store->dir_fd, folders[i], why);
	*ret_given = giving.given > 0;
	return err;
}
