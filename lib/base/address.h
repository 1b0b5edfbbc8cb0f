/* SPDX-License-Identifier: BSD-2-Clause */
/* Literal IP addresses and networks. No name is ever looked up. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/text.h"

enum address_family { ADDRESS_NONE = 0, ADDRESS_IPV4 = 4, ADDRESS_IPV6 = 6 };

struct address {
	enum address_family family;
	uint8_t bytes[16]; /* IPv4: the first four, zeros after them */
};

struct network {
	struct address address; /* of the network: zeros after its bits */
	unsigned bits;          /* 0 to 32, or to 128 */
};

/*
 * Read an address: dotted IPv4 (four decimal numbers), or IPv6 (RFC 4291 section 2.2),
 * whose zone after % (RFC 4007) is dropped. An IPv6 address that holds an IPv4 address,
 * mapped (::ffff:192.0.2.1) or translated by NAT64 (64:ff9b::192.0.2.1), is that IPv4
 * address. False, and ADDRESS_NONE, for anything else.
 */
bool address_read(struct text text, struct address *ret_address);

/*
 * Read ADDRESS or ADDRESS/BITS (RFC 4632 section 3.1); without bits it is the one address.
 * Of a network of such addresses (::ffff:192.0.2.0/120, 64:ff9b::192.0.2.0/120) the bits
 * beyond 96 are those of IPv4, and fewer than 96 are refused. A zone is refused: it names
 * no network.
 *
 * TOTP_ERR_FORMAT: not that, or bits of the address are set beyond the network's; *why says
 * which network was perhaps meant.
 */
MUST_CHECK enum totp_err network_read(struct text text, struct network *ret_network,
				      struct reason *why);

/* Is the address in the network? Never if the families differ: ::/0 holds no IPv4 address. */
bool network_has(const struct network *network, const struct address *address);

#endif
