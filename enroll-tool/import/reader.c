/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/import.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

/* The context of a reader of lines. */
struct lines_import {
	struct import import; /* first: the reader gets a pointer to it */
	reader_line_fn *read;
};

/* A file of another kind gets one sentence rather than one for each line. */
static enum totp_err check_kind(const struct import_text *file, struct text text,
				struct reason *why)
{
	char first;

	while (text.len && text.at[0] && strchr(" \t\r\n", text.at[0]))
		text = (struct text){text.at + 1, text.len - 1};
	first = text.len ? text.at[0] : '\n';
	if (first == '{' || first == '[')
		return reason_err(why, TOTP_ERR_UNSUPPORTED,
				  "%.200s: a JSON file: export the accounts of the app as otpauth "
				  "URIs, which totpctl import otpauth reads",
				  file->place.file);
	if (first == '<')
		return reason_err(why, TOTP_ERR_UNSUPPORTED,
				  "%.200s: an XML file, which totpctl import pskc reads if it is a "
				  "PSKC container",
				  file->place.file);
	if (text.len && memchr(text.at, '\0', text.len < 4096 ? text.len : 4096))
		return reason_err(why, TOTP_ERR_UNSUPPORTED, "%.200s: not a text file",
				  file->place.file);
	return TOTP_OK;
}

enum totp_err reader_lines(struct import *import, reader_line_fn *read, struct reason *why)
{
	struct import_text file = {0};
	struct text rest, line;
	enum totp_err err = import_file(import, import->ctl->words[0], IMPORT_FILE_MAX, &file, why);

	rest = import_without_mark(&file);
	if (err == TOTP_OK)
		err = check_kind(&file, rest, why);
	while (err == TOTP_OK && text_line(&rest, &line)) {
		struct reason fault = {""};

		file.place.line++;
		line = text_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		err = read(import, &file.place, line, &fault, why);
		if (fault.text[0])
			import_tell(import, IMPORT_BAD, &file.place, "%s", fault.text);
		progress_show(&import->progress, "checking ", file.len - rest.len, file.len);
	}
	return err;
}

static enum totp_err read_lines(struct import *import, struct reason *why)
{
	return reader_lines(import, ((const struct lines_import *)import)->read, why);
}

int reader_run(struct ctl *ctl, bool gather, reader_line_fn *read)
{
	struct lines_import lines = {.import = {.gather = gather}, .read = read};

	return import_run(ctl, &lines.import, read_lines);
}

static int is_user_s(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && entry->d_name[len - 1] != '~';
}

void reader_dir_close(struct reader_dir *dir)
{
	dir->fd = fd_close(dir->fd);
}

enum totp_err reader_dir_open(const char *path, struct reader_dir *ret_dir, struct reason *why)
{
	OWN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || fstat(fd, &ret_dir->st) != 0)
		return reason_errno(why, "%.200s", path);
	if (ret_dir->st.st_mode & S_IWOTH)
		return reason_err(why, TOTP_ERR_UNSAFE,
				  "%.200s: all users can put files there (mode %04o)", path,
				  (unsigned)ret_dir->st.st_mode & 07777);
	ret_dir->path = path;
	ret_dir->fd = fd_take(&fd);
	return TOTP_OK;
}

enum totp_err reader_dir(struct import *import, const char *path, reader_entry_fn *entry,
			 struct reason *why)
{
	OWN_READER_DIR struct reader_dir dir = READER_DIR_NONE;
	struct dirent **entries = NULL;
	enum totp_err err = reader_dir_open(path, &dir, why);
	int count = err == TOTP_OK ? scandirat(dir.fd, ".", &entries, is_user_s, alphasort) : 0;

	if (count < 0)
		return reason_errno(why, "%.200s", dir.path);
	for (int i = 0; i < count; i++) {
		if (err == TOTP_OK)
			err = entry(import, &dir, entries[i]->d_name, why);
		progress_show(&import->progress, "reading", (size_t)i + 1, (size_t)count);
		free(entries[i]);
	}
	free(entries);
	return err;
}

enum totp_err reader_file(const struct reader_dir *dir, const char *name, struct reader_file *file,
			  struct reason *why)
{
	OWN_FD int fd =
		openat(dir ? dir->fd : AT_FDCWD, name,
		       O_RDONLY | O_NOCTTY | O_CLOEXEC | (dir ? O_NOFOLLOW | O_NONBLOCK : 0));
	enum totp_err err = TOTP_ERR_SYSTEM;

	if (dir && fd < 0 && errno == ENOENT)
		return TOTP_ERR_NOT_FOUND;
	if (dir && (fd < 0 ? errno == ELOOP
			   : fstat(fd, &file->st) != 0 || !S_ISREG(file->st.st_mode) ||
				     file->st.st_nlink > 1))
		return reason_err(why, TOTP_ERR_UNSAFE, "not a regular file with one name");
	if (fd >= 0)
		err = io_read_all(fd, file->buf, file->cap, &file->len);
	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(why, "cannot be read");
	else if (err != TOTP_OK)
		reason_set(why, "more than %zu bytes", file->cap);
	return err;
}
