#include "batch/letter_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

static int refuse(const struct tool *tool, const char *path, const char *sentence)
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

static int check(const struct tool *tool, const struct letters *letters)
{
	struct stat st;
	int entries;

	if (fstat(letters->fd, &st) != 0)
		return refuse(tool, letters->dir, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)))
		return refuse(tool, letters->dir,
			      "letters hold secrets, so their folder must be yours, of mode 0700");
	entries = count_entries(letters->fd);
	if (entries < 0)
		return refuse(tool, letters->dir, strerror(errno));
	return entries ? refuse(tool, letters->dir, "is not empty: name a new folder") : TOOL_DONE;
}

int letters_open(const struct tool *tool, const char *dir, struct letters *ret_letters)
{
	ret_letters->dir = dir;
	ret_letters->made = mkdir(dir, S_IRWXU) == 0;
	if (!ret_letters->made && errno != EEXIST)
		return refuse(tool, dir, strerror(errno));
	ret_letters->fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (ret_letters->fd < 0)
		return refuse(tool, dir, strerror(errno));
	return check(tool, ret_letters);
}

enum totp_err letters_name(const char *user, char ret_name[LETTERS_NAME_MAX])
{
	char name[STORE_NAME_MAX + 1];
	enum totp_err err = store_name(user, name);

	if (err == TOTP_OK)
		snprintf(ret_name, LETTERS_NAME_MAX, "%s.html", name);
	return err;
}

int letters_put(const struct tool *tool, const struct letters *letters, const char *user,
		const char *text, size_t len)
{
	char name[LETTERS_NAME_MAX];
	OWN_FD int fd = -1;

	if (letters_name(user, name) != TOTP_OK)
		return refuse(tool, letters->dir, "a user name is too long");
	fd = openat(letters->fd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
		    S_IRUSR | S_IWUSR);
	if (fd >= 0 && io_write(fd, text, len) == TOTP_OK)
		return TOOL_DONE;
	return refuse(tool, letters->dir, strerror(errno));
}

int letters_sync(const struct tool *tool, const struct letters *letters)
{
	return syncfs(letters->fd) == 0 ? TOOL_DONE : refuse(tool, letters->dir, strerror(errno));
}

void letters_drop(const struct letters *letters, const char *user)
{
	char name[LETTERS_NAME_MAX];

	if (letters_name(user, name) == TOTP_OK)
		unlinkat(letters->fd, name, 0);
}

void letters_close(struct letters *letters, bool empty)
{
	if (empty && letters->made)
		rmdir(letters->dir);
	fd_close(letters->fd);
	letters->fd = -1;
}
