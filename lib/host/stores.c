/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/stores.h"

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

enum totp_err stores_open(const struct policy *policy, const struct files_config *files,
			  uint64_t deadline, struct store **ret_store, struct reason *why)
{
	struct etcd_store_config etcd = stores_etcd(policy);

	if (policy->store == STORE_IN_FILES)
		return files_open(files, ret_store, why);
	etcd.keys = files->keys;
	return etcd_open(&etcd, deadline, ret_store, why);
}
