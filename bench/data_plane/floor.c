/*
 * floor.c - what no transport can be faster than: a word that changes hands, a futex that wakes, a copy of the bytes.
 *
 * Polling, two processes exchange a word over two lines, each written by one of them.  Blocking, the same two words are
 * slept on: one FUTEX_WAKE for each store, one FUTEX_WAIT for each look that finds nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench/lib/ticks.h"
#include "bench/data_plane/transport.h"

#define LINE 128 /* two lines: neighbours are fetched together */

struct line {
	_Alignas(LINE) uint64_t word;
};

static struct line *lines; /* [0] from ping, [1] from pong */
static uint64_t echoed;

static void begin(const char *dir, const char *as, const char *variant) {
	(void)as, (void)variant;
	lines = shared_page(dir, "lines");
	echoed = lines[0].word;
}

/* The half of a word that changes each time. */
static uint32_t *low(struct line *l) {
	return (uint32_t *)&l->word;
}

static void store(struct line *l, uint64_t word, bool block) {
	__atomic_store_n(&l->word, word, __ATOMIC_RELEASE);
	if (block)
		syscall(SYS_futex, low(l), FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void swap(bool block, uint64_t word) {
	uint64_t seen;
	store(&lines[0], word, block);
	while ((seen = __atomic_load_n(&lines[1].word, __ATOMIC_ACQUIRE)) != word)
		if (block)
			syscall(SYS_futex, low(&lines[1]), FUTEX_WAIT, (uint32_t)seen, NULL, NULL, 0);
}

static uint64_t echo(bool block) {
	uint64_t word;
	while ((word = __atomic_load_n(&lines[0].word, __ATOMIC_ACQUIRE)) == echoed)
		if (block)
			syscall(SYS_futex, low(&lines[0]), FUTEX_WAIT, (uint32_t)word, NULL, NULL, 0);
	store(&lines[1], word, block);
	return echoed = word;
}

/* One of them, or the mean of so many that the clock does not matter. */
static double copy_ns(uint32_t bytes) {
	static unsigned char *from, *to;
	static uint32_t room;
	static double ns_per_tick;
	if (bytes > room) {
		free(from), free(to);
		from = malloc(bytes), to = malloc(bytes);
		if (!from || !to)
			die("no memory for %u bytes", bytes);
		memset(from, 1, room = bytes), memset(to, 2, bytes);
		ns_per_tick = tick_ns();
	}
	uint32_t times = bytes < 65536 ? 65536 / bytes : 1;
	uint64_t at = ticks();
	for (uint32_t i = 0; i < times; i++) {
		memcpy(to, from, bytes);
		__asm__ volatile("" : : "r"(from), "r"(to) : "memory");
	}
	return (double)(ticks() - at) * ns_per_tick / times;
}

const struct transport transport = { .version = "-", .begin = begin, .swap = swap, .echo = echo, .copy_ns = copy_ns };
