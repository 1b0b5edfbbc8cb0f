#include "host/sshd.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "login/policy.h"

/* The file that runs may have been replaced by an upgrade meanwhile. */
#define DELETED " (deleted)"

static bool is_sshd(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *rest;

	if (!slash || strncmp(slash, "/sshd", 5) != 0)
		return false;
	rest = slash + 5;
	return rest[0] == '\0' || rest[0] == '-' || rest[0] == '.' || strcmp(rest, DELETED) == 0;
}

bool sshd_is_caller(void)
{
	uid_t real = 1, effective = 1, saved = 1;
	char path[4096];
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
	return is_sshd(path);
}

unsigned sshd_accepted(const char *auth_info)
{
	struct text rest = text_of(auth_info), line, method;
	unsigned accepted = 0;

	while (text_line(&rest, &line)) {
		unsigned one = text_field(&line, ' ', &method) ? policy_ssh_method(method) : 0;

		if (line.len || one == SSH_GSSAPI) /* of a key sshd says which */
			accepted |= one;
	}
	return accepted;
}
