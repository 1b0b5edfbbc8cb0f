#include "host/conf.h"

#include <stdlib.h>

#include "base/io.h"
#include "base/own.h"
#include "store/path.h"

static enum totp_err read_text(int fd, char *text, size_t cap, size_t *ret_len, struct reason *why,
			       const char *path)
{
	enum totp_err err = io_read_all(fd, text, cap, ret_len);

	if (err == TOTP_ERR_RANGE)
		reason_set(why, "%s: larger than %zu bytes", path, cap);
	if (err == TOTP_ERR_SYSTEM)
		err = reason_errno(why, "%s: cannot read", path);
	return err;
}

enum totp_err conf_load(const char *path, bool named, struct policy *policy,
			policy_complain_fn *complain, void *context)
{
	OWN_TEXT char *text = NULL;
	OWN_FD int fd = -1;
	struct reason why = {""};
	size_t len = 0;
	enum totp_err err;

	policy_default(policy);
	err = path_open_config(path, S_IWGRP | S_IWOTH, POLICY_BYTES_MAX, &fd, &why);
	if (err == TOTP_ERR_NOT_FOUND && !named)
		return TOTP_OK;
	if (err == TOTP_OK) {
		text = malloc(POLICY_BYTES_MAX);
		err = text ? read_text(fd, text, POLICY_BYTES_MAX, &len, &why, path)
			   : TOTP_ERR_NOMEM;
		if (!text)
			reason_set(&why, "%s: %s", path, err_name(err));
	}
	if (err != TOTP_OK) {
		complain(context, &why);
		return err;
	}
	return policy_parse(policy, (struct text){text, len}, path, complain, context);
}
