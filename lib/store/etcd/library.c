/* SPDX-License-Identifier: BSD-2-Clause */
/* The table by which programs use this engine when they have loaded it. */
#include "store/etcd.h"

const struct etcd_library pam_totp_etcd = {
	.version = VERSION,
	.setup = etcd_setup,
	.open = etcd_open,
	.status = etcd_status,
	.look_at_health = etcd_look_at_health,
};
