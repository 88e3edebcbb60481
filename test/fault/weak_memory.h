/*
 * weak_memory.h - atomics of the code under test, as the weakest processor that C11 allows would do them.
 *
 * Included before everything else when src/store is compiled for weak_memory_test: each __atomic_ builtin becomes a
 * step of a simulation.  Threads are coroutines that change places at each step.  A store leaves a message at its
 * address; a load takes any message that its thread may still see: not one older than what it has seen there, nor than
 * what came to it with an acquire of a release.  seq_cst steps are in the order of their execution.  So a missing
 * release, acquire or seq_cst shows on any processor.  Memory is known by its file, so several processes can be played
 * in one, each with mappings of its own.
 *
 * A load happens when its turn comes, and sees nothing that is stored later, as C11 would allow it to.  So that nobody
 * relies on this, weak_is_read() tells whether loads are over by the rules: who will write, or unmap, what others have
 * looked at asks it.  Not simulated: plain accesses, and seq_cst orders that contradict the order of other loads.
 */
#ifndef TEST_FAULT_WEAK_MEMORY_H
#define TEST_FAULT_WEAK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t weak_load(const void *p, size_t bytes, int order);
void weak_store(void *p, size_t bytes, uint64_t v, int order);
/* What was there; the new value is (old & keep) + v. */
uint64_t weak_change(void *p, size_t bytes, uint64_t keep, uint64_t v, int order);
bool weak_compare_exchange(void *p, size_t bytes, void *expected, uint64_t v, int order);
/* futex and futex_waitv; a sleep that has a limit has passed it at once */
long weak_syscall(long number, ...);
/* The address space stays taken, so that no other mapping has the same addresses, and nobody may touch it. */
int weak_munmap(void *p, size_t bytes);
/* Anonymous, over what is mapped: zeros for all threads at once, with a barrier in each, as the kernel does it. */
void *weak_mmap(void *p, size_t bytes, int protection, int how, int fd, off_t at);

#define __atomic_load_n(p, order) ((__typeof__(*(p)))(uintptr_t)weak_load(p, sizeof(*(p)), order))
#define __atomic_store_n(p, v, order) weak_store(p, sizeof(*(p)), (uint64_t)(uintptr_t)(v), order)
#define __atomic_exchange_n(p, v, order) \
	((__typeof__(*(p)))(uintptr_t)weak_change(p, sizeof(*(p)), 0, (uint64_t)(uintptr_t)(v), order))
#define __atomic_fetch_add(p, v, order) \
	((__typeof__(*(p)))weak_change(p, sizeof(*(p)), UINT64_MAX, (uint64_t)(v), order))
#define __atomic_fetch_sub(p, v, order) \
	((__typeof__(*(p)))weak_change(p, sizeof(*(p)), UINT64_MAX, -(uint64_t)(v), order))
#define __atomic_fetch_or(p, v, order) \
	((__typeof__(*(p)))weak_change(p, sizeof(*(p)), ~(uint64_t)(v), (uint64_t)(v), order))
#define __atomic_fetch_and(p, v, order) ((__typeof__(*(p)))weak_change(p, sizeof(*(p)), (uint64_t)(v), 0, order))
#define __atomic_compare_exchange_n(p, expected, v, weak, order, other) \
	weak_compare_exchange(p, sizeof(*(p)), expected, (uint64_t)(uintptr_t)(v), order)
#define syscall weak_syscall
#define munmap weak_munmap
#define mmap weak_mmap

/* ---- for the test ------------------------------------------------------------------------------ */

/* Run them as threads until all have ended; the same seed does the same.  False: some sleep, and nobody wakes them. */
bool weak_run(uint64_t seed, unsigned threads, void (*const *run)(void));
/* A number below n. */
uint32_t weak_draw(uint32_t n);
/* Has every load of that memory that another thread has made by these addresses happened before now? */
bool weak_is_read(const void *p, size_t bytes);

#endif
