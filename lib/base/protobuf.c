/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/protobuf.h"

#include <string.h>

#define NUMBER_MAX ((1u << 29) - 1) /* of a field */
#define VARINT_MAX 10               /* bytes of 64 bits, 7 in each */

enum wire { VARINT = 0, FIXED_64 = 1, LENGTH = 2, FIXED_32 = 5 };

static uint64_t take_varint(struct bytes *in)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_MAX; i++) {
		uint8_t byte = bytes_u8(in);

		if (i == VARINT_MAX - 1 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (!(byte & 0x80)) {
			in->bad |= i && !byte;
			return value;
		}
	}
	in->bad = true;
	return 0;
}

static struct piece take_piece(struct bytes *in, uint64_t len)
{
	const uint8_t *at = len <= in->left ? bytes_take(in, (size_t)len) : NULL;

	in->bad |= !at;
	return (struct piece){at, at ? (size_t)len : 0};
}

bool protobuf_take(struct bytes *in, struct protobuf_field *ret_field)
{
	struct protobuf_field field = {.kind = PROTOBUF_FIXED};
	uint64_t key;

	if (in->left == 0 || in->bad)
		return false;
	key = take_varint(in);
	field.number = (uint32_t)(key >> 3);
	in->bad |= key >> 3 == 0 || key >> 3 > NUMBER_MAX;
	switch (key & 7) {
	case VARINT:
		field.kind = PROTOBUF_NUMBER;
		field.value = take_varint(in);
		break;
	case LENGTH:
		field.kind = PROTOBUF_BYTES;
		field.bytes = take_piece(in, take_varint(in));
		break;
	case FIXED_64:
		field.bytes = take_piece(in, 8);
		break;
	case FIXED_32:
		field.bytes = take_piece(in, 4);
		break;
	default:
		in->bad = true;
	}
	*ret_field = field;
	return !in->bad;
}

/* The field is one that is known: is it as it must be? */
static bool take_known(const struct protobuf_field *field, const struct protobuf_known *known)
{
	if ((field->kind == PROTOBUF_NUMBER) != !!known->value || field->kind == PROTOBUF_FIXED)
		return false;
	if (known->times)
		++*known->times;
	else if (known->value ? !field->value || *known->value : !!known->bytes->at)
		return false;
	if (known->value)
		*known->value = field->value;
	else if (known->bytes)
		*known->bytes = field->bytes;
	return true;
}

bool protobuf_read(struct piece message, const struct protobuf_known *known, size_t count)
{
	struct bytes in = bytes_of(message.at, message.len);
	struct protobuf_field field;

	while (protobuf_take(&in, &field))
		for (size_t i = 0; i < count; i++)
			if (field.number == known[i].number)
				in.bad |= !take_known(&field, &known[i]);
	return !in.bad;
}

struct text protobuf_text(struct piece bytes)
{
	return (struct text){bytes.at ? bytes.at : "", bytes.len};
}

static void put_varint(struct buffer *out, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		buffer_u8(out, (uint8_t)(value | 0x80));
	buffer_u8(out, (uint8_t)value);
}

static void put_key(struct buffer *out, uint32_t number, enum wire wire)
{
	put_varint(out, (uint64_t)number << 3 | wire);
}

void protobuf_put_number(struct buffer *out, uint32_t number, uint64_t value)
{
	put_key(out, number, VARINT);
	put_varint(out, value);
}

void protobuf_put_bytes(struct buffer *out, uint32_t number, struct piece bytes)
{
	put_key(out, number, LENGTH);
	put_varint(out, bytes.len);
	buffer_copy(out, bytes.at, bytes.len);
}

void protobuf_put_around(struct buffer *out, uint32_t number, size_t start)
{
	uint8_t head[PROTOBUF_FIELD_MAX];
	struct buffer before = buffer_of(head, sizeof(head));
	size_t len = out->len - start;

	put_key(&before, number, LENGTH);
	put_varint(&before, len);
	buffer_zeros(out, before.len); /* room */
	if (out->bad)
		return;
	memmove(out->data + start + before.len, out->data + start, len);
	memcpy(out->data + start, head, before.len);
}
