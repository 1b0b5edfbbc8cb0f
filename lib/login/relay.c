/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/relay.h"

#define HELLO_MAGIC    0x50544832u /* "PTH2" */
#define REQUEST_MAGIC  0x50544e32u /* "PTN2" */
#define RESPONSE_MAGIC 0x50544d32u /* "PTM2" */
#define MAGIC_KIND     0xffffff00u /* all of it but the version */

#define REQUEST_HEAD  (RELAY_REQUEST_LEN - WIRE_REQUEST_LEN)
#define RESPONSE_HEAD (RELAY_RESPONSE_LEN - WIRE_RESPONSE_LEN)

void relay_request_wipe(struct relay_request *relay)
{
	explicit_bzero(relay, sizeof(*relay));
}

void relay_response_wipe(struct relay_response *relay)
{
	explicit_bzero(relay, sizeof(*relay));
}

/* Is the message as long as one of this kind and version? */
static enum totp_err check_kind(struct bytes *in, size_t expected_len, uint32_t expected)
{
	size_t len = in->left;
	uint32_t magic = bytes_u32(in);

	if (magic == expected)
		return len == expected_len ? TOTP_OK : TOTP_ERR_FORMAT;
	return (magic & MAGIC_KIND) == (expected & MAGIC_KIND) ? TOTP_ERR_UNSUPPORTED
							       : TOTP_ERR_FORMAT;
}

/* --- the hello --- */

void relay_put_hello(const uint8_t nonce[RELAY_NONCE_LEN], uint8_t ret_message[RELAY_HELLO_LEN])
{
	struct buffer out = buffer_of(ret_message, RELAY_HELLO_LEN);

	buffer_u32(&out, HELLO_MAGIC);
	buffer_copy(&out, nonce, RELAY_NONCE_LEN);
}

enum totp_err relay_get_hello(const uint8_t *message, size_t len,
			      uint8_t ret_nonce[RELAY_NONCE_LEN])
{
	struct bytes in = bytes_of(message, len);
	enum totp_err err = check_kind(&in, RELAY_HELLO_LEN, HELLO_MAGIC);

	if (err != TOTP_OK)
		return err;
	bytes_copy(&in, ret_nonce, RELAY_NONCE_LEN);
	return bytes_end(&in);
}

/* --- the request --- */

static void code_envelope(const struct codec *codec, struct relay_request *relay)
{
	bool *const flags[] = {&relay->known};

	codec_bytes(codec, relay->nonce, sizeof(relay->nonce));
	codec_flags(codec, flags, 1);
	CODE(codec, relay->uid, 4);
	CODE(codec, relay->wait_ms, 2);
	codec_refuse(codec, !relay->known && relay->uid != 0);
}

/* What belongs to one host alone is not in a message to another. */
static bool is_of_no_host(const struct wire_request *request)
{
	static const struct wire_store nothing;

	return request->deadline == 0 && memcmp(&request->store, &nothing, sizeof(nothing)) == 0;
}

enum totp_err relay_put_request(const struct relay_request *relay,
				uint8_t ret_message[RELAY_REQUEST_LEN])
{
	OWN_RELAY_REQUEST struct relay_request copy = *relay; /* a walk may write to it */
	struct buffer out = buffer_of(ret_message, REQUEST_HEAD);
	enum totp_err err;

	if (!is_of_no_host(&relay->request))
		return TOTP_ERR_RANGE;
	buffer_u32(&out, REQUEST_MAGIC);
	code_envelope(&(struct codec){.out = &out}, &copy);
	err = buffer_end(&out);
	return err == TOTP_OK ? wire_put_request(&relay->request, ret_message + REQUEST_HEAD) : err;
}

enum totp_err relay_get_request(const uint8_t *message, size_t len, struct relay_request *ret_relay)
{
	struct bytes in = bytes_of(message, len);
	enum totp_err err = check_kind(&in, RELAY_REQUEST_LEN, REQUEST_MAGIC);

	*ret_relay = (struct relay_request){.known = false};
	if (err != TOTP_OK)
		return err;
	code_envelope(&(struct codec){.in = &in}, ret_relay);
	err = in.bad ? TOTP_ERR_FORMAT : wire_get_request(in.at, in.left, &ret_relay->request);
	if (err == TOTP_OK && !is_of_no_host(&ret_relay->request))
		err = TOTP_ERR_RANGE;
	if (err != TOTP_OK)
		relay_request_wipe(ret_relay);
	return err;
}

/* --- the response --- */

enum totp_err relay_put_response(const struct relay_response *relay,
				 uint8_t ret_message[RELAY_RESPONSE_LEN])
{
	struct buffer out = buffer_of(ret_message, RESPONSE_HEAD);

	buffer_u32(&out, RESPONSE_MAGIC);
	buffer_copy(&out, relay->nonce, sizeof(relay->nonce));
	return wire_put_response(&relay->response, ret_message + RESPONSE_HEAD);
}

enum totp_err relay_get_response(const uint8_t *message, size_t len,
				 struct relay_response *ret_relay)
{
	struct bytes in = bytes_of(message, len);
	enum totp_err err = check_kind(&in, RELAY_RESPONSE_LEN, RESPONSE_MAGIC);

	*ret_relay = (struct relay_response){.nonce = {0}};
	if (err != TOTP_OK)
		return err;
	bytes_copy(&in, ret_relay->nonce, sizeof(ret_relay->nonce));
	err = wire_get_response(in.at, in.left, &ret_relay->response);
	if (err != TOTP_OK)
		relay_response_wipe(ret_relay);
	return err;
}
