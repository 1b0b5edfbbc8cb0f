/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "base/array.h"

static bool no_memory;

/* Instead of libc's, which has memory. */
void *reallocarray(void *elements, size_t count, size_t size)
{
	return no_memory ? NULL : realloc(elements, count * size);
}

static void elements_stay_as_they_are_while_it_grows(void **unused)
{
	uint16_t *list = NULL;
	size_t count = 0, room = 0;

	for (; count < 1000; count++) {
		assert_true(array_room(&list, count, &room, sizeof(*list)));
		assert_true(room > count);
		list[count] = (uint16_t)(7 * count);
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal((uint16_t)(7 * i), list[i]);
	free(list);
}

static void where_there_is_room_nothing_moves(void **unused)
{
	char *list = NULL;
	size_t room = 0;

	assert_true(array_room(&list, 0, &room, 1));
	const char *before = list;
	size_t full = room;

	for (size_t count = 1; count < full; count++)
		assert_true(array_room(&list, count, &room, 1));
	assert_ptr_equal(before, list);
	assert_int_equal(full, room);
	free(list);
}

static void without_memory_the_list_stays(void **unused)
{
	char *list = NULL;
	size_t room = 0;

	assert_true(array_room(&list, 0, &room, 1));
	char *before = list;
	size_t full = room;

	no_memory = true;
	assert_false(array_room(&list, full, &room, 1));
	no_memory = false;
	assert_ptr_equal(before, list);
	assert_int_equal(full, room);
	free(list);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_stay_as_they_are_while_it_grows),
		cmocka_unit_test(where_there_is_room_nothing_moves),
		cmocka_unit_test(without_memory_the_list_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
