#include "fuzz.h"

#include "otp/base32.h"
#include "otp/uri.h"
#include "import/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char base32[BASE32_TEXT_MAX], line[CRED_USER_MAX + BASE32_TEXT_MAX + 32];
	struct reason why = {""};
	struct csv_row row, back;

	if (csv_decode_row(fuzz_text(data, size), &row, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && row.secret.len == 0 && row.user[0] == '\0');
		return 0;
	}
	base32_encode(&row.secret, base32);
	snprintf(line, sizeof(line), "%s,%s,%s,%u,%s%u", row.user, base32,
		 uri_algorithm_name(row.alg), row.digits, row.hotp ? "hotp:" : "",
		 row.hotp ? row.counter : row.period);
	REQUIRE(csv_decode_row(text_of(line), &back, &why) == TOTP_OK);
	REQUIRE(strcmp(row.user, back.user) == 0 && row.alg == back.alg);
	REQUIRE(row.digits == back.digits && row.period == back.period);
	REQUIRE(row.hotp == back.hotp && row.counter == back.counter);
	REQUIRE(memcmp(&row.secret, &back.secret, sizeof(row.secret)) == 0);
	return 0;
}
