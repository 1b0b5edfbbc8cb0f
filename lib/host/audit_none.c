/* SPDX-License-Identifier: BSD-2-Clause */
/* Built without libaudit: no records. */
#include "host/audit.h"

void audit_load(void)
{
}

void audit_record(const struct log_event *event)
{
	(void)event;
}
