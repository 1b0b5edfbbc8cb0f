/* SPDX-License-Identifier: BSD-2-Clause */
#include "stream.h"

#include <errno.h>
#include <sys/socket.h>

bool stream_greet(struct client *client)
{
	uint8_t hello[RELAY_HELLO_LEN];

	client->is_stream = true;
	if (crypto_random(client->nonce, sizeof(client->nonce)) != TOTP_OK)
		return false;
	relay_put_hello(client->nonce, hello);
	/* a new connection has room for it */
	return send(client->fd, hello, sizeof(hello), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(hello);
}

/* Which host is it? Only once: the header has its end. */
static enum totp_err find_host(struct client *client, size_t header_len, struct reason *why)
{
	enum totp_err err;

	if (client->peer.host[0])
		return TOTP_OK;
	err = proxy_read(client->stream, header_len, client->peer.host);
	if (err == TOTP_ERR_FORBIDDEN)
		reason_set(why, "the program that ends TLS handed on no verified certificate with "
				"the name of a host: it needs verify required, and "
				"send-proxy-v2-ssl-cn");
	else if (err == TOTP_ERR_FORMAT)
		reason_set(why, "the program that ends TLS sent a malformed header");
	return err;
}

enum totp_err stream_receive(struct client *client, struct reason *why)
{
	uint8_t *end = client->stream + client->received;
	size_t header_len = 0;
	ssize_t len =
		recv(client->fd, end, sizeof(client->stream) - client->received, MSG_DONTWAIT);
	enum totp_err err;

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return TOTP_ERR_STALE;
	if (len <= 0)
		return TOTP_ERR_PEER;
	client->received += (size_t)len;
	err = proxy_length(client->stream, client->received, &header_len);
	if (err != TOTP_OK)
		return reason_err(why, err,
				  "the program that ends TLS sent no header of the PROXY protocol: "
				  "it needs send-proxy-v2-ssl-cn");
	if (header_len == 0 || client->received < header_len)
		return TOTP_ERR_STALE;
	err = find_host(client, header_len, why);
	if (err != TOTP_OK)
		return err;
	if (client->received < header_len + RELAY_REQUEST_LEN)
		return TOTP_ERR_STALE;
	client->err = relay_get_request(client->stream + header_len, client->received - header_len,
					&client->relay);
	explicit_bzero(client->stream, sizeof(client->stream));
	if (client->err == TOTP_OK &&
	    memcmp(client->relay.nonce, client->nonce, sizeof(client->nonce)) != 0)
		client->err = TOTP_ERR_FORMAT; /* of another connection */
	return TOTP_OK;
}

void stream_answer(const struct client *client, const struct wire_response *response)
{
	OWN_RELAY_RESPONSE struct relay_response answer = {.response = *response};
	uint8_t message[RELAY_RESPONSE_LEN];

	memcpy(answer.nonce, client->nonce, sizeof(answer.nonce));
	if (relay_put_response(&answer, message) == TOTP_OK)
		(void)!send(client->fd, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
	WIPE(message);
}
