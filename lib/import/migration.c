/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/migration.h"

#include <strings.h>

#include "base/base64.h"
#include "base/protobuf.h"

static const char scheme[] = "otpauth-migration://";

void migration_wipe(struct migration *migration)
{
	explicit_bzero(migration, sizeof(*migration));
}

bool migration_is_uri(struct text text)
{
	return text.len >= sizeof(scheme) - 1 &&
	       strncasecmp(text.at, scheme, sizeof(scheme) - 1) == 0;
}

/* --- the URI --- */

/* Undo percent-encoding and base64, four characters at a time, into bytes. */
static enum totp_err decode_data(struct text data, struct migration *migration)
{
	struct buffer out = buffer_of(migration->bytes, sizeof(migration->bytes));
	enum totp_err err = TOTP_OK;
	char group[4];
	size_t len = 0;

	for (size_t i = 0; i < data.len && err == TOTP_OK; i++) {
		char c = data.at[i];

		if (c == '%') {
			if (data.len - i < 3 ||
			    text_hex((struct text){data.at + i + 1, 2}, &c, 1) != TOTP_OK)
				return TOTP_ERR_FORMAT;
			i += 2;
		}
		/* some programs write the alphabet for URLs, or a blank for the '+' */
		group[len++] = c == ' ' || c == '-' ? '+' : c == '_' ? '/' : c;
		if (len == sizeof(group)) {
			len = 0;
			err = base64_append(group, sizeof(group), &out);
		}
	}
	if (err == TOTP_OK && len) {
		memset(group + len, '=', sizeof(group) - len);
		err = base64_append(group, sizeof(group), &out);
	}
	WIPE(group);
	migration->len = out.len;
	return err;
}

/* Take the next field of an export, which has numbers and bytes alone. */
static bool take_field(struct bytes *in, struct protobuf_field *ret_field)
{
	bool taken = protobuf_take(in, ret_field);

	in->bad |= taken && ret_field->kind == PROTOBUF_FIXED;
	return taken && !in->bad;
}

enum payload { PAYLOAD_ACCOUNT = 1, PAYLOAD_PARTS = 3, PAYLOAD_PART, PAYLOAD_EXPORT };

static enum totp_err decode_payload(struct migration *migration)
{
	struct bytes in = bytes_of(migration->bytes, migration->len);
	struct protobuf_field field;

	migration->parts = 1;
	while (take_field(&in, &field)) {
		bool is_bytes = field.kind == PROTOBUF_BYTES;
		bool small = !is_bytes && field.value <= MIGRATION_PARTS_MAX;

		if (field.number == PAYLOAD_ACCOUNT && is_bytes) {
			if (migration->count == MIGRATION_MAX)
				return TOTP_ERR_RANGE;
			migration->accounts[migration->count++] = protobuf_text(field.bytes);
		} else if (field.number == PAYLOAD_PARTS && small) {
			migration->parts = (uint32_t)field.value;
		} else if (field.number == PAYLOAD_PART && small) {
			migration->part = (uint32_t)field.value;
		} else if (field.number == PAYLOAD_EXPORT && !is_bytes) {
			migration->export = field.value;
		}
	}
	if (migration->parts == 0)
		migration->parts = 1;
	if (migration->part >= migration->parts || migration->count == 0)
		return TOTP_ERR_FORMAT;
	return bytes_end(&in);
}

static enum totp_err decode_uri(struct text text, struct migration *migration)
{
	struct text part, name;
	enum totp_err err;

	if (!migration_is_uri(text) || !text_field(&text, '?', &part))
		return TOTP_ERR_FORMAT;
	while (text_field(&text, '&', &part)) {
		if (!text_field(&part, '=', &name) || !text_is(name, "data"))
			continue;
		err = decode_data(part, migration);
		return err == TOTP_OK ? decode_payload(migration) : err;
	}
	return TOTP_ERR_FORMAT;
}

enum totp_err migration_decode(struct text text, struct migration *ret_migration,
			       struct reason *why)
{
	enum totp_err err;

	*ret_migration = (struct migration){.len = 0};
	err = decode_uri(text, ret_migration);
	if (err == TOTP_OK)
		return err;
	migration_wipe(ret_migration);
	return reason_err(why, err,
			  err == TOTP_ERR_RANGE ? "more accounts than an export of an app has"
						: "expected an export of Google Authenticator, "
						  "otpauth-migration://offline?data=");
}

/* --- an account --- */

enum parameter { SECRET = 1, NAME, ISSUER, ALGORITHM, DIGITS, TYPE, COUNTER };

static enum totp_err take_name(struct text text, char *ret_name, size_t cap)
{
	return text_is_clean(text) ? text_copy(text_trim(text), ret_name, cap) : TOTP_ERR_FORMAT;
}

/* "issuer:account", or the account alone. */
static enum totp_err take_label(struct text label, struct otp_uri *uri)
{
	struct text issuer;

	if (!memchr(label.at, ':', label.len))
		return take_name(label, uri->account, sizeof(uri->account));
	text_field(&label, ':', &issuer);
	if (!uri->issuer[0] && take_name(issuer, uri->issuer, sizeof(uri->issuer)) != TOTP_OK)
		return TOTP_ERR_FORMAT;
	return take_name(label, uri->account, sizeof(uri->account));
}

static enum totp_err take_number(const struct protobuf_field *field, struct otp_uri *uri)
{
	if (field->number == ALGORITHM && field->value <= HMAC_SHA512)
		uri->alg = field->value ? (enum hmac_alg)field->value : HMAC_SHA1;
	else if (field->number == DIGITS && field->value <= 2)
		uri->digits = field->value == 2 ? 8 : 6;
	else if (field->number == TYPE && (field->value == 1 || field->value == 2))
		uri->hotp = field->value == 1;
	else if (field->number == COUNTER)
		uri->counter = field->value;
	else if (field->number >= ALGORITHM && field->number <= TYPE)
		return TOTP_ERR_UNSUPPORTED;
	return TOTP_OK;
}

static enum totp_err take_bytes(const struct protobuf_field *field, struct otp_uri *uri)
{
	if (field->number == SECRET)
		return secret_set(&uri->secret, field->bytes.at, field->bytes.len);
	if (field->number == NAME)
		return take_label(protobuf_text(field->bytes), uri);
	if (field->number == ISSUER && field->bytes.len)
		return take_name(protobuf_text(field->bytes), uri->issuer, sizeof(uri->issuer));
	return TOTP_OK;
}

enum totp_err migration_account(struct text account, struct otp_uri *ret_uri, struct reason *why)
{
	struct bytes in = bytes_of(account.at, account.len);
	enum totp_err err = TOTP_OK;
	struct protobuf_field field;

	uri_wipe(ret_uri);
	*ret_uri = (struct otp_uri){.alg = HMAC_SHA1, .digits = 6, .period = 30};
	while (err == TOTP_OK && take_field(&in, &field))
		err = field.kind == PROTOBUF_BYTES ? take_bytes(&field, ret_uri)
						   : take_number(&field, ret_uri);
	if (err == TOTP_OK)
		err = bytes_end(&in);
	if (err == TOTP_OK && (!ret_uri->account[0] || !ret_uri->secret.len))
		err = TOTP_ERR_FORMAT;
	if (err == TOTP_OK)
		return err;
	uri_wipe(ret_uri);
	return reason_err(why, err,
			  err == TOTP_ERR_UNSUPPORTED
				  ? "an account that is neither TOTP nor HOTP with SHA1, SHA256 or "
				    "SHA512"
				  : "an account without a name or secret of the documented length");
}
