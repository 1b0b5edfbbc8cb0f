/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is a box, which must not open, and a plaintext, which must be read back. */
#include "fuzz.h"

#include "example.h"
#include "record/seal.h"

static void refuses(const struct host_key *key, const uint8_t *box, size_t len)
{
	uint8_t plain[CRED_BYTES_MAX];
	struct buffer out = buffer_of(plain, sizeof(plain));

	memset(plain, 0xff, sizeof(plain));
	REQUIRE(seal_open(key, "alice", bytes_of(box, len), &out) != TOTP_OK);
	for (size_t i = 0; i < sizeof(plain); i++)
		REQUIRE(plain[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t box[CRED_BYTES_MAX + SEAL_OVERHEAD + 1] = {0}, plain[CRED_BYTES_MAX];
	struct host_key key = example_key();
	struct buffer out = buffer_of(plain, sizeof(plain));
	struct bytes sealed = bytes_of(box, size + SEAL_OVERHEAD);
	size_t at;
	uint32_t id = 0;

	refuses(&key, data, size);
	if (size > CRED_BYTES_MAX)
		return 0;

	REQUIRE(seal_close(&key, "alice", data, size, box) == TOTP_OK);
	REQUIRE(seal_key_id(sealed, &id) == TOTP_OK && id == key.id);
	out.cap = size;
	REQUIRE(seal_open(&key, "alice", sealed, &out) == TOTP_OK);
	REQUIRE(out.len == size && (size == 0 || memcmp(plain, data, size) == 0));

	refuses(&key, box, size + SEAL_OVERHEAD - 1);
	refuses(&key, box, size + SEAL_OVERHEAD + 1);
	at = size ? data[0] * 257u % (size + SEAL_OVERHEAD) : 0;
	box[at] ^= size > 1 && data[1] ? data[1] : 1;
	refuses(&key, box, size + SEAL_OVERHEAD);
	return 0;
}
