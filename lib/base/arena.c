/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *before;
	char bytes[ARENA_BLOCK_LEN];
};

void arena_wipe(struct arena *arena)
{
	while (arena->last) {
		struct arena_block *block = arena->last;

		arena->last = block->before;
		explicit_bzero(block, sizeof(*block));
		free(block);
	}
	arena->left = 0;
}

void *arena_take(struct arena *arena, size_t len)
{
	struct arena_block *block;
	char *at;

	if (len > ARENA_BLOCK_LEN)
		return NULL;
	if (arena->left < len) {
		block = malloc(sizeof(*block));
		if (!block)
			return NULL;
		block->before = arena->last;
		arena->last = block;
		arena->left = ARENA_BLOCK_LEN;
	}
	at = arena->last->bytes + ARENA_BLOCK_LEN - arena->left;
	arena->left -= len;
	return at;
}

void *arena_copy(struct arena *arena, const void *data, size_t len)
{
	void *at = arena_take(arena, len);

	return at ? memcpy(at, data, len) : NULL;
}
