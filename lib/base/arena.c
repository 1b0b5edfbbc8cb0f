#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

struct heap_block {
	struct heap_block *before;
	char bytes[HEAP_BLOCK_LEN];
};

void heap_wipe(struct heap *heap)
{
	while (heap->last) {
		struct heap_block *block = heap->last;

		heap->last = block->before;
		explicit_bzero(block, sizeof(*block));
		free(block);
	}
	heap->left = 0;
}

static struct heap_block *add_block(struct heap *heap)
{
	struct heap_block *block = malloc(sizeof(*block));

	if (!block)
		return NULL;
	block->before = heap->last;
	heap->last = block;
	heap->left = HEAP_BLOCK_LEN;
	return block;
}

void *heap_take(struct heap *heap, size_t len)
{
	char *at;

	if (len > HEAP_BLOCK_LEN || (heap->left < len && !add_block(heap)))
		return NULL;
	at = heap->last->bytes + HEAP_BLOCK_LEN - heap->left;
	heap->left -= len;
	return at;
}

void *heap_copy(struct heap *heap, const void *data, size_t len)
{
	void *at = heap_take(heap, len);

	return at ? memcpy(at, data, len) : NULL;
}
