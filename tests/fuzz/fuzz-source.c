/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is PAM_RHOST, SSH_CONNECTION, PAM_TTY and the service, with NULs in between. */
#include "fuzz.h"

#include "host/source.h"

static struct address address; /* what source_of_login also gives */

static size_t bytes_of_kind(enum source_kind kind)
{
	switch (kind) {
	case SOURCE_IPV4:
		return 4;
	case SOURCE_UID:
	case SOURCE_HOST:
		return SOURCE_CALLER_AT + SOURCE_CALLER_LEN;
	case SOURCE_IPV6:
		return 8;
	case SOURCE_UNKNOWN:
		break;
	}
	return 0;
}

/* An address as it is shown gives the same source again. */
static void survives(const struct source *source)
{
	char text[SOURCE_TEXT_MAX];
	const struct origin caller = {.rhost = text};
	struct source back;

	source_place(source, text);
	REQUIRE(text[0] && strlen(text) < sizeof(text));
	source_text(source, text);
	REQUIRE(text[0] && strlen(text) < sizeof(text));
	for (const char *c = text; *c; c++)
		REQUIRE(*c > ' ' && *c < 0x7f);
	if (source->kind != SOURCE_IPV4 && source->kind != SOURCE_IPV6)
		return;
	if (source->kind == SOURCE_IPV6)
		*strchr(text, '/') = '\0';
	back = source_of_login(&caller, &address);
	REQUIRE(source_equal(source, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = fuzz_text(data, size);
	char rhost[300], connection[300], terminal[300], service[300];
	struct origin caller = {.rhost = rhost,
				.ssh_connection = connection,
				.terminal = terminal,
				.service = service};
	struct source source, elsewhere;

	fuzz_string(&input, rhost, sizeof(rhost));
	fuzz_string(&input, connection, sizeof(connection));
	fuzz_string(&input, terminal, sizeof(terminal));
	fuzz_string(&input, service, sizeof(service));
	for (uid_t uid = 0; uid < 1001; uid += 1000) {
		caller.real_uid = uid;
		source = source_of_login(&caller, &address);
		REQUIRE(source.kind != SOURCE_UNKNOWN && source.kind <= SOURCE_UID);
		REQUIRE((source.kind == SOURCE_UID) == (address.family == ADDRESS_NONE));
		REQUIRE(source_class(&source) < SOURCE_CLASSES);
		/* a login with a host, or through sshd, does not come from a terminal */
		REQUIRE(!rhost[0] || source_class(&source) == SOURCE_NETWORK || uid);
		for (size_t i = bytes_of_kind(source.kind); i < sizeof(source.bytes); i++)
			REQUIRE(source.bytes[i] == 0);
		survives(&source);
		REQUIRE(source_on_host(&source, "web01.example.org", &elsewhere) == TOTP_OK);
		REQUIRE(source_class(&elsewhere) == source_class(&source));
		REQUIRE((elsewhere.kind == SOURCE_HOST) == (source.kind == SOURCE_UID));
		survives(&elsewhere);
	}
	return 0;
}
