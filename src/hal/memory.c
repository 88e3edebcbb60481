/* memory.c - see memory.h. */
#include "hal/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "hal/cuda.h"

#define HUGE_BYTES (2u << 20)

static const char *const names[] = { "host", "pinned", "huge", "device" };

const char *hal_memory_text(unsigned kind) {
	return kind < COUNT_OF(names) ? names[kind] : "?";
}

static size_t round_up(size_t bytes, size_t to) {
	size_t more;
	return __builtin_add_overflow(bytes, to - 1, &more) ? 0 : more / to * to;
}

static void *map(size_t bytes, int flags) {
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			-1, 0);
	return at == MAP_FAILED ? NULL : at;
}

static int allocate_host(struct hal_block *b) {
	b->bytes = round_up(b->bytes, (size_t)sysconf(_SC_PAGESIZE));
	b->at = b->bytes ? map(b->bytes, MAP_POPULATE) : NULL;
	b->got = HAL_MEMORY_HOST;
	return b->at ? 0 : -ENOMEM;
}

static int allocate_pinned(struct hal_block *b) {
	struct rlimit limit = { 0, 0 };
	int rc = allocate_host(b);
	if (rc < 0)
		return rc;
	if (mlock(b->at, b->bytes) == 0) {
		b->got = HAL_MEMORY_PINNED;
		return 0;
	}
	int e = errno;
	size_t n = strlen(b->reason);
	getrlimit(RLIMIT_MEMLOCK, &limit);
	snprintf(b->reason + n, sizeof(b->reason) - n, "%smlock: %s (limit %llu KiB)", n ? "; " : "", strerror(e),
			(unsigned long long)limit.rlim_cur >> 10);
	return 0;
}

static int allocate_huge(struct hal_block *b) {
	size_t huge = round_up(b->bytes, HUGE_BYTES);
	b->at = huge ? map(huge, MAP_HUGETLB | MAP_POPULATE) : NULL;
	if (b->at) {
		b->bytes = huge;
		b->got = HAL_MEMORY_HUGE;
		return 0;
	}
	snprintf(b->reason, sizeof(b->reason), "no free huge pages (%s)", strerror(errno));
	int rc = allocate_host(b);
	size_t n = strlen(b->reason);
	if (rc == 0 && madvise(b->at, b->bytes, MADV_HUGEPAGE) == 0)
		snprintf(b->reason + n, sizeof(b->reason) - n, "; the kernel may join pages by itself");
	return rc;
}

static int allocate_device(struct hal_block *b) {
	int rc = cuda_allocate(
			b->device, b->bytes, &b->device_at, b->reason, sizeof(b->reason) / 2);
	if (rc < 0)
		return allocate_pinned(b);
	b->got = HAL_MEMORY_DEVICE;
	return 0;
}

int hal_allocate(enum hal_memory kind, size_t bytes, int device, struct hal_block *out) {
	memset(out, 0, sizeof(*out));
	if (bytes == 0 || kind >= HAL_MEMORY_COUNT)
		return -EINVAL;
	struct hal_block b = { .bytes = bytes, .wanted = kind, .device = device };
	int rc = kind == HAL_MEMORY_PINNED ? allocate_pinned(&b)
			: kind == HAL_MEMORY_HUGE ? allocate_huge(&b)
			: kind == HAL_MEMORY_DEVICE ? allocate_device(&b)
						    : allocate_host(&b);
	if (rc == 0)
		*out = b;
	return rc;
}

void hal_free(struct hal_block *b) {
	if (b->device_at)
		cuda_free(b->device, b->device_at);
	if (b->at)
		munmap(b->at, b->bytes); /* unlocks, too */
	memset(b, 0, sizeof(*b));
}

static int inside(const struct hal_block *b, size_t offset, size_t bytes) {
	return offset <= b->bytes && bytes <= b->bytes - offset ? 0 : -E2BIG;
}

int hal_upload(struct hal_block *to, size_t offset, const void *from, size_t bytes) {
	int rc = inside(to, offset, bytes);
	if (rc < 0 || bytes == 0)
		return rc;
	if (to->got == HAL_MEMORY_DEVICE)
		return cuda_upload(to->device, to->device_at + offset, from, bytes);
	memcpy((char *)to->at + offset, from, bytes);
	return 0;
}

int hal_download(void *to, const struct hal_block *from, size_t offset, size_t bytes) {
	int rc = inside(from, offset, bytes);
	if (rc < 0 || bytes == 0)
		return rc;
	if (from->got == HAL_MEMORY_DEVICE)
		return cuda_download(from->device, to, from->device_at + offset, bytes);
	memcpy(to, (const char *)from->at + offset, bytes);
	return 0;
}
