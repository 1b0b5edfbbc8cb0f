/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the process is sshd, and what sshd reports about a login. */
#ifndef HOST_SSHD_H
#define HOST_SSHD_H

#include <stdbool.h>

/*
 * Is this process sshd? Variables in a PAM environment are set by the calling program, or by a
 * module above from files of the user (pam_env with user_readenv). The name of the service proves
 * nothing either, and sshd may use another one (PAMServiceName).
 *
 * The process is sshd if its real, effective and saved uid are 0, and the running program is a
 * file that root owns, that only root can write to, and whose name is "sshd", or begins with
 * "sshd-" or "sshd." (sshd-session and sshd-auth since OpenSSH 9.8, sshd.pam in Alpine). sshd sets
 * its own variables before it calls a module, and no module of its auth stack changes them.
 */
bool sshd_is_caller(void);

/*
 * Which methods has sshd accepted in this login? auth_info: its SSH_AUTH_INFO_0, one line for each
 * method: its name, a blank, and details. If details contain a line feed, sshd exits, so no client
 * can add a line. Returns a set of enum ssh_method (login/policy.h).
 */
unsigned sshd_accepted(const char *auth_info);

#endif
