/* SPDX-License-Identifier: BSD-2-Clause */
/* A log that replaces libc's: a program that uses scene_log calls these functions instead. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "no_journal.h"
#include "scene.h"

#undef syslog /* a macro where clang meets _FORTIFY_SOURCE */

char scene_log[16384];

static void PRINTF_LIKE(2) keep_line(int priority, const char *format, ...);
void __vsyslog_chk(int priority, int flag, const char *format, va_list args);
void __syslog_chk(int priority, int flag, const char *format, ...);

/* The caller supplies the format, as with syslog itself. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void __vsyslog_chk(int priority, int flag, const char *format, va_list args)
{
	char line[2048];

	(void)flag;
	vsnprintf(line, sizeof(line), format, args);
	keep_line(priority, "%s", line);
}
#pragma GCC diagnostic pop

static void keep_line(int priority, const char *format, ...)
{
	size_t len = strlen(scene_log);
	va_list args;

	len += (size_t)snprintf(scene_log + len, sizeof(scene_log) - len, "%d|", priority);
	if (len >= sizeof(scene_log) - 2)
		return;
	va_start(args, format);
	vsnprintf(scene_log + len, sizeof(scene_log) - len - 1, format, args);
	va_end(args);
	strcat(scene_log, "\n");
}

void vsyslog(int priority, const char *format, va_list args)
{
	__vsyslog_chk(priority, 0, format, args);
}

void syslog(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	__vsyslog_chk(priority, 0, format, args);
	va_end(args);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	__vsyslog_chk(priority, flag, format, args);
	va_end(args);
}

void scene_log_clear(void)
{
	scene_log[0] = '\0';
}
