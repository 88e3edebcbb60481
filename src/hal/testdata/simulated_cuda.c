/*
 * simulated_cuda.c - the part of the CUDA driver's interface that cuda.c calls, on a device of
 * 1 MiB whose addresses mean nothing to the processor.  Copies are done when one synchronizes.
 */
#include <stddef.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define BASE 0x7000000000ull

enum { BYTES = 1 << 20, BLOCKS = 8 };
enum { OK, INVALID = 1, NO_MEMORY = 2, NO_CONTEXT = 201 };

int cuInit(unsigned);
int cuDeviceGetCount(int *);
int cuDeviceGet(int *, int);
int cuDevicePrimaryCtxRetain(void **, int);
int cuCtxSetCurrent(void *);
int cuMemAlloc_v2(unsigned long long *, size_t);
int cuMemFree_v2(unsigned long long);
int cuMemsetD8_v2(unsigned long long, unsigned char, size_t);
int cuMemcpyHtoD_v2(unsigned long long, const void *, size_t);
int cuMemcpyDtoH_v2(void *, unsigned long long, size_t);
int cuCtxSynchronize(void);

static unsigned char memory[BYTES], staged[BYTES];
static struct {
	size_t at, bytes; /* bytes 0: free */
} blocks[BLOCKS];
static size_t used, staged_at, staged_bytes;
static __thread int current;

EXPORT int cuInit(unsigned flags) {
	memset(memory, 0xa5, sizeof(memory));
	return flags == 0 ? OK : INVALID;
}

EXPORT int cuDeviceGetCount(int *n) {
	*n = 1;
	return OK;
}

EXPORT int cuDeviceGet(int *device, int ordinal) {
	*device = ordinal;
	return ordinal == 0 ? OK : INVALID;
}

EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
	*context = memory;
	return device == 0 ? OK : INVALID;
}

EXPORT int cuCtxSetCurrent(void *context) {
	current = context == memory;
	return current ? OK : INVALID;
}

EXPORT int cuMemAlloc_v2(unsigned long long *at, size_t bytes) {
	if (!current)
		return NO_CONTEXT;
	for (int i = 0; i < BLOCKS && bytes <= BYTES - used; i++) {
		if (blocks[i].bytes)
			continue;
		blocks[i].at = used;
		blocks[i].bytes = bytes;
		used += bytes;
		*at = BASE + blocks[i].at;
		return OK;
	}
	return NO_MEMORY;
}

EXPORT int cuMemFree_v2(unsigned long long at) {
	size_t left = 0;
	for (int i = 0; i < BLOCKS; i++) {
		if (blocks[i].bytes && BASE + blocks[i].at == at)
			blocks[i].bytes = 0;
		left += blocks[i].bytes;
	}
	if (left == 0)
		used = 0;
	return current ? OK : NO_CONTEXT;
}

static int lies_in_a_block(unsigned long long at, size_t bytes) {
	for (int i = 0; i < BLOCKS; i++)
		if (blocks[i].bytes && at >= BASE + blocks[i].at &&
				at + bytes <= BASE + blocks[i].at + blocks[i].bytes)
			return 1;
	return 0;
}

EXPORT int cuMemsetD8_v2(unsigned long long at, unsigned char value, size_t bytes) {
	if (!current || !lies_in_a_block(at, bytes))
		return INVALID;
	memset(memory + (at - BASE), value, bytes);
	return OK;
}

EXPORT int cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t bytes) {
	if (!current || !lies_in_a_block(to, bytes))
		return INVALID;
	staged_at = to - BASE;
	staged_bytes = bytes;
	memcpy(staged, from, bytes);
	return OK;
}

EXPORT int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t bytes) {
	if (!current || !lies_in_a_block(from, bytes))
		return INVALID;
	memcpy(to, memory + (from - BASE), bytes);
	return OK;
}

EXPORT int cuCtxSynchronize(void) {
	memcpy(memory + staged_at, staged, staged_bytes);
	staged_bytes = 0;
	return current ? OK : NO_CONTEXT;
}
