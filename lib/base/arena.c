#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *before;
	char bytes[ARENA_BLOCK_LEN];
};

void arena_wipe(struct arena *heap)
{
	while (heap->last) {
		struct arena_block *block = heap->last;

		heap->last = block->before;
		explicit_bzero(block, sizeof(*block));
		free(block);
	}
	heap->left = 0;
}

static struct arena_block *add_block(struct arena *heap)
{
	struct arena_block *block = malloc(sizeof(*block));

	if (!block)
		return NULL;
	block->before = heap->last;
	heap->last = block;
	heap->left = ARENA_BLOCK_LEN;
	return block;
}

void *arena_take(struct arena *heap, size_t len)
{
	char *at;

	if (len > ARENA_BLOCK_LEN || (heap->left < len && !add_block(heap)))
		return NULL;
	at = heap->last->bytes + ARENA_BLOCK_LEN - heap->left;
	heap->left -= len;
	return at;
}

void *arena_copy(struct arena *heap, const void *data, size_t len)
{
	void *at = arena_take(heap, len);

	return at ? memcpy(at, data, len) : NULL;
}
