/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: the clock, the disk under the store, a repository in /etc. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "doctor/finding.h"
#include "host/clock.h"
#include "common/names.h"
#include "common/program.h"

#define CLOCK_UNSET_BEFORE 1577836800 /* 2020-01-01 */
#define OFFSET_MAX         3          /* seconds; a member's date has no fractions */
#define FREE_BYTES_MIN     (1 << 20)
#define FREE_FILES_MIN     32

/* --- the clock --- */

/* Is there such a unit, or such a script of an older init? */
static bool is_installed(const char *service, bool *ret_unit)
{
	static const struct {
		const char *directory, *ending;
	} places[] = {{"/etc/systemd/system/", ".service"},
		      {"/usr/lib/systemd/system/", ".service"},
		      {"/lib/systemd/system/", ".service"},
		      {"/etc/init.d/", ""}};
	char path[128];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s%s%s", places[i].directory, service,
			 places[i].ending);
		*ret_unit = places[i].ending[0] != '\0';
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void repair_clock(struct finding *finding)
{
	static const char *const containers[] = {"/run/systemd/container", "/run/.containerenv"};
	static const char *const services[] = {"chrony", "chronyd", "ntpsec",
					       "ntpd",   "ntp",     "openntpd"};
	bool unit;

	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		if (access(containers[i], F_OK) == 0) {
			doctor_repair(finding,
				      "set the clock of the machine that runs this container");
			return;
		}
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (is_installed(services[i], &unit)) {
			doctor_repair(finding, "%s%s%s",
				      unit ? "systemctl enable --now " : "service ", services[i],
				      unit ? "" : " start");
			return;
		}
	if (is_installed("systemd-timesyncd", &unit))
		doctor_repair(finding, "timedatectl set-ntp true");
	else
		doctor_repair(
			finding,
			"install a service that sets the clock over the network, such as chrony");
}

void doctor_clock(struct doctor *doctor)
{
	static const char why[] =
		"right codes are denied if the clock is off by more than the window";
	struct timex timex = {0};
	int state = adjtimex(&timex);

	if (clock_now() < CLOCK_UNSET_BEFORE)
		repair_clock(doctor_report((struct subject){doctor, "clock", NULL, NULL}, why, NULL,
					   "the clock shows a time before 2020: it was never set"));
	else if (state == TIME_ERROR || (state >= 0 && timex.status & STA_UNSYNC))
		repair_clock(
			doctor_report((struct subject){doctor, "clock", NULL, NULL}, why, NULL,
				      "the kernel reports that no service keeps the clock right"));
}

void doctor_clock_offset(struct doctor *doctor, const char *what, int64_t now)
{
	int64_t offset = now - clock_now();

	if (offset >= -OFFSET_MAX && offset <= OFFSET_MAX)
		return;
	doctor_report(doctor_subject(doctor, "clock-offset"),
		      "a verifier whose clock is off denies codes that are right",
		      "compare both clocks with a third one: timedatectl timesync-status, or "
		      "chronyc tracking",
		      "%s: its clock is %lld seconds %s that of this host", what,
		      (long long)(offset < 0 ? -offset : offset),
		      offset < 0 ? "behind" : "ahead of");
}

/* --- the disk --- */

/* By the numbers of linux/magic.h; not all of them are there. */
static const struct {
	uint32_t magic;
	const char *name;
	bool network; /* else: lost with the memory or the container */
} odd_disks[] = {
	{NFS_SUPER_MAGIC, "NFS", true}, {SMB_SUPER_MAGIC, "SMB", true},
	{0xff534d42, "CIFS", true},     {0xfe534d42, "SMB", true},
	{0x00c36400, "Ceph", true},     {AFS_SUPER_MAGIC, "AFS", true},
	{AFS_FS_MAGIC, "AFS", true},    {CODA_SUPER_MAGIC, "Coda", true},
	{V9FS_MAGIC, "9P", true},       {0x65735546, "FUSE", true},
	{0x0bd00bd0, "Lustre", true},   {0x01161970, "GFS2", true},
	{0x7461636f, "OCFS2", true},    {TMPFS_MAGIC, "tmpfs", false},
	{RAMFS_MAGIC, "ramfs", false},  {OVERLAYFS_SUPER_MAGIC, "overlay", false},
};

static void look_at_kind(struct doctor *doctor, const char *path, uint32_t magic)
{
	for (size_t i = 0; i < sizeof(odd_disks) / sizeof(odd_disks[0]); i++) {
		if (odd_disks[i].magic != magic)
			continue;
		doctor_report((struct subject){doctor, "disk-kind", NULL, NULL},
			      odd_disks[i].network
				      ? "used codes and locks are then kept by the server; two "
					"hosts must not share a store"
				      : "enrollments and used codes are lost when it is made again",
			      "move the store to a disk of this host",
			      "%s: on a file system of type %s", path, odd_disks[i].name);
	}
}

/* New files in the directory inherit the flag; existing ones do not change. */
static void look_at_copying(struct doctor *doctor, const char *path, int fd)
{
	struct finding *finding;
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0 || flags & FS_NOCOW_FL)
		return;
	finding = doctor_report(
		(struct subject){doctor, "btrfs", NULL, NULL},
		"on a full disk a state cannot be overwritten, so logins are denied", NULL,
		"%s: on btrfs, without the flag that turns copying on write off", path);
	doctor_repair(finding, "chattr +C %s", path);
	flags |= FS_NOCOW_FL;
	if (doctor->fix)
		finding->repaired = ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

static void look_at_room(struct doctor *doctor, const char *path, int fd)
{
	struct statvfs room;

	if (fstatvfs(fd, &room) != 0)
		return;
	if (room.f_flag & ST_RDONLY)
		doctor_repair(
			doctor_report((struct subject){doctor, "read-only", NULL, NULL},
				      "used codes cannot be recorded, so logins are denied", NULL,
				      "%s: mounted read-only", path),
			"check the disk first, then: mount -o remount,rw \"$(findmnt -n -o TARGET "
			"-T %s)\"",
			path);
	else if (room.f_bavail * room.f_frsize < FREE_BYTES_MIN ||
		 (room.f_files && room.f_favail < FREE_FILES_MIN))
		doctor_repair(
			doctor_report((struct subject){doctor, "full", NULL, NULL},
				      "nobody can enroll, and recovery codes cannot be renewed",
				      NULL, "%s: the disk is full", path),
			"df %s; df -i %s; then remove files that are not needed", path, path);
}

static void look_at_disk(struct doctor *doctor)
{
	char path[POLICY_PATH_MAX + 16];
	OWN_FD int fd = -1;
	struct statfs fs;

	if (doctor_policy(doctor)->store == STORE_IN_ETCD)
		return;
	snprintf(path, sizeof(path), "%s/%s", doctor->ctl->tool.policy.store_dir,
		 files_part(FILES_PART_STATES));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) != 0)
		return;
	look_at_room(doctor, path, fd);
	look_at_kind(doctor, path, (uint32_t)fs.f_type);
	if ((uint32_t)fs.f_type == BTRFS_SUPER_MAGIC)
		look_at_copying(doctor, path, fd);
}

/* The directory of states with readonly_login: a reboot must empty it. */
static void look_at_run_dir(struct doctor *doctor)
{
	static const char why[] =
		"users who can write there can make used codes valid again, so logins are denied";
	const struct policy *policy = doctor_policy(doctor);
	char path[POLICY_PATH_MAX + 16];
	struct statfs fs;

	if (!policy->readonly_login)
		return;
	doctor_modes(
		doctor, policy->run_dir,
		&(struct permissions){.flags = O_NOFOLLOW, .forbidden = MODE_WRITE, .why = why});
	snprintf(path, sizeof(path), "%s/%s", policy->run_dir, files_part(FILES_PART_STATES));
	doctor_modes(doctor, path,
		     &(struct permissions){.flags = O_NOFOLLOW, .forbidden = MODE_ANY, .why = why});
	if (statfs(policy->run_dir, &fs) == 0 && (uint32_t)fs.f_type != TMPFS_MAGIC)
		doctor_report((struct subject){doctor, "run-dir", NULL, NULL},
			      "states from before a reboot would be used as current ones",
			      "set run_dir to a directory below /run",
			      "%s: run_dir is not on a file system in memory", policy->run_dir);
}

/* --- a repository --- */

/* Does a line of the file name it? A line that begins with ! includes it again. */
static bool is_ignored(const char *file, const char *name)
{
	OWN_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[8192];
	struct text rest = {text, 0}, line;

	if (fd < 0 || io_read_all(fd, text, sizeof(text), &rest.len) != TOTP_OK)
		return false;
	while (text_line(&rest, &line)) {
		char plain[64];

		if (line.len && line.at[0] != '#' && line.at[0] != '!' &&
		    text_copy(line, plain, sizeof(plain)) == TOTP_OK && strstr(plain, name))
			return true;
	}
	return false;
}

static void look_at_repository(struct doctor *doctor)
{
	const char *keyring = doctor->ctl->tool.policy.keyring;
	struct stat st;

	if (strncmp(keyring, "/etc/", 5) != 0 || stat(keyring, &st) != 0 ||
	    stat("/etc/.git", &st) != 0 || is_ignored("/etc/.gitignore", "pam_totp") ||
	    is_ignored("/etc/.git/info/exclude", "pam_totp"))
		return;
	doctor_report((struct subject){doctor, "repository", NULL, NULL},
		      "every copy of the repository has the keys, for ever",
		      "echo /pam_totp/ >>/etc/.gitignore && git -C /etc rm -r --cached pam_totp; "
		      "keys that were committed before stay in its history",
		      "/etc/.git: a repository that may contain %s", keyring);
}

/* --- login(1) --- */

#define LOGIN_SECONDS 300 /* to install an app, scan, and type a code back */

/* login of util-linux has a time limit for the whole login; that of shadow for the password. */
static bool is_login_of_util_linux(void)
{
	static const char *const argv[] = {"/bin/login", "--version", NULL};
	const struct program program = {.argv = argv, .errors = true, .seconds = 5};
	char text[512];
	size_t len;

	return program_run(&program, text, sizeof(text), &len) == 0 && strstr(text, "util-linux");
}

static void look_at_login_time(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->code_service_count; i++) {
		const struct code_service *code_service = &doctor->code_services[i];
		uint64_t seconds;

		if (strcmp(code_service->name, "login") != 0 ||
		    !code_service->policy.enroll_in_account || !code_service->policy.enroll_login ||
		    !is_login_of_util_linux())
			continue;
		seconds = names_login_defs("LOGIN_TIMEOUT", 60);
		if (seconds && seconds < LOGIN_SECONDS)
			doctor_report(
				(struct subject){doctor, "login-grace", code_service->name, NULL},
				"login ends if a user takes longer to enroll, and nothing is "
				"stored",
				"sed -i '/^[ \\t]*LOGIN_TIMEOUT/d' " LOGIN_DEFS
				" && echo 'LOGIN_TIMEOUT 600' >>" LOGIN_DEFS,
				LOGIN_DEFS
				": LOGIN_TIMEOUT is %u seconds, and users enroll in the login",
				(unsigned)seconds);
	}
}

void doctor_host(struct doctor *doctor)
{
	look_at_login_time(doctor);
	look_at_disk(doctor);
	look_at_run_dir(doctor);
	look_at_repository(doctor);
}
