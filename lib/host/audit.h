/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records for the Linux audit system beside the log: changes of credentials and keys, with the
 * user who made them. The kernel adds login uid and session of the process that sends the record.
 *
 * A login uses libaudit only if libpam has loaded it already; tools load it (audit_load). If the
 * kernel has no audit system, denies the record (a container, no right to write records) or no
 * process is listening, no record is written: the log has everything.
 */
#ifndef HOST_AUDIT_H
#define HOST_AUDIT_H

#include "host/log.h"

/* Load libaudit, if it is installed. For tools alone. */
void audit_load(void);

/*
 * Send one record: event->outcome was done to event->user, or, if that is NULL, to the host, with
 * event->detail; from event->source, if it is an address.
 */
void audit_record(const struct log_event *event);

#endif
