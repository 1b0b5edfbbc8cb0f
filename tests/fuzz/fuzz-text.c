/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

static void number(struct text text)
{
	uint64_t read = 0;
	char again[24];

	if (text_number(text, 0, UINT64_MAX, &read) != TOTP_OK)
		return;
	while (text.len > 1 && text.at[0] == '0') {
		text.at++;
		text.len--;
	}
	snprintf(again, sizeof(again), "%llu", (unsigned long long)read);
	REQUIRE(text_is(text, again));
}

static void duration(struct text text)
{
	uint32_t seconds = 0, again = 0;
	char plain[16];

	if (text_duration(text, 0, UINT32_MAX, &seconds) != TOTP_OK)
		return;
	snprintf(plain, sizeof(plain), "%us", seconds);
	REQUIRE(text_duration(text_of(plain), seconds, seconds, &again) == TOTP_OK);
	REQUIRE(again == seconds);
}

static void date(struct text text)
{
	int64_t unix_time = 0;
	char again[11];

	if (text_date(text, &unix_time) != TOTP_OK)
		return;
	REQUIRE(unix_time >= 0 && unix_time % 86400 == 0);
	text_to_date(unix_time, again);
	REQUIRE(text_is(text, again));
}

static void hex(struct text text)
{
	uint8_t bytes[32], again[32];
	char spelt[2 * sizeof(bytes) + 1];

	if (text_hex(text, bytes, text.len / 2 < sizeof(bytes) ? text.len / 2 : sizeof(bytes)) !=
	    TOTP_OK)
		return;
	text_to_hex(bytes, text.len / 2, spelt);
	REQUIRE(text_hex(text_of(spelt), again, text.len / 2) == TOTP_OK);
	REQUIRE(text.len == 0 || memcmp(bytes, again, text.len / 2) == 0);
}

/* Clean text holds no byte that is a control in ASCII, and two clean texts make a clean one. */
static void clean(struct text text)
{
	char doubled[2 * 1024];

	if (!text_is_clean(text) || text.len > sizeof(doubled) / 2)
		return;
	for (size_t i = 0; i < text.len; i++)
		REQUIRE((uint8_t)text.at[i] >= ' ' && text.at[i] != 0x7f);
	memcpy(doubled, text.at, text.len);
	memcpy(doubled + text.len, text.at, text.len);
	REQUIRE(text_is_clean((struct text){doubled, 2 * text.len}));
}

static void printable(struct text text)
{
	char kept[100];

	text_printable(text, kept, sizeof(kept));
	REQUIRE(strlen(kept) == (text.len < sizeof(kept) ? text.len : sizeof(kept) - 1));
	REQUIRE(text_is_clean(text_of(kept)));
}

/* Lines and their ends together are the whole text. */
static void lines(struct text text)
{
	struct text rest = text, line;
	size_t seen = 0;

	while (text_line(&rest, &line)) {
		REQUIRE(!line.len || !memchr(line.at, '\n', line.len));
		REQUIRE(line.at >= text.at && line.at + line.len <= text.at + text.len);
		seen += line.len;
	}
	REQUIRE(rest.len == 0 && seen <= text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text = fuzz_text(data, size);

	number(text);
	duration(text);
	date(text);
	hex(text);
	clean(text);
	printable(text);
	lines(text);
	return 0;
}
