/*
 * vector.h - texts as small vectors: hashed n-grams, and how near two of them are.
 *
 * A word adds, each with a sign of its own hash, its characters 3 to 5 at a time (with marks where it begins and
 * ends) and itself to a sum of VECTOR_DIMS numbers: words that share a stem, or differ by a slip of the finger, share
 * most of it.  Short words say little and add little.  All in integers, so that the same words give the same bytes
 * everywhere.
 *
 * A vector is bytes -127 to 127, the largest of which is 127 (or all are 0); its length is divided out by
 * vector_cosine().
 *
 * Pure; any thread.
 */
#ifndef MEMORY_VECTOR_H
#define MEMORY_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#define VECTOR_DIMS 256u      /* of hashed n-grams */
#define VECTOR_DIMS_MAX 4096u /* of anybody's; a multiple of 32 */
#define VECTOR_WEIGHT 256     /* a word as it is */

/* Add a word, `weight` in units of VECTOR_WEIGHT (0 to 16 of them). */
void vector_add_word(int32_t sum[VECTOR_DIMS], const char *word, size_t bytes, int32_t weight);
/* The sums as bytes. */
void vector_of_sums(const int32_t *sum, unsigned dims, int8_t *out);
/* The same of what a model gives; what is no number counts as 0. */
void vector_of_floats(const float *values, unsigned dims, int8_t *out);

/* The sum of products; dims is a multiple of 32. */
int32_t vector_dot(const int8_t *a, const int8_t *b, unsigned dims);
/* 1 / length; 0 of the vector that is 0. */
float vector_inverse_length(const int8_t *v, unsigned dims);

/*
 * The signs alone, a bit each: an eighth of the bytes to look at, and still most of what a cosine says.  They stand
 * in groups of VECTOR_LANES vectors, byte by byte of all of them, so that one instruction looks up what half a byte
 * of 32 vectors adds.  vector_test measures how far the estimate is off.
 */
#define VECTOR_LANES 32u

struct vector_probe {
	unsigned bytes; /* of signs of one vector */
	double scale;   /* an estimate times this is one of the cosine */
	/* what each half of a byte adds */
	int8_t low[VECTOR_DIMS_MAX / 8][16], high[VECTOR_DIMS_MAX / 8][16];
};

/* Set the signs of one vector of a group of dims / 8 * VECTOR_LANES bytes. */
void vector_signs(const int8_t *v, unsigned dims, uint8_t *group, unsigned lane);
void vector_probe_of(struct vector_probe *p, const int8_t *v, unsigned dims);
/* The estimates of a group. */
void vector_estimates(const struct vector_probe *p, const uint8_t *group, int16_t out[VECTOR_LANES]);

#endif
