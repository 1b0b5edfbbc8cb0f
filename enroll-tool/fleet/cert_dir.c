/* SPDX-License-Identifier: BSD-2-Clause */
#include "fleet/cert_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/file.h"
#include "base/io.h"
#include "base/path.h"
#include "host/clock.h"

#define DAY              INT64_C(86400)
#define BACKDATED        3600 /* seconds: a host's clock may be behind */
#define AUTHORITY_LIFE   (3650 * DAY)
#define CERTIFICATE_LIFE (365 * DAY)
#define CA_COPY          "ca.crt"

const struct cert_kind cert_kinds[CERT_KINDS] = {
	[CERT_CA] = {"authority", NULL, "ca.crt", "ca.key", NULL, 0},
	[CERT_ETCD_CA] = {"etcd authority", NULL, "etcd-ca.crt", "etcd-ca.key", NULL, 0},
	[CERT_VERIFIER] = {"verifier", "fleet", "verifier.pem", "verifier.pem",
			   &cert_kinds[CERT_CA], CERT_SERVER},
	[CERT_HOST] = {"host", "fleet", "host.crt", "host.key", &cert_kinds[CERT_CA], CERT_CLIENT},
	/* a member asks the others as a client, and itself */
	[CERT_MEMBER] = {"etcd member", "etcd-member", "member.crt", "member.key",
			 &cert_kinds[CERT_ETCD_CA], CERT_SERVER | CERT_CLIENT},
	[CERT_ETCD_CLIENT] = {"etcd client", "etcd", "verifier.crt", "verifier.key",
			      &cert_kinds[CERT_ETCD_CA], CERT_CLIENT},
};

/* --- paths and files --- */

struct file_path {
	char text[1024];
};

/* A file, or with file = NULL the directory, of a kind. */
static int path_of(const struct cert_dir *dir, const struct cert_kind *kind, const char *name,
		   const char *file, struct file_path *ret_path)
{
	int len = snprintf(ret_path->text, sizeof(ret_path->text), "%s%s%s%s%s%s%s", dir->path,
			   kind->place ? "/" : "", kind->place ? name : "", kind->place ? "/" : "",
			   kind->place ? kind->place : "", file ? "/" : "", file ? file : "");

	if (len >= 0 && (size_t)len < sizeof(ret_path->text))
		return TOOL_DONE;
	return tool_refuse(dir->tool, "%s: the path is too long", dir->path);
}

static bool is_there(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make_directory(const struct tool *tool, const char *path, mode_t mode)
{
	/* set the mode again: the umask may have removed bits */
	if (mkdir(path, mode) == 0 ? chmod(path, mode) == 0 && file_sync_entry(path) == TOTP_OK
				   : errno == EEXIST)
		return TOOL_DONE;
	return tool_refuse(tool, "%s: cannot make the directory: %s", path, strerror(errno));
}

/* TOTP_ERR_NOT_FOUND: there is none. *why always names the file. */
static enum totp_err read_file(const char *path, mode_t forbidden, struct pem *ret_pem,
			       struct reason *why)
{
	const struct path_rule rule = {
		.owner = geteuid(), .forbidden = forbidden, .size_max = PEM_MAX};
	const char *file = strrchr(path, '/') + 1;
	struct file_path dir;
	OWN_FD int dir_fd = -1;
	OWN_FD int fd = -1;
	struct reason about = {""};
	enum totp_err err;

	snprintf(dir.text, sizeof(dir.text), "%.*s", (int)(file - path - 1), path);
	err = path_open_dir(AT_FDCWD, dir.text, geteuid(), &dir_fd, why);
	if (err != TOTP_OK)
		return err;
	err = path_open_file(dir_fd, file, &rule, &fd, &about);
	if (err == TOTP_OK) {
		err = io_read_all(fd, ret_pem->text, PEM_MAX, &ret_pem->len);
		reason_set(&about, "%s: %s", file, err_name(err));
	}
	if (err != TOTP_OK) /* it begins with the name of the file */
		reason_set(why, "%.120s/%.120s", dir.text, about.text);
	return err;
}

typedef enum totp_err put_fn(const struct file_new *file, const void *data, size_t len);

/* put: file_put_new, or file_replace. */
static int put_file(const struct cert_dir *dir, const char *path, const struct pem *pem,
		    put_fn *put)
{
	const char *ending = strrchr(path, '.');
	const struct file_new file = {.dir_fd = AT_FDCWD,
				      .name = path,
				      .mode = ending && strcmp(ending, ".crt") == 0 ? 0644 : 0600,
				      .uid = FILE_SAME_OWNER,
				      .gid = FILE_SAME_GROUP};
	enum totp_err err = put(&file, pem->text, pem->len);

	if (err == TOTP_OK)
		return TOOL_DONE;
	if (err == TOTP_ERR_EXISTS)
		return tool_refuse(dir->tool, "%s exists: nothing is replaced", path);
	return tool_refuse(dir->tool, "%s: %s", path, strerror(errno));
}

static struct piece piece_of(const struct pem *pem)
{
	return (struct piece){pem->text, pem->len};
}

int cert_dir_open(const struct tool *tool, const char *path, bool make, struct cert_dir *ret_dir)
{
	OWN_FD int fd = -1;
	struct reason why = {""};
	int code = make ? make_directory(tool, path, 0700) : TOOL_DONE;

	*ret_dir = (struct cert_dir){tool, path};
	if (code != TOOL_DONE)
		return code;
	return tool_result(tool, path_open_dir(AT_FDCWD, path, geteuid(), &fd, &why), &why);
}

/* --- messages --- */

/* Print it, and log it. */
static void report(const struct cert_dir *dir, const char *what, const struct cert_entry *entry)
{
	char date[11], detail[CERT_NAME_MAX + 32];
	struct file_path path;

	text_to_date(entry->end, date);
	if (path_of(dir, entry->kind, entry->name, entry->kind->certificate, &path) == TOOL_DONE)
		printf("%s %s, which ends on %s\n", what, path.text, date);
	snprintf(detail, sizeof(detail), "%s %.*s", entry->kind->name, CERT_NAME_MAX, entry->name);
	tool_log_detail(dir->tool, NULL,
			what[0] == 'M' ? "certificate-made" : "certificate-renewed", NULL, detail);
}

/* --- authorities --- */

bool cert_dir_has(const struct cert_dir *dir, const struct cert_kind *authority)
{
	struct file_path certificate, key;

	return path_of(dir, authority, "", authority->certificate, &certificate) == TOOL_DONE &&
	       path_of(dir, authority, "", authority->key, &key) == TOOL_DONE &&
	       (is_there(certificate.text) || is_there(key.text));
}

/* --- certificates --- */

/* Write key and certificate to the new files of a kind. */
static int put_pair(const struct cert_dir *dir, const struct cert_kind *kind, const char *name,
		    const struct pem *key, struct pem *certificate)
{
	struct file_path certificate_path, key_path;
	int code = path_of(dir, kind, name, kind->certificate, &certificate_path);

	if (code == TOOL_DONE)
		code = path_of(dir, kind, name, kind->key, &key_path);
	if (code != TOOL_DONE)
		return code;
	if (strcmp(kind->certificate, kind->key) == 0) {
		if (certificate->len + key->len > PEM_MAX)
			return tool_refuse(dir->tool, "%s: longer than %d bytes", key_path.text,
					   PEM_MAX);
		memcpy(certificate->text + certificate->len, key->text, key->len);
		certificate->len += key->len;
		return put_file(dir, key_path.text, certificate, file_put_new);
	}
	code = put_file(dir, key_path.text, key, file_put_new);
	if (code != TOOL_DONE)
		return code;
	code = put_file(dir, certificate_path.text, certificate, file_put_new);
	if (code != TOOL_DONE) /* of no use without its certificate, and in the way of the next */
		unlink(key_path.text);
	return code;
}

int cert_dir_make_authority(const struct cert_dir *dir, const struct cert_kind *kind,
			    const char *subject)
{
	OWN_PEM struct pem key = {.len = 0};
	OWN_PEM struct pem certificate = {.len = 0};
	int64_t now = clock_now();
	const struct cert_entry entry = {kind, "", now + AUTHORITY_LIFE};
	enum totp_err err = authority_make(subject, now - BACKDATED, entry.end, &key, &certificate);
	int code;

	if (err != TOTP_OK)
		return tool_refuse(dir->tool, "%s/%s: %s", dir->path, kind->certificate,
				   err_name(err));
	code = put_pair(dir, kind, "", &key, &certificate);
	if (code == TOOL_DONE)
		report(dir, "Made", &entry);
	return code;
}

static int read_certificate(const struct cert_dir *dir, const struct cert_kind *authority,
			    struct pem *ret_certificate)
{
	struct reason why = {""};
	struct file_path path;
	enum totp_err err;
	int code = path_of(dir, authority, "", authority->certificate, &path);

	if (code != TOOL_DONE)
		return code;
	err = read_file(path.text, S_IWGRP | S_IWOTH, ret_certificate, &why);
	if (err == TOTP_ERR_NOT_FOUND && !cert_dir_has(dir, authority))
		return tool_refuse(dir->tool,
				   "%s has no authority: to make one: totpctl fleet cert ca %s",
				   dir->path, dir->path);
	return tool_result(dir->tool, err, &why);
}

int cert_dir_authority(const struct cert_dir *dir, const struct cert_kind *kind,
		       struct authority **ret_authority)
{
	OWN_PEM struct pem certificate = {.len = 0};
	OWN_PEM struct pem key = {.len = 0};
	struct reason why = {""};
	struct file_path path;
	enum totp_err err;
	int code = read_certificate(dir, kind, &certificate);

	if (code == TOOL_DONE)
		code = path_of(dir, kind, "", kind->key, &path);
	if (code == TOOL_DONE)
		code = tool_result(dir->tool, read_file(path.text, S_IRWXG | S_IRWXO, &key, &why),
				   &why);
	if (code != TOOL_DONE)
		return code;
	err = authority_read(piece_of(&certificate), piece_of(&key), ret_authority);
	if (err == TOTP_ERR_SEAL)
		return tool_refuse(dir->tool, "%s is not the key of %s", path.text,
				   kind->certificate);
	if (err != TOTP_OK)
		return tool_refuse(dir->tool, "%s/%s and %s are no authority: %s", dir->path,
				   kind->certificate, kind->key, err_name(err));
	return TOOL_DONE;
}

/* Copy the authority's certificate to where those that it signed are. */
static int put_ca(const struct cert_dir *dir, const struct cert_kind *kind, const char *name)
{
	OWN_PEM struct pem certificate = {.len = 0};
	struct file_path path;
	int code = path_of(dir, kind, name, CA_COPY, &path);

	if (code == TOOL_DONE)
		code = read_certificate(dir, kind->signer, &certificate);
	return code == TOOL_DONE ? put_file(dir, path.text, &certificate, file_replace) : code;
}

/* "DIR/NAME", and "PLACE" in it. */
static int make_place(const struct cert_dir *dir, const struct cert_kind *kind, const char *name)
{
	struct file_path place, host;
	int code = path_of(dir, kind, name, NULL, &place);

	if (code != TOOL_DONE)
		return code;
	snprintf(host.text, sizeof(host.text), "%.*s", (int)(strrchr(place.text, '/') - place.text),
		 place.text);
	code = make_directory(dir->tool, host.text, 0755);
	return code == TOOL_DONE ? make_directory(dir->tool, place.text, 0755) : code;
}

int cert_dir_issue(const struct cert_dir *dir, const struct authority *authority,
		   const struct cert_kind *kind, const struct cert_host *host)
{
	OWN_PEM struct pem key = {.len = 0};
	OWN_PEM struct pem certificate = {.len = 0};
	int64_t now = clock_now();
	struct cert_wish wish = {.name = host->name,
				 .names = host->names,
				 .name_count = host->name_count,
				 .uses = kind->uses,
				 .from = now - BACKDATED,
				 .until = now + CERTIFICATE_LIFE};
	struct file_path path;
	enum totp_err err;
	int code = path_of(dir, kind, host->name, kind->certificate, &path);

	if (code != TOOL_DONE)
		return code;
	if (is_there(path.text))
		return tool_refuse(dir->tool,
				   "%s exists: to renew it: totpctl fleet cert renew %s %s",
				   path.text, dir->path, host->name);
	if (wish.until > authority_end(authority))
		wish.until = authority_end(authority);
	err = authority_issue(authority, &wish, &key, &certificate);
	if (err != TOTP_OK)
		return tool_refuse(dir->tool, "%s: %s", path.text, err_name(err));
	code = make_place(dir, kind, host->name);
	if (code == TOOL_DONE)
		code = put_ca(dir, kind, host->name);
	if (code == TOOL_DONE)
		code = put_pair(dir, kind, host->name, &key, &certificate);
	if (code == TOOL_DONE)
		report(dir, "Made", &(struct cert_entry){kind, host->name, wish.until});
	return code;
}

/* --- all of them --- */

static int look_at(const struct cert_dir *dir, struct cert_entry entry, cert_each_fn *one,
		   void *context)
{
	OWN_PEM struct pem certificate = {.len = 0};
	struct reason why = {""};
	struct file_path path;
	enum totp_err err;
	int code = path_of(dir, entry.kind, entry.name, entry.kind->certificate, &path);

	if (code != TOOL_DONE || !is_there(path.text))
		return code;
	err = read_file(path.text, S_IWGRP | S_IWOTH, &certificate, &why);
	if (err == TOTP_OK)
		err = certificate_end(piece_of(&certificate), &entry.end);
	if (err == TOTP_ERR_FORMAT)
		reason_set(&why, "%s: no certificate", path.text);
	return err == TOTP_OK ? one(dir, &entry, context) : tool_result(dir->tool, err, &why);
}

/* Those at the top, or below `name`. */
static int look_at_kinds(const struct cert_dir *dir, const char *name, cert_each_fn *one,
			 void *context)
{
	int code = TOOL_DONE;

	for (size_t i = 0; i < CERT_KINDS; i++) {
		const struct cert_entry entry = {&cert_kinds[i], name, 0};

		if (!cert_kinds[i].place == !name[0] &&
		    look_at(dir, entry, one, context) != TOOL_DONE)
			code = TOOL_REFUSED;
	}
	return code;
}

static int is_host(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
}

int cert_dir_each(const struct cert_dir *dir, cert_each_fn *one, void *context)
{
	struct dirent **hosts = NULL;
	int code = look_at_kinds(dir, "", one, context);
	int count = scandir(dir->path, &hosts, is_host, alphasort);

	if (count < 0)
		return tool_refuse(dir->tool, "%s: %s", dir->path, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (look_at_kinds(dir, hosts[i]->d_name, one, context) != TOOL_DONE)
			code = TOOL_REFUSED;
		free(hosts[i]);
	}
	free(hosts);
	return code;
}

int cert_dir_each_of(const struct cert_dir *dir, const char *name, cert_each_fn *one, void *context)
{
	struct file_path host;
	int len = snprintf(host.text, sizeof(host.text), "%s/%s", dir->path, name);

	if (len < 0 || (size_t)len >= sizeof(host.text) || !is_there(host.text))
		return tool_refuse(dir->tool, "%s has no certificate of %s", dir->path, name);
	return look_at_kinds(dir, name, one, context);
}

/* An authority keeps its key: what it signed stays valid. */
int cert_dir_renew(const struct cert_dir *dir, const struct cert_entry *entry)
{
	const struct cert_kind *kind = entry->kind;
	OWN_AUTHORITY struct authority *authority = NULL;
	OWN_PEM struct pem old = {.len = 0};
	OWN_PEM struct pem renewed = {.len = 0};
	int64_t now = clock_now();
	struct cert_entry after = {kind, entry->name,
				   now + (kind->signer ? CERTIFICATE_LIFE : AUTHORITY_LIFE)};
	struct reason why = {""};
	struct file_path path;
	enum totp_err err;
	int code = cert_dir_authority(dir, kind->signer ? kind->signer : kind, &authority);

	if (code == TOOL_DONE)
		code = path_of(dir, kind, entry->name, kind->certificate, &path);
	if (code == TOOL_DONE)
		code = tool_result(dir->tool, read_file(path.text, S_IWGRP | S_IWOTH, &old, &why),
				   &why);
	if (code != TOOL_DONE)
		return code;
	if (kind->signer && after.end > authority_end(authority))
		after.end = authority_end(authority);
	err = authority_renew(authority, piece_of(&old), now - BACKDATED, after.end, &renewed);
	if (err == TOTP_ERR_SEAL)
		return tool_refuse(dir->tool, "%s: another authority signed it", path.text);
	if (err != TOTP_OK)
		return tool_refuse(dir->tool, "%s: %s", path.text, err_name(err));
	if (kind->signer)
		code = put_ca(dir, kind, entry->name);
	if (code == TOOL_DONE)
		code = put_file(dir, path.text, &renewed, file_replace);
	if (code == TOOL_DONE)
		report(dir, "Renewed", &after);
	return code;
}
