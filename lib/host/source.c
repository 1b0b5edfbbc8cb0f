/* SPDX-License-Identifier: BSD-2-Clause */
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

/* --- root's processes --- */

/* Does PAM_TTY, without /dev/, name a terminal? tty1, ttyS0, hvc0, pts/3, :0, lxc/tty1... */
static bool is_terminal(const char *name)
{
	static const char beginnings[][11] = {"tty", "pts/", "hvc",       "hvsi",  "xvc",
					      ":",   "vc/",  "sclp_line", "3270/", "lxc/"};

	if (strcmp(name, "console") == 0)
		return true;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		size_t len = strlen(beginnings[i]);

		if (strncmp(name, beginnings[i], len) == 0 && name[len])
			return true;
	}
	return false;
}

/* The terminal of the login: "" if there is none. */
static const char *terminal_of(const struct origin *caller)
{
	static const char dev[] = "/dev/";
	const char *name = caller->terminal ? caller->terminal : "";

	if (caller->rhost && caller->rhost[0])
		return "";
	if (strncmp(name, dev, sizeof(dev) - 1) == 0)
		name += sizeof(dev) - 1;
	if (!is_terminal(name))
		return "";
	return strncmp(name, "pts/", 4) == 0 ? SOURCE_PTS : name;
}

#define CUT_LEN 3 /* "~xy" */

/* FNV-1a: names that differ only in the part that is cut off stay different. Strangers choose
 * neither name. */
static uint32_t hash_name(const char *text, uint32_t hash)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * UINT32_C(16777619);
	return hash;
}

/* Terminal, NUL and service. If they are too long, a hash replaces the end. */
static void put_caller(const char *terminal, const char *service, uint8_t room[SOURCE_CALLER_LEN])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	char text[SOURCE_CALLER_LEN + 1] = {0};
	size_t cut = strnlen(terminal, SOURCE_CALLER_LEN - 1 - CUT_LEN);
	uint32_t hash =
		hash_name(service, hash_name("\n", hash_name(terminal, UINT32_C(2166136261))));

	memcpy(text, terminal, cut);
	strncpy(text + cut + 1, service, SOURCE_CALLER_LEN - cut - 1);
	if (strlen(terminal) > cut || strlen(service) > SOURCE_CALLER_LEN - cut - 1) {
		text[SOURCE_CALLER_LEN - CUT_LEN] = '~';
		for (size_t i = SOURCE_CALLER_LEN - CUT_LEN + 1; i < SOURCE_CALLER_LEN; i++)
			text[i] = digits[hash >> 5 * (i % 5) & 31];
	}
	memcpy(room, text, SOURCE_CALLER_LEN);
}

/* --- any process --- */

struct source source_of_login(const struct origin *caller, struct address *ret_address)
{
	struct source source = {.kind = SOURCE_UID};
	struct text connection = text_of(caller->ssh_connection ? caller->ssh_connection : "");
	struct text first;

	*ret_address = (struct address){.family = ADDRESS_NONE};
	/* SSH_CONNECTION is "address port address port"; the first is the client's */
	if (caller->rhost && caller->rhost[0] &&
	    !address_read(text_of(caller->rhost), ret_address) &&
	    text_field(&connection, ' ', &first))
		(void)address_read(first, ret_address);
	if (ret_address->family != ADDRESS_NONE)
		return source_of_address(ret_address);
	if (caller->real_uid)
		return source_of_uid(caller->real_uid);
	put_caller(terminal_of(caller), caller->service ? caller->service : "",
		   source.bytes + SOURCE_CALLER_AT);
	return source;
}

/* --- a process of another host --- */

enum totp_err source_on_host(const struct source *source, const char *host,
			     struct source *ret_source)
{
	const struct piece caller = {source->bytes, sizeof(source->bytes)};
	struct source made = {.kind = SOURCE_HOST};
	uint8_t mac[MAC_MAX];
	size_t label = strcspn(host, ".");
	enum totp_err err;

	if (source->kind != SOURCE_UID && source->kind != SOURCE_HOST) {
		*ret_source = *source;
		return TOTP_OK;
	}
	err = crypto_hmac(HMAC_SHA256, (struct piece){host, strlen(host)}, &caller, 1, mac);
	if (err != TOTP_OK)
		return err;
	made.bytes[0] = (uint8_t)source_class(source);
	memcpy(made.bytes + 1, mac, SOURCE_CALLER_AT - 1);
	memcpy(made.bytes + SOURCE_CALLER_AT, host,
	       label < SOURCE_CALLER_LEN ? label : SOURCE_CALLER_LEN);
	*ret_source = made;
	return TOTP_OK;
}

/* --- in words --- */

/* The reverse of put_caller. */
static void get_caller(const struct source *source, char terminal[SOURCE_CALLER_LEN + 1],
		       char service[SOURCE_CALLER_LEN + 1])
{
	const char *text = (const char *)source->bytes + SOURCE_CALLER_AT;
	size_t len = strnlen(text, SOURCE_CALLER_LEN);

	memset(terminal, 0, SOURCE_CALLER_LEN + 1);
	memset(service, 0, SOURCE_CALLER_LEN + 1);
	for (size_t i = 0; i < SOURCE_CALLER_LEN; i++) {
		char c = text[i] > ' ' && text[i] < 0x7f ? text[i] : '?';

		if (i < len)
			terminal[i] = c;
		else if (i > len && text[i])
			service[i - len - 1] = c;
	}
}

void source_text(const struct source *source, char ret_text[SOURCE_TEXT_MAX])
{
	char terminal[SOURCE_CALLER_LEN + 1], service[SOURCE_CALLER_LEN + 1];
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
	case SOURCE_HOST:
	case SOURCE_UID:
		get_caller(source, terminal, service);
		if (source->kind == SOURCE_HOST)
			snprintf(ret_text, SOURCE_TEXT_MAX, "host:%s", terminal);
		else if (source_uid(source) != 0 || (!terminal[0] && !service[0]))
			snprintf(ret_text, SOURCE_TEXT_MAX, "uid:%u", (unsigned)source_uid(source));
		else
			snprintf(ret_text, SOURCE_TEXT_MAX, "service:%s%s%s", service,
				 terminal[0] ? ":" : "", terminal);
		return;
	case SOURCE_UNKNOWN:
		break;
	}
	strcpy(ret_text, "unknown");
}

void source_place(const struct source *source, char ret_text[SOURCE_TEXT_MAX])
{
	char terminal[SOURCE_CALLER_LEN + 1], service[SOURCE_CALLER_LEN + 1];

	get_caller(source, terminal, service);
	if (source->kind == SOURCE_UNKNOWN)
		strcpy(ret_text, "elsewhere");
	else if (source->kind == SOURCE_HOST)
		strcpy(ret_text, terminal);
	else if (source->kind != SOURCE_UID)
		source_text(source, ret_text);
	else if (source_uid(source) != 0 || (!terminal[0] && !service[0]))
		strcpy(ret_text, "this host");
	else if (terminal[0])
		snprintf(ret_text, SOURCE_TEXT_MAX, "%s of this host",
			 strcmp(terminal, SOURCE_PTS) == 0 ? "a terminal" : terminal);
	else
		snprintf(ret_text, SOURCE_TEXT_MAX, "a client of %s", service);
}

static const struct {
	const char *name, *text;
} classes[SOURCE_CLASSES] = {
	[SOURCE_NETWORK] = {"network", "the network"},
	[SOURCE_CONSOLE] = {"console", "consoles of this host"},
	[SOURCE_PSEUDO] = {"terminal", "pseudo-terminals and displays"},
	[SOURCE_USER] = {"user", "programs that users started"},
};

const char *source_class_text(enum source_class class)
{
	return classes[class].text;
}

const char *source_class_name(enum source_class class)
{
	return classes[class].name;
}
