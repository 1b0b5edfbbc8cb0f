/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of the PROXY protocol, as haproxy's send-proxy-v2-ssl-cn writes it. */
#include "unit.h"

#include "login/proxy.h"

/* Of a client with the certificate of web01.example.org, and where its fields are. */
static const uint8_t example[] = "\r\n\r\n\0\r\nQUIT\n" /* 0 */
				 "\x21\x11\0\x32"       /* 12: PROXY, TCP over IPv4, 50 bytes */
				 "\x7f\0\0\x01\x7f\0\0\x01\x9c\x40\x1d\x13"
				 "\x20\0\x23"        /* 28: the field about TLS, 35 bytes */
				 "\x07\0\0\0\0"      /* 31: TLS with a certificate, verified */
				 "\x21\0\x07TLSv1.3" /* 36 */
				 "\x22\0\x11web01.example.org"
				 "\x99"; /* not part of it */

#define EXAMPLE_LEN (16 + 50)

static enum totp_err read_with(size_t at, uint8_t value, char host[PROXY_HOST_MAX + 1])
{
	uint8_t header[EXAMPLE_LEN];

	memcpy(header, example, sizeof(header));
	if (value == header[at])
		fail_msg("byte %zu is %u already", at, value);
	header[at] = value;
	strcpy(host, "untouched");
	return proxy_read(header, sizeof(header), host);
}

static void the_common_name_of_the_certificate_is_read(void **unused)
{
	char host[PROXY_HOST_MAX + 1];
	size_t len = 1;

	assert_ok(proxy_read(example, EXAMPLE_LEN, host));
	assert_string_equal("web01.example.org", host);
	for (size_t seen = 0; seen < PROXY_HEAD_LEN; seen++) {
		assert_ok(proxy_length(example, seen, &len));
		assert_int_equal(0, len);
	}
	assert_ok(proxy_length(example, PROXY_HEAD_LEN, &len));
	assert_int_equal(EXAMPLE_LEN, len);
	assert_ok(read_with(49, 'W', host));
	assert_string_equal("web01.example.org", host);
}

static void a_header_that_is_cut_or_longer_is_rejected(void **unused)
{
	char host[PROXY_HOST_MAX + 1];

	for (size_t len = 0; len < EXAMPLE_LEN; len++)
		assert_refused(FORMAT, proxy_read(example, len, host));
	assert_refused(FORMAT, proxy_read(example, EXAMPLE_LEN + 1, host));
}

static void a_client_without_a_verified_certificate_is_nobody(void **unused)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{28, 0x04}, /* nothing about TLS */
		{31, 0x01}, /* TLS, no certificate */
		{31, 0x06}, /* no TLS */
		{35, 0x0a}, /* the certificate has expired */
		{46, 0x23}, /* no name in it */
		{49, ' '},  {49, 0}, {49, ','}, {49, '*'}, {49, '/'}, {49, 0x80},
	};
	char host[PROXY_HOST_MAX + 1];

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (read_with(rows[i].at, rows[i].value, host) != TOTP_ERR_FORBIDDEN)
			fail_msg("byte %zu as %u was not forbidden", rows[i].at, rows[i].value);
		assert_string_equal("untouched", host);
	}
}

static void another_structure_is_rejected(void **unused)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{0, 'P'},   /* the first version, and anything else */
		{12, 0x31}, /* a later version */
		{12, 0x22}, /* no command */
		{13, 0x41}, /* no family */
		{13, 0x21}, /* addresses that are longer than they are */
		{30, 0x24}, /* a field that ends after the header */
		{30, 0x22}, /* one that ends before a field in it */
		{36, 0x22}, /* two names */
		{38, 0x08}, /* a field in the wrong place */
	};
	char host[PROXY_HOST_MAX + 1];

	for (size_t i = 0; i < COUNT(rows); i++)
		if (read_with(rows[i].at, rows[i].value, host) != TOTP_ERR_FORMAT)
			fail_msg("byte %zu as %u was not malformed", rows[i].at, rows[i].value);
}

static void two_names_of_two_fields_are_rejected(void **unused)
{
	uint8_t header[PROXY_HEADER_MAX];
	char host[PROXY_HOST_MAX + 1];
	const size_t field = EXAMPLE_LEN - 28;

	memcpy(header, example, EXAMPLE_LEN);
	memcpy(header + EXAMPLE_LEN, example + 28, field);
	header[15] = (uint8_t)(50 + field);
	assert_refused(FORMAT, proxy_read(header, EXAMPLE_LEN + field, host));
	header[EXAMPLE_LEN] = 0x04; /* a field that says nothing of TLS */
	assert_ok(proxy_read(header, EXAMPLE_LEN + field, host));
}

/* The example with another family and so many bytes of addresses; returns its length. */
static size_t with_addresses(uint8_t family, size_t len, uint8_t ret_header[PROXY_HEADER_MAX])
{
	const size_t fields = EXAMPLE_LEN - 28;

	memcpy(ret_header, example, PROXY_HEAD_LEN);
	memset(ret_header + PROXY_HEAD_LEN, 'a', len);
	memcpy(ret_header + PROXY_HEAD_LEN + len, example + 28, fields);
	ret_header[13] = family;
	ret_header[14] = (uint8_t)((len + fields) >> 8);
	ret_header[15] = (uint8_t)(len + fields);
	return PROXY_HEAD_LEN + len + fields;
}

static void the_addresses_of_each_family_are_passed_over(void **unused)
{
	static const struct {
		uint8_t family;
		size_t len;
	} rows[] = {{0x00, 0}, {0x01, 0}, {0x11, 12}, {0x21, 36}, {0x31, 216}};
	uint8_t header[PROXY_HEADER_MAX];

	for (size_t i = 0; i < COUNT(rows); i++) {
		char host[PROXY_HOST_MAX + 1] = "";
		size_t len = with_addresses(rows[i].family, rows[i].len, header);

		assert_ok(proxy_read(header, len, host));
		assert_string_equal("web01.example.org", host);
		len = with_addresses(rows[i].family, rows[i].len + 1, header);
		if (proxy_read(header, len, host) == TOTP_OK)
			fail_msg("family %02x with a byte more", rows[i].family);
	}
}

static void a_name_has_at_least_one_byte_and_at_most_64(void **unused)
{
	/* the lengths of the header, of the part about TLS, and of the name in it */
	enum { IN_HEADER = 15, IN_TLS = 30, IN_NAME = 48, NAME = 49, USUAL = 17 };
	uint8_t header[PROXY_HEADER_MAX];
	char host[PROXY_HOST_MAX + 1];

	for (size_t name = 0; name <= PROXY_HOST_MAX + 1; name++) {
		bool fits = name >= 1 && name <= PROXY_HOST_MAX;

		memset(header, 'h', sizeof(header));
		memcpy(header, example, NAME);
		header[IN_HEADER] = (uint8_t)(50 - USUAL + name);
		header[IN_TLS] = (uint8_t)(35 - USUAL + name);
		header[IN_NAME] = (uint8_t)name;
		if (proxy_read(header, NAME + name, host) != (fits ? TOTP_OK : TOTP_ERR_FORBIDDEN))
			fail_msg("a name of %zu bytes", name);
		if (fits)
			assert_int_equal(name, strlen(host));
	}
}

static void a_look_of_the_proxy_itself_is_no_client(void **unused)
{
	char host[PROXY_HOST_MAX + 1];

	assert_refused(NOT_FOUND, read_with(12, 0x20, host));
}

static void a_header_that_claims_to_be_long_is_not_waited_for(void **unused)
{
	uint8_t header[PROXY_HEAD_LEN];
	size_t len;

	memcpy(header, example, sizeof(header));
	header[14] = 2;
	header[15] = 8;
	assert_ok(proxy_length(header, sizeof(header), &len));
	assert_int_equal(PROXY_HEADER_MAX, len);
	header[15] = 9;
	assert_refused(RANGE, proxy_length(header, sizeof(header), &len));
	header[3] = 'x';
	assert_refused(FORMAT, proxy_length(header, 4, &len));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_common_name_of_the_certificate_is_read),
		cmocka_unit_test(a_header_that_is_cut_or_longer_is_rejected),
		cmocka_unit_test(a_client_without_a_verified_certificate_is_nobody),
		cmocka_unit_test(another_structure_is_rejected),
		cmocka_unit_test(two_names_of_two_fields_are_rejected),
		cmocka_unit_test(the_addresses_of_each_family_are_passed_over),
		cmocka_unit_test(a_name_has_at_least_one_byte_and_at_most_64),
		cmocka_unit_test(a_look_of_the_proxy_itself_is_no_client),
		cmocka_unit_test(a_header_that_claims_to_be_long_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
