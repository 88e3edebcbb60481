/* scale_test.c - every size to every size, against the plainest possible computation of the same thing. */
#undef NDEBUG
#include "scale.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 40, GUARD = 0xa5 };

static uint8_t source[SIDE * SIDE * 3], out[SIDE * SIDE * 3 + 16];
static uint64_t sums[SIDE * 3];

static void run(enum scale_mode mode, unsigned sw, unsigned sh, unsigned w, unsigned h) {
	struct scale_fit f = scale_fit(mode, sw, sh, w, h);
	struct scale s;
	memset(out, GUARD, sizeof(out));
	scale_borders(&f, out, w, h);
	scale_begin(&s, &f, out, w * 3, sums);
	for (unsigned y = 0; y < sh; y++)
		scale_row(&s, y, source + y * sw * 3);
	assert(s.row == f.height);
	for (unsigned i = w * h * 3; i < sizeof(out); i++)
		assert(out[i] == GUARD); /* not a byte too far */
}

/* The mean of source pixels [floor(n s / d), floor((n + 1) s / d)), at least one. */
static double mean(const struct scale_fit *f, unsigned sw, unsigned x, unsigned y, unsigned c) {
	unsigned x0 = (unsigned)floor((double)x * f->source_width / f->width);
	unsigned x1 = (unsigned)floor((double)(x + 1) * f->source_width / f->width);
	unsigned y0 = (unsigned)floor((double)y * f->source_height / f->height);
	unsigned y1 = (unsigned)floor((double)(y + 1) * f->source_height / f->height);
	double sum = 0, count = 0;
	for (unsigned j = y0; j < y1 || j == y0; j++)
		for (unsigned i = x0; i < x1 || i == x0; i++, count++)
			sum += source[((j + f->source_y) * sw + i + f->source_x) * 3 + c];
	return sum / count;
}

static void compare(enum scale_mode mode, unsigned sw, unsigned sh, unsigned w, unsigned h) {
	struct scale_fit f = scale_fit(mode, sw, sh, w, h);
	run(mode, sw, sh, w, h);
	for (unsigned y = 0; y < h; y++)
		for (unsigned x = 0; x < w; x++)
			for (unsigned c = 0; c < 3; c++) {
				bool inside = x >= f.x && x < f.x + f.width && y >= f.y && y < f.y + f.height;
				double expected = inside ? mean(&f, sw, x - f.x, y - f.y, c) : 0;
				assert(fabs(out[(y * w + x) * 3 + c] - expected) <= 0.5);
			}
}

static void fits_keep_their_promises(void) {
	struct scale_fit f = scale_fit(SCALE_CONTAIN, 40, 20, 10, 10);
	assert(f.width == 10 && f.height == 5 && f.x == 0 && f.y == 2 && f.source_width == 40);
	f = scale_fit(SCALE_CONTAIN, 20, 40, 10, 10);
	assert(f.width == 5 && f.height == 10 && f.x == 2);
	f = scale_fit(SCALE_COVER, 40, 20, 10, 10);
	assert(f.width == 10 && f.height == 10 && f.source_width == 20 && f.source_x == 10);
	f = scale_fit(SCALE_COVER, 20, 40, 10, 10);
	assert(f.source_height == 20 && f.source_y == 10 && f.source_width == 20);
	f = scale_fit(SCALE_STRETCH, 3, 40, 10, 10);
	assert(f.width == 10 && f.height == 10 && f.source_width == 3 && f.source_height == 40);
	f = scale_fit(SCALE_CONTAIN, 16384, 1, 10, 10); /* a line stays visible */
	assert(f.width == 10 && f.height == 1);
	f = scale_fit(SCALE_CONTAIN, 8, 6, 8, 6);
	assert(scale_is_identity(&f) && f.x == 0 && f.y == 0);
	f = scale_fit(SCALE_COVER, 8, 6, 6, 6);
	assert(!scale_is_identity(&f));
}

int main(void) {
	srand(1);
	for (size_t i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)rand();
	fits_keep_their_promises();
	for (unsigned n = 0; n < 20000; n++) {
		unsigned sw = 1 + (unsigned)rand() % SIDE, sh = 1 + (unsigned)rand() % SIDE;
		unsigned w = 1 + (unsigned)rand() % SIDE, h = 1 + (unsigned)rand() % SIDE;
		compare((enum scale_mode)(n % 3), sw, sh, w, h);
	}
	puts("scale_test: ok");
}
