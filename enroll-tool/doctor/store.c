/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: the keyring, the store and every record in it. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "doctor/finding.h"
#include "common/enrolled.h"
#include "host/clock.h"
#include "host/conf.h"
#include "host/machine.h"
#include "common/names.h"
#include "common/progress.h"
#include "keys/keys.h"
#include "record/version.h"

#define LEFTOVER_AFTER 3600 /* seconds; a program may still be writing a younger file */
#define FILE_PATH_MAX  (POLICY_PATH_MAX + FILES_PATH_MAX)

static bool is_in_files(const struct doctor *doctor)
{
	return doctor_policy(doctor)->store != STORE_IN_ETCD;
}

/* --- leftovers --- */

static void report_leftover(struct doctor *doctor, const char *path, const char *why,
			    bool removable)
{
	struct finding *finding;
	struct stat st;

	if (lstat(path, &st) != 0 || clock_now() - st.st_mtime <= LEFTOVER_AFTER)
		return;
	finding = doctor_report((struct subject){doctor, "leftover", NULL, NULL}, why, NULL,
				"%s: left over", path);
	if (removable && doctor_is_plain(path))
		doctor_repair(finding, "rm %s", path);
	else
		doctor_repair(finding, "find out what it is, and move it to another directory");
	if (doctor->fix && removable)
		finding->repaired = unlink(path) == 0;
}

static void look_for_temporary(struct doctor *doctor, const char *directory, const char *name,
			       const char *why)
{
	char pattern[POLICY_PATH_MAX + 32];
	glob_t found = {0};

	snprintf(pattern, sizeof(pattern), "%s/%s~*", directory, name);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			report_leftover(doctor, found.gl_pathv[i], why, true);
	globfree(&found);
}

static void report_stray(void *context, const char *name)
{
	struct doctor *doctor = context;
	const char *states = files_part(FILES_PART_STATES);
	char path[POLICY_PATH_MAX + 512];
	size_t len = strlen(states);
	bool state = strncmp(name, states, len) == 0 && name[len] == '/';

	snprintf(path, sizeof(path), "%s/%s", doctor_policy(doctor)->store_dir, name);
	report_leftover(doctor, path,
			state ? "an old record from a backup could be used with this state again"
			      : "it is no record, and no program reads it",
			state || strchr(name, '~'));
}

/* --- keyring --- */

/* A change of keys that is not finished. */
static void look_at_rotation(struct doctor *doctor, const char *path)
{
	OWN_KEYRING_TEXT struct keyring_text text = {.len = 0};
	OWN_KEYRING struct keyring keyring = {.count = 0};
	struct keyring_rotation rotation;

	if (keyring_text_load(path, &text, &keyring, NULL) == TOTP_OK &&
	    keyring_rotation_of(&text, &rotation))
		doctor_report((struct subject){doctor, "rotation", NULL, NULL},
			      "the old key is still needed for records that it sealed",
			      "totpctl key rotate",
			      "the rotation from key %08x to %08x is not finished",
			      (unsigned)rotation.from, (unsigned)rotation.to);
	if (sealed_is_in_run(&doctor->ctl->tool) && !sealed_is_there())
		doctor_report((struct subject){doctor, "keyring-volatile", NULL, NULL},
			      "after the next boot all who must give a code are denied",
			      "totpctl key seal",
			      "%s is in memory only, and there is no " SEALED_FILE, path);
}

static bool look_at_keyring(struct doctor *doctor, struct keyring *ret_keyring)
{
	const char *path = doctor_policy(doctor)->keyring;
	char directory[POLICY_PATH_MAX];
	struct reason why = {""};
	size_t before;
	enum totp_err err;

	/* the directory first: where others can write to it, no file in it is changed */
	strcpy(directory, path);
	*strrchr(directory, '/') = '\0';
	doctor_modes(
		doctor, directory[0] ? directory : "/",
		&(struct permissions){.forbidden = MODE_WRITE,
				      .why = "users who can write there can replace the keyring"});
	before = doctor->count;
	doctor_modes(doctor, path,
		     &(struct permissions){.forbidden = MODE_ANY,
					   .why = "users who can read the keyring and a copy of "
						  "the store have every secret"});
	err = keyring_load(path, ret_keyring, &why);
	if (err != TOTP_OK && (err != TOTP_ERR_UNSAFE || doctor->count == before))
		doctor_report(
			(struct subject){doctor, "keyring", NULL, NULL},
			"without it no record can be read, and users who need a code are denied",
			err == TOTP_ERR_NOT_FOUND
				? "restore it from your copy; on a new host: totpctl init"
				: "restore it from your copy",
			"%s", why.text);
	look_for_temporary(doctor, directory, "keyring", "it may hold a key");
	if (err == TOTP_OK)
		look_at_rotation(doctor, path);
	return err == TOTP_OK;
}

/* --- the store's directories --- */

static void look_at_directories(struct doctor *doctor)
{
	static const struct {
		enum files_part part;
		mode_t forbidden;
		const char *why;
	} parts[] = {
		{FILES_PART_ROOT, MODE_WRITE,
		 "users who can write there can remove records, so logins are denied"},
		{FILES_PART_MARKER, MODE_WRITE,
		 "the marker proves that a user is not enrolled, so logins are denied"},
		{FILES_PART_USERS, MODE_ANY, "names and records of enrolled users are private"},
		{FILES_PART_STATES, MODE_ANY,
		 "users who can write there can make used codes valid again"},
		{FILES_PART_INVITES, MODE_ANY, "the names of invited users are private"},
	};
	const char *dir = doctor_policy(doctor)->store_dir;
	char path[FILE_PATH_MAX];
	uid_t uid = doctor_store_owner(doctor);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *name = files_part(parts[i].part);

		snprintf(path, sizeof(path), "%s%s%s", dir, name[0] ? "/" : "", name);
		doctor_modes(
			doctor, path,
			&(struct permissions){.flags = O_NOFOLLOW,
					      .forbidden = parts[i].forbidden,
					      .owner = parts[i].forbidden == MODE_ANY ? uid : 0,
					      .why = parts[i].why});
	}
	look_for_temporary(doctor, dir, files_part(FILES_PART_MARKER),
			   "a totpctl init that was cut short left it");
}

static void look_at_machine(struct doctor *doctor)
{
	struct store *store = doctor->ctl->tool.store;
	uint8_t machine[SHA256_LEN];
	struct reason why = {""};

	if (machine_hash(machine, &why) != TOTP_OK)
		doctor_report((struct subject){doctor, "machine-id", NULL, NULL},
			      "a copy of this host would not be recognized",
			      "systemd-machine-id-setup", "%s", why.text);
	else if (store_check_place(store, tool_deadline(), &why) == TOTP_ERR_OTHER_STORE)
		doctor_report(
			(struct subject){doctor, "clone", NULL, NULL},
			"a store from a backup does not know which codes were used since; two "
			"hosts with the same store both accept a code",
			"if the store was moved here or restored from a backup: totpctl store "
			"accept; if this host is a copy of another one: move the keyring and the "
			"store to another directory, run totpctl init, and enroll all users",
			"%s", why.text);
}

static bool check_store(struct doctor *doctor)
{
	struct files_config config = conf_files(doctor_policy(doctor));
	struct reason why = {""};
	size_t before = doctor->count;
	enum totp_err err;

	if (is_in_files(doctor))
		look_at_directories(doctor);
	config.run_dir = NULL; /* files_open would make it */
	err = tool_open_store(&doctor->ctl->tool, &config, &why);
	if (err == TOTP_OK)
		return true;
	if (err != TOTP_ERR_UNSAFE || doctor->count == before)
		doctor_report(
			(struct subject){doctor, "store", NULL, NULL},
			"nobody can tell which users are enrolled, so every login is denied",
			is_in_files(doctor)
				? "mount it or restore it from your backup; on a new host: "
				  "totpctl init"
				: "see the members of the cluster; on a new one: totpctl store "
				  "init",
			"%s", why.text);
	return false;
}

/* --- records --- */

struct round {
	struct doctor *doctor;
	const struct keyring *keyring;
	struct names *names;
	struct progress progress;
};

/* Permissions of the two files of a record. */
static void check_record_files(struct doctor *doctor, const char *user)
{
	static const char why[] = "logins deny a user whose record others can read or write";
	struct store *store = doctor->ctl->tool.store;
	const char *dir = doctor_policy(doctor)->store_dir;
	char path[FILE_PATH_MAX], name[FILES_PATH_MAX];

	for (int i = 0; i < 2; i++) {
		/* the name of the state is in the record, which must be readable by then */
		if ((i ? files_state_path(store, user, name) : files_cred_path(user, name)) !=
		    TOTP_OK)
			return;
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		doctor_modes(doctor, path,
			     &(struct permissions){.flags = O_NOFOLLOW,
						   .forbidden = MODE_ANY,
						   .owner = files_owner_of(store),
						   .why = why});
	}
}

/* A command of totpctl for a user, whose name comes from a file's. */
static void repair_user(struct finding *finding, const char *what, const char *command,
			const char *user)
{
	if (doctor_is_plain(user))
		doctor_repair(finding, "%stotpctl %s %s", what, command, user);
	else
		doctor_repair(finding, "%stotpctl %s, and the name in quotes", what, command);
}

/* The command depends on what is damaged: the key is missing, the state alone, or all of it. */
static void report_damage(struct doctor *doctor, const struct keyring *keyring,
			  const struct store_row *row)
{
	struct store *store = doctor->ctl->tool.store;
	const char *user = row->user;
	uint32_t key_id = 0;
	bool no_key = !row->cred_opens && store_key_of(store, user, &key_id) == TOTP_OK &&
		      !keyring_find(keyring, key_id);
	struct finding *finding = doctor_report((struct subject){doctor, "record", NULL, NULL},
						"this user is denied with any code", NULL,
						"record of %s: %s", user, row->why->text);

	if (no_key)
		doctor_repair(finding,
			      "restore the key %08x from your copy: totpctl key restore FILE",
			      (unsigned)key_id);
	else
		repair_user(finding, row->cred_opens ? "" : "enroll the user again after: ",
			    row->cred_opens ? "repair" : "delete", user);
}

static void look_at_uid(struct round *round, const char *user, const struct cred *cred)
{
	struct account account = {.known = false};
	struct reason why = {""};

	if (!cred->uid_bound)
		return;
	if (names_find(round->names, user, &account, &why) != TOTP_OK ||
	    (!account.known && policy_is_verifier(doctor_policy(round->doctor))))
		return;
	if (!account.known)
		repair_user(
			doctor_report(
				(struct subject){round->doctor, "no-account", NULL, NULL},
				"the next user with this name is asked for codes of the old one",
				NULL, "record of %s: there is no account of this name", user),
			"if the account is removed for good: ", "delete", user);
	else if (account.uid != cred->uid)
		repair_user(
			doctor_report(
				(struct subject){round->doctor, "uid", NULL, NULL},
				"this user is denied: the name may belong to another person now",
				NULL, "record of %s: made for uid %u, but the account has uid %u",
				user, (unsigned)cred->uid, (unsigned)account.uid),
			"if it is the same person: ", "adopt", user);
}

/* On a login host only codes of local_users are checked here. */
static void look_at_place(struct doctor *doctor, const char *user)
{
	struct account account = {.known = false};
	char name[FILES_PATH_MAX];
	bool local = true;

	if (doctor_policy(doctor)->store != STORE_AT_VERIFIER ||
	    account_find(user, &account, NULL) != TOTP_OK || !account.known ||
	    account_is_listed(&account, user, doctor_policy(doctor)->local_users, &local, NULL) !=
		    TOTP_OK ||
	    local || files_cred_path(user, name) != TOTP_OK)
		return;
	doctor_repair(doctor_report(doctor_subject(doctor, "not-local"), DOCTOR_NOT_LOCAL, NULL,
				    "record of %s: local_users does not have this user", user),
		      "add the user to local_users; or, if the user is enrolled on the verifiers: "
		      "rm '%s/%s'",
		      doctor_policy(doctor)->store_dir, name);
}

/* A last step further ahead than a repair sets it: the clock was ahead and was set back. */
static void look_at_steps(struct doctor *doctor, const char *user, const struct store_txn *txn)
{
	uint64_t ahead = ctl_steps_ahead(doctor_policy(doctor));

	for (size_t i = 0; i < txn->cred.token_count; i++) {
		const struct token *token = &txn->cred.tokens[i];
		uint64_t step = 0;

		if (token->type != TOKEN_TOTP ||
		    token_step_at(token, clock_now(), &step) != TOTP_OK ||
		    txn->state.tokens[i].moving <= step + ahead)
			continue;
		repair_user(doctor_report((struct subject){doctor, "ahead", NULL, NULL},
					  "the clock was ahead then, or is behind now: codes are "
					  "denied until the clock reaches that time",
					  NULL,
					  "record of %s: the last code used is from a later time",
					  user),
			    "set the clock, then: ", "repair-clock", user);
	}
}

/* After --fix a record that others could read is acceptable again. */
static void read_again(struct store *store, struct store_row *row, struct reason *why)
{
	store_end(row->txn);
	row->err = store_read(store, row->user, tool_deadline(), row->txn, why);
	row->refusal = row->err == TOTP_ERR_SYSTEM ? errno : 0;
	row->cred_opens = row->err == TOTP_OK || store_read_cred(store, row->user, tool_deadline(),
								 row->txn, NULL) == TOTP_OK;
	row->why = why;
}

static void check_record_of(void *context, const struct store_row *found)
{
	struct round *round = context;
	struct doctor *doctor = round->doctor;
	struct store_row row = *found;
	struct reason why = {""};
	size_t before = doctor->count;

	progress_show(&round->progress, "reading records", row.number, row.total);
	if (row.err == TOTP_ERR_UNSAFE && is_in_files(doctor)) {
		check_record_files(doctor, row.user);
		read_again(doctor->ctl->tool.store, &row, &why);
		if (row.err == TOTP_ERR_UNSAFE && doctor->count > before)
			return;
	}
	/* revoked meanwhile; a read-only disk is reported once, as a whole */
	if (row.err == TOTP_ERR_NOT_FOUND || (row.err == TOTP_ERR_SYSTEM && row.refusal == EROFS))
		return;
	if (row.err != TOTP_OK) {
		report_damage(doctor, round->keyring, &row);
		return;
	}
	look_at_uid(round, row.user, &row.txn->cred);
	look_at_place(doctor, row.user);
	look_at_steps(doctor, row.user, row.txn);
}

/* An invitation that was used, or has expired, would be valid again after a revocation, or after
 * the clock is set back. */
static void check_invitation_of(void *context, const char *user)
{
	struct round *round = context;
	struct doctor *doctor = round->doctor;
	struct store *store = doctor->ctl->tool.store;
	struct invite invite = {.user = ""};
	const char *harm = "this user cannot enroll, and is denied", *what;
	struct finding *finding;
	struct reason why = {""};
	bool has = false;
	enum totp_err err = store_invite_get(store, user, tool_deadline(), &invite, &why);

	if (err == TOTP_OK)
		err = tool_enrolled(&doctor->ctl->tool, user, &has, &why);
	if (err == TOTP_ERR_NOT_FOUND || (err == TOTP_OK && !has && clock_now() < invite.expires))
		return;
	what = why.text;
	if (err == TOTP_OK) {
		what = has ? "left over: the user is enrolled" : "has expired";
		harm = has ? "it would be valid again if the record were lost"
			   : "it would be valid again if the clock were set back";
	}
	finding = doctor_report((struct subject){doctor, "invitation", NULL, NULL}, harm, NULL,
				"invitation of %s: %s", user, what);
	repair_user(finding, "", "uninvite", user);
	if (doctor->fix && err == TOTP_OK)
		finding->repaired = store_invite_remove(store, user, tool_deadline(), NULL) ==
				    TOTP_OK;
}

/* Both names lead to one record, that of the first. */
static void report_alias(void *context, const char *first, const char *other)
{
	struct doctor *doctor = context;
	const struct passwd *entry = getpwnam(other);

	if (!entry || !doctor_has_shell(entry))
		return;
	doctor_report((struct subject){doctor, "one-uid", NULL, NULL},
		      "they have one enrollment, that of the first name: a login by the second "
		      "asks for its codes, even if only one name is listed in exempt, or the names "
		      "belong to two people",
		      "give each person an account with a uid of its own; otherwise list both "
		      "names wherever the policy lists one",
		      "the names %s and %s are of one account, uid %u", first, other,
		      (unsigned)entry->pw_uid);
}

static void check_records(struct doctor *doctor, const struct keyring *keyring)
{
	OWN_NAMES struct names *names = names_load();
	struct round round = {doctor, keyring, names, .progress = progress_begin()};
	struct store *store = doctor->ctl->tool.store;
	struct reason why = {""};
	enum totp_err err;

	names_each_alias(names, report_alias, doctor);
	err = store_each_credential(store, check_record_of, &round, &why);
	progress_clear(&round.progress);
	if (err == TOTP_OK)
		err = store_each(store, STORE_INVITE, check_invitation_of, &round, &why);
	if (err == TOTP_OK && is_in_files(doctor))
		err = files_each_stray(store, report_stray, doctor, &why);
	if (err != TOTP_OK)
		doctor_report((struct subject){doctor, "store", NULL, NULL},
			      "some records could not be checked",
			      "check the disk and the kernel's log", "%s", why.text);
}

/* Records of an older version are good, but what the newer one brings is missing. */
static void look_at_version(struct doctor *doctor)
{
	unsigned version = store_info(doctor->ctl->tool.store)->version;

	if (version < record_version_newest)
		doctor_report(
			(struct subject){doctor, "version", NULL, NULL},
			"all unknown sources share one throttle, so wrong codes from the network "
			"can delay logins at a terminal",
			"totpctl upgrade", "%s: the records are of version %u, the newest is %u",
			is_in_files(doctor) ? doctor_policy(doctor)->store_dir
					    : doctor_policy(doctor)->etcd_realm,
			version, (unsigned)record_version_newest);
}

void doctor_store(struct doctor *doctor)
{
	OWN_KEYRING struct keyring keyring = {.count = 0};
	bool has_keyring, good;

	if (!policy_has_store(doctor_policy(doctor)))
		return;
	has_keyring = look_at_keyring(doctor, &keyring);
	good = check_store(doctor);
	if (!is_in_files(doctor))
		doctor_etcd(doctor, has_keyring ? &keyring : NULL);
	if (!good)
		return;
	if (is_in_files(doctor))
		look_at_machine(doctor);
	look_at_version(doctor);
	if (has_keyring)
		check_records(doctor, &keyring);
}
