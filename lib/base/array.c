/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 32

bool array_room(void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : ROOM_FIRST;
	void *elements;

	if (count < *room)
		return true;
	memcpy(&elements, array, sizeof(elements)); /* a pointer of another type than void * */
	elements = reallocarray(elements, more, size);
	if (!elements)
		return false;
	memcpy(array, &elements, sizeof(elements));
	*room = more;
	return true;
}
