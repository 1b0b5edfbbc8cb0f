#include "import/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

static void skip_mark(struct text *text)
{
	if (text->len >= 3 && memcmp(text->at, "\xef\xbb\xbf", 3) == 0)
		*text = (struct text){text->at + 3, text->len - 3};
}

enum totp_err reader_lines(struct import *import, const char *path, reader_line_fn *read,
			   struct reason *why)
{
	struct import_text text = {NULL, 0};
	struct text rest, line;
	struct place place;
	enum totp_err err = import_file(import, path, IMPORT_FILE_MAX, &text, &place, why);

	rest = (struct text){text.at, text.len};
	if (err == TOTP_OK)
		skip_mark(&rest);
	while (err == TOTP_OK && text_line(&rest, &line)) {
		struct text trimmed = text_trim(line);

		place.line++;
		if (trimmed.len == 0 || trimmed.at[0] == '#')
			continue;
		err = read(import, &place, line, why);
		progress_show(&import->progress, "checking ", text.len - rest.len, text.len);
	}
	return err;
}

static int is_user_s(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && entry->d_name[len - 1] != '~';
}

/* Free the list that scandir made. */
struct listing {
	struct dirent **entries;
	int count;
};

static void listing_end(struct listing *listing)
{
	for (int i = 0; i < listing->count; i++)
		free(listing->entries[i]);
	free(listing->entries);
}

static enum totp_err each_entry(struct import *import, const struct reader_dir *folder,
				reader_entry_fn *entry, struct reason *why)
{
	OWN(listing_end) struct listing listing = {0};
	enum totp_err err = TOTP_OK;

	listing.count = scandirat(folder->fd, ".", &listing.entries, is_user_s, alphasort);
	if (listing.count < 0) {
		listing.count = 0;
		(void)reason_errno(why, "%.200s", folder->path);
		return TOTP_ERR_SYSTEM;
	}
	for (int i = 0; i < listing.count && err == TOTP_OK; i++) {
		err = entry(import, folder, listing.entries[i]->d_name, why);
		progress_show(&import->progress, "reading", (size_t)i + 1, (size_t)listing.count);
	}
	return err;
}

void reader_dir_close(struct reader_dir *folder)
{
	folder->fd = fd_close(folder->fd);
}

enum totp_err reader_dir_open(const char *path, struct reader_dir *ret_folder, struct reason *why)
{
	OWN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || fstat(fd, &ret_folder->st) != 0) {
		(void)reason_errno(why, "%.200s", path);
		return TOTP_ERR_SYSTEM;
	}
	if (ret_folder->st.st_mode & S_IWOTH) {
		reason_set(why, "%.200s: all users can put files there (mode %04o)", path,
			   (unsigned)ret_folder->st.st_mode & 07777);
		return TOTP_ERR_UNSAFE;
	}
	ret_folder->path = path;
	ret_folder->fd = fd_take(&fd);
	return TOTP_OK;
}

enum totp_err reader_dir(struct import *import, const char *path, reader_entry_fn *entry,
			 struct reason *why)
{
	OWN_READER_DIR struct reader_dir folder = READER_DIR_NONE;
	enum totp_err err = reader_dir_open(path, &folder, why);

	return err == TOTP_OK ? each_entry(import, &folder, entry, why) : err;
}

struct place reader_place(struct import *import, const struct reader_dir *folder, const char *name)
{
	OWN_TEXT char *path = NULL;
	struct place place = {0};

	if (asprintf(&path, "%s/%s", folder->path, name) < 0)
		path = NULL;
	else
		place.file = import_path(import, path);
	return place;
}

enum totp_err reader_file_at(const struct reader_dir *folder, const char *name, void *buf,
			     size_t cap, size_t *ret_len, struct stat *ret_stat, struct reason *why)
{
	OWN_FD int fd =
		openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	enum totp_err err;

	if (fd < 0 && errno == ENOENT)
		return TOTP_ERR_NOT_FOUND;
	if ((fd < 0 && errno == ELOOP) ||
	    (fd >= 0 &&
	     (fstat(fd, ret_stat) != 0 || !S_ISREG(ret_stat->st_mode) || ret_stat->st_nlink > 1))) {
		reason_set(why, "not a regular file with one name");
		return TOTP_ERR_UNSAFE;
	}
	err = fd < 0 ? TOTP_ERR_SYSTEM : io_read_all(fd, buf, cap, ret_len);
	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(why, "cannot be read");
	else if (err != TOTP_OK)
		reason_set(why, "more than %zu bytes", cap);
	return err;
}
