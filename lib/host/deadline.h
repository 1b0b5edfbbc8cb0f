/* SPDX-License-Identifier: BSD-2-Clause */
/* How much time the calling program leaves for a login. */
#ifndef HOST_DEADLINE_H
#define HOST_DEADLINE_H

#include <stdbool.h>

/*
 * Seconds until the program ends the login. A program such as login sets an alarm in its own
 * process. sshd's alarm runs in another process: if by_sshd, the time follows from sshd's
 * configuration and the age of that process. False: there is no limit, or it is not known.
 */
bool deadline_find(bool by_sshd, unsigned *ret_seconds);

#endif
