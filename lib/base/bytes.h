/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untrusted bytes enter through `struct bytes` and leave as checked values. Integers are
 * big-endian. A read past the end gives zeros and marks the cursor bad, so a decoder reads field
 * after field and asks once, at the end, with bytes_end. The writer `struct buffer` mirrors it.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bytes {
	const uint8_t *at;
	size_t left;
	bool bad; /* something was asked for that is not there */
};

struct bytes bytes_of(const void *data, size_t len);

uint8_t bytes_u8(struct bytes *in);
uint16_t bytes_u16(struct bytes *in);
uint32_t bytes_u32(struct bytes *in);
uint64_t bytes_u64(struct bytes *in);

/* Step over len bytes and say where they start; NULL when they are not there. */
const uint8_t *bytes_take(struct bytes *in, size_t len);

/* Copy len bytes out; zeros when they are not there. */
void bytes_copy(struct bytes *in, void *dst, size_t len);

/* Step over len bytes that must be zero; anything else marks the cursor bad. */
void bytes_zeros(struct bytes *in, size_t len);

/* How many of len bytes there are up to the last one that is not 0. */
size_t bytes_used(const uint8_t *at, size_t len);

/* TOTP_OK if every read succeeded and nothing is left over, else TOTP_ERR_FORMAT. */
MUST_CHECK enum totp_err bytes_end(const struct bytes *in);

struct buffer {
	uint8_t *data;
	size_t len;
	size_t cap;
	bool bad; /* something did not fit */
};

struct buffer buffer_of(void *data, size_t cap);

void buffer_u8(struct buffer *out, uint8_t value);
void buffer_u16(struct buffer *out, uint16_t value);
void buffer_u32(struct buffer *out, uint32_t value);
void buffer_u64(struct buffer *out, uint64_t value);
void buffer_copy(struct buffer *out, const void *src, size_t len);
void buffer_zeros(struct buffer *out, size_t len);

/* TOTP_OK if everything fitted, else TOTP_ERR_RANGE. */
MUST_CHECK enum totp_err buffer_end(const struct buffer *out);

/*
 * A walk over a format in either direction, so that each format is written down once: a call
 * reads into the value, or writes what the value holds. What the format does not allow marks the
 * cursor or the buffer bad.
 */
struct codec {
	struct bytes *in;   /* to read from; or NULL… */
	struct buffer *out; /* …and to write to */
};

/* An integer or enum variable, as `width` bytes; one that they cannot hold is bad. */
#define CODE(codec, value, width) codec_integer((codec), &(value), sizeof(value), (width))
void codec_integer(const struct codec *codec, void *value, size_t size, size_t width);

/* The same in one byte, of at most max; more is bad, and becomes 0. */
void codec_count(const struct codec *codec, uint8_t *count, uint8_t max);

/* One byte, of which bit i is flags[i]; a bit without a flag, or whose flag is NULL, is bad. */
void codec_flags(const struct codec *codec, bool *const flags[], size_t count);

void codec_bytes(const struct codec *codec, void *at, size_t len);
void codec_zeros(const struct codec *codec, size_t len);

/* Text of at most `size` bytes, and zeros up to there; the array has a byte more. */
void codec_text(const struct codec *codec, char *text, size_t size);

/* A length byte and the text, without a NUL; the array has cap bytes, one of them for a NUL. */
void codec_string(const struct codec *codec, char *string, size_t cap);

/* Mark it bad if `bad`. */
void codec_refuse(const struct codec *codec, bool bad);

#endif
