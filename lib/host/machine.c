/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/machine.h"

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"

#define MACHINE_ID_FILE "/etc/machine-id"

enum totp_err machine_hash(uint8_t ret_hash[SHA256_LEN], struct reason *why)
{
	static const char name[] = "pam_totp store on machine";
	char text[64];
	OWN_FD int fd = -1;
	size_t len = 0;
	enum totp_err err =
		path_open_config(MACHINE_ID_FILE, S_IWGRP | S_IWOTH, sizeof(text), &fd, why);

	if (err == TOTP_OK)
		err = io_read_all(fd, text, sizeof(text), &len);
	if (err == TOTP_OK && len < 32) {
		reason_set(why, MACHINE_ID_FILE ": it holds no machine id");
		err = TOTP_ERR_FORMAT;
	}
	if (err == TOTP_OK)
		err = crypto_hmac(HMAC_SHA256, (struct piece){name, sizeof(name) - 1},
				  &(struct piece){text, len}, 1, ret_hash);
	return err;
}

void machine_names(char ret_short[MACHINE_NAME_MAX], char ret_full[MACHINE_NAME_MAX])
{
	char name[MACHINE_NAME_MAX] = "";

	if (gethostname(name, sizeof(name)) != 0 || !name[0])
		strcpy(name, "localhost");
	name[sizeof(name) - 1] = '\0';
	strcpy(ret_full, name);
	strcpy(ret_short, name);
	ret_short[strcspn(ret_short, ".")] = '\0';
}
