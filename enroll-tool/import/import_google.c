/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import google PATH...|--homes [PATH]: the files of google-authenticator. A file in a home
 * belongs to its owner, and is read with the owner's rights; a file of a directory belongs to the
 * user after whom it is named.
 */
#include "import/import.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "import/as_user.h"
#include "import/google.h"
#include "otp/totp.h"

#define IN_HOME ".google_authenticator"
#define READ_NS 5000000000u /* for a home to answer */

static struct {
	bool homes;
} options;

static const struct option_row option_rows[] = {
	{"homes", "[PATH]", "read .google_authenticator, or PATH, in every user's home",
	 .flag = &options.homes},
	{0},
};

/* --- the file of one user --- */

static void tell_clock(struct import *import, const struct place *place,
		       const struct imported *google)
{
	const struct policy *policy = &import->ctl->tool.policy;
	bool hotp = google->token.type == TOKEN_HOTP;
	uint32_t window = hotp ? policy->hotp_window + 1 : 2 * policy->window + 1;
	uint64_t step = 0;

	if (google->skewed)
		import_tell(import, IMPORT_WARNING, place,
			    "the learned clock skew is dropped: set the clocks");
	if (google->window > window)
		import_tell(import, IMPORT_WARNING, place,
			    "codes of %u steps were accepted, here of %u: see %s", google->window,
			    window, hotp ? "hotp_window" : "window");
	if (!hotp && totp_step_at(import->now, google->token.period, &step) == TOTP_OK &&
	    google->moving > step + policy->window)
		import_tell(import, IMPORT_WARNING, place,
			    "the last code used is from the future: until then codes are denied "
			    "(totpctl repair-clock)");
}

enum totp_err reader_add_google(struct import *import, const struct place *place, struct text user,
				struct imported *google, struct reason *why)
{
	struct reason fault;

	if (field_user(user, google->user, &fault) != TOTP_OK) {
		import_tell(import, IMPORT_BAD, place, "its name is not that of an account");
		return TOTP_OK;
	}
	if (google->codes_left_out)
		import_tell(import, IMPORT_LOST, place,
			    "scratch codes: %u more than the %d that a user can have",
			    google->codes_left_out, RECOVERY_MAX);
	if (google->unknown_lines)
		import_tell(import, IMPORT_LOST, &(struct place){place->file, google->unknown_line},
			    "%u line%s, from this one on, neither option nor valid scratch code",
			    google->unknown_lines, google->unknown_lines == 1 ? "" : "s");
	tell_clock(import, place, google);
	return import_token(import, place, google, why);
}

/* A file that was read, and whose it is. */
struct found {
	struct place place;
	struct text user;
	struct text bytes;
	mode_t mode;
};

static enum totp_err take_bytes(struct import *import, const struct found *found,
				struct reason *why)
{
	OWN_IMPORTED struct imported google;
	struct reason fault = {""};

	if (google_decode(found->bytes, GOOGLE_AUTHENTICATOR, &google, &fault) != TOTP_OK) {
		import_tell(import, IMPORT_BAD, &found->place, "%s", fault.text);
		return TOTP_OK;
	}
	if (found->mode & (S_IRGRP | S_IROTH))
		import_tell(import, IMPORT_WARNING, &found->place, "others can read it (mode %04o)",
			    (unsigned)found->mode & 07777);
	return reader_add_google(import, &found->place, found->user, &google, why);
}

/* --- a file in a home --- */

/* With the rights of its owner. */
static enum totp_err read_own(struct import *import, struct found *found, struct user_file *file,
			      struct reason *why)
{
	static char buf[GOOGLE_FILE_MAX];
	struct reason fault = {""};
	enum totp_err err;

	file->deadline = io_monotonic_ns() + READ_NS;
	file->buf = buf;
	file->cap = sizeof(buf);
	err = as_user_read(file, &fault);
	found->bytes = (struct text){buf, file->len};
	found->mode = file->mode;
	if (err == TOTP_OK)
		err = take_bytes(import, found, why);
	else if (err != TOTP_ERR_NOT_FOUND || !options.homes)
		import_tell(import, IMPORT_BAD, &found->place, "%s", fault.text);
	WIPE(buf);
	return fault.text[0] ? TOTP_OK : err;
}

/* --- PATH: a file --- */

/*
 * Is a file of root in root's home? Elsewhere a user made it with sudo in their own home, and the
 * user's codes would become root's.
 */
static enum totp_err check_home(struct import *import, const struct place *place, const char *path,
				uid_t owner, bool *ret_good)
{
	const struct passwd *root = owner == 0 ? getpwuid(0) : NULL;
	OWN_TEXT char *directory = NULL;
	struct stat is, should;

	if (owner != 0)
		return TOTP_OK;
	if (asprintf(&directory, "%.*s.", (int)(basename(path) - path), path) < 0) {
		directory = NULL;
		return TOTP_ERR_NOMEM;
	}
	*ret_good = root && stat(directory, &is) == 0 && stat(root->pw_dir, &should) == 0 &&
		    is.st_dev == should.st_dev && is.st_ino == should.st_ino;
	if (!*ret_good)
		import_tell(import, IMPORT_BAD, place,
			    "owned by root, and not in root's home: chown it to its user");
	return TOTP_OK;
}

/* A file in a home belongs to its owner, any other one to the user after whom it is named. */
static enum totp_err read_file_of(struct import *import, const char *path, const struct stat *st,
				  struct reason *why)
{
	struct found found = {.place = {import_path(import, "%s", path), 0}};
	struct user_file file = {.uid = st->st_uid, .gid = st->st_gid, .path = path};
	const char *name = basename(path);
	bool in_home = strcmp(name, IN_HOME) == 0, good = true;
	struct account owner = {0}, user = {0};
	enum totp_err err = account_of_uid(st->st_uid, &owner, why);

	if (err == TOTP_OK && !found.place.file)
		err = TOTP_ERR_NOMEM;
	if (err == TOTP_OK && in_home) {
		err = check_home(import, &found.place, path, st->st_uid, &good);
	} else if (err == TOTP_OK) {
		err = import_account(import, name, &user, why);
		good = st->st_uid == 0 || (user.known && user.uid == st->st_uid);
		if (err == TOTP_OK && !good)
			import_tell(import, IMPORT_BAD, &found.place,
				    "owned by uid %u, which is neither root nor the user",
				    (unsigned)st->st_uid);
	}
	if (err != TOTP_OK || !good)
		return err;
	if (owner.known)
		file.gid = owner.gid;
	found.user = text_of(in_home ? owner.name : name);
	if (found.user.len)
		return read_own(import, &found, &file, why);
	import_tell(import, IMPORT_BAD, &found.place, "there is no account of its owner, uid %u",
		    (unsigned)st->st_uid);
	return TOTP_OK;
}

/* --- PATH: a directory --- */

static enum totp_err read_entry(struct import *import, const struct reader_dir *dir,
				const char *name, struct reason *why)
{
	static char buf[GOOGLE_FILE_MAX];
	struct reader_file file = {.buf = buf, .cap = sizeof(buf)};
	struct found found = {.place = {import_path(import, "%s/%s", dir->path, name), 0},
			      .user = text_of(name)};
	struct account account = {0};
	struct reason fault = {""};
	const struct stat *st = &file.st;
	enum totp_err err;

	if (!found.place.file)
		return TOTP_ERR_NOMEM;
	err = reader_file(dir, name, &file, &fault);
	if (err != TOTP_OK) {
		if (err != TOTP_ERR_NOT_FOUND)
			import_tell(import, IMPORT_BAD, &found.place, "%s", fault.text);
		WIPE(buf);
		return TOTP_OK;
	}
	found.bytes = (struct text){buf, file.len};
	found.mode = st->st_mode;
	err = import_account(import, name, &account, why);
	if (err == TOTP_OK && !(st->st_mode & (S_IWGRP | S_IWOTH)) &&
	    (st->st_uid == 0 || st->st_uid == dir->st.st_uid ||
	     (account.known && st->st_uid == account.uid)))
		err = take_bytes(import, &found, why);
	else if (err == TOTP_OK)
		import_tell(import, IMPORT_BAD, &found.place,
			    "owned by uid %u, mode %04o: others may have written it",
			    (unsigned)st->st_uid, (unsigned)st->st_mode & 07777);
	WIPE(buf);
	return err;
}

/* --- every home --- */

static enum totp_err read_home(struct import *import, const struct listed *who, const char *inside,
			       struct reason *why)
{
	struct found found = {.place = {import_path(import, "%s/%s", who->home, inside), 0},
			      .user = text_of(who->name)};
	struct user_file file = {.uid = who->uid, .gid = who->gid};
	OWN_TEXT char *path = NULL;

	/* the user's process finds out whether it exists: the file system may not answer */
	if (who->home[0] != '/')
		return TOTP_OK;
	if (asprintf(&path, "%s/%s", who->home, inside) < 0)
		path = NULL;
	if (!path || !found.place.file)
		return TOTP_ERR_NOMEM;
	file.path = path;
	return read_own(import, &found, &file, why);
}

/* Of several names of one uid, the first is the account. */
static enum totp_err read_homes(struct import *import, const char *inside, struct reason *why)
{
	OWN_NAMES struct names *names = names_load();
	enum totp_err err = names ? TOTP_OK : TOTP_ERR_NOMEM;

	if (names && names->error) {
		errno = names->error;
		return reason_errno(why, "the name service failed");
	}
	for (size_t i = 0; names && i < names->count && err == TOTP_OK; i++) {
		if (names->list[i].account != i)
			continue;
		err = read_home(import, &names->list[i], inside, why);
		progress_show(&import->progress, "reading", i + 1, names->count);
	}
	return err;
}

static enum totp_err read_google(struct import *import, struct reason *why)
{
	const struct ctl *ctl = import->ctl;
	enum totp_err err = TOTP_OK;

	if (options.homes)
		return read_homes(import, ctl->word_count ? ctl->words[0] : IN_HOME, why);
	for (int i = 0; i < ctl->word_count && err == TOTP_OK; i++) {
		const char *path = ctl->words[i];
		struct stat st;

		if (lstat(path, &st) != 0)
			return reason_errno(why, "%.200s", path);
		err = S_ISDIR(st.st_mode) ? reader_dir(import, path, read_entry, why)
					  : read_file_of(import, path, &st, why);
	}
	return err;
}

static int import_google(struct ctl *ctl)
{
	struct import import = {0};

	if (options.homes ? ctl->word_count > 1 : ctl->word_count == 0)
		return tool_usage(&ctl->tool, "import google: expected PATH..., or --homes and at "
					      "most one PATH inside each");
	return import_run(ctl, &import, read_google);
}

const struct command ctl_import_google = {
	.name = "import google",
	.arguments = "PATH...|--homes",
	.help = "import the files of google-authenticator",
	.more = "PATH is a file .google_authenticator, and its owner is the user, or a file or\n"
		"directory of files that are named after their users. Scratch codes and used\n"
		"codes are imported, a learned clock skew is not.\n",
	.options = option_rows,
	.shared = import_option_rows,
	.run = import_google,
};
