/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store that a policy names, whatever its engine: for totpd and the tools. The module does not
 * use this, since it links the files engine alone.
 */
#ifndef HOST_STORES_H
#define HOST_STORES_H

#include "login/policy.h"
#include "store/etcd.h"
#include "store/files.h"

/* The configuration of a policy's store in etcd. It points into *policy. */
struct etcd_store_config stores_etcd(const struct policy *policy);

/*
 * The engine for stores in etcd: a library that is installed on hosts with such a store, and is
 * loaded at the first call. TOTP_ERR_UNSUPPORTED: there is none, or one of another version; *why.
 */
MUST_CHECK enum totp_err stores_load_etcd(const struct etcd_library **ret_library,
					  struct reason *why);

/*
 * Open the policy's store. files: how, if it is in a directory; its keys are also those of a store
 * in etcd. Errors as files_open, etcd_open and stores_load_etcd.
 */
MUST_CHECK enum totp_err stores_open(const struct policy *policy, const struct files_config *files,
				     uint64_t deadline, struct store **ret_store,
				     struct reason *why);

#endif
