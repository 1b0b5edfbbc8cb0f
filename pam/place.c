/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam/place.h"

#include <unistd.h>

enum caller place_caller(void)
{
	uid_t real = 0, effective = 0, saved = 0;

	if (getresuid(&real, &effective, &saved) != 0 || effective != 0)
		return CALLER_USER;
	return real == 0 && saved == 0 ? CALLER_ROOT : CALLER_SET_UID;
}

bool place_asks_totpd(enum caller caller, enum files_reach reach)
{
	return caller != CALLER_ROOT || reach != FILES_WRITABLE;
}

enum place place_of(enum caller caller, enum files_reach reach, enum totpd_store totpd)
{
	if (!place_asks_totpd(caller, reach))
		return PLACE_HERE;
	if (totpd == TOTPD_SERVES)
		return caller == CALLER_USER ? PLACE_USER_SOCKET : PLACE_ROOT_SOCKET;
	if (caller == CALLER_USER || reach == FILES_NO_REACH)
		return PLACE_DENY;
	return PLACE_HERE; /* what it cannot do there is denied, or is readonly_login's */
}
