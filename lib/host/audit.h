/*
 * Records for the Linux audit system beside the log: who changed what somebody can prove, and
 * which keys. The kernel adds the login uid and session of the process that sends one.
 *
 * It is found in the process or not at all: a login gets no library for it that libpam has not
 * brought already; tools bring it (audit_load). Where the kernel has no audit system, where it
 * refuses (a container, no right to write records) or where nobody listens, nothing is said:
 * the log has it all.
 */
#ifndef HOST_AUDIT_H
#define HOST_AUDIT_H

#include "host/log.h"

/* Load libaudit, if it is installed. For tools alone. */
void audit_load(void);

/*
 * Send one record of what was done (event->outcome) to event->user or, for NULL, to the host,
 * with event->detail; from event->source where that is an address.
 */
void audit_record(const struct log_event *event);

#endif
