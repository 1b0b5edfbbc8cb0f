/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/stores.h"

#include <string.h>

#include "host/library.h"

#define LIBRARY "pam_totp_etcd.so" /* in a directory that each program's RUNPATH names */
#define TABLE   "pam_totp_etcd"

struct etcd_store_config stores_etcd(const struct policy *policy)
{
	return (struct etcd_store_config){
		.cluster = {.endpoints = policy->etcd_endpoints,
			    .ca = policy->etcd_ca,
			    .certificate = policy->etcd_certificate,
			    .key = policy->etcd_key},
		.realm = policy->etcd_realm,
		.keyring = policy->keyring,
	};
}

enum totp_err stores_load_etcd(const struct etcd_library **ret_library, struct reason *why)
{
	void *loaded = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL); /* for the rest of the process */
	const struct etcd_library *library = loaded ? dlsym(loaded, TABLE) : NULL;

	if (!library)
		return reason_err(why, TOTP_ERR_UNSUPPORTED,
				  "stores in etcd need the package pam-totp-verifier: %.100s",
				  dlerror());
	if (strcmp(library->version, VERSION) != 0)
		return reason_err(why, TOTP_ERR_UNSUPPORTED,
				  LIBRARY " is of version %.20s, and this program of " VERSION
					  ": install the same version of both",
				  library->version);
	*ret_library = library;
	return TOTP_OK;
}

enum totp_err stores_open(const struct policy *policy, const struct files_config *files,
			  uint64_t deadline, struct store **ret_store, struct reason *why)
{
	struct etcd_store_config etcd = stores_etcd(policy);
	const struct etcd_library *library;
	enum totp_err err;

	if (policy->store != STORE_IN_ETCD)
		return files_open(files, ret_store, why);
	etcd.keys = files->keys;
	err = stores_load_etcd(&library, why);
	return err == TOTP_OK ? library->open(&etcd, deadline, ret_store, why) : err;
}
