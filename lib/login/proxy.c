/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/proxy.h"

#include <string.h>

/* proxy-protocol.txt of haproxy, section 2.2 */
#define SIGNATURE     "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_LEN 12
#define VERSION_LOCAL 0x20
#define VERSION_PROXY 0x21
#define TYPE_SSL      0x20
#define TYPE_SSL_CN   0x22
#define CLIENT_SSL    0x01
#define CLIENT_CERT   0x06 /* in this connection, or in the session that it resumes */

/* Bytes of the addresses of a family and protocol; -1: there is no such family. */
static int address_len(uint8_t family)
{
	switch (family >> 4) {
	case 0:
		return 0;
	case 1:
		return 12;
	case 2:
		return 36;
	case 3:
		return 216;
	default:
		return -1;
	}
}

enum totp_err proxy_length(const uint8_t *data, size_t len, size_t *ret_len)
{
	size_t seen = len < SIGNATURE_LEN ? len : SIGNATURE_LEN;
	struct bytes in = bytes_of(data, len);
	size_t rest;

	if (memcmp(data, SIGNATURE, seen) != 0)
		return TOTP_ERR_FORMAT;
	*ret_len = 0;
	if (len < PROXY_HEAD_LEN)
		return TOTP_OK;
	(void)bytes_take(&in, PROXY_HEAD_LEN - 2);
	rest = bytes_u16(&in);
	if (rest > PROXY_HEADER_MAX - PROXY_HEAD_LEN)
		return TOTP_ERR_RANGE;
	*ret_len = PROXY_HEAD_LEN + rest;
	return TOTP_OK;
}

/* Take the next field: its type and its bytes. False: there is none, or *in is bad. */
static bool next_field(struct bytes *in, uint8_t *ret_type, struct bytes *ret_value)
{
	size_t len;

	if (in->left == 0 || in->bad)
		return false;
	*ret_type = bytes_u8(in);
	len = bytes_u16(in);
	*ret_value = bytes_of(bytes_take(in, len), len);
	return !in->bad;
}

static enum totp_err read_host(struct bytes name, char ret_host[PROXY_HOST_MAX + 1])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t len = name.left;

	if (len == 0 || len > PROXY_HOST_MAX)
		return TOTP_ERR_FORBIDDEN;
	for (size_t i = 0; i < len; i++) {
		char c = (char)name.at[i];

		ret_host[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
		if (c == '\0' || !strchr(allowed, ret_host[i]))
			return TOTP_ERR_FORBIDDEN;
	}
	ret_host[len] = '\0';
	return TOTP_OK;
}

/* The part about TLS: was a certificate verified, and whose? */
static enum totp_err read_tls(struct bytes in, char ret_host[PROXY_HOST_MAX + 1])
{
	uint8_t client = bytes_u8(&in), type = 0;
	uint32_t refused = bytes_u32(&in);
	struct bytes value, name = {NULL, 0, false};

	while (next_field(&in, &type, &value)) {
		if (type != TYPE_SSL_CN)
			continue;
		if (name.at) /* which one is it? */
			return TOTP_ERR_FORMAT;
		name = value;
	}
	if (in.bad)
		return TOTP_ERR_FORMAT;
	if (!(client & CLIENT_SSL) || !(client & CLIENT_CERT) || refused != 0 || !name.at)
		return TOTP_ERR_FORBIDDEN;
	return read_host(name, ret_host);
}

enum totp_err proxy_read(const uint8_t *data, size_t len, char ret_host[PROXY_HOST_MAX + 1])
{
	struct bytes in = bytes_of(data, len), value, tls = {NULL, 0, false};
	size_t whole = 0;
	enum totp_err err = proxy_length(data, len, &whole);
	uint8_t version, family, type = 0;
	char host[PROXY_HOST_MAX + 1];

	if (err != TOTP_OK || whole != len || len < PROXY_HEAD_LEN)
		return TOTP_ERR_FORMAT;
	(void)bytes_take(&in, SIGNATURE_LEN);
	version = bytes_u8(&in);
	family = bytes_u8(&in);
	(void)bytes_u16(&in);
	if (version == VERSION_LOCAL)
		return TOTP_ERR_NOT_FOUND;
	if (version != VERSION_PROXY || address_len(family) < 0)
		return TOTP_ERR_FORMAT;
	(void)bytes_take(&in, (size_t)address_len(family));
	while (next_field(&in, &type, &value)) {
		if (type != TYPE_SSL)
			continue;
		if (tls.at)
			return TOTP_ERR_FORMAT;
		tls = value;
	}
	if (in.bad)
		return TOTP_ERR_FORMAT;
	if (!tls.at)
		return TOTP_ERR_FORBIDDEN;
	err = read_tls(tls, host);
	if (err == TOTP_OK)
		memcpy(ret_host, host, sizeof(host));
	return err;
}
