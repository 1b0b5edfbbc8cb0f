/* How much time the calling program leaves for a login. */
#ifndef HOST_DEADLINE_H
#define HOST_DEADLINE_H

#include <stdbool.h>

/*
 * Seconds until the program ends the login by itself. A program's own alarm is known (login);
 * sshd's runs in another process, so it is what its configuration and the age of that
 * process say, if by_sshd. False: there is no limit, or it cannot be known.
 */
bool deadline_find(bool by_sshd, unsigned *ret_seconds);

#endif
