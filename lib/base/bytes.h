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

/*
 * Read text from a field of `size` bytes, which holds zeros after it; dst has size + 1.
 * Anything after a zero marks the cursor bad.
 */
void bytes_text(struct bytes *in, char *dst, size_t size);

/*
 * Read a length byte and that many bytes of text into an array of cap bytes. Text that does not
 * fit with its NUL, or holds a NUL, marks the cursor bad.
 */
void bytes_string(struct bytes *in, char *dst, size_t cap);

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
/* Text of at most `size` bytes, and zeros up to there. */
void buffer_text(struct buffer *out, const char *text, size_t size);

/* A length byte and the text, of at most 255 bytes. */
void buffer_string(struct buffer *out, const char *string);

/* TOTP_OK if everything fitted, else TOTP_ERR_RANGE. */
MUST_CHECK enum totp_err buffer_end(const struct buffer *out);

#endif
