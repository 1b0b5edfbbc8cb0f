/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * assert_int_equal and assert_int_not_equal that print names when they fail. A value is named if
 * one of the two has the type of an enum of the program, or if the text of one of them speaks of
 * a PAM_ constant; PAM's return values have no type of their own. Other values are printed as
 * numbers. enum-names.py writes the header ENUM_NAMES_H.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include ENUM_NAMES_H

/*
 * gcc and clang take an enum for compatible with its integer type and with no other enum, so an
 * integer is compatible with one of these two, and a member of `type` is not.
 */
enum no_enum { NO_ENUM };
enum no_signed_enum { NO_SIGNED_ENUM = -1 };
#define IS_ENUM(object, type) \
	(__builtin_types_compatible_p(__typeof__(object), type) && \
	 !__builtin_types_compatible_p(__typeof__(object), enum no_enum) && \
	 !__builtin_types_compatible_p(__typeof__(object), enum no_signed_enum))

/* One side of a comparison: its value, the enum of its type, and how the test writes it. */
struct compared {
	uintmax_t value;
	enum names_kind kind;
	const char *text;
};

static inline enum names_kind names_kind_of(const struct compared *a, const struct compared *b)
{
	if (a->kind != NO_NAMES)
		return a->kind;
	if (b->kind != NO_NAMES)
		return b->kind;
	return strstr(a->text, "PAM_") || strstr(b->text, "PAM_") ? PAM_CODES : NO_NAMES;
}

/* The name of a value as C code has it, or NULL. */
static inline const char *names_find(enum names_kind kind, uintmax_t value)
{
	static const struct {
		enum names_kind kind;
		int value;
		const char *name;
	} names[] = {ENUM_NAMES};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].kind == kind && (uintmax_t)names[i].value == value)
			return names[i].name;
	return NULL;
}

static inline void names_print(enum names_kind kind, uintmax_t value)
{
	const char *name = names_find(kind, value);

	if (name)
		print_error("%s", name);
	else
		print_error("%lld", (long long)value);
}

/* What both assertions do. equal: whether the two are to be the same. */
static inline void assert_compared(bool equal, struct compared a, struct compared b,
				   const char *file, int line)
{
	enum names_kind kind = names_kind_of(&a, &b);

	if ((a.value == b.value) == equal)
		return;
	names_print(kind, a.value);
	print_error(equal ? " != " : " == ");
	names_print(kind, b.value);
	print_error("\n");
	_fail(file, line);
}

static inline void assert_ranged(uintmax_t value, uintmax_t low, uintmax_t high, const char *file,
				 int line)
{
	if (value >= low && value <= high)
		return;
	print_error("%ju is not in %ju to %ju\n", value, low, high);
	_fail(file, line);
}

#define COMPARE(equal, a, a_text, b, b_text) \
	do { \
		__typeof__(a) a_ = (a); \
		__typeof__(b) b_ = (b); \
		struct compared compared_a_ = {(uintmax_t)a_, ENUM_KIND(a_), a_text}; \
		struct compared compared_b_ = {(uintmax_t)b_, ENUM_KIND(b_), b_text}; \
		assert_compared(equal, compared_a_, compared_b_, __FILE__, __LINE__); \
	} while (0)

#undef assert_int_equal
#undef assert_int_not_equal
#define assert_int_equal(a, b)     COMPARE(true, a, #a, b, #b)
#define assert_int_not_equal(a, b) COMPARE(false, a, #a, b, #b)

/* cmocka 2 has no name for it that cmocka 1 has too */
#undef assert_in_range
#define assert_in_range(value, low, high) \
	assert_ranged((uintmax_t)(value), (uintmax_t)(low), (uintmax_t)(high), __FILE__, __LINE__)

#endif
