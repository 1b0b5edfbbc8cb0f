/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of Protocol Buffers (https://protobuf.dev/programming-guides/encoding): numbered fields,
 * each a number or bytes, which may be text or a message again. Messages may come from a hostile
 * sender: a field that is cut, too long, or of an unknown kind marks the cursor bad.
 */
#ifndef BASE_PROTOBUF_H
#define BASE_PROTOBUF_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"

#define PROTOBUF_FIELD_MAX 20 /* bytes of a field at most, without those that it holds */

struct protobuf_field {
	uint32_t number;
	enum { PROTOBUF_NUMBER, PROTOBUF_BYTES, PROTOBUF_FIXED } kind;
	uint64_t value;     /* NUMBER */
	struct piece bytes; /* BYTES: `at` is never NULL; FIXED: 4 or 8 */
};

/*
 * Take the next field. False: at the end, or `in` is bad: a number of more than 64 bits or with
 * needless zeros, a length beyond the end, or a group.
 */
bool protobuf_take(struct bytes *in, struct protobuf_field *ret_field);

/* A field that a message may have, and where to put it: one of the three, which is 0 at first. */
struct protobuf_known {
	uint32_t number;
	uint64_t *value;     /* a number… */
	struct piece *bytes; /* …or bytes… */
	size_t *times; /* …or, of bytes that may be there more than once, how often they are */
};

/*
 * Read the known fields of a message, and step over others. One that is not there is left as it is.
 * False: as protobuf_take; a field of another kind, or twice; or a number of 0, which no program
 * sends (https://protobuf.dev/programming-guides/proto3, "Field Presence").
 */
#define PROTOBUF_READ(message, known) \
	protobuf_read((message), (known), sizeof(known) / sizeof((known)[0]))
MUST_CHECK bool protobuf_read(struct piece message, const struct protobuf_known *known,
			      size_t count);

/* Bytes as text; a field that is not there is empty. */
struct text protobuf_text(struct piece bytes);

/* Append a field to a message: a number, or bytes. */
void protobuf_put_number(struct buffer *out, uint32_t number, uint64_t value);
void protobuf_put_bytes(struct buffer *out, uint32_t number, struct piece bytes);

/* Make what was appended since out->len was `start` a message, in a field of that number. */
void protobuf_put_around(struct buffer *out, uint32_t number, size_t start);

#endif
