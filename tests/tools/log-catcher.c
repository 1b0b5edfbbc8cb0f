/*
 * Preloaded: what the program sends to syslog goes to the file $LOG_CATCHER instead, one
 * line each, so that a test sees it without a daemon.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void syslog(int priority, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...);

static void catch (const char *format, va_list args)
{
	const char *path = getenv("LOG_CATCHER");
	FILE *file = path ? fopen(path, "ae") : NULL;

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
	catch (format, args);
	va_end(args);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)priority;
	(void)flag;
	va_start(args, format);
	catch (format, args);
	va_end(args);
}
