#include "host/audit.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <libaudit.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/text.h"

#define LIBRARY   "libaudit.so.1"
#define OPERATION "totp-%.40s"
#define MESSAGE   512
#define NO_ID     ((unsigned)-1) /* or the record would hold it instead of the name */

/* The functions that we call; the types are those of the header's declarations. */
struct library {
	__typeof__(audit_open) *open;
	__typeof__(audit_log_acct_message) *about_account;
	__typeof__(audit_log_user_message) *about_host;
};

void audit_load(void)
{
	/* for the rest of the process, so that audit_record finds it */
	(void)dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL);
}

/* Copies, because ISO C knows no cast from an object's address to a function's. */
static bool find_function(const char *name, void *ret_function, size_t size)
{
	void *address = dlsym(RTLD_DEFAULT, name);

	memcpy(ret_function, &address, size);
	return address != NULL;
}

static bool find_library(struct library *ret_library)
{
	return find_function("audit_open", &ret_library->open, sizeof(ret_library->open)) &&
	       find_function("audit_log_acct_message", &ret_library->about_account,
			     sizeof(ret_library->about_account)) &&
	       find_function("audit_log_user_message", &ret_library->about_host,
			     sizeof(ret_library->about_host));
}

/* The type by which reports of the audit system sort it. */
static int type_of(const struct log_event *event)
{
	static const char *const managed[] = {"unlocked", "forgotten", "disabled",
					      "enabled",  "invited",   "uninvited"};

	if (!event->user)
		return strncmp(event->outcome, "key-", 4) == 0 ? AUDIT_CRYPTO_KEY_USER
							       : AUDIT_USYS_CONFIG;
	for (size_t i = 0; i < sizeof(managed) / sizeof(managed[0]); i++)
		if (strcmp(event->outcome, managed[i]) == 0)
			return AUDIT_USER_MGMT;
	return AUDIT_USER_CHAUTHTOK;
}

/* An address, or NULL: a name would be looked up. */
static const char *address_in(const struct log_event *event)
{
	unsigned char raw[sizeof(struct in6_addr)];

	if (event->source && (inet_pton(AF_INET, event->source, raw) == 1 ||
			      inet_pton(AF_INET6, event->source, raw) == 1))
		return event->source;
	return NULL;
}

static int send_about_host(const struct library *library, int fd, const struct log_event *event)
{
	char message[MESSAGE], detail[MESSAGE / 2];

	text_printable(text_of(event->detail ? event->detail : ""), detail, sizeof(detail));
	snprintf(message, sizeof(message), "op=" OPERATION " detail=\"%s\"", event->outcome,
		 detail);
	return library->about_host(fd, type_of(event), message, NULL, NULL, NULL, 1);
}

void audit_record(const struct log_event *event)
{
	struct library library;
	char operation[64];
	int fd, sent;

	if (!find_library(&library))
		return;
	fd = library.open();
	if (fd < 0) /* the kernel has no such thing */
		return;
	snprintf(operation, sizeof(operation), OPERATION, event->outcome);
	if (event->user)
		sent = library.about_account(fd, type_of(event), NULL, operation, event->user,
					     NO_ID, NULL, address_in(event), NULL, 1);
	else
		sent = send_about_host(&library, fd, event);
	(void)sent; /* the kernel takes no records, as in a container; syslog has the event */
	fd_close(fd);
}
