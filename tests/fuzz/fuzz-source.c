/* The input is PAM_RHOST, a NUL, and SSH_CONNECTION. */
#include "fuzz.h"

#include "host/source.h"

static struct address address; /* what source_of_login also gives */

static size_t bytes_of_kind(enum source_kind kind)
{
	switch (kind) {
	case SOURCE_IPV4:
	case SOURCE_UID:
		return 4;
	case SOURCE_IPV6:
		return 8;
	case SOURCE_UNKNOWN:
		break;
	}
	return 0;
}

/* What is shown of an address names the same source again. */
static void survives(const struct source *source)
{
	char text[SOURCE_TEXT_MAX];
	struct source back;

	source_text(source, text);
	REQUIRE(text[0] && strlen(text) < sizeof(text));
	if (source->kind != SOURCE_IPV4 && source->kind != SOURCE_IPV6)
		return;
	if (source->kind == SOURCE_IPV6)
		*strchr(text, '/') = '\0';
	back = source_of_login(text, NULL, 0, &address);
	REQUIRE(source_equal(source, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = fuzz_text(data, size);
	char rhost[300], connection[300];
	struct source source;

	fuzz_string(&input, rhost, sizeof(rhost));
	fuzz_string(&input, connection, sizeof(connection));
	source = source_of_login(rhost, connection, 1000, &address);
	REQUIRE(source.kind <= SOURCE_UID && (source.kind == SOURCE_UID) == (rhost[0] == '\0'));
	for (size_t i = bytes_of_kind(source.kind); i < sizeof(source.bytes); i++)
		REQUIRE(source.bytes[i] == 0);
	survives(&source);
	source = source_of_login(rhost, NULL, 1000, &address);
	survives(&source);
	return 0;
}
