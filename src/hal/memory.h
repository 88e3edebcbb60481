/*
 * memory.h - memory of a kind: what was asked for, what was got, and why it was not the same.
 *
 *      HOST     ordinary pages, present from the start
 *      PINNED   host pages that are never paged out (mlock), so that reading them never waits for a disk
 *      HUGE     host pages of the large size; fewer misses on large tensors
 *      DEVICE   memory of an accelerator; not addressable by the processor
 *
 * Who asks for more than there is gets less and is told: DEVICE -> PINNED -> HOST, HUGE -> HOST.  An
 * accelerator is found at run time (the CUDA driver, by dlopen); nothing of it is needed to build.
 * Any thread; a block belongs to one at a time.
 */
#ifndef HAL_MEMORY_H
#define HAL_MEMORY_H

#include <stddef.h>
#include "base/check.h"

enum hal_memory {
	HAL_MEMORY_HOST,
	HAL_MEMORY_PINNED,
	HAL_MEMORY_HUGE,
	HAL_MEMORY_DEVICE,
	HAL_MEMORY_COUNT
};

struct hal_block {
	void *at;                /* host address; NULL for DEVICE */
	unsigned long long device_at; /* address on the device; 0 else */
	size_t bytes;            /* usable: at least what was asked for */
	enum hal_memory wanted, got;
	int device;
	char reason[112];        /* why got is not wanted; "" when it is */
};

/* Zeroed memory of `bytes` > 0.  0, or -ENOMEM when there is not even HOST memory; -EINVAL. */
MUST_CHECK int hal_allocate(enum hal_memory kind, size_t bytes, int device, struct hal_block *out);
/* No-op on a zeroed block. */
void hal_free(struct hal_block *b);

/* Copy between a block of any kind and host memory, complete on return.  -E2BIG outside it; -EIO. */
MUST_CHECK int hal_upload(struct hal_block *to, size_t offset, const void *from, size_t bytes);
MUST_CHECK int hal_download(void *to, const struct hal_block *from, size_t offset, size_t bytes);

const char *hal_memory_text(unsigned kind);

#endif
