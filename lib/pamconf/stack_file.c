/* SPDX-License-Identifier: BSD-2-Clause */
/* The files in which libpam finds the lines of a service. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "pamconf/stack.h"

/* The last one is the vendor's, if libpam was built with one (openSUSE). */
const char *const stack_directories[] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d", NULL};

static FILE *open_in(const char *directory, const char *name, char **ret_path)
{
	FILE *file = NULL;
	struct stat st;

	if (name[0] == '/')
		*ret_path = strdup(name);
	else if (asprintf(ret_path, "%s/%s", directory, name) < 0)
		*ret_path = NULL;
	/* not a FIFO, which could block, nor a device */
	if (*ret_path && stat(*ret_path, &st) == 0 && S_ISREG(st.st_mode))
		file = fopen(*ret_path, "re");
	if (!file) {
		free(*ret_path);
		*ret_path = NULL;
	}
	return file;
}

FILE *stack_open(const void *context, const char *name, char **ret_path)
{
	const char *directory = context;
	FILE *file = open_in(directory ? directory : stack_directories[0], name, ret_path);

	for (size_t i = 1; !file && !directory && stack_directories[i]; i++)
		file = open_in(stack_directories[i], name, ret_path);
	return file;
}

static bool has_directory(void)
{
	struct stat st;

	for (size_t i = 0; stack_directories[i]; i++)
		if (stat(stack_directories[i], &st) == 0 && S_ISDIR(st.st_mode))
			return true;
	return false;
}

/* The rest of a line of pam.conf after its service; false: it is of another service. */
static bool is_of_service(char *line, const char *service, const char **ret_rest)
{
	size_t from = strspn(line, " \t"), len = strcspn(line + from, " \t\n");

	*ret_rest = line + from + len;
	return strlen(service) == len && strncasecmp(line + from, service, len) == 0;
}

static bool is_continued(const char *line)
{
	size_t end = strlen(line);

	while (end && strchr(" \t\n", line[end - 1]))
		end--;
	return end && line[end - 1] == '\\';
}

/*
 * The lines of a service in pam.conf, as a file of the directory would have them; lines of other
 * services are left empty, so that line numbers stay.
 */
static FILE *part_of(FILE *conf, const char *service, size_t size)
{
	FILE *part = fmemopen(NULL, size + 1, "w+");
	bool ours = false, continued = false;
	const char *rest;
	char line[1024];

	while (part && fgets(line, sizeof(line), conf)) {
		if (continued)
			rest = line;
		else
			ours = is_of_service(line, service, &rest);
		fputs(ours ? rest : "\n", part);
		continued = is_continued(line);
	}
	if (part)
		rewind(part);
	return part;
}

/* libpam reads pam.conf if there is no directory. */
static FILE *open_of_conf(const void *context, const char *name, char **ret_path)
{
	const char *service = context;
	FILE *conf, *part;
	struct stat st;

	if (strcasecmp(name, service) != 0 && strcasecmp(name, "other") != 0)
		return open_in(stack_directories[0], name, ret_path);
	conf = open_in("/etc", "pam.conf", ret_path);
	if (!conf)
		return NULL;
	part = fstat(fileno(conf), &st) == 0 ? part_of(conf, name, (size_t)st.st_size) : NULL;
	fclose(conf);
	if (!part)
		free(*ret_path);
	return part;
}

enum totp_err stack_read(const char *directory, const char *service, const char *type,
			 struct stack *ret_stack)
{
	if (directory || has_directory())
		return stack_read_by(stack_open, directory, service, type, ret_stack);
	return stack_read_by(open_of_conf, service, service, type, ret_stack);
}
