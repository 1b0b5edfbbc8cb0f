/* SPDX-License-Identifier: BSD-2-Clause */
/* Making an empty store. The marker comes last: without it nothing is proved absent. */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "store/files/files.h"
#include "base/path.h"

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

enum totp_err files_put_marker(int dir_fd, const struct store_info *info,
			       const uint8_t machine[SHA256_LEN],
			       enum totp_err (*put)(const struct file_new *, const void *, size_t),
			       struct reason *why)
{
	const struct file_new file = {dir_fd,          FILES_MARKER,    0644,
				      FILE_SAME_OWNER, FILE_SAME_GROUP, FILE_DURABLE};
	char id[2 * CRED_ID_LEN + 1], machine_hex[2 * SHA256_LEN + 1], text[FILES_MARKER_MAX];
	enum totp_err err;

	text_to_hex(info->id, CRED_ID_LEN, id);
	text_to_hex(machine, SHA256_LEN, machine_hex);
	snprintf(text, sizeof(text), FILES_TITLE "%u\nid %s\nmachine %s\n", (unsigned)info->version,
		 id, machine_hex);
	err = put(&file, text, strlen(text));
	if (err != TOTP_OK)
		(void)reason_errno(why, FILES_MARKER ": cannot write");
	return err;
}

enum totp_err files_setup(const char *dir, const struct files_owner *owner,
			  const uint8_t machine[SHA256_LEN], struct reason *why)
{
	OWN_FD int dir_fd = -1;
	OWN_FD int users_fd = -1;
	OWN_FD int states_fd = -1;
	OWN_FD int invites_fd = -1;
	struct file_new made = {.dir_fd = AT_FDCWD, .name = dir, .mode = 0755};
	struct store_info info = {.version = record_version_newest};
	struct stat st;
	enum totp_err err;

	/* look before anything of a store that is there could be changed */
	if (path_open_any_dir(AT_FDCWD, dir, &dir_fd, &st, NULL) == TOTP_OK &&
	    fstatat(dir_fd, FILES_MARKER, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return reason_err(why, TOTP_ERR_EXISTS, "%s: a store is there already", dir);
	dir_fd = fd_close(dir_fd);
	err = files_make_dir(&made, &dir_fd, why);
	made = (struct file_new){
		.dir_fd = dir_fd, .mode = 0700, .uid = owner->uid, .gid = owner->gid};
	made.name = FILES_USERS;
	if (err == TOTP_OK)
		err = files_make_dir(&made, &users_fd, why);
	made.name = FILES_STATES;
	if (err == TOTP_OK)
		err = files_make_dir(&made, &states_fd, why);
	made.name = FILES_INVITES;
	if (err == TOTP_OK)
		err = files_make_dir(&made, &invites_fd, why);
	if (err != TOTP_OK)
		return err;
	set_no_cow(states_fd);
	err = crypto_random(info.id, sizeof(info.id));
	if (err != TOTP_OK)
		return reason_err(why, err, "no random bytes: %s", err_name(err));
	err = files_put_marker(dir_fd, &info, machine, file_put_new, why);
	/* the marker's sync has brought all to the disk except the store's own name */
	if (err == TOTP_OK && file_sync_entry(dir) != TOTP_OK)
		err = reason_errno(why, "%s: made, but the disk does not confirm it", dir);
	return err;
}
