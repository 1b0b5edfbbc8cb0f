/* SPDX-License-Identifier: BSD-2-Clause */
/* Arrays that grow. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Make room for one more element. `array` points to the pointer to the elements, of `size` bytes
 * each, of which `count` are in use and *room are allocated. Elements may move; the caller frees
 * them. False: no memory; nothing has changed.
 */
bool array_room(void *array, size_t count, size_t *room, size_t size);

#endif
