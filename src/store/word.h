/*
 * word.h - words of shared memory, and payloads as words.
 *
 * One side may store while another loads: that is how stamps work.  So whatever stands under a stamp
 * is stored and loaded as whole 64-bit atomic words and TSan has nothing to say.  Why release and
 * acquire, not relaxed: there are no fences here (TSan cannot see them), so it is each word of the
 * payload itself that keeps the order.  A reader that saw a new word has acquired the odd stamp
 * stored before it, and a later look at the stamp cannot come before the words.  On x86 both are
 * plain moves.
 */
#ifndef STORE_WORD_H
#define STORE_WORD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t word_load(const uint64_t *p) {
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void word_store(uint64_t *p, uint64_t v) {
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* Sides of a Dekker pair: each stores its own word, then loads the other's; at least one sees. */
static inline uint64_t word_load_total(const uint64_t *p) {
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline void word_store_total(uint64_t *p, uint64_t v) {
	__atomic_store_n(p, v, __ATOMIC_SEQ_CST);
}

/* Between two looks at a word that another processor is about to change. */
static inline void word_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* A store that no store after it, atomic or plain, can come before. */
static inline void word_store_first(uint64_t *p, uint64_t v) {
#if defined(__x86_64__) || defined(__i386__)
	__atomic_store_n(p, v, __ATOMIC_RELEASE); /* the processor keeps stores in order; */
	__asm__ volatile("" ::: "memory");        /* the compiler does now */
#else
	__atomic_store_n(p, v, __ATOMIC_SEQ_CST);
	(void)__atomic_load_n(p, __ATOMIC_SEQ_CST); /* which stores are not moved before */
#endif
}

/* For counts and times that order nothing. */
static inline uint64_t word_peek(const uint64_t *p) {
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void word_poke(uint64_t *p, uint64_t v) {
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/* `shared` is 8-aligned and has room up to the next multiple of 8. */
static inline void word_copy_out(void *out, const void *shared, size_t bytes) {
	const uint64_t *from = shared;
	unsigned char *to = out;
	size_t words = bytes / 8;

#pragma GCC unroll 4
	for (size_t i = 0; i < words; i++) {
		uint64_t w = word_load(&from[i]);
		memcpy(to + 8 * i, &w, 8);
	}
	if (bytes % 8) {
		uint64_t w = word_load(&from[words]);
		memcpy(to + 8 * words, &w, bytes % 8);
	}
}

static inline void word_copy_in(void *shared, const void *in, size_t bytes) {
	uint64_t *to = shared;
	const unsigned char *from = in;
	size_t words = bytes / 8;

#pragma GCC unroll 4
	for (size_t i = 0; i < words; i++) {
		uint64_t w;
		memcpy(&w, from + 8 * i, 8);
		word_store(&to[i], w);
	}
	if (bytes % 8) {
		uint64_t w = 0;
		memcpy(&w, from + 8 * words, bytes % 8);
		word_store(&to[words], w);
	}
}

#endif
