/* What sshd puts into the PAM environment of a login, and whether the process is sshd. */
#ifndef HOST_SSHD_H
#define HOST_SSHD_H

#include <stdbool.h>

/*
 * Is this process sshd? What a PAM environment holds is the calling program's own word, or
 * whatever a module above has read from files of the user (pam_env with user_readenv), so a
 * name of a service says nothing, and PAMServiceName gives sshd others. It is sshd if real,
 * effective and saved uid are 0 and the running program is a file that root owns and nobody else
 * may write, called sshd, or sshd and then '-' or '.': sshd-session and sshd-auth since OpenSSH
 * 9.8, sshd.pam of Alpine. sshd's own variables are set before it calls a module, and no module
 * of its auth stack changes them.
 */
bool sshd_is_caller(void);

/*
 * Which methods has sshd accepted in this login? auth_info: its SSH_AUTH_INFO_0, a line for each:
 * the method, and what goes with it after a blank. sshd ends where that holds a line feed, so no
 * client can write a line of its own. A set of enum ssh_method (login/policy.h).
 */
unsigned sshd_accepted(const char *auth_info);

#endif
