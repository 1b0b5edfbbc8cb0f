/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded: the program's lines to syslog go to the file $LOG_CATCHER, so that a test can read
 * them without a daemon. Its records for the audit system go to $LOG_CATCHER.audit, as "TYPE …", so
 * that no test reaches the machine's own audit system.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../module/no_journal.h"

void syslog(int priority, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...);
void __vsyslog_chk(int priority, int flag, const char *format, va_list args);

static void catch_in(const char *suffix, const char *format, va_list args)
{
	const char *log = getenv("LOG_CATCHER");
	char path[4096];
	FILE *file;

	if (!log)
		return;
	snprintf(path, sizeof(path), "%s%s", log, suffix);
	file = fopen(path, "ae");
	if (!file)
		return;
	vfprintf(file, format, args);
	fputc('\n', file);
	fclose(file);
}

void syslog(int priority, const char *format, ...)
{
	va_list args;

	(void)priority;
	va_start(args, format);
	catch_in("", format, args);
	va_end(args);
}

/* What gcc and clang call instead where _FORTIFY_SOURCE is set. */
void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)priority;
	(void)flag;
	va_start(args, format);
	catch_in("", format, args);
	va_end(args);
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list args)
{
	(void)priority;
	(void)flag;
	catch_in("", format, args);
}

static void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	catch_in(".audit", format, args);
	va_end(args);
}

int audit_open(void);
int audit_log_acct_message(int audit_fd, int type, const char *pgname, const char *op,
			   const char *name, unsigned int id, const char *host, const char *addr,
			   const char *tty, int result);
int audit_log_user_message(int audit_fd, int type, const char *message, const char *hostname,
			   const char *addr, const char *tty, int result);

int audit_open(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int audit_log_acct_message(int audit_fd, int type, const char *pgname, const char *op,
			   const char *name, unsigned int id, const char *host, const char *addr,
			   const char *tty, int result)
{
	(void)audit_fd;
	(void)pgname;
	(void)id;
	(void)host;
	(void)addr;
	(void)tty;
	note("%d op=%s acct=%s res=%d", type, op, name, result);
	return 1;
}

int audit_log_user_message(int audit_fd, int type, const char *message, const char *hostname,
			   const char *addr, const char *tty, int result)
{
	(void)audit_fd;
	(void)hostname;
	(void)addr;
	(void)tty;
	note("%d %s res=%d", type, message, result);
	return 1;
}
