/* Making an empty store. The marker comes last: without it nothing is proved absent. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/files.h"
#include "store/files/path.h"

/*
 * On btrfs a full disk would refuse to overwrite a file in place, so files in this directory get
 * no copy-on-write. If that cannot be set, only logins on a full disk fail.
 */
static void set_no_cow(int fd)
{
	struct statfs fs;
	int flags = 0;

	if (fstatfs(fd, &fs) != 0 || (uint32_t)fs.f_type != BTRFS_SUPER_MAGIC ||
	    ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		return;
	flags |= FS_NOCOW_FL;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

enum put { PUT_NEW, PUT_ANY };

static enum totp_err write_marker(int dir_fd, const char *text, const char *temp, enum put put)
{
	OWN_FD int fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || fchmod(fd, 0644) != 0 || io_write(fd, text, strlen(text)) != TOTP_OK ||
	    fsync(fd) != 0)
		return TOTP_ERR_SYSTEM;
	if (put == PUT_NEW ? files_name_new(dir_fd, temp, FILES_MARKER) != TOTP_OK
			   : renameat(dir_fd, temp, dir_fd, FILES_MARKER) != 0)
		return TOTP_ERR_SYSTEM;
	return fsync(dir_fd) == 0 ? TOTP_OK : TOTP_ERR_SYSTEM;
}

static enum totp_err put_marker(int dir_fd, uint8_t version, const uint8_t id[CRED_ID_LEN],
				const uint8_t machine[SHA256_LEN], enum put put, struct reason *why)
{
	char id_text[2 * CRED_ID_LEN + 1], machine_text[2 * SHA256_LEN + 1];
	char text[FILES_MARKER_MAX], temp[FILES_TEMP_NAME_MAX];
	enum totp_err err = files_temp_name(FILES_MARKER, temp);

	if (err != TOTP_OK) {
		reason_set(why, "no random bytes: %s", err_name(err));
		return err;
	}
	text_to_hex(id, CRED_ID_LEN, id_text);
	text_to_hex(machine, SHA256_LEN, machine_text);
	snprintf(text, sizeof(text), FILES_TITLE "%u\nid %s\nmachine %s\n", (unsigned)version,
		 id_text, machine_text);
	err = write_marker(dir_fd, text, temp, put);
	if (err != TOTP_OK) {
		(void)reason_errno(why, FILES_MARKER ": cannot write");
		unlinkat(dir_fd, temp, 0);
	}
	return err;
}

enum totp_err store_set_newest(struct store *store, struct reason *why)
{
	enum totp_err err = put_marker(store->dir_fd, record_version_newest, store->id,
				       store->machine, PUT_ANY, why);

	if (err == TOTP_OK)
		store->version = record_version_newest;
	return err;
}

enum totp_err store_set_machine(struct store *store, const uint8_t machine[SHA256_LEN],
				struct reason *why)
{
	enum totp_err err =
		put_marker(store->dir_fd, store->version, store->id, machine, PUT_ANY, why);

	if (err == TOTP_OK)
		memcpy(store->machine, machine, SHA256_LEN);
	return err;
}

enum totp_err store_setup(const char *dir, uid_t service_uid, gid_t service_gid,
			  const uint8_t machine[SHA256_LEN], struct reason *why)
{
	OWN_FD int dir_fd = -1;
	OWN_FD int users_fd = -1;
	OWN_FD int states_fd = -1;
	OWN_FD int invites_fd = -1;
	uint8_t id[CRED_ID_LEN];
	struct stat st;
	enum totp_err err;

	/* look before anything of a store that is there could be changed */
	if (path_open_any_dir(AT_FDCWD, dir, &dir_fd, &st, NULL) == TOTP_OK &&
	    fstatat(dir_fd, FILES_MARKER, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		reason_set(why, "%s: a store is there already", dir);
		return TOTP_ERR_EXISTS;
	}
	dir_fd = fd_close(dir_fd);
	err = files_make_dir(AT_FDCWD, dir, 0755, 0, 0, &dir_fd, why);
	if (err == TOTP_OK)
		err = files_make_dir(dir_fd, FILES_USERS, 0700, service_uid, service_gid, &users_fd,
				     why);
	if (err == TOTP_OK)
		err = files_make_dir(dir_fd, FILES_STATES, 0700, service_uid, service_gid,
				     &states_fd, why);
	if (err == TOTP_OK)
		err = files_make_dir(dir_fd, FILES_INVITES, 0700, service_uid, service_gid,
				     &invites_fd, why);
	if (err != TOTP_OK)
		return err;
	set_no_cow(states_fd);
	err = crypto_random(id, sizeof(id));
	if (err != TOTP_OK) {
		reason_set(why, "no random bytes: %s", err_name(err));
		return err;
	}
	return put_marker(dir_fd, record_version_newest, id, machine, PUT_NEW, why);
}
