#include "batch/letter_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static int refuse_letters(const struct tool *tool, const char *path, const char *sentence)
{
	char shown[256];

	text_printable(text_of(path), shown, sizeof(shown));
	return tool_refuse(tool, "%s: %s", shown, sentence);
}

/* 0 or 1 for more; -1: errno. */
static int count_entries(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;

	if (!dir) {
		fd_close(copy);
		return -1;
	}
	while (found == 0 && (entry = readdir(dir)))
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return found;
}

static int check_letters(const struct tool *tool, const struct letter_dir *letters)
{
	struct stat st;
	int entries;

	if (fstat(letters->fd, &st) != 0)
		return refuse_letters(tool, letters->dir, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)))
		return refuse_letters(
			tool, letters->dir,
			"letters hold secrets, so their directory must be yours, of mode 0700");
	entries = count_entries(letters->fd);
	if (entries < 0)
		return refuse_letters(tool, letters->dir, strerror(errno));
	return entries ? refuse_letters(tool, letters->dir, "is not empty: name a new directory")
		       : TOOL_DONE;
}

int letter_dir_open(const struct tool *tool, const char *dir, struct letter_dir *ret_letters)
{
	ret_letters->dir = dir;
	ret_letters->made = mkdir(dir, S_IRWXU) == 0;
	if (!ret_letters->made && errno != EEXIST)
		return refuse_letters(tool, dir, strerror(errno));
	ret_letters->fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (ret_letters->fd < 0)
		return refuse_letters(tool, dir, strerror(errno));
	return check_letters(tool, ret_letters);
}

enum totp_err letter_dir_name(const char *user, char ret_name[LETTER_DIR_NAME_MAX])
{
	char name[STORE_NAME_MAX + 1];
	enum totp_err err = store_name(user, name);

	if (err == TOTP_OK)
		snprintf(ret_name, LETTER_DIR_NAME_MAX, "%s.html", name);
	return err;
}

int letter_dir_put(const struct tool *tool, const struct letter_dir *letters, const char *user,
		   const char *text, size_t len)
{
	char name[LETTER_DIR_NAME_MAX];
	const struct file_new file = {letters->fd,       name,
				      S_IRUSR | S_IWUSR, FILE_SAME_OWNER,
				      FILE_SAME_GROUP,   FILE_DURABLE_LATER};

	if (letter_dir_name(user, name) != TOTP_OK)
		return refuse_letters(tool, letters->dir, "a user name is too long");
	if (file_write(&file, text, len) == TOTP_OK)
		return TOOL_DONE;
	return refuse_letters(tool, letters->dir, strerror(errno));
}

int letter_dir_sync(const struct tool *tool, const struct letter_dir *letters)
{
	return syncfs(letters->fd) == 0 ? TOOL_DONE
					: refuse_letters(tool, letters->dir, strerror(errno));
}

void letter_dir_drop(const struct letter_dir *letters, const char *user)
{
	char name[LETTER_DIR_NAME_MAX];

	if (letter_dir_name(user, name) == TOTP_OK)
		unlinkat(letters->fd, name, 0);
}

void letter_dir_close(struct letter_dir *letters, bool empty)
{
	if (empty && letters->made)
		rmdir(letters->dir);
	fd_close(letters->fd);
	letters->fd = -1;
}
