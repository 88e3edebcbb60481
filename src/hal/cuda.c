/* cuda.c - see cuda.h. */
#include "hal/cuda.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES_MAX 16

/* CUDA_FN(member, symbol, parameters): the driver's interface is a fixed ABI; _v2 names are part of it. */
#define CUDA_FUNCTIONS                                                      \
	CUDA_FN(init, "cuInit", (unsigned flags))                           \
	CUDA_FN(count, "cuDeviceGetCount", (int *))                         \
	CUDA_FN(device, "cuDeviceGet", (int *, int))                        \
	CUDA_FN(retain, "cuDevicePrimaryCtxRetain", (void **, int))         \
	CUDA_FN(make_current, "cuCtxSetCurrent", (void *))                  \
	CUDA_FN(allocate, "cuMemAlloc_v2", (unsigned long long *, size_t))  \
	CUDA_FN(release, "cuMemFree_v2", (unsigned long long))              \
	CUDA_FN(fill, "cuMemsetD8_v2", (unsigned long long, unsigned char, size_t)) \
	CUDA_FN(upload, "cuMemcpyHtoD_v2", (unsigned long long, const void *, size_t)) \
	CUDA_FN(download, "cuMemcpyDtoH_v2", (void *, unsigned long long, size_t)) \
	CUDA_FN(synchronize, "cuCtxSynchronize", (void))

static struct {
	pthread_once_t once;
	char why[64]; /* there is none; "" when there is */
	int devices;
	void *contexts[DEVICES_MAX];
#define CUDA_FN(member, symbol, parameters) int(*member) parameters;
	CUDA_FUNCTIONS
#undef CUDA_FN
} driver = { .once = PTHREAD_ONCE_INIT };

static const char *find_functions(void *lib) {
	const char *missing = NULL;
	void *at;
#define CUDA_FN(member, symbol, parameters)                  \
	at = dlsym(lib, symbol);                             \
	memcpy(&driver.member, &at, sizeof(at));             \
	if (!at && !missing)                                 \
		missing = symbol;
	CUDA_FUNCTIONS
#undef CUDA_FN
	return missing;
}

static void open_driver(void) {
	const char *name = getenv("CADMUS_CUDA_LIB");
	void *lib = dlopen(name && *name ? name : "libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	const char *missing = lib ? find_functions(lib) : NULL;
	if (!lib) {
		snprintf(driver.why, sizeof(driver.why), "no CUDA driver");
	} else if (missing) {
		snprintf(driver.why, sizeof(driver.why), "this CUDA driver has no %s", missing);
	} else {
		int rc = driver.init(0);
		if (rc == 0)
			rc = driver.count(&driver.devices);
		if (rc != 0)
			snprintf(driver.why, sizeof(driver.why), "CUDA does not start (%d)", rc);
	}
}

/* Make the device's primary context the thread's; contexts are kept for the life of the process. */
static int enter(int device, char *why, size_t capacity) {
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int handle, rc = 0;
	CHECK(pthread_once(&driver.once, open_driver) == 0);
	if (driver.why[0] || device < 0 || device >= driver.devices || device >= DEVICES_MAX) {
		snprintf(why, capacity, "%s", driver.why[0] ? driver.why : "no such device");
		return -ENODEV;
	}
	CHECK(pthread_mutex_lock(&lock) == 0);
	if (!driver.contexts[device]) {
		rc = driver.device(&handle, device);
		if (rc == 0)
			rc = driver.retain(&driver.contexts[device], handle);
	}
	if (rc == 0)
		rc = driver.make_current(driver.contexts[device]);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	if (rc != 0)
		snprintf(why, capacity, "CUDA device %d cannot be used (%d)", device, rc);
	return rc == 0 ? 0 : -ENODEV;
}

int cuda_allocate(int device, size_t bytes, unsigned long long *at, char *why, size_t capacity) {
	int rc = enter(device, why, capacity);
	if (rc < 0)
		return rc;
	rc = driver.allocate(at, bytes);
	if (rc == 0 && driver.fill(*at, 0, bytes) == 0 && driver.synchronize() == 0)
		return 0;
	if (rc == 0)
		driver.release(*at);
	*at = 0;
	snprintf(why, capacity, "device %d has not %zu bytes (%d)", device, bytes, rc);
	return -ENOMEM;
}

void cuda_free(int device, unsigned long long at) {
	char why[64];
	if (enter(device, why, sizeof(why)) == 0)
		driver.release(at);
}

int cuda_upload(int device, unsigned long long to, const void *from, size_t bytes) {
	char why[64];
	if (enter(device, why, sizeof(why)) < 0)
		return -EIO;
	return driver.upload(to, from, bytes) == 0 && driver.synchronize() == 0 ? 0 : -EIO;
}

int cuda_download(int device, void *to, unsigned long long from, size_t bytes) {
	char why[64];
	if (enter(device, why, sizeof(why)) < 0)
		return -EIO;
	return driver.download(to, from, bytes) == 0 ? 0 : -EIO;
}
