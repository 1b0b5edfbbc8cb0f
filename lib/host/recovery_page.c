/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/recovery_page.h"

#include <stdio.h>
#include <string.h>

#include "host/clock.h"
#include "host/machine.h"

/* One line with two codes, one from each half. */
static void add_row(char *page, const struct recovery_code *codes, unsigned count, unsigned row,
		    unsigned rows)
{
	for (unsigned i = row; i < count; i += rows) {
		char shown[RECOVERY_SHOWN_MAX];
		size_t len = strlen(page);

		recovery_show(&codes[i], shown);
		snprintf(page + len, RECOVERY_PAGE_MAX - len, "%s%2u  %s",
			 i == row ? "  " : "      ", i + 1, shown);
		WIPE(shown);
	}
	strncat(page, "\n", RECOVERY_PAGE_MAX - strlen(page) - 1);
}

void recovery_page(const char *user, const struct recovery_code *codes, unsigned count,
		   char ret_page[RECOVERY_PAGE_MAX])
{
	char host[MACHINE_NAME_MAX], full_host[MACHINE_NAME_MAX], day[11];
	char shown[CRED_USER_MAX + 1];
	unsigned rows = (count + 1) / 2;

	machine_names(host, full_host);
	text_to_date(clock_now(), day);
	text_show(text_of(user), shown, sizeof(shown));
	snprintf(ret_page, RECOVERY_PAGE_MAX,
		 "Recovery codes of %s for %.100s, %s\n"
		 "Each works once in place of a code, when the phone is not at hand. Keep them\n"
		 "on paper and away from the phone: nobody can show them again.\n\n",
		 shown, full_host, day);
	for (unsigned row = 0; row < rows; row++)
		add_row(ret_page, codes, count, row, rows);
}
