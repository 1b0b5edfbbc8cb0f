#include "host/source.h"

#include <arpa/inet.h>
#include <stdio.h>

static struct source source_of_address(const struct address *address)
{
	struct source source = {.kind = SOURCE_UNKNOWN};

	if (address->family == ADDRESS_IPV4) {
		source.kind = SOURCE_IPV4;
		memcpy(source.bytes, address->bytes, 4);
	} else if (address->family == ADDRESS_IPV6) {
		source.kind = SOURCE_IPV6;
		memcpy(source.bytes, address->bytes, 8);
	}
	return source;
}

struct source source_of_uid(uid_t uid)
{
	struct source source = {.kind = SOURCE_UID};

	for (int i = 0; i < 4; i++)
		source.bytes[i] = (uint8_t)((uint32_t)uid >> (24 - 8 * i));
	return source;
}

uid_t source_uid(const struct source *source)
{
	const uint8_t *b = source->bytes;

	return (uid_t)b[0] << 24 | (uid_t)b[1] << 16 | (uid_t)b[2] << 8 | b[3];
}

/* SSH_CONNECTION is "address port address port"; the first is the client's. */
static void read_connection(const char *connection, struct address *ret_address)
{
	struct text rest = text_of(connection), first;

	if (text_field(&rest, ' ', &first))
		(void)address_read(first, ret_address);
}

struct source source_of_login(const char *rhost, const char *ssh_connection, uid_t real_uid,
			      struct address *ret_address)
{
	*ret_address = (struct address){.family = ADDRESS_NONE};
	if (!rhost || !rhost[0])
		return source_of_uid(real_uid);
	if (!address_read(text_of(rhost), ret_address) && ssh_connection)
		read_connection(ssh_connection, ret_address);
	return source_of_address(ret_address);
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
		snprintf(ret_text, SOURCE_TEXT_MAX, "uid:%u", (unsigned)source_uid(source));
		return;
	case SOURCE_UNKNOWN:
		break;
	}
	strcpy(ret_text, "unknown");
}

void source_place(const struct source *source, char ret_text[SOURCE_TEXT_MAX])
{
	if (source->kind == SOURCE_UID)
		strcpy(ret_text, "this host");
	else if (source->kind == SOURCE_UNKNOWN)
		strcpy(ret_text, "elsewhere");
	else
		source_text(source, ret_text);
}
