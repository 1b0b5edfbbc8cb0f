/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: totpd, its account, and whether it can answer programs. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/service.h"
#include "doctor/finding.h"
#include "doctor/selinux.h"
#include "host/ask.h"

#define ENABLE "systemctl enable --now totpd.socket totpd-root.socket"
#define START \
	"systemctl stop totpd.service && " ENABLE /* a running service does not open new sockets */

/* Services of programs that run as the user who unlocks the screen. */
static const char *const lockers[] = {
	"cinnamon-screensaver",
	"gnome-screensaver",
	"gtklock",
	"hyprlock",
	"i3lock",
	"kde",
	"kscreensaver",
	"lxlock",
	"mate-screensaver",
	"swaylock",
	"waylock",
	"xfce4-screensaver",
	"xlock",
	"xscreensaver",
	"xsecurelock",
	"xtrlock",
};

/* --- no account: a finding only if something needs it --- */

static void report_no_account(struct doctor *doctor, const char *service)
{
	doctor_report((struct subject){doctor, "totpd-account", service, NULL},
		      "programs that do not run as root cannot check codes, and deny all users",
		      "systemd-sysusers && totpctl init && " ENABLE,
		      "there is no account " SERVICE_ACCOUNT ", and so no totpd");
}

uid_t doctor_store_owner(const struct doctor *doctor)
{
	struct account service = {.known = false}, owner = {.known = false};
	char users[POLICY_PATH_MAX + 16];
	struct stat st;

	if (account_find(SERVICE_ACCOUNT, &service, NULL) == TOTP_OK && service.known)
		return service.uid;
	snprintf(users, sizeof(users), "%s/%s", doctor_policy(doctor)->store_dir,
		 files_part(FILES_PART_USERS));
	if (lstat(users, &st) == 0 && account_of_uid(st.st_uid, &owner, NULL) == TOTP_OK &&
	    !owner.known)
		return st.st_uid;
	return 0;
}

static void look_for_need(struct doctor *doctor)
{
	uid_t lost = doctor_store_owner(doctor); /* totpd has no account here */

	if (lost) {
		doctor_repair(
			doctor_report(
				(struct subject){doctor, "totpd-account", NULL, NULL},
				"totpd does not start: screen lockers deny users, and nobody "
				"can enroll without an administrator",
				NULL,
				"%s belongs to uid %u, and there is no account " SERVICE_ACCOUNT,
				doctor_policy(doctor)->store_dir, (unsigned)lost),
			"useradd --system --user-group --uid %u --home-dir / "
			"--shell /usr/sbin/nologin " SERVICE_ACCOUNT,
			(unsigned)lost);
		return;
	}
	for (size_t i = 0; i < doctor->code_service_count; i++)
		for (size_t k = 0; k < sizeof(lockers) / sizeof(lockers[0]); k++)
			if (strcmp(lockers[k], doctor->code_services[i].name) == 0)
				report_no_account(doctor, lockers[k]);
	if (doctor_policy(doctor)->may_check[0])
		report_no_account(doctor, NULL);
}

/* --- the owner of the store --- */

static bool has_file_of_root(const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	struct stat st;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode) && st.st_uid == 0;
	if (dir)
		closedir(dir);
	return found;
}

static void look_at_owner(struct doctor *doctor, const struct account *service)
{
	static const enum files_part parts[] = {FILES_PART_USERS, FILES_PART_STATES,
						FILES_PART_INVITES};
	const struct store *store = doctor->ctl->tool.store;
	const char *dir = doctor_policy(doctor)->store_dir;
	bool of_root;
	char path[POLICY_PATH_MAX + 16];

	if (!store || doctor_policy(doctor)->store == STORE_IN_ETCD)
		return;
	of_root = files_owner_of(store) == 0;
	if (!of_root && files_owner_of(store) != service->uid)
		return; /* doctor_store reports that */
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !of_root; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files_part(parts[i]));
		of_root = has_file_of_root(path);
	}
	if (of_root)
		doctor_report((struct subject){doctor, "totpd-store", NULL, NULL},
			      "totpd cannot use files of root: screen lockers deny users, and "
			      "nobody can enroll without an administrator",
			      "totpctl init", "%s: some records do not belong to " SERVICE_ACCOUNT,
			      dir);
}

/* --- SELinux --- */

#define DENIED_BY_SELINUX \
	"SELinux denies the store to programs that log users in: without totpd all who need a " \
	"code are denied"

static bool is_enabled(const char *unit)
{
	static const char *const places[] = {"/etc/systemd/system", "/usr/lib/systemd/system",
					     "/lib/systemd/system"};
	char path[128];
	struct stat st;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/sockets.target.wants/%s", places[i], unit);
		if (lstat(path, &st) == 0)
			return true;
	}
	return false;
}

static void look_at_selinux(struct doctor *doctor)
{
	struct selinux_facts facts;

	selinux_look(doctor_policy(doctor)->store_dir, &facts);
	doctor->totpd_needed = selinux_denies_store(&facts);
	if (doctor->totpd_needed &&
	    !(is_enabled("totpd.socket") && is_enabled("totpd-root.socket")))
		doctor_report((struct subject){doctor, "selinux", NULL, NULL}, DENIED_BY_SELINUX,
			      START, "SELinux is enforced, and totpd's sockets are not enabled");
}

/* --- the sockets --- */

static const struct {
	const char *name;
	const char *why;
} sockets[] = {
	{ASK_SOCKET, "screen lockers deny users, and nobody can enroll without an administrator"},
	{ASK_ROOT_SOCKET, "su and sudo check codes in a process of their caller, who can stop it "
			  "and so delay another user's logins"},
};

/* Ask something harmless. Only root's socket answers in detail, so only its answer counts. */
static void look_at_socket(struct doctor *doctor, size_t index)
{
	const char *run_dir = doctor_policy(doctor)->run_dir;
	OWN_WIRE_REQUEST struct wire_request request = {.op = WIRE_LOOK, .user = "root"};
	OWN_WIRE_RESPONSE struct wire_response response;
	struct reason why = {""};
	const char *harm = doctor->totpd_needed ? DENIED_BY_SELINUX : sockets[index].why;
	enum totp_err err =
		ask_totpd(doctor_policy(doctor), sockets[index].name, &request, &response, &why);

	if (err == TOTP_ERR_NOT_FOUND) {
		/*
		 * The units open the sockets only if there is a keyring, or one that is sealed; a
		 * login host has none.
		 */
		const char *keyring = doctor_policy(doctor)->keyring;
		char sealed[POLICY_PATH_MAX + 8];
		bool waits;

		snprintf(sealed, sizeof(sealed), "%s.cred", keyring);
		waits = policy_has_store(doctor_policy(doctor)) && access(keyring, F_OK) != 0 &&
			access(sealed, F_OK) != 0;
		doctor_report((struct subject){doctor, "totpd-socket", NULL, NULL}, harm,
			      waits ? "totpctl init && " START : START,
			      "%s/%s: no process is listening%s", run_dir, sockets[index].name,
			      waits ? ", since there is no keyring" : "");
		return;
	}
	if (err == TOTP_OK && index == 1 && response.err != TOTP_OK) {
		err = response.err;
		why = response.why;
	}
	if (err != TOTP_OK)
		doctor_report((struct subject){doctor, "totpd", NULL, NULL}, harm,
			      "see its log: journalctl -u totpd.service", "totpd: %s",
			      why.text[0] ? why.text : err_name(err));
}

/* Does totpd serve the store of this policy? If it does not answer, that is reported above. */
static void look_at_store_of(struct doctor *doctor, const char *service,
			     const struct policy *policy)
{
	OWN_WIRE_REQUEST struct wire_request request = {.op = WIRE_LOOK, .user = "root"};
	OWN_WIRE_RESPONSE struct wire_response response;
	struct reason why = {""};

	if (strcmp(policy->store_dir, doctor_policy(doctor)->store_dir) == 0 ||
	    ask_totpd(policy, ASK_ROOT_SOCKET, &request, &response, &why) != TOTP_OK ||
	    response.err != TOTP_ERR_OTHER_STORE)
		return;
	doctor_report(
		(struct subject){doctor, "totpd-other-store", service, NULL},
		"programs that need totpd deny all users there; su and sudo check codes in a "
		"process of their caller, who can stop it",
		"name the same store_dir in the policies of all lines: see WHO ASKS in totpd(8)",
		"%s", response.why.text);
}

/* Each line of a service can have a policy, and so a store, of its own. */
static void look_at_stores_of(struct doctor *doctor, const struct code_service *code_service)
{
	OWN_STACK struct stack stack = {0};
	struct policy policy;

	if (code_service->planned ||
	    stack_read(NULL, code_service->name, "auth", &stack) != TOTP_OK)
		return;
	for (size_t i = 0; i < stack.count; i++)
		if (service_is_ours(&stack.lines[i]) &&
		    doctor_quiet_policy(doctor, &stack.lines[i], &policy) && !policy.if_publickey)
			look_at_store_of(doctor, code_service->name, &policy);
}

void doctor_totpd(struct doctor *doctor)
{
	struct account service = {.known = false};
	struct reason why = {""};

	look_at_selinux(doctor);
	if (account_find(SERVICE_ACCOUNT, &service, &why) != TOTP_OK)
		doctor_report((struct subject){doctor, "totpd-account", NULL, NULL},
			      "totpd could not be checked", "see nsswitch.conf(5)", "%s", why.text);
	else if (!service.known)
		look_for_need(doctor);
	if (!service.known)
		return;
	look_at_owner(doctor, &service);
	doctor_modes(doctor, doctor_policy(doctor)->run_dir,
		     &(struct permissions){.flags = O_NOFOLLOW,
					   .forbidden = MODE_WRITE,
					   .why = "users who can write there could answer instead "
						  "of totpd, so no program asks there"});
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		look_at_socket(doctor, i);
	for (size_t i = 0; i < doctor->code_service_count; i++)
		look_at_stores_of(doctor, &doctor->code_services[i]);
}
