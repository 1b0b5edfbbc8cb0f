/* What is in an export, once its passphrase has opened it: this header, then parcels. */
#ifndef EXPORTED_H
#define EXPORTED_H

#include "base/bytes.h"

#define EXPORTED_VERSION    1
#define EXPORTED_HEADER_LEN (2 + 8 + 4)

static inline void exported_put_header(struct buffer *out, int64_t when, uint32_t count)
{
	buffer_u16(out, EXPORTED_VERSION);
	buffer_u64(out, (uint64_t)when);
	buffer_u32(out, count);
}

#endif
