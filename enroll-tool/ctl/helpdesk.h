/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl helpdesk SUBCOMMAND: a part of totpctl for people who are not administrators. */
#ifndef CTL_HELPDESK_H
#define CTL_HELPDESK_H

#include "common/ctl.h"

/* As a policy file with the setting `exempt`: the accounts that the help desk cannot change. */
#define HELPDESK_FILE "/etc/pam_totp/helpdesk.conf"

/* The subcommands, and no option that counts for all of them. */
extern const struct command_line helpdesk_line;

/*
 * May the help desk do ctl->command to ctl->account? Not if it has uid 0 or is exempt, nor if the
 * file is missing or a group in it is unknown. TOOL_REFUSED: after a sentence.
 */
MUST_CHECK int helpdesk_may(const struct ctl *ctl);

#endif
