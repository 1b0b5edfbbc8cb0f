/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>

#include "base/address.h"

static struct address address_of(const char *text)
{
	struct address address;

	if (!address_read(text_of(text), &address))
		fail_msg("\"%s\" is an address", text);
	return address;
}

static bool is_in(const char *network_text, const char *address_text)
{
	struct network network;
	struct address address = address_of(address_text);

	assert_ok(network_read(text_of(network_text), &network, NULL));
	return network_has(&network, &address);
}

static void literal_addresses_are_read(void **unused)
{
	static const struct {
		const char *text;
		enum address_family family;
		uint8_t first, last;
	} rows[] = {
		{"192.0.2.1", ADDRESS_IPV4, 192, 0},
		{"0.0.0.0", ADDRESS_IPV4, 0, 0},
		{"2001:db8::1", ADDRESS_IPV6, 0x20, 1},
		{"::", ADDRESS_IPV6, 0, 0},
		{"fe80::1%eth0", ADDRESS_IPV6, 0xfe, 1},
		{"::ffff:192.0.2.7", ADDRESS_IPV4, 192, 0},
		{"::ffff:c000:207", ADDRESS_IPV4, 192, 0},
		{"::ffff:192.0.2.7%eth0", ADDRESS_IPV4, 192, 0},
		{"64:ff9b::192.0.2.7", ADDRESS_IPV4, 192, 0},
		{"64:FF9B::c000:207", ADDRESS_IPV4, 192, 0},
		{"64:ff9b::1:c000:207", ADDRESS_IPV6, 0, 7},
		{"64:ff9b:1::192.0.2.7", ADDRESS_IPV6, 0, 7}, /* RFC 8215 */
		{"64:ff9a::192.0.2.7", ADDRESS_IPV6, 0, 7},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address address = address_of(rows[i].text);

		assert_int_equal(rows[i].family, address.family);
		assert_int_equal(rows[i].first, address.bytes[0]);
		assert_int_equal(rows[i].last, address.bytes[15]);
	}
}

static void anything_else_is_not_an_address(void **unused)
{
	static const char *const texts[] = {
		"",           "localhost",      "192.0.2",      "192.0.2.256",   "192.0.2.1 ",
		"192.0.2.01", "0x7f.1",         "2130706433",   "2001:db8:",     "1::2::3",
		"%eth0",      "192.0.2.1%eth0", "192.0.2.1/32", "[::1]",         ":0",
		"tty1",       "192.0.2.1\n",    "::1 ",         "gw.example.org"};
	struct address address;

	for (size_t i = 0; i < COUNT(texts); i++) {
		if (address_read(text_of(texts[i]), &address))
			fail_msg("\"%s\" is no address", texts[i]);
		assert_int_equal(ADDRESS_NONE, address.family);
	}
	assert_false(address_read((struct text){"1.2.3.4\0", 8}, &address));
}

static void a_network_holds_its_addresses_and_no_others(void **unused)
{
	assert_true(is_in("192.0.2.0/24", "192.0.2.0"));
	assert_true(is_in("192.0.2.0/24", "192.0.2.255"));
	assert_false(is_in("192.0.2.0/24", "192.0.3.0"));
	assert_false(is_in("192.0.2.0/24", "192.0.1.255"));
	assert_true(is_in("192.0.2.128/25", "192.0.2.128"));
	assert_false(is_in("192.0.2.128/25", "192.0.2.127"));
	assert_true(is_in("192.0.2.7", "192.0.2.7"));
	assert_false(is_in("192.0.2.7", "192.0.2.6"));
	assert_true(is_in("2001:db8::/32", "2001:db8:ffff::1"));
	assert_false(is_in("2001:db8::/32", "2001:db9::1"));
	assert_true(is_in("2001:db8::8000/113", "2001:db8::ffff"));
	assert_false(is_in("2001:db8::8000/113", "2001:db8::7fff"));
	assert_true(is_in("fe80::/10", "fe80::1%eth0"));
	assert_true(is_in("::1", "::1"));
}

static void families_do_not_mix_except_for_mapped_addresses(void **unused)
{
	assert_true(is_in("0.0.0.0/0", "203.0.113.9"));
	assert_false(is_in("0.0.0.0/0", "2001:db8::1"));
	assert_false(is_in("0.0.0.0/0", "::"));
	assert_true(is_in("::/0", "2001:db8::1"));
	assert_false(is_in("::/0", "203.0.113.9"));
	assert_false(is_in("::/0", "::ffff:203.0.113.9"));
	assert_true(is_in("192.0.2.0/24", "::ffff:192.0.2.9"));
	assert_true(is_in("::ffff:192.0.2.0/120", "192.0.2.9"));
	assert_true(is_in("::ffff:192.0.2.9", "192.0.2.9"));
	assert_false(is_in("::ffff:192.0.2.0/120", "192.0.3.9"));
}

static void an_address_that_nat64_translated_is_the_ipv4_address_in_it(void **unused)
{
	struct network network;

	assert_true(is_in("192.0.2.0/24", "64:ff9b::192.0.2.9"));
	assert_false(is_in("192.0.2.0/24", "64:ff9b::192.0.3.9"));
	assert_true(is_in("64:ff9b::192.0.2.0/120", "192.0.2.9"));
	assert_true(is_in("64:ff9b::192.0.2.9", "::ffff:192.0.2.9"));
	assert_false(is_in("::/0", "64:ff9b::192.0.2.9"));
	assert_int_equal(TOTP_ERR_FORMAT, network_read(text_of("64:ff9b::/64"), &network, NULL));
}

static void every_length_of_a_network_is_exact(void **unused)
{
	struct address inside = address_of("255.255.255.255");

	for (unsigned bits = 0; bits <= 32; bits++) {
		uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;
		struct network network;
		struct address outside = inside;
		char text[40];

		snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", mask >> 24, mask >> 16 & 255,
			 mask >> 8 & 255, mask & 255, bits);
		assert_ok(network_read(text_of(text), &network, NULL));
		assert_true(network_has(&network, &inside));
		if (bits == 0)
			continue;
		outside.bytes[(bits - 1) / 8] ^= (uint8_t)(0x80 >> (bits - 1) % 8);
		assert_false(network_has(&network, &outside));
	}
}

static void a_malformed_network_is_rejected(void **unused)
{
	static const char *const texts[] = {"",
					    "/",
					    "/8",
					    "10.0.0.0/",
					    "10.0.0.0/33",
					    "10.0.0.1/8",
					    "::1/64",
					    "::/129",
					    "fe80::%eth0/64",
					    "10.0.0.0/-1",
					    "10.0.0.0/8/8",
					    "10/8",
					    "localhost",
					    "10.0.0.0/ 8",
					    "::ffff:0.0.0.0/95",
					    "10.0.0.0/08",
					    "10.0.0.0/255.0.0.0"};
	struct network network;
	struct reason why = {""};

	for (size_t i = 0; i < COUNT(texts); i++)
		if (network_read(text_of(texts[i]), &network, &why) != TOTP_ERR_FORMAT)
			fail_msg("\"%s\" is no network", texts[i]);
	assert_refused(FORMAT, network_read(text_of("10.0.0.1/8"), &network, &why));
	assert_non_null(strstr(why.text, "beyond the first 8"));
}

static void no_address_is_in_no_network(void **unused)
{
	const struct address none = {.family = ADDRESS_NONE};
	struct network network;

	assert_ok(network_read(text_of("0.0.0.0/0"), &network, NULL));
	assert_false(network_has(&network, &none));
	assert_ok(network_read(text_of("::/0"), &network, NULL));
	assert_false(network_has(&network, &none));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(literal_addresses_are_read),
		cmocka_unit_test(anything_else_is_not_an_address),
		cmocka_unit_test(a_network_holds_its_addresses_and_no_others),
		cmocka_unit_test(families_do_not_mix_except_for_mapped_addresses),
		cmocka_unit_test(an_address_that_nat64_translated_is_the_ipv4_address_in_it),
		cmocka_unit_test(every_length_of_a_network_is_exact),
		cmocka_unit_test(a_malformed_network_is_rejected),
		cmocka_unit_test(no_address_is_in_no_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
