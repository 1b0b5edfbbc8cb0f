/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: findings, each with its repair, and the permissions that every part looks at. */
#include "doctor/finding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>

#include "base/array.h"

bool doctor_grow(struct doctor *doctor, void *list, size_t count, size_t *room, size_t size)
{
	if (array_room(list, count, room, size))
		return true;
	doctor->no_memory = true;
	return false;
}

/* With another command, it is a finding of another service's file. */
static struct finding *find_same(struct doctor *doctor, const char *id, const char *what)
{
	const char *repair = doctor->repair;

	/* findings of stacks come first; of records there may be very many, each of one user */
	for (size_t i = 0; i < doctor->count && i < 500; i++) {
		struct finding *finding = &doctor->findings[i];

		if (strcmp(finding->id, id) == 0 && strcmp(finding->what, what) == 0 &&
		    (!repair || (finding->repair && strcmp(finding->repair, repair) == 0)))
			return finding;
	}
	return NULL;
}

static void note_service(struct finding *finding, const char *service)
{
	struct text rest = text_of(finding->services ? finding->services : ""), one;
	char *longer = NULL;

	if (!service)
		return;
	while (text_field(&rest, ',', &one))
		if (text_is(text_trim(one), service))
			return;
	if (!finding->services) {
		finding->services = strdup(service);
		return;
	}
	if (asprintf(&longer, "%s, %s", finding->services, service) < 0)
		return;
	free(finding->services);
	finding->services = longer;
}

/* By its id: logins work, codes are asked for, and at most one user is denied. */
static bool is_minor(const char *id)
{
	static const char *const minor[] = {
		"ahead",          "btrfs",        "clock",      "clock-offset",  "disk-kind",
		"etcd-even",      "etcd-member",  "etcd-quota", "etcd-unlisted", "etcd-version",
		"fleet-verifier", "invitation",   "leftover",   "login-grace",   "machine-id",
		"no-account",     "no-address",   "not-local",  "one-uid",       "record",
		"rotation",       "sshd-penalty", "uid",        "version",       "way-back",
	};

	for (size_t i = 0; i < sizeof(minor) / sizeof(minor[0]); i++)
		if (strcmp(id, minor[i]) == 0)
			return true;
	return false;
}

const char *finding_severity(const struct finding *finding)
{
	return finding->minor ? "warning" : "critical";
}

struct finding *doctor_report(struct subject subject, const char *why, const char *repair,
			      const char *what, ...)
{
	struct doctor *doctor = subject.doctor;
	const struct stack_line *line = subject.line;
	struct finding *finding;
	OWN_TEXT char *words = NULL;
	char *text = NULL;
	va_list args;

	va_start(args, what);
	if (vasprintf(&words, what, args) < 0)
		words = NULL;
	va_end(args);
	if (!words || (line ? asprintf(&text, "%s:%u: %s", line->file, line->number, words)
			    : asprintf(&text, "%s", words)) < 0)
		text = NULL;
	finding = text ? find_same(doctor, subject.id, text) : NULL;
	if (text && !finding &&
	    doctor_grow(doctor, &doctor->findings, doctor->count, &doctor->room,
			sizeof(*finding))) {
		finding = &doctor->findings[doctor->count++];
		*finding = (struct finding){
			.id = subject.id, .why = why, .what = text, .minor = is_minor(subject.id)};
		text = NULL;
	}
	doctor->no_memory |= !finding;
	free(text);
	if (!finding)
		return &doctor->spare;
	note_service(finding, subject.service);
	if (repair && line)
		doctor_repair(finding, "%s: ${EDITOR:-vi} +%u %s", repair, line->number,
			      line->file);
	else if (repair || doctor->repair)
		doctor_repair(finding, "%s", repair ? repair : doctor->repair);
	return finding;
}

void doctor_repair(struct finding *finding, const char *format, ...)
{
	va_list args;

	free(finding->repair);
	va_start(args, format);
	if (vasprintf(&finding->repair, format, args) < 0)
		finding->repair = NULL;
	va_end(args);
}

/*
 * The owner of the directory of a file. The owner can link any file into it, even one of root, and
 * unlink it at any moment: the open file may belong elsewhere. False: others can write there too,
 * or the file has another name or was removed.
 */
static bool find_directory(const char *path, int flags, int fd, uid_t *ret_owner)
{
	OWN_TEXT char *real = flags & O_NOFOLLOW ? strdup(path) : realpath(path, NULL);
	char *slash = real ? strrchr(real, '/') : NULL;
	OWN_FD int dir_fd = -1;
	struct stat dir, named, opened;

	if (!slash || !slash[1])
		return false;
	*slash = '\0';
	dir_fd = open(real[0] ? real : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || fstat(dir_fd, &dir) != 0 || fstat(fd, &opened) != 0 ||
	    fstatat(dir_fd, slash + 1, &named, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	*ret_owner = dir.st_uid;
	return !(dir.st_mode & (S_IWGRP | S_IWOTH)) && named.st_ino == opened.st_ino &&
	       named.st_dev == opened.st_dev &&
	       (S_ISDIR(named.st_mode) || (S_ISREG(named.st_mode) && named.st_nlink == 1));
}

/* With the rights of the directory's owner, who cannot change files of others. */
static bool change_mode(int fd, mode_t mode, uid_t owner)
{
	bool done;

	if (owner != 0)
		(void)setfsuid(owner);
	done = fchmod(fd, mode) == 0;
	(void)setfsuid(0);
	return done;
}

void doctor_modes(struct doctor *doctor, const char *path, const struct permissions *rule)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | rule->flags);
	struct finding *finding;
	struct stat st;
	uid_t dir_owner = 0;
	bool sure;

	if (fd < 0 || fstat(fd, &st) != 0)
		return;
	if (st.st_uid != 0 && st.st_uid != rule->owner)
		doctor_repair(doctor_report((struct subject){doctor, "owner", NULL, NULL},
					    rule->why, NULL, "%s: owned by uid %u", path,
					    (unsigned)st.st_uid),
			      "check that nobody has changed it, then: chown -h %u:0 %s",
			      (unsigned)rule->owner, path);
	if (!(st.st_mode & rule->forbidden))
		return;
	finding = doctor_report((struct subject){doctor, "mode", NULL, NULL}, rule->why, NULL,
				"%s: mode %04o", path, (unsigned)st.st_mode & 07777);
	sure = find_directory(path, rule->flags, fd, &dir_owner);
	if (dir_owner == 0)
		doctor_repair(finding, "chmod %s %s", rule->forbidden & S_IROTH ? "go-rwx" : "go-w",
			      path);
	else if (st.st_uid == dir_owner)
		doctor_repair(finding, "totpctl doctor --fix");
	else
		doctor_repair(finding,
			      "check that it is a file of this store, then: chown -h %u:0 %s; "
			      "totpctl doctor --fix",
			      (unsigned)dir_owner, path);
	if (doctor->fix && sure)
		finding->repaired =
			change_mode(fd, st.st_mode & 07777 & ~rule->forbidden, dir_owner);
}

const struct policy *doctor_policy(const struct doctor *doctor)
{
	return &doctor->ctl->tool.policy;
}

bool doctor_is_plain(const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+@%:=~-";

	return word[0] && word[0] != '-' && word[0] != '~' && word[strspn(word, plain)] == '\0';
}
