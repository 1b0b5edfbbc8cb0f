/* SPDX-License-Identifier: BSD-2-Clause */
/* What every unit test includes: cmocka with what it needs, and a few abbreviations. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"

#include "base/err.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define assert_ok(call)           assert_int_equal(TOTP_OK, (call))
#define assert_refused(err, call) assert_int_equal(TOTP_ERR_##err, (call))

/* Is every byte of the object zero? */
#define assert_wiped(object) assert_zeros(&(object), sizeof(object))

static inline void assert_zeros(const void *data, size_t len)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < len; i++)
		assert_int_equal(0, at[i]);
}

#endif
