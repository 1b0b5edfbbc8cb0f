/*
 * totpctl init: keyring, store and marker. It is a person's act, once on each host: a
 * package that did it would give all clones of an image the same key.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "host/clock.h"
#include "host/machine.h"
#include "keys/keys.h"
#include "base/path.h"

/* The keyring that --keyring names. */
struct given {
	char text[KEYRING_BYTES_MAX];
	size_t len;
	struct keyring keyring;
};

/* What is there before anything is made. */
struct found {
	bool keyring;
	bool store;
	struct account service;
	const struct given *given;
};

#define OWN_GIVEN OWN(given_wipe)

static void given_wipe(struct given *given)
{
	WIPE(*given);
}

static int read_given(const struct ctl *ctl, struct given *given)
{
	OWN_FD int fd = -1;
	struct reason why = {""};
	enum totp_err err;

	if (!ctl->keyring)
		return TOOL_DONE;
	err = path_open_config(ctl->keyring, S_IRWXG | S_IRWXO, KEYRING_BYTES_MAX, &fd, &why);
	if (err == TOTP_OK)
		err = io_read_all(fd, given->text, sizeof(given->text), &given->len);
	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(&why, "%s", ctl->keyring);
	if (err == TOTP_OK)
		err = keyring_parse((struct text){given->text, given->len}, ctl->keyring,
				    &given->keyring, &why);
	return err == TOTP_OK ? TOOL_DONE : tool_refuse(&ctl->tool, "%s", why.text);
}

/* Is every key of the one that was given in the one that is here? */
static int check_given(const struct ctl *ctl, const struct given *given, const struct keyring *here)
{
	for (size_t i = 0; i < given->keyring.count; i++) {
		const struct host_key *key = &given->keyring.keys[i];
		const struct host_key *same = keyring_find(here, key->id);

		if (same && secret_equal(same->key, key->key, sizeof(key->key)))
			continue;
		return tool_refuse(
			&ctl->tool,
			"%s is there, and has not the key %08x of %s: nothing is changed",
			ctl->tool.policy.keyring, (unsigned)key->id, ctl->keyring);
	}
	return TOOL_DONE;
}

static int find_keyring(const struct ctl *ctl, struct found *found)
{
	OWN_KEYRING struct keyring keyring;
	struct reason why = {""};
	enum totp_err err = keyring_load(ctl->tool.policy.keyring, &keyring, &why);

	found->keyring = err == TOTP_OK;
	if (err == TOTP_OK)
		return check_given(ctl, found->given, &keyring);
	return err == TOTP_ERR_NOT_FOUND ? TOOL_DONE : tool_refuse(&ctl->tool, "%s", why.text);
}

static int find_store(const struct ctl *ctl, struct found *found)
{
	const struct policy *policy = &ctl->tool.policy;
	struct store_config config = {.dir = policy->store_dir, .keyring = policy->keyring};
	OWN_STORE struct store *store = NULL;
	struct reason why = {""};
	enum totp_err err = store_open(&config, &store, &why);

	found->store = err == TOTP_OK;
	return err == TOTP_OK || err == TOTP_ERR_NOT_FOUND
		       ? TOOL_DONE
		       : tool_refuse(&ctl->tool, "%s", why.text);
}

/* Are there records, be there a marker or not? */
static bool has_records(const char *store_dir)
{
	char path[POLICY_PATH_MAX + 8];
	const struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/users", store_dir);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return found;
}

static int refuse_lost_keyring(const struct ctl *ctl)
{
	const struct policy *policy = &ctl->tool.policy;

	tool_refuse(&ctl->tool,
		    "%s is missing, but there is a store in %s: a new key could open none of its "
		    "records. Restore the keyring from your copy",
		    policy->keyring, policy->store_dir);
	return tool_refuse(&ctl->tool,
			   "if there is no copy, nothing can be saved: move %s away, run totpctl "
			   "init and enrol everybody again",
			   policy->store_dir);
}

static int make_keyring(const struct ctl *ctl, const struct given *given)
{
	const char *path = ctl->tool.policy.keyring;
	struct reason why = {""};
	int code = keys_make_directory(&ctl->tool);
	enum totp_err err;

	if (code != TOOL_DONE)
		return code;
	if (ctl->keyring)
		err = keyring_put_new(path, (struct text){given->text, given->len}, &why);
	else
		err = keyring_create(path, clock_now(), &why);
	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", why.text);
	if (ctl->keyring)
		printf("Copied the keyring %s to %s.\n", ctl->keyring, path);
	else
		printf("Made the keyring %s.\n", path);
	return TOOL_DONE;
}

static int find_service(const struct ctl *ctl, struct found *found)
{
	struct reason why = {""};

	if (account_find(SERVICE_ACCOUNT, &found->service, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", why.text);
	if (!found->service.known)
		found->service.uid = found->service.gid = 0;
	return TOOL_DONE;
}

static int make_store(const struct ctl *ctl, const struct account *owner)
{
	uint8_t machine[SHA256_LEN] = {0};
	struct reason why = {""};

	if (machine_hash(machine, &why) != TOTP_OK)
		tool_refuse(&ctl->tool, "warning: %s: a clone of this host will not be noticed",
			    why.text);
	if (store_setup(ctl->tool.policy.store_dir, owner->uid, owner->gid, machine, &why) !=
	    TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", why.text);

	printf("Made the store %s; its records belong to %s.\n", ctl->tool.policy.store_dir,
	       owner->known ? SERVICE_ACCOUNT : "root, since there is no account " SERVICE_ACCOUNT);
	return TOOL_DONE;
}

/* The account may have come after the store. */
static int give_store(const struct ctl *ctl, const struct account *owner, bool *ret_given)
{
	const struct policy *policy = &ctl->tool.policy;
	struct store_config config = {.dir = policy->store_dir, .keyring = policy->keyring};
	OWN_STORE struct store *store = NULL;
	struct reason why = {""};
	enum totp_err err;

	if (!owner->known)
		return TOOL_DONE;
	err = store_open(&config, &store, &why);
	if (err == TOTP_OK)
		err = store_give(store, owner->uid, owner->gid, ret_given, &why);
	if (*ret_given) {
		printf("Gave the store %s, which was root's, to " SERVICE_ACCOUNT ".\n",
		       policy->store_dir);
		tool_log(&ctl->tool, NULL, "store-given", NULL);
	}
	return err == TOTP_OK ? TOOL_DONE : tool_refuse(&ctl->tool, "%s", why.text);
}

static void print_next(const struct ctl *ctl, const struct found *found, bool listens)
{
	printf("\nNext:\n");
	if (!found->keyring && !ctl->keyring)
		printf("  - Keep a copy of %s offline: totpctl key backup FILE.\n"
		       "    Without it nobody here can log in with a code, and no backup of the "
		       "store\n"
		       "    is of any use.\n",
		       ctl->tool.policy.keyring);
	if (!listens) {
		printf("  - Start totpd, which checks codes for screen locks, su and sudo, and by "
		       "which\n"
		       "    people enrol themselves:\n");
		if (!found->service.known)
			printf("      systemd-sysusers && totpctl init\n");
		printf("      systemctl enable --now totpd.socket totpd-root.socket\n");
	}
	printf("  - Enrol somebody: totp-enroll --user NAME\n");
}

static int look(const struct ctl *ctl, struct found *found)
{
	int code = find_keyring(ctl, found);

	if (code == TOOL_DONE)
		code = find_store(ctl, found);
	return code == TOOL_DONE ? find_service(ctl, found) : code;
}

static int make(const struct ctl *ctl, const struct found *found, bool *ret_changed)
{
	int code = found->keyring ? TOOL_DONE : make_keyring(ctl, found->given);

	if (code == TOOL_DONE && found->store)
		code = give_store(ctl, &found->service, ret_changed);
	else if (code == TOOL_DONE)
		code = make_store(ctl, &found->service);
	if (!found->keyring || !found->store)
		*ret_changed = true;
	return code;
}

int ctl_init(struct ctl *ctl)
{
	const struct policy *policy = &ctl->tool.policy;
	OWN_GIVEN struct given given = {.len = 0};
	struct found found = {.given = &given};
	bool changed = false;
	int code = tool_need_root(&ctl->tool, "make a store");

	if (code == TOOL_DONE)
		code = tool_load_policy(&ctl->tool);
	if (code == TOOL_DONE)
		code = read_given(ctl, &given);
	if (code == TOOL_DONE)
		code = look(ctl, &found);
	if (code != TOOL_DONE)
		return code;

	if (!found.keyring && !ctl->keyring && (found.store || has_records(policy->store_dir)))
		return refuse_lost_keyring(ctl);
	code = make(ctl, &found, &changed);
	if (code != TOOL_DONE)
		return code;
	if (!changed) {
		printf("The keyring %s and the store %s are there: nothing is changed.\n",
		       policy->keyring, policy->store_dir);
		return TOOL_DONE;
	}
	if (!found.store)
		tool_log(&ctl->tool, NULL, "initialised", NULL);
	print_next(ctl, &found, found.service.known && keys_start_sockets(&ctl->tool));
	return TOOL_DONE;
}
