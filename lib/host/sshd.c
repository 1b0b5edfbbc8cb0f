/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/sshd.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "login/policy.h"

/* An upgrade may have replaced the file of the running program. */
#define DELETED " (deleted)"

bool sshd_is_caller(void)
{
	uid_t real = 1, effective = 1, saved = 1;
	char path[4096];
	const char *name;
	struct stat st;
	ssize_t len;

	if (getresuid(&real, &effective, &saved) != 0 || real != 0 || effective != 0 || saved != 0)
		return false;
	if (stat("/proc/self/exe", &st) != 0 || st.st_uid != 0 || (st.st_mode & 022) != 0)
		return false;
	len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	name = strrchr(path, '/');
	if (!name || strncmp(name, "/sshd", 5) != 0)
		return false;
	name += 5;
	return name[0] == '\0' || name[0] == '-' || name[0] == '.' || strcmp(name, DELETED) == 0;
}

unsigned sshd_accepted(const char *auth_info)
{
	struct text rest = text_of(auth_info), line, method;
	unsigned accepted = 0;

	while (text_line(&rest, &line)) {
		unsigned one = text_field(&line, ' ', &method) ? policy_ssh_method(method) : 0;

		if (line.len || one == SSH_GSSAPI) /* details follow, except for GSSAPI */
			accepted |= one;
	}
	return accepted;
}
