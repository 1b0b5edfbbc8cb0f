/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam/login.h"

#include <stdlib.h>
#include <unistd.h>

#include "host/sshd.h"

const char *login_item(const struct login *login, int type)
{
	const void *item = NULL;

	return pam_get_item(login->pamh, type, &item) == PAM_SUCCESS ? item : NULL;
}

void login_free_data(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

void login_find_source(struct login *login)
{
	struct origin caller = {.real_uid = getuid(),
				.service = login->service,
				.rhost = login_item(login, PAM_RHOST),
				.terminal = login_item(login, PAM_TTY),
				.ssh_connection = pam_getenv(login->pamh, "SSH_CONNECTION")};

	if (caller.ssh_connection && !sshd_is_caller())
		caller.ssh_connection = NULL;
	login->source = source_of_login(&caller, &login->address);
	source_text(&login->source, login->source_text);
}
