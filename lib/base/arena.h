/*
 * Memory for many small secrets, which is wiped and given back all at once. It grows by whole
 * blocks, so that nothing is ever moved and no copy is left behind.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#define HEAP_BLOCK_LEN ((size_t)1 << 20)

struct heap {
	struct heap_block *last;
	size_t left; /* bytes free in it */
};

#define OWN_HEAP OWN(heap_wipe)

/* Wipe and free everything. */
void heap_wipe(struct heap *heap);

/* Room for 1 to HEAP_BLOCK_LEN bytes, aligned for none but char; NULL: no memory. */
void *heap_take(struct heap *heap, size_t len);

/* Room for a copy of so many bytes. */
void *heap_copy(struct heap *heap, const void *data, size_t len);

#endif
