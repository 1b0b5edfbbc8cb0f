/* SPDX-License-Identifier: BSD-2-Clause */
/* A login host's request, as it arrives at a verifier in pieces. */
#include "../unit/unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "stream.h"

/* As haproxy writes it, of a client with the certificate of web01. */
static const uint8_t header[] = "\r\n\r\n\0\r\nQUIT\n"
				"\x21\x11\0\x1c"
				"\x7f\0\0\x01\x7f\0\0\x01\x9c\x40\x1d\x13"
				"\x20\0\x0d"
				"\x07\0\0\0\0"
				"\x22\0\x05web01";

#define HEADER_LEN (sizeof(header) - 1)
#define ALL_LEN    (HEADER_LEN + RELAY_REQUEST_LEN)

static struct client client;
static int host; /* the other end */
static uint8_t nonce[RELAY_NONCE_LEN], all[ALL_LEN + 1];

static int connect_them(void **unused)
{
	uint8_t hello[RELAY_HELLO_LEN];
	struct relay_request relay = {.known = true,
				      .uid = 1000,
				      .wait_ms = 3000,
				      .request = {.op = WIRE_CHECK, .user = "alice"}};
	int pair[2];

	memset(&client, 0, sizeof(client));
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	client.fd = pair[0];
	host = pair[1];
	assert_true(stream_greet(&client));
	assert_int_equal(sizeof(hello), read(host, hello, sizeof(hello)));
	assert_ok(relay_get_hello(hello, sizeof(hello), nonce));
	memcpy(relay.nonce, nonce, sizeof(nonce));
	memcpy(all, header, HEADER_LEN);
	assert_ok(relay_put_request(&relay, all + HEADER_LEN));
	all[ALL_LEN] = 'x';
	return 0;
}

static int disconnect(void **unused)
{
	close(client.fd);
	close(host);
	return 0;
}

static void put(const uint8_t *data, size_t len)
{
	assert_int_equal(len, write(host, data, len));
}

static enum totp_err receive(void)
{
	struct reason why = {""};

	return stream_receive(&client, &why);
}

static void a_request_arrives_in_pieces_of_any_size(void **unused)
{
	for (size_t size = 1; size <= ALL_LEN; size = size < 8 ? size + 1 : size * 3) {
		for (size_t at = 0; at < ALL_LEN; at += size) {
			size_t len = ALL_LEN - at < size ? ALL_LEN - at : size;

			assert_int_equal(TOTP_ERR_STALE, receive());
			put(all + at, len);
			assert_int_equal(at + len < ALL_LEN ? TOTP_ERR_STALE : TOTP_OK, receive());
		}
		assert_ok(client.err);
		assert_string_equal("web01", client.peer.host);
		assert_string_equal("alice", client.relay.request.user);
		assert_int_equal(1000, client.relay.uid);
		disconnect(NULL);
		connect_them(NULL);
	}
}

static void the_request_of_another_connection_is_denied(void **unused)
{
	all[HEADER_LEN + 4] ^= 1; /* of the nonce */
	put(all, ALL_LEN);
	assert_ok(receive());
	assert_refused(FORMAT, client.err);
	assert_string_equal("web01", client.peer.host);
}

static void a_byte_too_many_is_denied(void **unused)
{
	put(all, ALL_LEN + 1);
	assert_ok(receive());
	assert_refused(FORMAT, client.err);
}

static void without_a_header_nobody_is_asked_for(void **unused)
{
	put(all + HEADER_LEN, RELAY_REQUEST_LEN);
	assert_refused(FORMAT, receive());
	assert_string_equal("", client.peer.host);
}

static void without_a_certificate_it_is_no_host(void **unused)
{
	struct reason why = {""};

	all[31] = 1; /* TLS without a certificate */
	put(all, ALL_LEN);
	assert_refused(FORBIDDEN, stream_receive(&client, &why));
	assert_non_null(strstr(why.text, "send-proxy-v2-ssl-cn"));
}

static void a_malformed_header_is_reported(void **unused)
{
	struct reason why = {""};

	all[13] = 0x41; /* no family of addresses */
	put(all, ALL_LEN);
	assert_refused(FORMAT, stream_receive(&client, &why));
	assert_string_equal("the program that ends TLS sent a malformed header", why.text);
	assert_string_equal("", client.peer.host);
}

static void an_end_before_the_request_is_no_request(void **unused)
{
	put(all, ALL_LEN - 1);
	assert_int_equal(TOTP_ERR_STALE, receive());
	assert_int_equal(0, shutdown(host, SHUT_WR));
	assert_refused(PEER, receive());
}

static void nothing_of_a_code_is_left_in_the_buffer(void **unused)
{
	put(all, ALL_LEN);
	assert_ok(receive());
	for (size_t i = 0; i < sizeof(client.stream); i++)
		assert_int_equal(0, client.stream[i]);
}

static void the_response_has_the_nonce_of_the_hello(void **unused)
{
	const struct wire_response response = {.op = WIRE_CHECK, .err = TOTP_ERR_FORBIDDEN};
	struct relay_response relay;
	uint8_t message[RELAY_RESPONSE_LEN + 1];

	stream_answer(&client, &response);
	assert_int_equal(RELAY_RESPONSE_LEN, read(host, message, sizeof(message)));
	assert_ok(relay_get_response(message, RELAY_RESPONSE_LEN, &relay));
	assert_memory_equal(nonce, relay.nonce, sizeof(nonce));
	assert_int_equal(TOTP_ERR_FORBIDDEN, relay.response.err);
}

static void each_connection_has_another_nonce(void **unused)
{
	uint8_t before[RELAY_NONCE_LEN];

	memcpy(before, nonce, sizeof(before));
	disconnect(NULL);
	connect_them(NULL);
	assert_memory_not_equal(before, nonce, sizeof(before));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, connect_them, disconnect)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_request_arrives_in_pieces_of_any_size),
		TEST(the_request_of_another_connection_is_denied),
		TEST(a_byte_too_many_is_denied),
		TEST(without_a_header_nobody_is_asked_for),
		TEST(without_a_certificate_it_is_no_host),
		TEST(a_malformed_header_is_reported),
		TEST(an_end_before_the_request_is_no_request),
		TEST(nothing_of_a_code_is_left_in_the_buffer),
		TEST(the_response_has_the_nonce_of_the_hello),
		TEST(each_connection_has_another_nonce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
