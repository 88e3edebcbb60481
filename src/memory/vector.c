/* vector.c - see vector.h. */
#include "memory/vector.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "base/check.h"
#include "base/utf8.h"
#include "memory/words.h"

enum { GRAM_LEAST = 3, GRAM_MOST = 5, CHARACTERS_MAX = 66, WHOLE = 64, GRAMS = 96 };

/* A word with its marks: where its characters begin in `text`. */
struct spelled {
	char text[WORDS_BYTES_MAX + 2];
	uint8_t at[CHARACTERS_MAX + 1];
	unsigned count;
	bool dense;
};

static void spell(struct spelled *s, const char *word, size_t bytes) {
	size_t n = utf8_cut(word, bytes, WORDS_BYTES_MAX), to = 0;
	s->count = 0;
	s->dense = false;
	s->at[s->count++] = (uint8_t)to;
	s->text[to++] = '^';
	for (size_t i = 0; i < n;) {
		uint32_t code = 0;
		size_t step = utf8_next(word + i, n - i, &code);
		s->dense = s->dense || (step && words_is_dense(code));
		s->at[s->count++] = (uint8_t)to;
		for (step = step ? step : 1; step > 0; step--)
			s->text[to++] = word[i++];
	}
	s->at[s->count++] = (uint8_t)to;
	s->text[to++] = '$';
	s->at[s->count] = (uint8_t)to;
}

static unsigned root(unsigned v) {
	unsigned r = 0;
	while ((r + 1) * (r + 1) <= v)
		r++;
	return r;
}

/* Where there are no blanks, two characters are a word; elsewhere they are "of". */
static int32_t worth(const struct spelled *s, int32_t weight) {
	unsigned letters = s->count - 2;
	if (s->dense || letters >= 4)
		return weight;
	return letters == 3 ? weight / 2 : weight / 4;
}

static void add(int32_t *sum, uint64_t hash, int32_t amount) {
	sum[hash % VECTOR_DIMS] += hash >> 63 ? -amount : amount;
}

static unsigned grams_of(const struct spelled *s) {
	unsigned count = 0;
	for (unsigned n = GRAM_LEAST; n <= GRAM_MOST && n <= s->count; n++)
		count += s->count - n + 1;
	return count;
}

void vector_add_word(int32_t sum[VECTOR_DIMS], const char *word, size_t bytes, int32_t weight) {
	struct spelled s;
	spell(&s, word, bytes);
	weight = worth(&s, weight);
	unsigned count = grams_of(&s);
	int32_t each = count ? GRAMS * weight / (int32_t)root(count * 256) * 16 / VECTOR_WEIGHT : 0;
	add(sum, words_hash(s.text, s.at[s.count]), WHOLE * weight / VECTOR_WEIGHT);
	for (unsigned n = GRAM_LEAST; n <= GRAM_MOST; n++)
		/* told apart from the whole word by their number of characters */
		for (unsigned i = 0; i + n <= s.count; i++)
			add(sum, words_hash(s.text + s.at[i], (size_t)(s.at[i + n] - s.at[i])) * (2 * n + 1), each);
}

void vector_of_sums(const int32_t *sum, unsigned dims, int8_t *out) {
	int64_t most = 0;
	for (unsigned i = 0; i < dims; i++) {
		int64_t size = sum[i] < 0 ? -(int64_t)sum[i] : sum[i];
		most = size > most ? size : most;
	}
	for (unsigned i = 0; i < dims; i++) {
		int64_t v = most ? (2 * 127 * (int64_t)sum[i] + (sum[i] < 0 ? -most : most)) / (2 * most) : 0;
		out[i] = (int8_t)v;
	}
}

void vector_of_floats(const float *values, unsigned dims, int8_t *out) {
	float most = 0;
	for (unsigned i = 0; i < dims; i++)
		if (isfinite(values[i]) && fabsf(values[i]) > most)
			most = fabsf(values[i]);
	for (unsigned i = 0; i < dims; i++)
		out[i] = most > 0 && isfinite(values[i]) ? (int8_t)lroundf(values[i] / most * 127) : 0;
}

/* ---- nearness: the loop that costs ---- */

static int32_t dot(const int8_t *a, const int8_t *b, unsigned dims) {
	int32_t sum = 0;
	for (unsigned i = 0; i < dims; i++)
		sum += a[i] * b[i];
	return sum;
}

#if defined(__x86_64__)
/* |a| times b with the sign of a: two products fit 16 bits, as no byte is -128. */
__attribute__((target("avx2"))) static int32_t dot_avx2(const int8_t *a, const int8_t *b, unsigned dims) {
	__m256i sum = _mm256_setzero_si256(), ones = _mm256_set1_epi16(1);
	for (unsigned i = 0; i < dims; i += 32) {
		__m256i x = _mm256_loadu_si256((const void *)(a + i)), y = _mm256_loadu_si256((const void *)(b + i));
		__m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(y, x));
		sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
	}
	__m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
	half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
}
#endif

int32_t vector_dot(const int8_t *a, const int8_t *b, unsigned dims) {
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return dot_avx2(a, b, dims);
#endif
	return dot(a, b, dims);
}

float vector_inverse_length(const int8_t *v, unsigned dims) {
	int32_t square = vector_dot(v, v, dims);
	return square > 0 ? 1.0f / sqrtf((float)square) : 0.0f;
}

/* ---- signs ---- */

void vector_signs(const int8_t *v, unsigned dims, uint8_t *group, unsigned lane) {
	for (unsigned i = 0; i < dims; i += 8) {
		unsigned bits = 0;
		for (unsigned k = 0; k < 8; k++)
			bits |= (unsigned)(v[i + k] > 0) << k;
		group[i / 8 * VECTOR_LANES + lane] = (uint8_t)bits;
	}
}

/* What four signs add: each its number, or takes it away. */
static int four(const int8_t *v, unsigned bits) {
	int sum = 0;
	for (unsigned k = 0; k < 4; k++)
		sum += bits >> k & 1 ? v[k] : -v[k];
	return sum;
}

/* To the nearest; `most` becomes `limit`. */
static int8_t shrink(int sum, int most, int limit) {
	return (int8_t)((2 * sum * limit + (sum < 0 ? -most : most)) / (2 * most));
}

/*
 * So small that two halves of a byte fit 8 bits, and all bytes 16.  A sign stands for the mean size of a number, of
 * which the root of 2 / pi is left.
 */
void vector_probe_of(struct vector_probe *p, const int8_t *v, unsigned dims) {
	int most = 1, limit = dims <= 2048 ? 63 : 31;
	p->bytes = dims / 8;
	for (unsigned i = 0; i < dims; i += 4)
		for (unsigned bits = 0; bits < 16; bits++)
			most = four(v + i, bits) > most ? four(v + i, bits) : most;
	for (unsigned i = 0; i < p->bytes; i++)
		for (unsigned bits = 0; bits < 16; bits++) {
			p->low[i][bits] = shrink(four(v + 8 * i, bits), most, limit);
			p->high[i][bits] = shrink(four(v + 8 * i + 4, bits), most, limit);
		}
	p->scale = (double)vector_inverse_length(v, dims) * most / limit / (0.798 * sqrt(dims));
}

static void estimates(const struct vector_probe *p, const uint8_t *group, int16_t out[VECTOR_LANES]) {
	memset(out, 0, VECTOR_LANES * sizeof(out[0]));
	for (unsigned i = 0; i < p->bytes; i++, group += VECTOR_LANES)
		for (unsigned lane = 0; lane < VECTOR_LANES; lane++)
			out[lane] = (int16_t)(out[lane] + p->low[i][group[lane] & 15] + p->high[i][group[lane] >> 4]);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void estimates_avx2(const struct vector_probe *p, const uint8_t *group,
		int16_t out[VECTOR_LANES]) {
	const __m256i half = _mm256_set1_epi8(15);
	__m256i first = _mm256_setzero_si256(), second = first;
	for (unsigned i = 0; i < p->bytes; i++, group += VECTOR_LANES) {
		__m256i signs = _mm256_loadu_si256((const void *)group);
		__m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)p->low[i]));
		__m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)p->high[i]));
		low = _mm256_shuffle_epi8(low, _mm256_and_si256(signs, half));
		high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(signs, 4), half));
		low = _mm256_add_epi8(low, high);
		first = _mm256_add_epi16(first, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(low)));
		second = _mm256_add_epi16(second, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(low, 1)));
	}
	_mm256_storeu_si256((void *)out, first);
	_mm256_storeu_si256((void *)(out + VECTOR_LANES / 2), second);
}
#endif

void vector_estimates(const struct vector_probe *p, const uint8_t *group, int16_t out[VECTOR_LANES]) {
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		estimates_avx2(p, group, out);
		return;
	}
#endif
	estimates(p, group, out);
}
