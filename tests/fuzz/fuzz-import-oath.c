/* The input is one line, which is written again from what was read, and read once more. */
#include "fuzz.h"

#include "import/oath.h"

#define KEY_HEX_MAX (2 * SECRET_MAX + 1)

static void write_line(const struct oath *oath, char *line, size_t cap)
{
	const struct oath_time *when = &oath->when;
	char key[KEY_HEX_MAX], type[16] = "E", last[64] = "";

	text_to_hex(oath->secret.data, oath->secret.len, key);
	if (!oath->hotp)
		snprintf(type, sizeof(type), "T%u", oath->period);
	if (oath->used && when->year)
		snprintf(last, sizeof(last), " %s %04u-%02u-%02uT%02u:%02u:%02uL", oath->last.text,
			 when->year, when->month, when->day, when->hour, when->minute,
			 when->second);
	else if (oath->used)
		snprintf(last, sizeof(last), " %s", oath->last.text);
	snprintf(line, cap, "HOTP/%s/%u %s %s %s %llu%s", type, oath->digits, oath->user,
		 oath->prefixed ? "1234" : "+", key,
		 (unsigned long long)oath->counter - (oath->hotp && oath->used), last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[CRED_USER_MAX + KEY_HEX_MAX + 128];
	struct reason why = {""};
	struct oath oath, back;

	if (oath_decode(fuzz_text(data, size), &oath, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && oath.secret.len == 0 && oath.user[0] == '\0');
		return 0;
	}
	if (!oath.used)
		oath.when = (struct oath_time){0}; /* the format has no place for it */
	write_line(&oath, line, sizeof(line));
	REQUIRE(oath_is_row(text_of(line)));
	REQUIRE(oath_decode(text_of(line), &back, &why) == TOTP_OK);
	REQUIRE(memcmp(&oath, &back, sizeof(oath)) == 0);
	return 0;
}
