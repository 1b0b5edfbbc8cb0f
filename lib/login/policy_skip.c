/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/policy_option.h"

const struct policy_option *policy_more_at(size_t index)
{
	(void)index;
	return NULL;
}

enum totp_err policy_more_set(enum policy_kind kind, struct text value, char *member,
			      struct reason *why)
{
	(void)kind, (void)value, (void)member, (void)why;
	return TOTP_ERR_ARGUMENT;
}

const char policy_more_skipped[] = "may_check,may_tell_source,"
				   "etcd_endpoints,etcd_ca,etcd_certificate,etcd_key,etcd_realm,"
				   "verifiers,fleet_dir,"
				   "hosts,hosts_self,hosts_enroll,host_failures";
