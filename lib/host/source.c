#include "host/source.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool ipv4_source(const char *text, struct source *ret_source)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return false;
	*ret_source = (struct source){.kind = SOURCE_IPV4};
	memcpy(ret_source->bytes, &address, 4);
	return true;
}

static bool ipv6_source(const char *text, struct source *ret_source)
{
	char without_zone[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t len = strcspn(text, "%");

	if (text_copy((struct text){text, len}, without_zone, sizeof(without_zone)) != TOTP_OK ||
	    inet_pton(AF_INET6, without_zone, &address) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&address)) {
		*ret_source = (struct source){.kind = SOURCE_IPV4};
		memcpy(ret_source->bytes, address.s6_addr + 12, 4);
		return true;
	}
	*ret_source = (struct source){.kind = SOURCE_IPV6};
	memcpy(ret_source->bytes, address.s6_addr, 8);
	return true;
}

static bool address_source(const char *text, struct source *ret_source)
{
	return ipv4_source(text, ret_source) || ipv6_source(text, ret_source);
}

/* SSH_CONNECTION is "address port address port"; the first is the client's. */
static bool connection_source(const char *connection, struct source *ret_source)
{
	struct text rest = text_of(connection), first;
	char address[SOURCE_TEXT_MAX];

	return text_field(&rest, ' ', &first) &&
	       text_copy(first, address, sizeof(address)) == TOTP_OK &&
	       address_source(address, ret_source);
}

struct source source_of_login(const char *rhost, const char *ssh_connection, uid_t real_uid)
{
	struct source source = {.kind = SOURCE_UNKNOWN};

	if (!rhost || !rhost[0]) {
		source.kind = SOURCE_UID;
		for (int i = 0; i < 4; i++)
			source.bytes[i] = (uint8_t)((uint32_t)real_uid >> (24 - 8 * i));
		return source;
	}
	if (!address_source(rhost, &source) && ssh_connection)
		(void)connection_source(ssh_connection, &source);
	return source;
}

void source_text(const struct source *source, char ret_text[SOURCE_TEXT_MAX])
{
	const uint8_t *b = source->bytes;
	struct in6_addr network = {0};

	switch ((enum source_kind)source->kind) {
	case SOURCE_IPV4:
		snprintf(ret_text, SOURCE_TEXT_MAX, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
		return;
	case SOURCE_IPV6:
		memcpy(network.s6_addr, b, 8);
		if (!inet_ntop(AF_INET6, &network, ret_text, SOURCE_TEXT_MAX - 4))
			break;
		strcat(ret_text, "/64");
		return;
	case SOURCE_UID:
		snprintf(ret_text, SOURCE_TEXT_MAX, "uid:%u",
			 (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3]);
		return;
	case SOURCE_UNKNOWN:
		break;
	}
	strcpy(ret_text, "unknown");
}
