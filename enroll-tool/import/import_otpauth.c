/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl import otpauth FILE|-: otpauth URIs, as phone apps and other systems export them. */
#include "import/import.h"

#include <string.h>

#include "host/account.h"
#include "otp/uri.h"

/*
 * The user of a URI. Its account is a user, or user@host as google-authenticator's tool writes
 * it: then the part before the '@' counts, if there is such an account here.
 */
static enum totp_err user_of(struct import *import, const struct otp_uri *uri,
			     char ret_user[CRED_USER_MAX + 1], struct reason *why)
{
	char name[URI_ACCOUNT_MAX + 1];
	struct account account = {0};
	char *at;
	enum totp_err err = import_account(import, uri->account, &account, why);

	/* one that is too long is nobody's */
	(void)!text_copy(text_of(uri->account), ret_user, CRED_USER_MAX + 1);
	strcpy(name, uri->account);
	at = strchr(name, '@');
	if (err != TOTP_OK || account.known || !at || at == name)
		return err;
	*at = '\0';
	err = import_account(import, name, &account, why);
	if (err == TOTP_OK && account.known)
		(void)!text_copy(text_of(name), ret_user, CRED_USER_MAX + 1);
	return err;
}

static enum totp_err take_uri(struct import *import, const struct place *place,
			      const struct otp_uri *uri, struct reason *why)
{
	OWN_IMPORTED struct imported imported = {
		.token = {.type = uri->hotp ? TOKEN_HOTP : TOKEN_TOTP,
			  .alg = uri->alg,
			  .digits = (uint8_t)uri->digits,
			  .period = uri->hotp ? 0 : (uint16_t)uri->period,
			  .secret = uri->secret},
		.moving = uri->hotp ? uri->counter : 0};
	enum totp_err err = user_of(import, uri, imported.user, why);

	/* the issuer becomes the label of the token, if it can be a label */
	if (cred_label_is_good(text_of(uri->issuer)))
		strcpy(imported.token.label, uri->issuer);
	return err == TOTP_OK ? import_token(import, place, &imported, why) : err;
}

static enum totp_err read_uri(struct import *import, const struct place *place, struct text line,
			      struct reason *fault, struct reason *why)
{
	struct otp_uri uri;
	enum totp_err err = TOTP_OK;

	if (uri_parse(line, &uri, fault) == TOTP_OK)
		err = take_uri(import, place, &uri, why);
	uri_wipe(&uri);
	return err;
}

static int import_otpauth(struct ctl *ctl)
{
	return reader_run(ctl, true, read_uri);
}

const struct command ctl_import_otpauth = {
	.name = "import otpauth",
	.arguments = "FILE|-",
	.help = "import otpauth:// URIs, one a line",
	.more = "The account of a URI is the user, or the part before its '@'. Several lines are\n"
		"several tokens; a counter is the next one.\n",
	.shared = import_option_rows,
	.run = import_otpauth,
};
