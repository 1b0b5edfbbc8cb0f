/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor/selinux.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "login/policy.h"
#include "store/files.h"

#define ENFORCE    "/sys/fs/selinux/enforce"
#define LABEL      "security.selinux"
#define STORE_TYPE "pam_totp_store_t"

bool selinux_denies_store(const struct selinux_facts *facts)
{
	struct text rest = text_of(facts->label), type = {NULL, 0};

	for (int i = 0; i < 3; i++)
		if (!text_field(&rest, ':', &type))
			return false;
	return strcmp(facts->enforce, "1") == 0 && text_is(type, STORE_TYPE);
}

void selinux_look(const char *store_dir, struct selinux_facts *ret_facts)
{
	OWN_FD int fd = open(ENFORCE, O_RDONLY | O_CLOEXEC);
	char path[POLICY_PATH_MAX + 16];
	size_t len = 0;

	memset(ret_facts, 0, sizeof(*ret_facts));
	if (fd < 0 || io_read_all(fd, ret_facts->enforce, sizeof(ret_facts->enforce) - 1, &len))
		memset(ret_facts->enforce, 0, sizeof(ret_facts->enforce));
	snprintf(path, sizeof(path), "%s/%s", store_dir, files_part(FILES_PART_USERS));
	if (lgetxattr(path, LABEL, ret_facts->label, sizeof(ret_facts->label) - 1) < 0)
		memset(ret_facts->label, 0, sizeof(ret_facts->label));
}
