/* SPDX-License-Identifier: BSD-2-Clause */
#include "privdrop.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum totp_err privdrop_limits(struct reason *why)
{
	const struct rlimit none = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0) {
		(void)reason_errno(why, "cannot limit the process");
		return TOTP_ERR_SYSTEM;
	}
	return TOTP_OK;
}

/* Can the process not become root again? Tries it. */
static bool is_permanent(const struct account *account)
{
	uid_t real, effective, saved;
	gid_t real_gid, effective_gid, saved_gid;

	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setegid(0) == 0 ||
	    setgroups(0, NULL) == 0)
		return false;
	return getresuid(&real, &effective, &saved) == 0 &&
	       getresgid(&real_gid, &effective_gid, &saved_gid) == 0 && real == account->uid &&
	       effective == account->uid && saved == account->uid && real_gid == account->gid &&
	       effective_gid == account->gid && saved_gid == account->gid;
}

enum totp_err privdrop_to(const struct account *account, struct reason *why)
{
	if (account->uid == 0 || account->gid == 0) {
		reason_set(why, "the account %s has uid or gid 0", account->name);
		return TOTP_ERR_UNSAFE;
	}
	if (setgroups(0, NULL) != 0 || setresgid(account->gid, account->gid, account->gid) != 0 ||
	    setresuid(account->uid, account->uid, account->uid) != 0) {
		(void)reason_errno(why, "cannot become %s", account->name);
		return TOTP_ERR_SYSTEM;
	}
	if (!is_permanent(account)) {
		reason_set(why, "the process could become root again");
		return TOTP_ERR_UNSAFE;
	}
	return privdrop_limits(why);
}
