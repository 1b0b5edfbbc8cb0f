/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of the engine: for a build without it, and for programs that users run. */
#include "store/etcd.h"

static enum totp_err reject(struct reason *why)
{
	return reason_err(why, TOTP_ERR_UNSUPPORTED,
			  "this program was built without stores in etcd: ask totpd");
}

enum totp_err etcd_setup(const struct etcd_store_config *config, uint64_t deadline,
			 struct reason *why)
{
	(void)config;
	(void)deadline;
	return reject(why);
}

enum totp_err etcd_open(const struct etcd_store_config *config, uint64_t deadline,
			struct store **ret_store, struct reason *why)
{
	(void)config;
	(void)deadline;
	(void)ret_store;
	return reject(why);
}

enum totp_err etcd_status(struct store *store, uint64_t deadline, struct etcd_status *ret_status,
			  struct reason *why)
{
	(void)store;
	(void)deadline;
	(void)ret_status;
	return reject(why);
}
