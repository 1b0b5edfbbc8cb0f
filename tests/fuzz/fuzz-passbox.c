/*
 * The input is a box, and a plaintext, which must come back. A box that somebody else made is
 * opened at the least cost alone, so that scrypt does not eat the time of the fuzzer.
 */
#include "fuzz.h"

#include "import/pwseal.h"

#define PLAIN_MAX   4096
#define AT_COST     6
#define AT_PARALLEL 8

static const struct secret phrase = {.len = 22, .data = "correct horse battery "};

static void refuses(const uint8_t *box, size_t len)
{
	uint8_t plain[PLAIN_MAX];
	enum totp_err err;

	memset(plain, 0xff, sizeof(plain));
	err = passbox_open(&phrase, PASSBOX_EXPORT, box, len, plain);
	REQUIRE(err != TOTP_OK);
	for (size_t i = 0; err == TOTP_ERR_SEAL && i < len - PASSBOX_OVERHEAD; i++)
		REQUIRE(plain[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t box[PLAIN_MAX + PASSBOX_OVERHEAD + 1] = {0}, plain[PLAIN_MAX];
	size_t at;

	if (size > PLAIN_MAX)
		return 0;
	if (size < PASSBOX_HEADER_LEN ||
	    (data[AT_COST] <= PASSBOX_COST_MIN && data[AT_PARALLEL] < 2))
		refuses(data, size);

	memcpy(box + PASSBOX_HEADER_LEN, data, size);
	REQUIRE(passbox_close(&phrase, PASSBOX_EXPORT, PASSBOX_COST_MIN, box + PASSBOX_HEADER_LEN,
			      size, box) == TOTP_OK);
	REQUIRE(passbox_open(&phrase, PASSBOX_EXPORT, box, size + PASSBOX_OVERHEAD, plain) ==
		TOTP_OK);
	REQUIRE(size == 0 || memcmp(plain, data, size) == 0);

	refuses(box, size + PASSBOX_OVERHEAD + 1);
	at = size ? data[0] * 257u % (size + PASSBOX_OVERHEAD) : 0;
	if (at == AT_COST || at == AT_PARALLEL)
		at = 0;
	box[at] ^= size > 1 && data[1] ? data[1] : 1;
	refuses(box, size + PASSBOX_OVERHEAD);
	return 0;
}
