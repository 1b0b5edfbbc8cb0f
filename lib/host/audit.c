/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/audit.h"

#include <arpa/inet.h>
#include <libaudit.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/text.h"
#include "host/library.h"

#define LIBRARY   "libaudit.so.1"
#define OPERATION "totp-%.40s"
#define MESSAGE   512
#define NO_ID     ((unsigned)-1) /* or the record would hold it instead of the name */

void audit_load(void)
{
	/* for the rest of the process, so that audit_record finds it */
	(void)dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL);
}

/* The type by which reports of the audit system sort it. */
static int type_of(const struct log_event *event)
{
	static const char managed[][11] = {"unlocked", "forgotten", "disabled",
					   "enabled",  "invited",   "uninvited"};

	if (!event->user)
		return strncmp(event->outcome, "key-", 4) == 0 ? AUDIT_CRYPTO_KEY_USER
							       : AUDIT_USYS_CONFIG;
	for (size_t i = 0; i < sizeof(managed) / sizeof(managed[0]); i++)
		if (strcmp(event->outcome, managed[i]) == 0)
			return AUDIT_USER_MGMT;
	return AUDIT_USER_CHAUTHTOK;
}

void audit_record(const struct log_event *event)
{
	__typeof__(audit_open) *open_audit;
	__typeof__(audit_log_acct_message) *log_account;
	__typeof__(audit_log_user_message) *log_host;
	unsigned char raw[sizeof(struct in6_addr)];
	char operation[64], message[MESSAGE], detail[MESSAGE / 2];
	const char *address = event->source;
	int fd;

	if (!library_find(RTLD_DEFAULT, "audit_open", &open_audit, sizeof(open_audit)) ||
	    !library_find(RTLD_DEFAULT, "audit_log_acct_message", &log_account,
			  sizeof(log_account)) ||
	    !library_find(RTLD_DEFAULT, "audit_log_user_message", &log_host, sizeof(log_host)))
		return;
	fd = open_audit();
	if (fd < 0) /* the kernel has no audit system */
		return;
	/* if the kernel takes no records, as in a container, syslog has the event */
	if (event->user) {
		/* libaudit would look up any other text as a name */
		if (address && inet_pton(AF_INET, address, raw) != 1 &&
		    inet_pton(AF_INET6, address, raw) != 1)
			address = NULL;
		snprintf(operation, sizeof(operation), OPERATION, event->outcome);
		(void)!log_account(fd, type_of(event), NULL, operation, event->user, NO_ID, NULL,
				   address, NULL, 1);
	} else {
		text_printable(text_of(event->detail ? event->detail : ""), detail, sizeof(detail));
		snprintf(message, sizeof(message), "op=" OPERATION " detail=\"%s\"", event->outcome,
			 detail);
		(void)!log_host(fd, type_of(event), message, NULL, NULL, NULL, 1);
	}
	fd_close(fd);
}
