/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a box, and a plaintext, which must be read back. A box from elsewhere is opened only
 * at the least cost, because scrypt would take the fuzzer's time.
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
	err = pwseal_open(&phrase, PWSEAL_EXPORT, box, len, plain);
	REQUIRE(err != TOTP_OK);
	for (size_t i = 0; err == TOTP_ERR_SEAL && i < len - PWSEAL_OVERHEAD; i++)
		REQUIRE(plain[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t box[PLAIN_MAX + PWSEAL_OVERHEAD + 1] = {0}, plain[PLAIN_MAX];
	size_t at;

	if (size > PLAIN_MAX)
		return 0;
	if (size < PWSEAL_HEADER_LEN || (data[AT_COST] <= PWSEAL_COST_MIN && data[AT_PARALLEL] < 2))
		refuses(data, size);

	memcpy(box + PWSEAL_HEADER_LEN, data, size);
	REQUIRE(pwseal_close(&phrase, PWSEAL_EXPORT, PWSEAL_COST_MIN, box, size) == TOTP_OK);
	REQUIRE(pwseal_open(&phrase, PWSEAL_EXPORT, box, size + PWSEAL_OVERHEAD, plain) == TOTP_OK);
	REQUIRE(size == 0 || memcmp(plain, data, size) == 0);

	refuses(box, size + PWSEAL_OVERHEAD + 1);
	at = size ? data[0] * 257u % (size + PWSEAL_OVERHEAD) : 0;
	if (at == AT_COST || at == AT_PARALLEL)
		at = 0;
	box[at] ^= size > 1 && data[1] ? data[1] : 1;
	refuses(box, size + PWSEAL_OVERHEAD);
	return 0;
}
