/*
 * Find a command that repairs the auth lines of one service. Edits of the service's own file are
 * tried in memory, and each result is walked as libpam would walk it. A command is returned only
 * if the stack is sound afterwards: no way past our lines or without the first factor, still open
 * to everybody who gives right answers, and each first factor that was enough alone (a finger, a
 * directory beside the local password) still is. No other file is ever edited.
 */
#ifndef DOCTOR_REPAIR_H
#define DOCTOR_REPAIR_H

#include "doctor/trial.h"

/*
 * *ret_command: a shell command, which the caller frees, or NULL if no edit makes the stack
 * sound. TOTP_ERR_NOMEM.
 */
MUST_CHECK enum totp_err repair_find(const struct repair *repair, char **ret_command);

#endif
