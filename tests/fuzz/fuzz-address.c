/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is a network, a NUL, and an address. */
#include "fuzz.h"

#include <arpa/inet.h>

#include "base/address.h"

static size_t length_of(const struct address *address)
{
	return address->family == ADDRESS_IPV4 ? 4 : 16;
}

/* The same question, bit by bit. */
static bool shares_bits(const struct network *network, const struct address *address)
{
	if (address->family != network->address.family)
		return false;
	for (unsigned i = 0; i < network->bits; i++)
		if (((address->bytes[i / 8] ^ network->address.bytes[i / 8]) >> (7 - i % 8)) & 1)
			return false;
	return true;
}

/* An address that inet_ntop has written is read as the same one. */
static void survives(const struct address *address)
{
	char text[INET6_ADDRSTRLEN];
	struct address back;

	REQUIRE(inet_ntop(address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6, address->bytes,
			  text, sizeof(text)));
	REQUIRE(address_read(text_of(text), &back));
	REQUIRE(memcmp(address, &back, sizeof(back)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = fuzz_text(data, size);
	char first[300], second[300];
	struct address address;
	struct network network;
	bool read;

	fuzz_string(&input, first, sizeof(first));
	fuzz_string(&input, second, sizeof(second));
	read = address_read(text_of(second), &address);
	REQUIRE(read == (address.family != ADDRESS_NONE));
	if (read)
		survives(&address);
	if (network_read(text_of(first), &network, NULL) != TOTP_OK)
		return 0;
	REQUIRE(network.bits <= 8 * length_of(&network.address));
	REQUIRE(network_has(&network, &network.address));
	REQUIRE(network_has(&network, &address) == (read && shares_bits(&network, &address)));
	return 0;
}
