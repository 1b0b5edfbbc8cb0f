/* totpctl doctor: totpd, its account, and whether it can do what programs ask of it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "host/ask.h"
#include "store/files/files.h"

#define WRITE  (S_IWGRP | S_IWOTH)
#define ENABLE "systemctl enable --now totpd.socket totpd-root.socket"
#define START  "systemctl stop totpd.service && " ENABLE /* none of a service that runs opens */

/* Services that run as the user who unlocks. */
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

static bool is_locker(const char *service)
{
	for (size_t i = 0; i < sizeof(lockers) / sizeof(lockers[0]); i++)
		if (strcmp(lockers[i], service) == 0)
			return true;
	return false;
}

static const struct policy *policy_of(const struct doctor *doctor)
{
	return &doctor->ctl->tool.policy;
}

/* --- no account: that is no fault where nothing needs it --- */

static void tell_missing(struct doctor *doctor, const char *service)
{
	doctor_repair(doctor_find(doctor, "totpd-account", service,
				  "what runs without root's rights cannot have codes checked, and "
				  "refuses everybody",
				  "there is no account " SERVICE_ACCOUNT ", and so no totpd"),
		      "systemd-sysusers && totpctl init && " ENABLE);
}

static void look_for_need(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->patient_count; i++)
		if (is_locker(doctor->patients[i].name))
			tell_missing(doctor, doctor->patients[i].name);
	if (policy_of(doctor)->may_check[0])
		tell_missing(doctor, NULL);
}

/* --- the store, which is to be the account's --- */

static bool has_roots(const char *folder)
{
	DIR *dir = opendir(folder);
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
	static const char *const folders[] = {FILES_USERS, FILES_STATES, FILES_INVITES};
	const struct store *store = doctor->ctl->tool.store;
	const char *dir = policy_of(doctor)->store_dir;
	bool roots = store && store->owner == 0;
	char path[POLICY_PATH_MAX + 16];

	if (!store || (store->owner != 0 && store->owner != service->uid))
		return; /* told of the store itself */
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !roots; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		roots = has_roots(path);
	}
	if (roots)
		doctor_repair(
			doctor_find(doctor, "totpd-store", NULL,
				    "totpd cannot use what is root's: screen locks refuse, and "
				    "nobody can enrol without you",
				    "%s: there are records that do not belong to " SERVICE_ACCOUNT,
				    dir),
			"totpctl init");
}

/* --- the sockets --- */

static const struct {
	const char *name;
	const char *why;
} doors[] = {
	{ASK_SOCKET, "screen locks are refused, and nobody can enrol without you"},
	{ASK_ROOT_SOCKET,
	 "su and sudo check in a process of their caller's, who can stop it and so "
	 "hold up another's logins"},
};

/* The units' sockets wait for a keyring, or for one that is sealed. */
static bool has_keyring(const char *keyring)
{
	char sealed[POLICY_PATH_MAX + 8];

	snprintf(sealed, sizeof(sealed), "%s.cred", keyring);
	return access(keyring, F_OK) == 0 || access(sealed, F_OK) == 0;
}

/* Ask something harmless. What is answered counts from root's socket: others hear little. */
static void knock(struct doctor *doctor, size_t door)
{
	const char *run_dir = policy_of(doctor)->run_dir;
	OWN_WIRE_REQUEST struct wire_request request = {.op = WIRE_LOOK, .user = "root"};
	OWN_WIRE_RESPONSE struct wire_response response;
	struct reason why = {""};
	enum totp_err err =
		ask_totpd(policy_of(doctor), doors[door].name, &request, &response, &why);

	if (err == TOTP_ERR_NOT_FOUND) {
		bool waits = !has_keyring(policy_of(doctor)->keyring);

		doctor_repair(doctor_find(doctor, "totpd-socket", NULL, doors[door].why,
					  "%s/%s: nobody listens%s", run_dir, doors[door].name,
					  waits ? ", since there is no keyring" : ""),
			      waits ? "totpctl init && " START : START);
		return;
	}
	if (err == TOTP_OK && door == 1 && response.err != TOTP_OK) {
		err = response.err;
		why = response.why;
	}
	if (err != TOTP_OK)
		doctor_repair(doctor_find(doctor, "totpd", NULL, doors[door].why, "totpd: %s",
					  why.text[0] ? why.text : err_name(err)),
			      "see what it says: journalctl -u totpd.service");
}

/* Does totpd serve the store that a service's line means? Where it is silent, that was told. */
static void look_at_store_of(struct doctor *doctor, const struct patient *patient)
{
	OWN_WIRE_REQUEST struct wire_request request = {.op = WIRE_LOOK, .user = "root"};
	OWN_WIRE_RESPONSE struct wire_response response;
	struct reason why = {""};

	if (patient->planned ||
	    strcmp(patient->policy.store_dir, policy_of(doctor)->store_dir) == 0 ||
	    ask_totpd(&patient->policy, ASK_ROOT_SOCKET, &request, &response, &why) != TOTP_OK ||
	    response.err != TOTP_ERR_OTHER_STORE)
		return;
	doctor_repair(doctor_find(doctor, "totpd-other-store", patient->name,
				  "programs that need totpd deny everybody there; su and sudo work "
				  "in a process of their caller's, who can stop it",
				  "%s", response.why.text),
		      "let the policies of all lines name one store_dir: see WHO ASKS in totpd(8)");
}

void doctor_totpd(struct doctor *doctor)
{
	struct account service = {.known = false};
	struct reason why = {""};

	if (account_find(SERVICE_ACCOUNT, &service, &why) != TOTP_OK)
		doctor_repair(doctor_find(doctor, "totpd-account", NULL,
					  "whether totpd can do its work cannot be said", "%s",
					  why.text),
			      "see nsswitch.conf(5)");
	else if (!service.known)
		look_for_need(doctor);
	if (!service.known)
		return;
	look_at_owner(doctor, &service);
	doctor_modes(doctor, policy_of(doctor)->run_dir, O_NOFOLLOW, WRITE, 0,
		     "whoever can write there could answer in totpd's place; nobody asks there");
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++)
		knock(doctor, i);
	for (size_t i = 0; i < doctor->patient_count; i++)
		look_at_store_of(doctor, &doctor->patients[i]);
}
