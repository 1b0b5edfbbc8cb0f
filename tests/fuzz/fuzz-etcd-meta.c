/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is what a store in etcd says of itself: it has one encoding. */
#include "fuzz.h"

#include "store/etcd/meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct etcd_meta meta;
	char again[ETCD_META_MAX];

	if (etcd_meta_decode(fuzz_text(data, size), &meta) != TOTP_OK)
		return 0;
	REQUIRE(meta.version && meta.version <= record_version_newest && meta.since >= 0);
	REQUIRE(etcd_meta_encode(&meta, again) == size && memcmp(again, data, size) == 0);
	return 0;
}
