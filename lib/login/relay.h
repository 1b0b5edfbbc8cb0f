/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the totpd of a login host and the totpd of a verifier say to each other over the network:
 * the messages of login/wire.h in an envelope. Their bytes are specified in totpd-protocol(5).
 *
 * The verifier speaks first. Its hello shows that it can answer, and holds a nonce that the request
 * and the response repeat: a request that was recorded is worthless on another connection, and an
 * answer to another request is recognized.
 *
 * Either end may be hostile: a login host may be in the hands of an attacker, and what sits
 * between may mix up connections.
 */
#ifndef LOGIN_RELAY_H
#define LOGIN_RELAY_H

#include "login/wire.h"

#define RELAY_NONCE_LEN    16
#define RELAY_HELLO_LEN    (4 + RELAY_NONCE_LEN)
#define RELAY_REQUEST_LEN  (4 + RELAY_NONCE_LEN + 7 + WIRE_REQUEST_LEN)
#define RELAY_RESPONSE_LEN (4 + RELAY_NONCE_LEN + WIRE_RESPONSE_LEN)

struct relay_request {
	uint8_t nonce[RELAY_NONCE_LEN]; /* of the hello */
	bool known;                     /* the host's name service knows the user… */
	uint32_t uid;                   /* …by this uid; 0 if it does not */
	uint16_t wait_ms;               /* for so long the host waits: their clocks are not one */
	struct wire_request request;    /* without store and deadline, which are of one host */
};

struct relay_response {
	uint8_t nonce[RELAY_NONCE_LEN]; /* of the hello */
	struct wire_response response;
};

#define OWN_RELAY_REQUEST  OWN(relay_request_wipe)
#define OWN_RELAY_RESPONSE OWN(relay_response_wipe)

void relay_request_wipe(struct relay_request *relay);
void relay_response_wipe(struct relay_response *relay);

void relay_put_hello(const uint8_t nonce[RELAY_NONCE_LEN], uint8_t ret_message[RELAY_HELLO_LEN]);

/* Errors as wire_put_request; TOTP_ERR_RANGE: a store, a deadline, or a uid of an unknown user. */
MUST_CHECK enum totp_err relay_put_request(const struct relay_request *relay,
					   uint8_t ret_message[RELAY_REQUEST_LEN]);
MUST_CHECK enum totp_err relay_put_response(const struct relay_response *relay,
					    uint8_t ret_message[RELAY_RESPONSE_LEN]);

/*
 * Decode a message of len bytes. TOTP_ERR_UNSUPPORTED: of another version.
 * TOTP_ERR_FORMAT, TOTP_ERR_RANGE: none such. On failure the struct is wiped. The reader compares
 * the nonce, and checks whether the fields suit the operation.
 */
MUST_CHECK enum totp_err relay_get_hello(const uint8_t *message, size_t len,
					 uint8_t ret_nonce[RELAY_NONCE_LEN]);
MUST_CHECK enum totp_err relay_get_request(const uint8_t *message, size_t len,
					   struct relay_request *ret_relay);
MUST_CHECK enum totp_err relay_get_response(const uint8_t *message, size_t len,
					    struct relay_response *ret_relay);

#endif
