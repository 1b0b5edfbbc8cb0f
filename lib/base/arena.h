/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for many small secrets, which is wiped and given back all at once. It grows by whole
 * blocks, so that nothing is ever moved and no copy is left behind.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#define ARENA_BLOCK_LEN ((size_t)1 << 20)

struct arena {
	struct arena_block *last;
	size_t left; /* bytes free in it */
};

#define OWN_ARENA OWN(arena_wipe)

/* Wipe and free everything. */
void arena_wipe(struct arena *arena);

/* Room for 1 to ARENA_BLOCK_LEN bytes, aligned for none but char; NULL: no memory. */
void *arena_take(struct arena *arena, size_t len);

/* Room for a copy of so many bytes. */
void *arena_copy(struct arena *arena, const void *data, size_t len);

#endif
