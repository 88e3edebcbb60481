/*
 * tiny_gguf.h - a language model of no meaning: llama architecture, random weights, a vocabulary
 * of the 256 bytes.  Small enough to write at each test, and a real model to the engine.
 */
#ifndef TEST_LIB_TINY_GGUF_H
#define TEST_LIB_TINY_GGUF_H

#include <stddef.h>
#include <stdint.h>

#define TINY_GGUF_TOKENS 259 /* unknown, begin, end, and a token per byte */
#define TINY_GGUF_CONTEXT 512
#define TINY_GGUF_DIMS 64 /* numbers of a vector */

/* Make the file's bytes in memory (caller frees); *bytes is their count. */
void *tiny_gguf_make(uint32_t seed, size_t *bytes);

#endif
