/* SPDX-License-Identifier: BSD-2-Clause */
/* Times as people read them: local time with its zone. */
#ifndef COMMON_WHEN_H
#define COMMON_WHEN_H

#include <stdint.h>

#define WHEN_MAX 64

/* Each returns text. when: seconds since 1970 UTC. */

/* "2026-01-31T14:32:10+01:00", or "never" for 0. */
const char *when_iso(int64_t when, char text[WHEN_MAX]);

/* "2026-01-31 14:32 CET", or "never" for 0. */
const char *when_text(int64_t when, char text[WHEN_MAX]);

/* "14:32:10 CET" */
const char *when_clock(int64_t when, char text[WHEN_MAX]);

/* "4 minutes 10 seconds": the two largest units that are not 0. */
const char *when_duration(uint64_t seconds, char text[WHEN_MAX]);

#endif
