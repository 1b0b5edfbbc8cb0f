/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up root's privileges for good. */
#ifndef PRIVDROP_H
#define PRIVDROP_H

#include "host/account.h"

/*
 * Become the account: its uid and gid and no other groups, with the limits below. Tries to become
 * root again, and fails if that works. After an error (errno in *why) the process must exit.
 */
MUST_CHECK enum totp_err privdrop_to(const struct account *account, struct reason *why);

/* No new privileges, no core dumps, and only root may look into the process. */
MUST_CHECK enum totp_err privdrop_limits(struct reason *why);

#endif
