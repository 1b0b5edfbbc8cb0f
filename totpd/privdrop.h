/* Giving up root's rights for good. */
#ifndef DROP_H
#define DROP_H

#include "host/account.h"

/*
 * Become the account: its uid and gid, no other groups, no way back and no core dumps, and
 * nobody but root may look at the process. That there is no way back is tried. errno says
 * what failed; the process is then to end.
 */
MUST_CHECK enum totp_err drop_to(const struct account *account, struct reason *why);

/* The same limits for a process that was started without root's rights. */
MUST_CHECK enum totp_err drop_limits(struct reason *why);

#endif
