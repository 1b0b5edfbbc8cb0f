/* SPDX-License-Identifier: BSD-2-Clause */
/* When SELinux denies the store to programs that log users in. */
#include "unit.h"

#include "doctor/selinux.h"

static void a_store_that_is_totpd_s_alone_is_denied_where_selinux_is_enforced(void **state)
{
	static const struct {
		struct selinux_facts facts;
		bool denies;
	} rows[] = {
		{{"1", "system_u:object_r:pam_totp_store_t:s0"}, true},
		{{"1", "system_u:object_r:pam_totp_store_t:s0:c1,c2"}, true},
		{{"1", "unconfined_u:object_r:pam_totp_store_t"}, true},
		{{"0", "system_u:object_r:pam_totp_store_t:s0"}, false}, /* permissive */
		{{"", "system_u:object_r:pam_totp_store_t:s0"},
		 false},                                          /* the kernel has no SELinux */
		{{"1", "system_u:object_r:var_lib_t:s0"}, false}, /* without the policy module */
		{{"1", "system_u:object_r:pam_totp_store_t_x:s0"}, false},
		{{"1", "system_u:pam_totp_store_t:object_r:s0"}, false},
		{{"1", "pam_totp_store_t"}, false},
		{{"1", ""}, false},
		{{"10", "system_u:object_r:pam_totp_store_t:s0"}, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (selinux_denies_store(&rows[i].facts) != rows[i].denies)
			fail_msg("%s %s", rows[i].facts.enforce, rows[i].facts.label);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_that_is_totpd_s_alone_is_denied_where_selinux_is_enforced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
