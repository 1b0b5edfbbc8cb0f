/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/bytes.h"

#include <string.h>

struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){.at = data, .left = len};
}

const uint8_t *bytes_take(struct bytes *in, size_t len)
{
	const uint8_t *start = in->at;

	if (in->bad || len > in->left) {
		in->bad = true;
		return NULL;
	}
	if (len) /* an empty cursor may point nowhere */
		in->at += len;
	in->left -= len;
	return start;
}

static uint64_t bytes_integer(struct bytes *in, size_t width)
{
	const uint8_t *start = bytes_take(in, width);
	uint64_t value = 0;

	for (size_t i = 0; start && i < width; i++)
		value = value << 8 | start[i];
	return value;
}

uint8_t bytes_u8(struct bytes *in)
{
	return (uint8_t)bytes_integer(in, 1);
}

uint16_t bytes_u16(struct bytes *in)
{
	return (uint16_t)bytes_integer(in, 2);
}

uint32_t bytes_u32(struct bytes *in)
{
	return (uint32_t)bytes_integer(in, 4);
}

uint64_t bytes_u64(struct bytes *in)
{
	return bytes_integer(in, 8);
}

void bytes_copy(struct bytes *in, void *dst, size_t len)
{
	const uint8_t *start = bytes_take(in, len);

	if (start)
		memcpy(dst, start, len);
	else
		memset(dst, 0, len);
}

void bytes_zeros(struct bytes *in, size_t len)
{
	const uint8_t *start = bytes_take(in, len);

	if (start && len > 0 && (start[0] != 0 || memcmp(start, start + 1, len - 1) != 0))
		in->bad = true;
}

size_t bytes_used(const uint8_t *at, size_t len)
{
	/* a block is zeros if its last byte is 0 and each other byte is as the next one */
	for (size_t block = 512; block > 0; block /= 2)
		while (len >= block && at[len - 1] == 0 &&
		       memcmp(at + len - block, at + len - block + 1, block - 1) == 0)
			len -= block;
	return len;
}

enum totp_err bytes_end(const struct bytes *in)
{
	return in->bad || in->left ? TOTP_ERR_FORMAT : TOTP_OK;
}

struct buffer buffer_of(void *data, size_t cap)
{
	return (struct buffer){.data = data, .cap = cap};
}

/* Make room for len bytes and say where they go, or NULL when they do not fit. */
static uint8_t *buffer_room(struct buffer *out, size_t len)
{
	uint8_t *start = out->data + out->len;

	if (out->bad || len > out->cap - out->len) {
		out->bad = true;
		return NULL;
	}
	out->len += len;
	return start;
}

static void buffer_integer(struct buffer *out, uint64_t value, size_t width)
{
	uint8_t *start = buffer_room(out, width);

	for (size_t i = 0; start && i < width; i++)
		start[i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

void buffer_u8(struct buffer *out, uint8_t value)
{
	buffer_integer(out, value, 1);
}

void buffer_u16(struct buffer *out, uint16_t value)
{
	buffer_integer(out, value, 2);
}

void buffer_u32(struct buffer *out, uint32_t value)
{
	buffer_integer(out, value, 4);
}

void buffer_u64(struct buffer *out, uint64_t value)
{
	buffer_integer(out, value, 8);
}

void buffer_copy(struct buffer *out, const void *src, size_t len)
{
	uint8_t *start = buffer_room(out, len);

	if (start && len)
		memcpy(start, src, len);
}

void buffer_zeros(struct buffer *out, size_t len)
{
	uint8_t *start = buffer_room(out, len);

	if (start)
		memset(start, 0, len);
}

enum totp_err buffer_end(const struct buffer *out)
{
	return out->bad ? TOTP_ERR_RANGE : TOTP_OK;
}

void codec_refuse(const struct codec *codec, bool bad)
{
	bool *is_bad = codec->in ? &codec->in->bad : &codec->out->bad;

	*is_bad |= bad;
}

void codec_integer(const struct codec *codec, void *value, size_t size, size_t width)
{
	uint64_t number = 0;
	/* where the lowest bytes of the number lie */
	size_t at = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(number) - size : 0;

	if (codec->in) {
		number = bytes_integer(codec->in, width);
		memcpy(value, (uint8_t *)&number + at, size);
	} else {
		memcpy((uint8_t *)&number + at, value, size);
		codec_refuse(codec, width < size && number >> 8 * width != 0);
		buffer_integer(codec->out, number, width);
	}
}

void codec_count(const struct codec *codec, uint8_t *count, uint8_t max)
{
	CODE(codec, *count, 1);
	codec_refuse(codec, *count > max);
	if (*count > max)
		*count = 0;
}

void codec_flags(const struct codec *codec, bool *const flags[], size_t count)
{
	unsigned bits = 0, known = 0;

	for (size_t i = 0; i < count; i++) {
		known |= (flags[i] ? 1u : 0u) << i;
		bits |= (flags[i] && *flags[i] ? 1u : 0u) << i;
	}
	CODE(codec, bits, 1);
	codec_refuse(codec, (bits & ~known) != 0);
	for (size_t i = 0; i < count; i++)
		if (flags[i])
			*flags[i] = bits >> i & 1;
}

void codec_bytes(const struct codec *codec, void *at, size_t len)
{
	if (codec->in)
		bytes_copy(codec->in, at, len);
	else
		buffer_copy(codec->out, at, len);
}

void codec_zeros(const struct codec *codec, size_t len)
{
	if (codec->in)
		bytes_zeros(codec->in, len);
	else
		buffer_zeros(codec->out, len);
}

void codec_text(const struct codec *codec, char *text, size_t size)
{
	if (codec->in) {
		bytes_copy(codec->in, text, size);
		text[size] = '\0';
		codec_refuse(codec, bytes_used((uint8_t *)text, size) != strlen(text));
	} else {
		size_t len = strlen(text);

		codec_refuse(codec, len > size);
		buffer_copy(codec->out, text, len);
		buffer_zeros(codec->out, size - len);
	}
}

void codec_string(const struct codec *codec, char *string, size_t cap)
{
	size_t len = codec->in ? 0 : strlen(string);

	CODE(codec, len, 1);
	codec_refuse(codec, len >= cap);
	if (len >= cap)
		len = 0;
	codec_bytes(codec, string, len);
	string[len] = '\0';
	codec_refuse(codec, strlen(string) != len);
}
