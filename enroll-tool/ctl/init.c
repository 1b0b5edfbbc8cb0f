/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl init: make keyring, store and marker. An administrator runs it once on each host: if a
 * package ran it, all clones of an image would have the same key.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "host/clock.h"
#include "host/machine.h"
#include "keys/keys.h"
#include "base/path.h"

static struct {
	const char *keyring;
} options;

static const struct option_row option_rows[] = {
	{"keyring", "FILE",
	 "copy this keyring instead of making one; sealed credentials of\n"
	 "the host that it comes from can then be imported",
	 .text = &options.keyring},
	{0},
};

/* The state of the host before anything is made. */
struct found {
	bool keyring;
	bool store;
	struct account service;
	const struct keyring *given; /* --keyring; empty without it */
};

/* Read the keyring that --keyring names. */
static int read_given(const struct ctl *ctl, struct keyring_text *ret_text,
		      struct keyring *ret_keyring)
{
	OWN_FD int fd = -1;
	struct reason why = {""};
	enum totp_err err;

	if (!options.keyring)
		return TOOL_DONE;
	err = path_open_config(options.keyring, S_IRWXG | S_IRWXO, KEYRING_BYTES_MAX, &fd, &why);
	if (err == TOTP_OK)
		err = io_read_all(fd, ret_text->text, sizeof(ret_text->text), &ret_text->len);
	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(&why, "%s", options.keyring);
	if (err == TOTP_OK)
		err = keyring_parse(keyring_text_of(ret_text), options.keyring, ret_keyring, &why);
	return tool_result(&ctl->tool, err, &why);
}

/* Is every key of the given keyring in the one that is here? */
static int check_given(const struct ctl *ctl, const struct keyring *given,
		       const struct keyring *here)
{
	for (size_t i = 0; i < given->count; i++) {
		const struct host_key *key = &given->keys[i];
		const struct host_key *same = keyring_find(here, key->id);

		if (same && secret_equal(same->key, key->key, sizeof(key->key)))
			continue;
		return tool_refuse(
			&ctl->tool,
			"%s exists, and does not have the key %08x of %s: nothing is changed",
			ctl->tool.policy.keyring, (unsigned)key->id, options.keyring);
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
	return err == TOTP_ERR_NOT_FOUND ? TOOL_DONE : tool_result(&ctl->tool, err, &why);
}

/* Are there records, with a marker or without? */
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
		    "records. Restore the keyring from your copy: totpctl key restore FILE",
		    policy->keyring, policy->store_dir);
	return tool_refuse(&ctl->tool,
			   "without a copy all enrollments are lost: move %s away, run totpctl "
			   "init and enroll all users again",
			   policy->store_dir);
}

static int make_keyring(const struct ctl *ctl, const struct keyring_text *given)
{
	const char *path = ctl->tool.policy.keyring;
	struct reason why = {""};
	int code = keys_make_directory(&ctl->tool);
	enum totp_err err;

	if (code != TOOL_DONE)
		return code;
	if (options.keyring)
		err = keyring_put_new(path, keyring_text_of(given), &why);
	else
		err = keyring_create(path, clock_now(), &why);
	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", why.text);
	if (options.keyring)
		printf("Copied the keyring %s to %s.\n", options.keyring, path);
	else
		printf("Made the keyring %s.\n", path);
	return TOOL_DONE;
}

static int make_store(const struct ctl *ctl, const struct account *owner)
{
	const struct files_owner to = {owner->uid, owner->gid};
	uint8_t machine[SHA256_LEN] = {0};
	struct reason why = {""};

	if (machine_hash(machine, &why) != TOTP_OK)
		tool_refuse(&ctl->tool, "warning: %s: a clone of this host will not be noticed",
			    why.text);
	if (files_setup(ctl->tool.policy.store_dir, &to, machine, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", why.text);

	printf("Made the store %s; its records belong to %s.\n", ctl->tool.policy.store_dir,
	       owner->known ? SERVICE_ACCOUNT : "root, since there is no account " SERVICE_ACCOUNT);
	return TOOL_DONE;
}

/* The account may have been created after the store. */
static int give_store(const struct ctl *ctl, const struct account *owner, bool *ret_given)
{
	const struct files_owner to = {owner->uid, owner->gid};
	struct reason why = {""};
	enum totp_err err;

	if (!owner->known)
		return TOOL_DONE;
	err = files_give(ctl->tool.store, &to, ret_given, &why);
	if (*ret_given) {
		printf("Gave the store %s, which belonged to root, to " SERVICE_ACCOUNT ".\n",
		       ctl->tool.policy.store_dir);
		tool_log(&ctl->tool, NULL, "store-given", NULL);
	}
	return tool_result(&ctl->tool, err, &why);
}

static void print_next_steps(const struct ctl *ctl, const struct found *found, bool listens)
{
	printf("\nNext:\n");
	if (!found->keyring && !options.keyring)
		printf("  - Keep a copy of %s offline: totpctl key backup FILE.\n"
		       "    If it is lost, no code works here, and no backup of the store opens.\n",
		       ctl->tool.policy.keyring);
	if (!listens) {
		printf("  - Start totpd, which checks codes for screen locks, su and sudo, and "
		       "with\n"
		       "    which users enroll themselves:\n");
		if (!found->service.known)
			printf("      systemd-sysusers && totpctl init\n");
		printf("      systemctl enable --now totpd.socket totpd-root.socket\n");
	}
	printf("  - Enroll a user: totp-enroll --user NAME\n");
}

static int init_host(struct ctl *ctl)
{
	const struct policy *policy = &ctl->tool.policy;
	OWN_KEYRING_TEXT struct keyring_text text = {.len = 0};
	OWN_KEYRING struct keyring given = {.count = 0};
	struct found found = {.given = &given};
	struct reason why = {""};
	bool changed = false;
	int code = tool_need_root(&ctl->tool, "make a store");

	if (code == TOOL_DONE)
		code = tool_load_policy(&ctl->tool);
	if (code == TOOL_DONE && policy->store == STORE_IN_ETCD)
		return tool_refuse(&ctl->tool, "the policy says store = etcd: totpctl store init "
					       "makes that store");
	if (code == TOOL_DONE)
		code = read_given(ctl, &text, &given);
	if (code == TOOL_DONE)
		code = find_keyring(ctl, &found);
	if (code == TOOL_DONE)
		code = tool_find_store(&ctl->tool);
	if (code == TOOL_DONE)
		code = tool_result(&ctl->tool, account_find(SERVICE_ACCOUNT, &found.service, &why),
				   &why);
	if (code != TOOL_DONE)
		return code;
	found.store = ctl->tool.store != NULL;
	if (!found.service.known)
		found.service.uid = found.service.gid = 0;

	if (!found.keyring && !options.keyring && (found.store || has_records(policy->store_dir)))
		return refuse_lost_keyring(ctl);
	if (!found.keyring)
		code = make_keyring(ctl, &text);
	if (code == TOOL_DONE)
		code = found.store ? give_store(ctl, &found.service, &changed)
				   : make_store(ctl, &found.service);
	changed |= !found.keyring || !found.store;
	if (code != TOOL_DONE)
		return code;
	if (!changed) {
		printf("The keyring %s and the store %s exist: nothing is changed.\n",
		       policy->keyring, policy->store_dir);
		return TOOL_DONE;
	}
	if (!found.store)
		tool_log(&ctl->tool, NULL, "initialised", NULL);
	print_next_steps(ctl, &found, found.service.known && keys_start_sockets(&ctl->tool));
	return TOOL_DONE;
}

const struct command ctl_init = {
	.name = "init",
	.help = "make keyring and store",
	.more = "Makes the one that is missing, or both, and changes nothing that exists. If a\n"
		"store has lost its keyring, init makes none: restore the keyring.\n",
	.options = option_rows,
	.run = init_host,
};
