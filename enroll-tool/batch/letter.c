/* SPDX-License-Identifier: BSD-2-Clause */
#include "batch/letter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "common/html.h"
#include "otp/base32.h"

/* --- the page --- */

static void put_key(struct buffer *out, const struct secret *secret)
{
	char key[BASE32_TEXT_MAX];
	size_t len;

	base32_encode(secret, key);
	len = strlen(key);
	for (size_t i = 0; i < len; i += 4) {
		html_put(out, i ? " <span>" : "<span>");
		buffer_copy(out, key + i, len - i < 4 ? len - i : 4);
		html_put(out, "</span>");
	}
	WIPE(key);
}

struct filling {
	const struct letter *letter;
	const struct qr *qr;
};

/* What stands for a word of the template. */
static void put_part(struct buffer *out, const void *context, struct text word)
{
	const struct filling *filling = context;
	const struct letter *letter = filling->letter;
	const struct otp_uri *uri = letter->uri;
	char made[11];

	if (text_is(word, "SERVICE")) {
		html_name(out, uri->issuer[0] ? uri->issuer : uri->account);
	} else if (text_is(word, "PICTURE")) {
		svg_put(out, filling->qr);
	} else if (text_is(word, "ACCOUNT")) {
		html_name(out, uri->account);
	} else if (text_is(word, "ISSUER") && uri->issuer[0]) {
		html_put(out, "<dt>Issuer</dt>\n<dd>");
		html_bdi(out, uri->issuer);
		html_put(out, "</dd>\n");
	} else if (text_is(word, "KEY")) {
		put_key(out, &uri->secret);
	} else if (text_is(word, "SETTINGS") &&
		   (uri->alg != HMAC_SHA1 || uri->digits != 6 || uri->period != 30)) {
		/* others than an app assumes by itself */
		html_print(out,
			   "<dt>Settings, if you type the key</dt>\n"
			   "<dd>%s, %u digits, %u seconds</dd>\n",
			   crypto_alg_name(uri->alg), uri->digits, (unsigned)uri->period);
	} else if (text_is(word, "DIGITS")) {
		html_print(out, "%u", uri->digits);
	} else if (text_is(word, "PERIOD")) {
		html_print(out, "%u", (unsigned)uri->period);
	} else if (text_is(word, "USER")) {
		html_name(out, letter->user);
	} else if (text_is(word, "CONFIRM") && letter->must_confirm) {
		html_put(out,
			 "<li>Until you have given a first code your enrollment is not confirmed, "
			 "and you may not be asked for one. Then log in and run <code>totp-enroll "
			 "test</code>, and type the code that the app shows.</li>\n");
	} else if (text_is(word, "HELP") && letter->help[0]) {
		html_put(out, "<li>If something does not work: ");
		html_name(out, letter->help);
		html_put(out, "</li>\n");
	} else if (text_is(word, "DATE")) {
		text_to_date(letter->made, made);
		html_put(out, made);
	}
}

enum totp_err letter_write(const struct letter *letter, char ret_text[LETTER_MAX], size_t *ret_len,
			   struct reason *why)
{
	static struct qr qr; /* large; wiped below */
	struct buffer out = buffer_of(ret_text, LETTER_MAX);
	char uri[URI_TEXT_MAX];
	enum totp_err err = uri_write(letter->uri, uri);

	if (err == TOTP_OK)
		err = qr_encode(uri, &qr, why);
	WIPE(uri);
	if (err == TOTP_OK) {
		html_fill(&out, letter_template, put_part, &(struct filling){letter, &qr});
		err = buffer_end(&out);
	}
	qr_wipe(&qr);
	if (err == TOTP_OK)
		*ret_len = out.len;
	return err;
}

/* --- the directory --- */

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

int letter_dir_open(const struct tool *tool, const char *dir, struct letter_dir *ret_letters)
{
	struct stat st = {0};
	int entries = -1;

	ret_letters->dir = dir;
	if (!strcmp(dir, "-"))
		return TOOL_DONE;
	ret_letters->made = mkdir(dir, S_IRWXU) == 0;
	if (ret_letters->made || errno == EEXIST)
		ret_letters->fd =
			open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (ret_letters->fd >= 0 && fstat(ret_letters->fd, &st) == 0)
		entries = count_entries(ret_letters->fd);
	if (entries < 0)
		return tool_refuse(tool, "%s: %s", dir, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)))
		return tool_refuse(tool,
				   "%s: letters hold secrets, so their directory must be yours, of "
				   "mode 0700",
				   dir);
	if (entries > 0)
		return tool_refuse(tool, "%s: is not empty: name a new directory", dir);
	return TOOL_DONE;
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

	if (letters->fd < 0)
		return fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0
			       ? TOOL_DONE
			       : tool_output_lost(tool);
	if (letter_dir_name(user, name) != TOTP_OK)
		return tool_refuse(tool, "%s: a user name is too long", letters->dir);
	if (file_write(&file, text, len) == TOTP_OK)
		return TOOL_DONE;
	return tool_refuse(tool, "%s: %s", letters->dir, strerror(errno));
}

int letter_dir_sync(const struct tool *tool, const struct letter_dir *letters)
{
	if (letters->fd < 0 || syncfs(letters->fd) == 0)
		return TOOL_DONE;
	return tool_refuse(tool, "%s: %s", letters->dir, strerror(errno));
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
