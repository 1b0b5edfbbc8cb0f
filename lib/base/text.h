/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from files and people: slices that are not NUL-terminated, and the few shapes
 * that the policy, the keyring and imports share. Nothing here reads past a slice, looks
 * at the locale or allocates.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct text {
	const char *at;
	size_t len;
};

struct text text_of(const char *string);

/*
 * Take the next line, without its end (\n or \r\n), off *rest. False when rest is empty.
 * A last line without an end is a line.
 */
bool text_line(struct text *rest, struct text *ret_line);

/* Take what stands before the next `separator` off *rest; false when rest is empty. */
bool text_field(struct text *rest, char separator, struct text *ret_field);

/* Without blanks (space, tab) at both ends. */
struct text text_trim(struct text text);

bool text_is(struct text text, const char *string);

/*
 * Copy into a C string of cap bytes. TOTP_ERR_RANGE: it does not fit with its NUL;
 * TOTP_ERR_FORMAT: it holds a NUL. *dst is unchanged then.
 */
MUST_CHECK enum totp_err text_copy(struct text text, char *dst, size_t cap);

/*
 * Read a decimal number: digits alone, no sign, no blanks. TOTP_ERR_FORMAT: something
 * else; TOTP_ERR_RANGE: outside min..max.
 */
MUST_CHECK enum totp_err text_number(struct text text, uint64_t min, uint64_t max,
				     uint64_t *ret_number);

/* Read exactly 2 * len hexadecimal digits, lower or upper case. TOTP_ERR_FORMAT otherwise. */
MUST_CHECK enum totp_err text_hex(struct text text, void *ret_bytes, size_t len);

/* Write 2 * len lower-case hexadecimal digits and a NUL. */
void text_to_hex(const void *bytes, size_t len, char *ret_string);

/*
 * Read a duration in seconds: a number, then s, m, h or d, or nothing for seconds.
 * Errors as text_number; max is at most UINT32_MAX.
 */
MUST_CHECK enum totp_err text_duration(struct text text, uint32_t min, uint32_t max,
				       uint32_t *ret_seconds);

/*
 * Read YYYY-MM-DD as the seconds since 1970 of its 00:00 UTC. Years 1970 to 9999.
 * TOTP_ERR_FORMAT: another shape; TOTP_ERR_RANGE: no such day.
 */
MUST_CHECK enum totp_err text_date(struct text text, int64_t *ret_unix_time);

/* Write "YYYY-MM-DD" and its NUL; "0000-00-00" for a time outside the years 1970 to 9999. */
void text_to_date(int64_t unix_time, char ret_date[11]);

/*
 * Is this valid UTF-8 (RFC 3629: shortest forms, no surrogates) without control characters
 * (U+0000 to U+001F, U+007F to U+009F)?
 */
bool text_is_clean(struct text text);

/* A hash of a string for tables in memory (FNV-1a). */
uint64_t text_hash(const char *string);

/*
 * Make a hostile string fit for a log line or a terminal: printable ASCII is kept, but
 * for '"' and '\\'; every other byte becomes '?'; cut to cap - 1 bytes. cap is 1 or more.
 */
void text_printable(struct text text, char *dst, size_t cap);

/*
 * A name for a person to read: clean UTF-8 that fits with its NUL stays as it is, and anything else
 * becomes text_printable. cap is 1 or more.
 */
void text_show(struct text text, char *dst, size_t cap);

#endif
