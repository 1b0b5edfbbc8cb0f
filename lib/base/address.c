/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

/* An IPv6 address that begins so holds an IPv4 address in its last four bytes. */
static const uint8_t prefixes[][12] = {
	{[10] = 0xff, 0xff},      /* ::ffff:0:0/96, RFC 4291 section 2.5.5.2 */
	{0x00, 0x64, 0xff, 0x9b}, /* 64:ff9b::/96, what NAT64 writes: RFC 6052 section 2.1 */
};

static bool read_as(enum address_family family, struct text text, struct address *ret_address)
{
	char copy[INET6_ADDRSTRLEN];

	if (text_copy(text, copy, sizeof(copy)) != TOTP_OK ||
	    inet_pton(family == ADDRESS_IPV4 ? AF_INET : AF_INET6, copy, ret_address->bytes) != 1)
		return false;
	ret_address->family = family;
	return true;
}

static bool holds_ipv4(const struct address *address)
{
	if (address->family != ADDRESS_IPV6)
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (memcmp(address->bytes, prefixes[i], sizeof(prefixes[i])) == 0)
			return true;
	return false;
}

static void take_ipv4(struct address *address)
{
	struct address ipv4 = {.family = ADDRESS_IPV4};

	memcpy(ipv4.bytes, address->bytes + sizeof(prefixes[0]), 4);
	*address = ipv4;
}

bool address_read(struct text text, struct address *ret_address)
{
	const char *zone = text.len ? memchr(text.at, '%', text.len) : NULL;
	struct text bare = {text.at, zone ? (size_t)(zone - text.at) : text.len};

	*ret_address = (struct address){.family = ADDRESS_NONE};
	if (zone ? read_as(ADDRESS_IPV6, bare, ret_address)
		 : read_as(ADDRESS_IPV4, bare, ret_address) ||
			    read_as(ADDRESS_IPV6, bare, ret_address)) {
		if (holds_ipv4(ret_address))
			take_ipv4(ret_address);
		return true;
	}
	*ret_address = (struct address){.family = ADDRESS_NONE};
	return false;
}

/* The address without what lies beyond the first bits. */
static struct address cut(struct address address, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(address.bytes); i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8)
			address.bytes[i] &= (uint8_t)(0xff00u >> kept);
	}
	return address;
}

/* The part after the slash, or all the bits there are. */
static bool read_bits(struct text bits, bool given, unsigned max, unsigned *ret_bits)
{
	uint64_t number = max;

	if (given &&
	    (text_number(bits, 0, max, &number) != TOTP_OK || (bits.len > 1 && bits.at[0] == '0')))
		return false;
	*ret_bits = (unsigned)number;
	return true;
}

static bool read_parts(struct text text, struct network *network)
{
	const char *slash = text.len ? memchr(text.at, '/', text.len) : NULL;
	struct text address = {text.at, slash ? (size_t)(slash - text.at) : text.len}, bits = {0};

	if (slash)
		bits = (struct text){slash + 1, text.len - address.len - 1};
	if (read_as(ADDRESS_IPV4, address, &network->address))
		return read_bits(bits, slash, 32, &network->bits);
	if (!read_as(ADDRESS_IPV6, address, &network->address) ||
	    !read_bits(bits, slash, 128, &network->bits))
		return false;
	if (!holds_ipv4(&network->address))
		return true;
	if (network->bits < 96)
		return false;
	take_ipv4(&network->address);
	network->bits -= 96;
	return true;
}

enum totp_err network_read(struct text text, struct network *ret_network, struct reason *why)
{
	struct network network = {.bits = 0};
	struct address whole;

	if (!read_parts(text, &network))
		return reason_err(why, TOTP_ERR_FORMAT,
				  "expected addresses and networks such as 192.0.2.0/24 and "
				  "2001:db8::/32, separated by commas");
	whole = cut(network.address, network.bits);
	if (memcmp(whole.bytes, network.address.bytes, sizeof(whole.bytes)) != 0)
		return reason_err(
			why, TOTP_ERR_FORMAT,
			"bits are set beyond the first %u of a network: write zeros there",
			network.bits);
	*ret_network = network;
	return TOTP_OK;
}

bool network_has(const struct network *network, const struct address *address)
{
	struct address whole = cut(*address, network->bits);

	return address->family != ADDRESS_NONE && address->family == network->address.family &&
	       memcmp(whole.bytes, network->address.bytes, sizeof(whole.bytes)) == 0;
}
