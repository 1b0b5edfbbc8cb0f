/* Times as a person reads them. */
#ifndef ENROLL_SELF_TIME_H
#define ENROLL_SELF_TIME_H

#include <stdint.h>

#define SELF_TIME_MAX 64

/* "40 seconds", "5 minutes", "3 hours": rounded up to one unit; returns text. */
const char *self_duration(uint64_t seconds, char text[SELF_TIME_MAX]);

/* "2026-01-31 14:32 CET" in local time, or "never" for 0; returns text. */
const char *self_when(int64_t when, char text[SELF_TIME_MAX]);

#endif
