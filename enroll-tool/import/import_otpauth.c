/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import otpauth FILE|-: otpauth URIs, as phone apps and other systems export them, and
 * those of an export of Google Authenticator.
 */
#include "import/import.h"

#include <string.h>

#include "import/migration.h"
#include "otp/uri.h"

struct otpauth_import {
	struct import import; /* first: the reader gets a pointer to it */
	uint64_t export;      /* of Google Authenticator, the last one that was read… */
	uint32_t parts;       /* …how many parts it has, 0 for none… */
	uint64_t seen;        /* …bit i: part i was read… */
	struct place place;   /* …where the last of them is */
};

static enum totp_err take_uri(struct import *import, const struct place *place,
			      const struct otp_uri *uri, struct reason *why)
{
	OWN_IMPORTED struct imported imported = {
		.token = {.type = uri->hotp ? TOKEN_HOTP : TOKEN_TOTP,
			  .alg = uri->alg,
			  .digits = (uint8_t)uri->digits,
			  .period = uri->hotp ? 0 : (uint16_t)uri->period,
			  .secret = uri->secret},
		.moving = uri->hotp ? uri->counter : 0,
		.cut = uri->cut};
	enum totp_err err = import_person(import, uri->account, imported.user, why);

	/* the issuer becomes the label of the token, if it can be a label */
	if (cred_label_is_good(text_of(uri->issuer)))
		strcpy(imported.token.label, uri->issuer);
	return err == TOTP_OK ? import_token(import, place, &imported, why) : err;
}

/* --- an export of Google Authenticator --- */

static void tell_missing(struct otpauth_import *otpauth)
{
	for (uint32_t i = 0; i < otpauth->parts; i++)
		if (!(otpauth->seen >> i & 1))
			import_tell(&otpauth->import, IMPORT_LOST, &otpauth->place,
				    "part %u of %u of the export, which is not in the file",
				    (unsigned)i + 1, (unsigned)otpauth->parts);
	otpauth->parts = 0;
}

static enum totp_err take_accounts(struct otpauth_import *otpauth, const struct place *place,
				   const struct migration *migration, struct reason *why)
{
	struct import *import = &otpauth->import;
	enum totp_err err = TOTP_OK;

	if (otpauth->export != migration->export || otpauth->parts != migration->parts) {
		tell_missing(otpauth);
		otpauth->seen = 0;
	}
	otpauth->export = migration->export;
	otpauth->parts = migration->parts;
	otpauth->seen |= UINT64_C(1) << migration->part;
	otpauth->place = *place;
	for (unsigned i = 0; i < migration->count && err == TOTP_OK; i++) {
		struct reason fault = {""};
		struct otp_uri uri;

		if (migration_account(migration->accounts[i], &uri, &fault) == TOTP_OK)
			err = take_uri(import, place, &uri, why);
		else
			import_tell(import, IMPORT_BAD, place, "account %u: %s", i + 1, fault.text);
		uri_wipe(&uri);
	}
	return err;
}

static enum totp_err read_migration(struct otpauth_import *otpauth, const struct place *place,
				    struct text line, struct reason *fault, struct reason *why)
{
	OWN_MIGRATION struct migration migration;

	return migration_decode(line, &migration, fault) == TOTP_OK
		       ? take_accounts(otpauth, place, &migration, why)
		       : TOTP_OK;
}

/* --- all of it --- */

static enum totp_err read_uri(struct import *import, const struct place *place, struct text line,
			      struct reason *fault, struct reason *why)
{
	struct otp_uri uri;
	enum totp_err err = TOTP_OK;

	if (migration_is_uri(line))
		return read_migration((struct otpauth_import *)import, place, line, fault, why);
	if (uri_parse(line, &uri, fault) == TOTP_OK)
		err = take_uri(import, place, &uri, why);
	uri_wipe(&uri);
	return err;
}

static enum totp_err read_otpauth(struct import *import, struct reason *why)
{
	enum totp_err err = reader_lines(import, read_uri, why);

	tell_missing((struct otpauth_import *)import);
	return err;
}

static int import_otpauth(struct ctl *ctl)
{
	struct otpauth_import otpauth = {.import = {.gather = true}};

	return import_run(ctl, &otpauth.import, read_otpauth);
}

const struct command ctl_import_otpauth = {
	.name = "import otpauth",
	.arguments = "FILE|-",
	.help = "import otpauth:// URIs, one a line",
	.more = "The account of a URI is the user, or the part before its '@'. A user can have\n"
		"several lines, one for each token. A counter is the next one. A URI that begins\n"
		"with otpauth-migration:// has several accounts.\n",
	.shared = import_option_rows,
	.run = import_otpauth,
};
