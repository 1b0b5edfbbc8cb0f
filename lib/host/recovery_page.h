/* SPDX-License-Identifier: BSD-2-Clause */
/* A page for printing with the recovery codes of a user. It holds the codes. */
#ifndef HOST_RECOVERY_PAGE_H
#define HOST_RECOVERY_PAGE_H

#include "record/recovery.h"

#define RECOVERY_PAGE_MAX 2048

/* Write the page of `count` codes, 1 to RECOVERY_MAX; the caller wipes it. */
void recovery_page(const char *user, const struct recovery_code *codes, unsigned count,
		   char ret_page[RECOVERY_PAGE_MAX]);

#endif
