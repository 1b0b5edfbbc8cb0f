/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/protobuf.h"

#define BYTES(text) bytes_of((text), sizeof(text) - 1)
#define PIECE(text) ((struct piece){(text), sizeof(text) - 1})

/* https://protobuf.dev/programming-guides/encoding */
static void the_examples_of_the_specification_are_written_and_read(void **unused)
{
	static const uint8_t wire[] = "\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01";
	uint8_t seen[sizeof(wire)];
	struct buffer out = buffer_of(seen, sizeof(wire) - 1);
	struct bytes in = BYTES(wire);
	struct protobuf_field field;
	size_t start;

	protobuf_put_number(&out, 1, 150);
	protobuf_put_bytes(&out, 2, PIECE("testing"));
	start = out.len;
	protobuf_put_number(&out, 1, 150);
	protobuf_put_around(&out, 3, start);
	assert_ok(buffer_end(&out));
	assert_int_equal(sizeof(wire) - 1, out.len);
	assert_memory_equal(wire, seen, out.len);

	assert_true(protobuf_take(&in, &field));
	assert_int_equal(1, field.number);
	assert_int_equal(PROTOBUF_NUMBER, field.kind);
	assert_int_equal(150, field.value);
	assert_true(protobuf_take(&in, &field));
	assert_int_equal(2, field.number);
	assert_int_equal(PROTOBUF_BYTES, field.kind);
	assert_int_equal(7, field.bytes.len);
	assert_memory_equal("testing", field.bytes.at, 7);
	assert_true(protobuf_take(&in, &field));
	assert_int_equal(3, field.number);
	assert_false(protobuf_take(&in, &field));
	assert_ok(bytes_end(&in));
}

static void every_number_that_is_written_is_read_back(void **unused)
{
	for (unsigned bit = 0; bit <= 64; bit++) {
		uint64_t value = bit == 64 ? UINT64_MAX : UINT64_C(1) << bit;

		for (uint32_t number = 1; number < 1u << 29; number <<= 1) {
			uint8_t wire[PROTOBUF_FIELD_MAX];
			struct buffer out = buffer_of(wire, sizeof(wire));
			struct protobuf_field field;
			struct bytes in;

			protobuf_put_number(&out, number, value);
			in = bytes_of(wire, out.len);
			assert_true(protobuf_take(&in, &field));
			assert_int_equal(number, field.number);
			assert_true(value == field.value);
			assert_ok(bytes_end(&in));
		}
	}
}

static void a_field_that_does_not_fit_is_remembered(void **unused)
{
	uint8_t wire[8];

	for (size_t cap = 0; cap < 5; cap++) {
		struct buffer out = buffer_of(wire, cap);

		protobuf_put_bytes(&out, 1, PIECE("abc"));
		assert_true(out.bad);
		out = buffer_of(wire, cap);
		protobuf_put_bytes(&out, 1, (struct piece){"", 0});
		protobuf_put_number(&out, 1, 1);
		protobuf_put_around(&out, 1, 0);
		assert_true(out.bad);
	}
}

static void what_is_no_field_is_not_taken(void **unused)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{"\x08", 1},
		{"\x08\x80", 2},
		{"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12}, /* 11 bytes… */
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},     /* …and 65 bits */
		{"\x08\x80\0", 3},                                        /* needlessly long */
		{"\x88\0\x01", 3},
		{"\x0a", 1},
		{"\x0a\x01", 2},
		{"\x0a\x02x", 3},
		{"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 12},
		{"\x09\0\0\0\0\0\0\0", 8},
		{"\x0d\0\0\0", 4},
		{"\x0b\x0c", 2}, /* a group, or of no kind */
		{"\x0e\x01", 2},
		{"\x0f\x01", 2},
		{"\0\x01", 2}, /* of the number 0, or beyond all numbers */
		{"\x80\x80\x80\x80\x10\0", 6},
		{"\x88\x80\x80\x80\x80\x80\x01\0", 8},
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct bytes in = bytes_of(bad[i].bytes, bad[i].len);
		struct protobuf_field field = {.number = 7};

		while (protobuf_take(&in, &field))
			continue;
		if (!in.bad)
			fail_msg("taken: %zu", i);
		assert_false(protobuf_take(&in, &field));
		assert_false(protobuf_read((struct piece){bad[i].bytes, bad[i].len}, NULL, 0));
	}
}

static void known_fields_are_read_and_others_are_stepped_over(void **unused)
{
	static const uint8_t wire[] =
		"\x08\x07\x3a\x01z\x12\x02xy\x1a\x01p\x09\1\2\3\4\5\6\7\x08\x1a\0\x0d\1\2\3\4";
	uint64_t value = 0, absent = 0;
	struct piece bytes = {NULL, 0};
	size_t times = 0;
	const struct protobuf_known known[] = {{2, .bytes = &bytes},
					       {3, .times = &times},
					       {4, .value = &absent},
					       {7, .bytes = &(struct piece){NULL, 0}}};
	const struct protobuf_known number[] = {{1, .value = &value}};

	assert_true(PROTOBUF_READ(PIECE(wire), known));
	assert_int_equal(2, bytes.len);
	assert_memory_equal("xy", bytes.at, 2);
	assert_int_equal(2, times);
	assert_int_equal(0, absent);
	assert_false(PROTOBUF_READ(PIECE(wire), number)); /* it is there as other kinds, too */
	value = 0;
	assert_true(PROTOBUF_READ(PIECE("\x08\x07"), number));
	assert_int_equal(7, value);
}

static void a_known_field_twice_or_of_0_or_another_kind_is_rejected(void **unused)
{
	static const struct piece bad[] = {
		{"\x08\x01\x08\x01", 4}, {"\x08\0", 2},       {"\x0a\x01x", 3},
		{"\x0d\1\0\0\0", 5},     {"\x12\0\x12\0", 4}, {"\x10\x01", 2},
		{"\x15\1\0\0\0", 5},     {"\x18\x01", 2},     {"\x1d\1\0\0\0", 5},
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		uint64_t value = 0;
		struct piece bytes = {NULL, 0};
		size_t times = 0;
		const struct protobuf_known known[] = {
			{1, .value = &value}, {2, .bytes = &bytes}, {3, .times = &times}};

		if (PROTOBUF_READ(bad[i], known))
			fail_msg("read: %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_specification_are_written_and_read),
		cmocka_unit_test(every_number_that_is_written_is_read_back),
		cmocka_unit_test(a_field_that_does_not_fit_is_remembered),
		cmocka_unit_test(what_is_no_field_is_not_taken),
		cmocka_unit_test(known_fields_are_read_and_others_are_stepped_over),
		cmocka_unit_test(a_known_field_twice_or_of_0_or_another_kind_is_rejected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
