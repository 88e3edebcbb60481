/*
 * memory_test.c - each kind is really of that kind, or says why it is not.
 */
#include "hal/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"

/* Sanitizers make mlock() do nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LOCKS 0
#endif
#endif
#ifndef LOCKS
#define LOCKS 1
#endif

/* A number of /proc/self/status, in KiB. */
static long status(const char *key) {
	char text[8192];
	CHECK(io_read_file("/proc/self/status", text, sizeof(text)) > 0);
	const char *at = strstr(text, key);
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static void works(struct hal_block *b) {
	char in[5000], out[5000], zero[64] = { 0 };
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 7);
	CHECK(b->bytes >= 8192);
	CHECK(hal_download(out, b, 8000, 64) == 0 && memcmp(out, zero, 64) == 0);
	CHECK(hal_upload(b, 1000, in, sizeof(in)) == 0);
	CHECK(hal_download(out, b, 1000, sizeof(out)) == 0 && memcmp(in, out, sizeof(in)) == 0);
	CHECK(hal_upload(b, b->bytes - 10, in, 11) == -E2BIG &&
			hal_download(out, b, b->bytes + 1, 0) == -E2BIG);
	CHECK(hal_upload(b, SIZE_MAX, in, 2) == -E2BIG && hal_upload(b, b->bytes, in, 0) == 0);
	CHECK((b->got == b->wanted) == (b->reason[0] == 0));
}

static void gives_host_memory(void) {
	struct hal_block b;
	CHECK(hal_allocate(HAL_MEMORY_HOST, 8192, 0, &b) == 0 && b.got == HAL_MEMORY_HOST && b.at &&
			!b.device_at);
	works(&b);
	hal_free(&b);
	hal_free(&b);
	CHECK(b.at == NULL);
	CHECK(hal_allocate(HAL_MEMORY_HOST, 0, 0, &b) == -EINVAL);
	CHECK(hal_allocate(HAL_MEMORY_COUNT, 8, 0, &b) == -EINVAL);
	CHECK(hal_allocate(HAL_MEMORY_HOST, SIZE_MAX, 0, &b) == -ENOMEM && b.at == NULL);
	CHECK(hal_allocate(HAL_MEMORY_HUGE, SIZE_MAX - 5, 0, &b) == -ENOMEM);
	CHECK(hal_allocate(HAL_MEMORY_PINNED, SIZE_MAX / 2, 0, &b) == -ENOMEM);
}

static void pins_what_it_may(void) {
	struct hal_block b;
	long before = status("VmLck:");
	CHECK(hal_allocate(HAL_MEMORY_PINNED, 64 << 10, 0, &b) == 0);
	works(&b);
	CHECK(!LOCKS || status("VmLck:") == before + (b.got == HAL_MEMORY_PINNED ? 64 : 0));
	printf("  pinned: got %s %s\n", hal_memory_text(b.got), b.reason);
	hal_free(&b);
	CHECK(status("VmLck:") == before);
}

/* In a process of its own, without the right to lock memory. */
static void says_why_it_did_not_pin(void) {
	int ends;
	pid_t child = fork();
	if (child == 0) {
		struct rlimit none = { 0, 0 };
		struct hal_block b;
		CHECK(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
		if (geteuid() == 0)
			CHECK(setresuid(65534, 65534, 65534) == 0);
		CHECK(hal_allocate(HAL_MEMORY_PINNED, 8192, 0, &b) == 0 &&
				b.got == HAL_MEMORY_HOST);
		CHECK(strstr(b.reason, "mlock") && strstr(b.reason, "limit 0 KiB"));
		works(&b);
		hal_free(&b);
		_exit(0);
	}
	CHECK(child > 0 && waitpid(child, &ends, 0) == child && WIFEXITED(ends) &&
			WEXITSTATUS(ends) == 0);
}

static void uses_huge_pages_if_there_are_any(void) {
	struct hal_block b;
	CHECK(hal_allocate(HAL_MEMORY_HUGE, 3 << 20, 0, &b) == 0);
	works(&b);
	CHECK(b.got == HAL_MEMORY_HUGE ? b.bytes == 4 << 20 : b.got == HAL_MEMORY_HOST);
	printf("  huge: got %s %s\n", hal_memory_text(b.got), b.reason);
	hal_free(&b);
}

static void uses_a_device(void) {
	struct hal_block a, b, c;
	CHECK(hal_allocate(HAL_MEMORY_DEVICE, 8192, 0, &a) == 0 && a.got == HAL_MEMORY_DEVICE &&
			!a.at && a.device_at);
	CHECK(hal_allocate(HAL_MEMORY_DEVICE, 8192, 0, &b) == 0 && b.device_at != a.device_at);
	works(&a);
	works(&b);
	CHECK(hal_allocate(HAL_MEMORY_DEVICE, 8 << 20, 0, &c) == 0 && c.got != HAL_MEMORY_DEVICE);
	CHECK(strstr(c.reason, "has not 8388608 bytes"));
	hal_free(&c);
	CHECK(hal_allocate(HAL_MEMORY_DEVICE, 8192, 7, &c) == 0 && c.got != HAL_MEMORY_DEVICE);
	CHECK(strstr(c.reason, "no such device"));
	works(&c);
	hal_free(&c);
	hal_free(&a);
	hal_free(&b);
	/* All was given back. */
	CHECK(hal_allocate(HAL_MEMORY_DEVICE, 1 << 20, 0, &a) == 0 && a.got == HAL_MEMORY_DEVICE);
	hal_free(&a);
}

/* Run `name` in a process that takes its device from `library`. */
static void with_driver(const char *library, void (*run)(void)) {
	int ends;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		CHECK(setenv("CADMUS_CUDA_LIB", library, 1) == 0);
		run();
		_exit(0);
	}
	CHECK(child > 0 && waitpid(child, &ends, 0) == child && WIFEXITED(ends) &&
			WEXITSTATUS(ends) == 0);
}

static void does_without_a_driver(void) {
	struct hal_block b;
	CHECK(hal_allocate(HAL_MEMORY_DEVICE, 8192, 0, &b) == 0 && b.got != HAL_MEMORY_DEVICE);
	CHECK(strstr(b.reason, "no CUDA driver"));
	works(&b);
	hal_free(&b);
}

static void names_what_a_driver_lacks(void) {
	struct hal_block b;
	CHECK(hal_allocate(HAL_MEMORY_DEVICE, 8192, 0, &b) == 0 &&
			strstr(b.reason, "has no cuInit"));
	hal_free(&b);
}

int main(int argc, char **argv) {
	CHECK(argc == 2);
	gives_host_memory();
	pins_what_it_may();
	if (LOCKS)
		says_why_it_did_not_pin();
	uses_huge_pages_if_there_are_any();
	with_driver(argv[1], uses_a_device);
	with_driver("/nowhere/libcuda.so", does_without_a_driver);
	with_driver("libm.so.6", names_what_a_driver_lacks);
	CHECK(strcmp(hal_memory_text(HAL_MEMORY_COUNT), "?") == 0);
	puts("memory_test: ok");
}
