/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where one login's record is looked at, locked and written, and where an enrollment is stored:
 * in this process, or by totpd. One table, which totpd(8) prints, decides for the whole login.
 *
 * In this process nothing has to be running. But the user who started a set-uid program can stop
 * it while it holds the lock of another user; and a process in a sandbox may not be able to write
 * where totpd can. A process cannot tell a disk that refuses writes from a sandbox that does;
 * totpd can, and applies readonly_login if the disk refuses it too.
 */
#ifndef PAM_PLACE_H
#define PAM_PLACE_H

#include <stdbool.h>

#include "store/files.h"

enum place {
	PLACE_DENY = 0,    /* nowhere: the login is denied */
	PLACE_HERE,        /* in this process */
	PLACE_ROOT_SOCKET, /* by totpd, which root may ask about any user */
	PLACE_USER_SOCKET, /* by totpd, which a user may ask about themselves */
};

/* The process that libpam runs in. */
enum caller {
	CALLER_USER = 0, /* does not run as root */
	CALLER_SET_UID,  /* root rights, but started by another user or able to become one */
	CALLER_ROOT,     /* real, effective and saved user id are 0 */
};

/* What totpd says to the store that the PAM line means. */
enum totpd_store {
	TOTPD_ABSENT = 0,  /* no process is listening */
	TOTPD_OTHER_STORE, /* it serves another one */
	TOTPD_SERVES,
};

enum caller place_caller(void);

/* Does it matter what totpd says? */
bool place_asks_totpd(enum caller caller, enum files_reach reach);

/* The table. Pure. */
enum place place_of(enum caller caller, enum files_reach reach, enum totpd_store totpd);

#endif
