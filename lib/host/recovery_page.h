/* The recovery codes of a user on a page that can be printed. The codes are in it. */
#ifndef HOST_RECOVERY_PAGE_H
#define HOST_RECOVERY_PAGE_H

#include "record/recovery.h"

#define PAGE_MAX 2048

/* Write the page of `count` codes, 1 to RECOVERY_MAX; the caller wipes it. */
void page_of_codes(const char *user, const struct recovery_code *codes, unsigned count,
		   char ret_page[PAGE_MAX]);

#endif
