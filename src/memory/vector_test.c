/* vector_test.c - likeness of words, products against a slow one, and how far off the signs alone are. */
#include "memory/vector.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

static void vector_of(const char *words, int8_t out[VECTOR_DIMS]) {
	int32_t sums[VECTOR_DIMS] = { 0 };
	while (*words) {
		size_t n = strcspn(words, " ");
		vector_add_word(sums, words, n, VECTOR_WEIGHT);
		words += n + strspn(words + n, " ");
	}
	vector_of_sums(sums, VECTOR_DIMS, out);
}

static double cosine(const int8_t *a, const int8_t *b) {
	return (double)vector_dot(a, b, VECTOR_DIMS) * (double)vector_inverse_length(a, VECTOR_DIMS) *
	       (double)vector_inverse_length(b, VECTOR_DIMS);
}

static double likeness(const char *a, const char *b) {
	int8_t x[VECTOR_DIMS], y[VECTOR_DIMS];
	vector_of(a, x);
	vector_of(b, y);
	return cosine(x, y);
}

static void words_that_share_letters_are_alike(void) {
	CHECK(likeness("screwdriver", "screwdriver") > 0.9999 && likeness("screwdriver", "screwdrivers") > 0.6);
	CHECK(likeness("screwdriver", "scredriver") > 0.3 && fabs(likeness("screwdriver", "pomegranate")) < 0.25);
	CHECK(likeness("the cable of ana", "cable") > likeness("the cable of ana", "the"));
	CHECK(likeness("blue folder papers", "papers in a blue folder") > 0.7);
	CHECK(likeness("", "word") == 0 && likeness("a", "a") > 0.99);
	CHECK(likeness("\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac") > 0.99);
	CHECK(likeness("\xff\xfe", "\xff\xfe") > 0.99); /* no text, yet no crash */
}

/* The same on every machine: these bytes are stored. */
static void vectors_never_change(void) {
	int8_t v[VECTOR_DIMS];
	uint64_t sum = 0;
	vector_of("screwdriver", v);
	for (unsigned i = 0; i < VECTOR_DIMS; i++)
		sum = sum * 31 + (uint8_t)v[i];
	printf("sum of screwdriver: %llu\n", (unsigned long long)sum);
	CHECK(sum == UINT64_C(11892150337784750974));
}

static uint32_t seed = 7;

static int8_t any_byte(void) {
	seed = seed * 1664525 + 1013904223;
	return (int8_t)((int)(seed >> 24) % 255 - 127);
}

static void products_are_right(void) {
	static int8_t a[VECTOR_DIMS_MAX], b[VECTOR_DIMS_MAX];
	for (unsigned dims = 32; dims <= VECTOR_DIMS_MAX; dims += dims < 512 ? 32 : 896) {
		int32_t sum = 0;
		for (unsigned i = 0; i < dims; i++) {
			a[i] = dims % 64 ? any_byte() : 127; /* the largest there can be, too */
			b[i] = dims % 64 ? any_byte() : dims % 128 ? -127 : 127;
			sum += a[i] * b[i];
		}
		CHECK(vector_dot(a, b, dims) == sum);
	}
}

/* What the signs of a vector make of another one, the slow way. */
static int32_t signed_sum(const int8_t *v, const int8_t *of, unsigned dims) {
	int32_t sum = 0;
	for (unsigned i = 0; i < dims; i++)
		sum += of[i] > 0 ? v[i] : -v[i];
	return sum;
}

static void signs_are_summed_right(void) {
	static int8_t v[VECTOR_DIMS_MAX], rows[VECTOR_LANES][VECTOR_DIMS_MAX];
	static uint8_t group[VECTOR_LANES * VECTOR_DIMS_MAX / 8];
	static struct vector_probe p;
	for (unsigned dims = 32; dims <= VECTOR_DIMS_MAX; dims *= 2) {
		int16_t got[VECTOR_LANES];
		for (unsigned i = 0; i < dims; i++)
			v[i] = dims == 64 || dims == VECTOR_DIMS_MAX ? -127 : any_byte(); /* the largest there can be */
		for (unsigned n = 0; n < VECTOR_LANES; n++) {
			for (unsigned i = 0; i < dims; i++)
				rows[n][i] = n == 2 ? 127 : n == 3 ? -127 : any_byte();
			vector_signs(rows[n], dims, group, n);
		}
		vector_probe_of(&p, v, dims);
		vector_estimates(&p, group, got);
		double unit = p.scale * 0.798 * sqrt(dims) / (double)vector_inverse_length(v, dims);
		for (unsigned n = 0; n < VECTOR_LANES; n++) /* each half of a byte is off by half a unit at most */
			CHECK(fabs(got[n] * unit - signed_sum(v, rows[n], dims)) <= unit * dims / 8);
	}
}

/* A text of words that a number makes. */
static void some_text(unsigned number, unsigned words, char *out, size_t room) {
	size_t n = 0;
	for (unsigned i = 0; i < words; i++)
		n += (size_t)snprintf(out + n, room - n, "%c%x%c%x ", 'a' + (number + i) % 26,
				number * 2654435761u >> (i % 16),
				'k' + i % 9, (number + i) * 40503u & 0xfff);
}

static void estimates_are_near(void) {
	enum { COUNT = 400 };
	static struct vector_probe p;
	double square = 0, worst = 0;
	for (unsigned i = 0; i < COUNT; i++) {
		char text[2048], question[256];
		int8_t v[VECTOR_DIMS], q[VECTOR_DIMS];
		static uint8_t group[VECTOR_LANES * VECTOR_DIMS / 8];
		int16_t sums[VECTOR_LANES];
		some_text(i, 5 + i % 60, text, sizeof(text));
		/* some of it, or of nothing */
		some_text(i + (i % 3 == 0) * 1000, 2 + i % 4, question, sizeof(question));
		vector_of(text, v);
		vector_of(question, q);
		vector_probe_of(&p, q, VECTOR_DIMS);
		vector_signs(v, VECTOR_DIMS, group, i % VECTOR_LANES);
		vector_estimates(&p, group, sums);
		double off = sums[i % VECTOR_LANES] * p.scale - cosine(q, v);
		square += off * off / (double)COUNT;
		worst = fabs(off) > worst ? fabs(off) : worst;
	}
	printf("estimates by signs: off by %.3f (root of the mean square), %.3f at most\n", sqrt(square),
			worst);
	CHECK(sqrt(square) < 0.12 && worst < 0.35);
}

static void floats_become_bytes(void) {
	float values[32] = { 0.5f, -1.0f, 0.25f, NAN, INFINITY };
	int8_t v[32];
	vector_of_floats(values, 32, v);
	CHECK(v[0] == 64 && v[1] == -127 && v[2] == 32 && v[3] == 0 && v[4] == 0 && v[31] == 0);
	memset(values, 0, sizeof(values));
	vector_of_floats(values, 32, v);
	CHECK(v[0] == 0 && vector_inverse_length(v, 32) == 0);
	int32_t sums[32] = { INT32_MAX, INT32_MIN, 0, 1 << 30 };
	vector_of_sums(sums, 32, v);
	CHECK(v[0] == 127 && v[1] == -127 && v[2] == 0 && v[3] == 64);
}

int main(void) {
	words_that_share_letters_are_alike();
	vectors_never_change();
	products_are_right();
	signs_are_summed_right();
	estimates_are_near();
	floats_become_bytes();
	return 0;
}
