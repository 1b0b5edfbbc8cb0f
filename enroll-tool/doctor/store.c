/* totpctl doctor: keyring, store and every record in it. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "common/enrolled.h"
#include "host/clock.h"
#include "host/conf.h"
#include "host/machine.h"
#include "common/names.h"
#include "common/progress.h"
#include "keys/sealed.h"
#include "store/files/files.h"

#define LEFTOVER_AFTER 3600 /* seconds; what is younger may be at work */

#define PRIVATE (S_IRWXG | S_IRWXO)
#define WRITE   (S_IWGRP | S_IWOTH)

static const struct policy *policy_of(const struct doctor *doctor)
{
	return &doctor->ctl->tool.policy;
}

/* --- leftovers --- */

static bool is_old(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && clock_now() - st.st_mtime > LEFTOVER_AFTER;
}

static void tell_leftover(struct doctor *doctor, const char *path, const char *why, bool removable)
{
	struct finding *finding;

	if (!is_old(path))
		return;
	finding = doctor_find(doctor, "leftover", NULL, why, "%s: left over", path);
	if (removable && doctor_is_plain(path))
		doctor_repair(finding, "rm %s", path);
	else
		doctor_repair(finding, "look what it is, and move it away");
	if (doctor->fix && removable)
		finding->repaired = unlink(path) == 0;
}

static void look_for_temporary(struct doctor *doctor, const char *folder, const char *name,
			       const char *why)
{
	char pattern[POLICY_PATH_MAX + 32];
	glob_t found = {0};

	snprintf(pattern, sizeof(pattern), "%s/%s~*", folder, name);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			tell_leftover(doctor, found.gl_pathv[i], why, true);
	globfree(&found);
}

static void tell_stray(void *context, const char *name)
{
	struct doctor *doctor = context;
	char path[POLICY_PATH_MAX + 512];
	bool state = strncmp(name, FILES_STATES "/", sizeof(FILES_STATES)) == 0;

	snprintf(path, sizeof(path), "%s/%s", policy_of(doctor)->store_dir, name);
	tell_leftover(doctor, path,
		      state ? "an older record that is put back could find its state in it"
			    : "it is no record, and nothing looks at it",
		      state || strchr(name, '~'));
}

/* --- keyring --- */

/* What work on keys has left undone. */
static void look_at_rotation(struct doctor *doctor, const char *path)
{
	OWN_KEYRING_TEXT struct keyring_text text = {.len = 0};
	struct keyring_rotation rotation;

	if (keyring_text_load(path, &text, NULL) == TOTP_OK &&
	    keyring_rotation_of(&text, &rotation))
		doctor_repair(doctor_find(doctor, "rotation", NULL,
					  "the old key still opens what is sealed by it",
					  "the rotation from key %08x to %08x is not finished",
					  (unsigned)rotation.from, (unsigned)rotation.to),
			      "totpctl key rotate");
	if (sealed_is_in_run(&doctor->ctl->tool) && !sealed_is_there())
		doctor_repair(
			doctor_find(doctor, "keyring-volatile", NULL,
				    "whoever must give a code is refused from then on",
				    "%s is gone at the next boot, and there is no " SEALED_FILE,
				    path),
			"totpctl key seal");
}

static bool look_at_keyring(struct doctor *doctor)
{
	const char *path = policy_of(doctor)->keyring;
	OWN_KEYRING struct keyring keyring;
	char folder[POLICY_PATH_MAX];
	struct reason why = {""};
	size_t before;
	enum totp_err err;

	/* the directory first: in one that others can write to no file is changed */
	strcpy(folder, path);
	*strrchr(folder, '/') = '\0';
	doctor_modes(doctor, folder[0] ? folder : "/", 0, WRITE, 0,
		     "whoever can write there can put another keyring in its place");
	before = doctor->count;
	doctor_modes(doctor, path, 0, PRIVATE, 0,
		     "who can read the keyring and a copy of the store has every secret");
	err = keyring_load(path, &keyring, &why);
	if (err != TOTP_OK && (err != TOTP_ERR_UNSAFE || doctor->count == before))
		doctor_repair(
			doctor_find(doctor, "keyring", NULL,
				    "without it no record opens, and whoever must give a code is "
				    "refused",
				    "%s", why.text),
			err == TOTP_ERR_NOT_FOUND
				? "restore it from your copy; on a new host: totpctl init"
				: "restore it from your copy");
	look_for_temporary(doctor, folder, "keyring", "it may hold a key");
	if (err == TOTP_OK)
		look_at_rotation(doctor, path);
	return err == TOTP_OK;
}

/* --- the store's folders --- */

static void look_at_folders(struct doctor *doctor)
{
	const char *dir = policy_of(doctor)->store_dir;
	char path[POLICY_PATH_MAX + 16];
	struct account owner = {.known = false};
	uid_t uid = account_find(SERVICE_ACCOUNT, &owner, NULL) == TOTP_OK && owner.known
			    ? owner.uid
			    : 0;

	doctor_modes(doctor, dir, O_NOFOLLOW, WRITE, 0,
		     "whoever can write there can take records away; logins are refused");
	snprintf(path, sizeof(path), "%s/" FILES_MARKER, dir);
	doctor_modes(doctor, path, O_NOFOLLOW, WRITE, 0,
		     "the marker proves who is not enrolled; logins are refused");
	snprintf(path, sizeof(path), "%s/" FILES_USERS, dir);
	doctor_modes(doctor, path, O_NOFOLLOW, PRIVATE, uid,
		     "the names of who is enrolled, and their records, are nobody else's");
	snprintf(path, sizeof(path), "%s/" FILES_STATES, dir);
	doctor_modes(doctor, path, O_NOFOLLOW, PRIVATE, uid,
		     "whoever can write there can make used codes unused");
	snprintf(path, sizeof(path), "%s/" FILES_INVITES, dir);
	doctor_modes(doctor, path, O_NOFOLLOW, PRIVATE, uid,
		     "who is invited to enrol is nobody else's to know");
	look_for_temporary(doctor, dir, FILES_MARKER, "an init that was cut short left it");
}

static void look_at_machine(struct doctor *doctor)
{
	static const uint8_t none[SHA256_LEN]; /* made where there was no machine id */
	const uint8_t *made_on = store_machine(doctor->ctl->tool.store);
	uint8_t machine[SHA256_LEN];
	struct reason why = {""};

	if (machine_hash(machine, &why) != TOTP_OK)
		doctor_repair(doctor_find(doctor, "machine-id", NULL,
					  "a copy of this host would not be noticed", "%s",
					  why.text),
			      "systemd-machine-id-setup");
	else if (memcmp(none, made_on, sizeof(none)) != 0 &&
		 memcmp(machine, made_on, sizeof(machine)) != 0)
		doctor_repair(
			doctor_find(
				doctor, "clone", NULL,
				"a store from a backup does not know what was used since; of two "
				"hosts with one store each accepts every code once",
				"%s belongs to another machine", policy_of(doctor)->store_dir),
			"if the store was moved here, or restored from a backup: totpctl store "
			"accept; "
			"if this host is a copy of another: move keyring and store away, then "
			"totpctl "
			"init, and enroll everybody");
}

static bool open_store(struct doctor *doctor)
{
	struct store_config config = conf_store(policy_of(doctor));
	struct reason why = {""};
	size_t before = doctor->count;
	enum totp_err err;

	look_at_folders(doctor);
	config.run_dir = NULL; /* it would be made */
	err = store_open(&config, &doctor->ctl->tool.store, &why);
	if (err == TOTP_OK)
		return true;
	if (err != TOTP_ERR_UNSAFE || doctor->count == before)
		doctor_repair(doctor_find(doctor, "store", NULL,
					  "who is enrolled cannot be said, so everybody is refused",
					  "%s", why.text),
			      "mount or restore it; on a new host: totpctl init");
	return false;
}

/* --- records --- */

struct round {
	struct doctor *doctor;
	struct names *names;
	struct progress progress;
	size_t done, total;
};

/* Permissions of the two files of a record. */
static void look_at_files(struct doctor *doctor, const char *user)
{
	static const char why[] = "a record that others can read or write is refused";
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct store *store = doctor->ctl->tool.store;
	char path[POLICY_PATH_MAX + FILES_STATE_NAME_MAX + 16], name[FILES_STATE_NAME_MAX];

	if (store_name(user, name) != TOTP_OK)
		return;
	snprintf(path, sizeof(path), "%s/" FILES_USERS "/%s", policy_of(doctor)->store_dir, name);
	doctor_modes(doctor, path, O_NOFOLLOW, PRIVATE, store->owner, why);
	if (store_read_cred(store, user, &txn, NULL) != TOTP_OK ||
	    files_state_name(user, txn.cred.id, name) != TOTP_OK)
		return;
	snprintf(path, sizeof(path), "%s/" FILES_STATES "/%s", policy_of(doctor)->store_dir, name);
	doctor_modes(doctor, path, O_NOFOLLOW, PRIVATE, store->owner, why);
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

/* Which command: is it the state alone that is damaged? */
static void tell_damage(struct doctor *doctor, const char *user, const struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	bool sound = store_read_cred(doctor->ctl->tool.store, user, &txn, NULL) == TOTP_OK;
	bool no_key = strstr(why->text, "does not hold") != NULL;
	struct finding *finding = doctor_find(doctor, "record", NULL,
					      "this user is refused, whatever code they give",
					      "record of %s: %s", user, why->text);

	if (no_key)
		doctor_repair(finding, "restore that line of %s", policy_of(doctor)->keyring);
	else
		repair_user(finding,
			    sound ? "" : "enroll again after: ", sound ? "repair" : "delete", user);
}

static void look_at_uid(struct round *round, const char *user, const struct cred *cred)
{
	struct account account = {.known = false};
	struct reason why = {""};

	if (!cred->uid_bound)
		return;
	if (!names_find(round->names, user, &account) &&
	    account_find(user, &account, &why) != TOTP_OK)
		return;
	if (!account.known)
		repair_user(
			doctor_find(round->doctor, "no-account", NULL,
				    "whoever gets the name next meets a record that is not theirs",
				    "record of %s: there is no such account", user),
			"if it is gone for good: ", "delete", user);
	else if (account.uid != cred->uid)
		repair_user(doctor_find(round->doctor, "uid", NULL,
					"this user is refused: the name may be somebody else's now",
					"record of %s: made for uid %u, and the account has %u",
					user, (unsigned)cred->uid, (unsigned)account.uid),
			    "if it is the same person: ", "adopt", user);
}

/* A last step further ahead than a repair sets it: the clock was ahead, and is set back. */
static void look_at_steps(struct doctor *doctor, const char *user, const struct store_txn *txn)
{
	uint64_t ahead = ctl_steps_ahead(policy_of(doctor));

	for (size_t i = 0; i < txn->cred.token_count; i++) {
		const struct token *token = &txn->cred.tokens[i];
		uint64_t step = 0;

		if (token->type != TOKEN_TOTP ||
		    token_step_at(token, clock_now(), &step) != TOTP_OK ||
		    txn->state.tokens[i].moving <= step + ahead)
			continue;
		repair_user(doctor_find(doctor, "ahead", NULL,
					"the clock was ahead then, or is behind now: codes are "
					"refused until it comes there again",
					"record of %s: the last code used is of a later time",
					user),
			    "set the clock right, then: ", "repair-clock", user);
	}
}

static void look_at_record(void *context, const char *user)
{
	struct round *round = context;
	struct doctor *doctor = round->doctor;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	size_t before = doctor->count;
	enum totp_err err;

	if (round->done < round->total)
		progress_show(&round->progress, "reading records", ++round->done, round->total);
	err = store_read(doctor->ctl->tool.store, user, &txn, &why);
	if (err == TOTP_ERR_UNSAFE) {
		look_at_files(doctor, user);
		err = store_read(doctor->ctl->tool.store, user, &txn, &why);
		if (err == TOTP_ERR_UNSAFE && doctor->count > before)
			return;
	}
	/* revoked meanwhile; or what is told of the disk as a whole */
	if (err == TOTP_ERR_NOT_FOUND || (err == TOTP_ERR_SYSTEM && errno == EROFS))
		return;
	if (err != TOTP_OK) {
		tell_damage(doctor, user, &why);
		return;
	}
	look_at_uid(round, user, &txn.cred);
	look_at_steps(doctor, user, &txn);
}

/* An invitation that was used, or has ended, would hold again after a revocation, or with the
 * clock set back. */
static void look_at_invite(void *context, const char *user)
{
	struct round *round = context;
	struct doctor *doctor = round->doctor;
	struct store *store = doctor->ctl->tool.store;
	struct invite invite = {.user = ""};
	struct finding *finding;
	struct reason why = {""};
	bool has = false;
	enum totp_err err = store_invite_get(store, user, &invite, &why);

	if (err == TOTP_OK)
		err = store_has(store, user, &has, &why);
	if (err == TOTP_ERR_NOT_FOUND || (err == TOTP_OK && !has && clock_now() < invite.expires))
		return;
	if (err != TOTP_OK)
		finding = doctor_find(doctor, "invitation", NULL,
				      "this user cannot enrol, and is refused",
				      "invitation of %s: %s", user, why.text);
	else
		finding = doctor_find(doctor, "invitation", NULL,
				      has ? "it would hold again if the record were lost"
					  : "it would hold again if the clock were set back",
				      "invitation of %s: %s", user,
				      has ? "left over, for the user is enrolled" : "has ended");
	repair_user(finding, "", "uninvite", user);
	if (doctor->fix && err == TOTP_OK)
		finding->repaired = store_invite_remove(store, user, NULL) == TOTP_OK;
}

static void look_at_records(struct doctor *doctor)
{
	OWN_NAMES struct names *names = names_load();
	struct round round = {doctor, names, .progress = progress_begin()};
	struct store *store = doctor->ctl->tool.store;
	struct reason why = {""};
	enum totp_err err = enrolled_count(store, &round.total, &why);

	if (err == TOTP_OK)
		err = store_each_user(store, look_at_record, &round, &why);
	progress_clear(&round.progress);
	if (err == TOTP_OK)
		err = store_each_invite(store, look_at_invite, &round, &why);
	if (err == TOTP_OK)
		err = store_each_stray(store, tell_stray, doctor, &why);
	if (err != TOTP_OK)
		doctor_repair(doctor_find(doctor, "store", NULL,
					  "whether each record is sound cannot be said", "%s",
					  why.text),
			      "look at the disk");
}

void doctor_store(struct doctor *doctor)
{
	bool keyring = look_at_keyring(doctor);

	if (!open_store(doctor))
		return;
	look_at_machine(doctor);
	if (keyring)
		look_at_records(doctor);
}
