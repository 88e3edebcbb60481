/* scale.c - see scale.h. */
#include "scale.h"

#include <string.h>

enum { CHANNELS = 3 };

/* a * b / c, at least 1, for sides of pictures. */
static unsigned part(unsigned a, unsigned b, unsigned c) {
	uint64_t n = (uint64_t)a * b / c;
	return n ? (unsigned)n : 1;
}

struct scale_fit scale_fit(enum scale_mode mode, unsigned source_width, unsigned source_height,
		unsigned width, unsigned height) {
	struct scale_fit f = { 0, 0, source_width, source_height, 0, 0, width, height };
	bool wider = (uint64_t)source_width * height > (uint64_t)source_height * width;
	if (mode == SCALE_CONTAIN && wider)
		f.height = part(source_height, width, source_width);
	else if (mode == SCALE_CONTAIN)
		f.width = part(source_width, height, source_height);
	else if (mode == SCALE_COVER && wider)
		f.source_width = part(source_height, width, height);
	else if (mode == SCALE_COVER)
		f.source_height = part(source_width, height, width);
	f.source_x = (source_width - f.source_width) / 2;
	f.source_y = (source_height - f.source_height) / 2;
	f.x = (width - f.width) / 2;
	f.y = (height - f.height) / 2;
	return f;
}

bool scale_is_identity(const struct scale_fit *f) {
	return f->source_x == 0 && f->source_y == 0 && f->source_width == f->width &&
			f->source_height == f->height;
}

void scale_begin(struct scale *s, const struct scale_fit *f, uint8_t *out, size_t stride, uint64_t *sums) {
	*s = (struct scale){ .fit = *f, .out = out, .stride = stride, .sums = sums };
	memset(sums, 0, f->width * CHANNELS * sizeof(*sums));
}

/* Source pixels [first, end) lie under pixel n of `to`. */
static unsigned first_of(unsigned n, unsigned from, unsigned to) {
	return (unsigned)((uint64_t)n * from / to);
}

static unsigned end_of(unsigned n, unsigned from, unsigned to) {
	unsigned first = first_of(n, from, to), end = first_of(n + 1, from, to);
	return end > first ? end : first + 1;
}

static void add_row(struct scale *s, const uint8_t *pixels) {
	const struct scale_fit *f = &s->fit;
	for (unsigned x = 0; x < f->width; x++) {
		uint64_t *sum = &s->sums[x * CHANNELS];
		unsigned end = end_of(x, f->source_width, f->width);
		for (unsigned i = first_of(x, f->source_width, f->width); i < end; i++)
			for (unsigned c = 0; c < CHANNELS; c++)
				sum[c] += pixels[i * CHANNELS + c];
	}
	s->rows++;
}

static void put_row(struct scale *s) {
	const struct scale_fit *f = &s->fit;
	uint8_t *out = s->out + (f->y + s->row) * s->stride + f->x * CHANNELS;
	for (unsigned x = 0; x < f->width; x++) {
		unsigned wide = end_of(x, f->source_width, f->width) - first_of(x, f->source_width, f->width);
		uint32_t count = wide * s->rows;
		for (unsigned c = 0; c < CHANNELS; c++) {
			uint64_t *sum = &s->sums[x * CHANNELS + c];
			out[x * CHANNELS + c] = (uint8_t)((*sum + count / 2) / count);
			*sum = 0;
		}
	}
	s->row++;
	s->rows = 0;
}

void scale_row(struct scale *s, unsigned y, const uint8_t *pixels) {
	const struct scale_fit *f = &s->fit;
	if (y < f->source_y)
		return;
	y -= f->source_y;
	while (s->row < f->height && first_of(s->row, f->source_height, f->height) <= y) {
		add_row(s, pixels + f->source_x * CHANNELS);
		if (y + 1 < end_of(s->row, f->source_height, f->height))
			return; /* more rows of the source belong to this one */
		put_row(s);
	}
}

void scale_borders(const struct scale_fit *f, uint8_t *out, unsigned width, unsigned height) {
	size_t stride = (size_t)width * CHANNELS;
	memset(out, 0, f->y * stride);
	memset(out + (f->y + f->height) * stride, 0, (height - f->y - f->height) * stride);
	unsigned right = width - f->x - f->width;
	for (unsigned y = f->y; y < f->y + f->height; y++) {
		memset(out + y * stride, 0, f->x * CHANNELS);
		memset(out + (y + 1) * stride - right * CHANNELS, 0, right * CHANNELS);
	}
}
