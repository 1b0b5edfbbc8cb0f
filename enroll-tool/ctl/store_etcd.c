/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl store init, status and accept for a store in etcd, which many hosts share. */
#include "host/clock.h"
#include "host/stores.h"
#include "common/ctl.h"
#include "ctl/store_etcd.h"
#include "keys/keys.h"

#define CLOCK_DIFFERENCE 60 /* seconds, of two verifiers: no reason to accept a store again */

/* What a verifier after the first one needs, in place of a keyring of its own. */
static int refuse_without_keyring(const struct ctl *ctl)
{
	return tool_refuse(&ctl->tool,
			   "the realm %s has a store already, and %s is missing: copy it from "
			   "another verifier, by totpctl key backup and totpctl key restore",
			   ctl->tool.policy.etcd_realm, ctl->tool.policy.keyring);
}

static int make_keyring(const struct ctl *ctl)
{
	const char *path = ctl->tool.policy.keyring;
	struct reason why = {""};
	int code = keys_make_directory(&ctl->tool);
	enum totp_err err;

	if (code != TOOL_DONE)
		return code;
	err = keyring_create(path, clock_now(), &why);
	if (err == TOTP_OK)
		printf("Made the keyring %s: keep a copy of it elsewhere, and copy it to each "
		       "verifier.\n",
		       path);
	return tool_result(&ctl->tool, err, &why);
}

static int init_store(struct ctl *ctl)
{
	const struct policy *policy = &ctl->tool.policy;
	const struct etcd_library *library = NULL;
	OWN_KEYRING struct keyring keyring = {.count = 0};
	struct etcd_store_config config;
	struct reason why = {""};
	bool has_keyring;
	enum totp_err err;
	int code = tool_need_root(&ctl->tool, "make a store");

	if (code == TOOL_DONE)
		code = tool_load_policy(&ctl->tool);
	if (code != TOOL_DONE)
		return code;
	if (policy->store != STORE_IN_ETCD)
		return tool_refuse(&ctl->tool, "the policy says store = files: totpctl init makes "
					       "that store");
	code = tool_result(&ctl->tool, stores_load_etcd(&library, &why), &why);
	if (code != TOOL_DONE)
		return code;
	err = keyring_load(policy->keyring, &keyring, &why);
	if (err != TOTP_OK && err != TOTP_ERR_NOT_FOUND)
		return tool_result(&ctl->tool, err, &why);
	has_keyring = err == TOTP_OK;

	config = stores_etcd(policy);
	err = library->open(&config, tool_deadline(), &ctl->tool.store, &why);
	if (err == TOTP_OK && !has_keyring)
		return refuse_without_keyring(ctl);
	if (err == TOTP_OK) {
		printf("The realm %s has a store already: nothing is changed.\n",
		       policy->etcd_realm);
		return TOOL_DONE;
	}
	if (err != TOTP_ERR_NOT_FOUND)
		return tool_result(&ctl->tool, err, &why);
	code = has_keyring ? TOOL_DONE : make_keyring(ctl);
	if (code == TOOL_DONE)
		code = tool_result(&ctl->tool, library->setup(&config, tool_deadline(), &why),
				   &why);
	if (code != TOOL_DONE)
		return code;
	tool_log(&ctl->tool, NULL, "initialised", NULL);
	printf("Made the store of the realm %s.\n", policy->etcd_realm);
	return TOOL_DONE;
}

const struct command ctl_store_init = {
	.name = "store init",
	.help = "make a store in etcd, once for all verifiers",
	.more = "With store = etcd in the policy. It makes the keyring unless there is one;\n"
		"each other verifier needs a copy of it.\n",
	.run = init_store,
};

/* --- status --- */

static int print_status(const struct ctl *ctl, const struct etcd_status *status)
{
	const struct store_info *info = store_info(ctl->tool.store);
	char since[WHEN_MAX];
	bool own = status->cluster == status->own_cluster;

	printf("realm            %s\n"
	       "cluster          %llx, answered by member %llx\n"
	       "revision         %llu\n"
	       "active key       %08x\n"
	       "record version   %u\n",
	       ctl->tool.policy.etcd_realm, (unsigned long long)status->cluster,
	       (unsigned long long)status->member, (unsigned long long)status->revision,
	       (unsigned)status->key_id, (unsigned)info->version);
	if (info->since)
		printf("restored backup  accepted %u time%s; codes from before %s are denied\n",
		       (unsigned)status->epoch, status->epoch == 1 ? "" : "s",
		       when_text(info->since, since));
	if (own)
		return TOOL_DONE;
	return tool_refuse(&ctl->tool,
			   "the store belongs to the cluster %llx: it was restored from a backup, "
			   "and everybody is denied until: totpctl store accept",
			   (unsigned long long)status->own_cluster);
}

static int status_of_store(struct ctl *ctl)
{
	const struct etcd_library *library = NULL;
	struct etcd_status status = {.cluster = 0};
	struct reason why = {""};
	int code = tool_open_anywhere(&ctl->tool, "see the status of the store");

	if (code != TOOL_DONE)
		return code;
	if (ctl->tool.policy.store != STORE_IN_ETCD)
		return tool_refuse(&ctl->tool,
				   "the policy says store = files: totpctl doctor checks it");
	code = tool_result(&ctl->tool, stores_load_etcd(&library, &why), &why);
	if (code == TOOL_DONE)
		code = tool_result(&ctl->tool,
				   library->status(ctl->tool.store, tool_deadline(), &status, &why),
				   &why);
	return code == TOOL_DONE ? print_status(ctl, &status) : code;
}

const struct command ctl_store_status = {
	.name = "store status",
	.help = "show the cluster and the active key of a store in etcd",
	.run = status_of_store,
};

/* --- accept --- */

int store_etcd_accept(struct ctl *ctl)
{
	struct store *store = ctl->tool.store;
	struct reason why = {""};
	char from[WHEN_MAX];
	int64_t now = clock_now();
	enum totp_err err = store_check_place(store, tool_deadline(), &why);
	/* accepted by a clock that was ahead: until then every code would be denied */
	bool early = err == TOTP_OK && store_info(store)->since > now + CLOCK_DIFFERENCE;

	if (err == TOTP_OK && !early) {
		printf("The store of the realm %s belongs to this cluster: nothing is changed.\n",
		       ctl->tool.policy.etcd_realm);
		return TOOL_DONE;
	}
	if (early || err == TOTP_ERR_OTHER_STORE)
		err = store_accept_place(store, now, tool_deadline(), &why);
	if (err != TOTP_OK)
		return tool_result(&ctl->tool, err, &why);
	tool_log(&ctl->tool, NULL, "store-accepted", NULL);
	if (early) {
		printf("The clock was ahead when the backup was accepted.\n"
		       "Codes from before %s are denied, and later ones work again.\n"
		       "A user who used a recovery code meanwhile needs totpctl repair-clock.\n",
		       when_clock(now, from));
		return TOOL_DONE;
	}
	printf("The store of the realm %s belongs to this cluster now.\n"
	       "Codes from before %s are denied.\n\n"
	       "It does not know what happened since the backup:\n"
	       "  - Used recovery codes, temporary codes and codes of counter-based tokens may be\n"
	       "    valid again.\n"
	       "  - Devices that were removed, and users who were suspended or deleted since\n"
	       "    then, are back: look through totpctl list\n",
	       ctl->tool.policy.etcd_realm, when_clock(now, from));
	return TOOL_DONE;
}
