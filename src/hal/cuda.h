/*
 * cuda.h - the few calls of the CUDA driver that memory needs, by dlopen of libcuda.so.1.
 *
 * CADMUS_CUDA_LIB names another library of that interface (the simulated device of the tests).
 * Device memory lives in the primary context, the one that other users of CUDA in the process have.
 * Any thread; the library is looked for once.
 */
#ifndef HAL_CUDA_H
#define HAL_CUDA_H

#include <stddef.h>
#include "base/check.h"

/* -ENODEV (no driver, no such device), -ENOMEM; the reason as text. */
MUST_CHECK int cuda_allocate(
		int device, size_t bytes, unsigned long long *at, char *why, size_t capacity);
void cuda_free(int device, unsigned long long at);
/* Complete on return.  -EIO. */
MUST_CHECK int cuda_upload(int device, unsigned long long to, const void *from, size_t bytes);
MUST_CHECK int cuda_download(int device, void *to, unsigned long long from, size_t bytes);

#endif
